"""The measurements as Markdown."""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
from generate import DUPLICATE_SHARE, HIT_SHARE, SEED, Made
from measure import Cost

TITLES = {
    "scan-jsonl": "dataaudit scan, JSONL",
    "scan-jsonl-plain": "dataaudit scan without near-duplicates and leakage, JSONL",
    "scan-parquet": "dataaudit scan, Parquet (the same rows)",
    "scan-jsonl-small": "dataaudit scan, JSONL, small",
    "datatrove": "datatrove, the same patterns under `re`, JSONL, small",
    "datatrove-regex": "datatrove, the same patterns under `regex`, JSONL, small",
    "scan-jsonl-tenfold": "dataaudit scan, JSONL, ten times over",
}

PEERS = ("datatrove", "datatrove-regex")


def versions(tool: str, peer: Path) -> dict[str, str]:
    """Versions of both sides and of what does their work."""

    def installed(python: str, *names: str) -> list[str]:
        if not Path(python).exists():
            return []
        code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
        out = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=False)
        found = out.stdout.split()
        return [f"{name} {number}" for name, number in zip(names, found, strict=False)]

    ours = str(Path(tool).with_name("python"))
    return {
        "ours": ", ".join(installed(ours, "dataaudit", "hyperscan", "regex", "polars", "pyarrow")) or tool,
        "peer": ", ".join(installed(str(peer), "datatrove", "regex", "orjson")),
    }


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] + ["---:"] * (len(head) - 1)), *(_row(cells) for cells in body)]


def _costs(made: dict[str, Made], costs: dict[str, list[Cost]]) -> list[str]:
    body = []
    for name, title in TITLES.items():
        cost, size = measure.median(costs[name]), made[name].megabytes
        wall = ", ".join(f"{c.wall:.2f}" for c in costs[name])
        sizes = [f"{size:.0f}", f"{made[name].rows:,}"]
        figures = [f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.peak_mb:.0f}", f"{size / cost.wall:.1f}"]
        body.append([title, *sizes, *figures, wall])
    head = ["what", "MB as JSONL", "rows", "wall s", "CPU s", "peak MB", "MB/s", "wall s of each round"]
    return _table(head, body)


def _ratios(made: dict[str, Made], costs: dict[str, list[Cost]]) -> list[str]:
    def per_mb(name: str) -> tuple[float, float]:
        cost = measure.median(costs[name])
        return cost.wall / made[name].megabytes, cost.cpu / made[name].megabytes

    body = []
    for name in ("scan-jsonl-plain", "scan-jsonl", "scan-jsonl-small", "scan-parquet"):
        ours = per_mb(name)
        ratios = [[a / b for a, b in zip(per_mb(peer), ours, strict=True)] for peer in PEERS]
        body.append([TITLES[name], *(f"{ratio:.1f}" for pair in ratios for ratio in pair)])
    head = ["`re`, wall", "`re`, CPU", "`regex`, wall", "`regex`, CPU"]
    return _table(["datatrove's time per MB, as a multiple of", *head], body)


def _agreement(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['rules']} rules that are patterns and nothing else, {found['rules_hit']} of them hit. "
        "On the small input:",
        "",
        f"- rows kept by datatrove: {found['peer_rows']:,}; rows hit by any rule in a plain loop over the "
        f"same patterns: {found['plain_rows']:,};",
        f"- rows per rule, added up: dataaudit {found['ours_total']:,}, plain loop {found['plain_total']:,};",
        f"- rules with another count of rows: {len(found['differ'])}.",
    ]
    for name, (ours, plain) in found["differ"].items():
        lines.append(f"  - `{name}`: dataaudit {ours:,}, plain loop {plain:,}")
    return lines


def _growth(made: dict[str, Made], costs: dict[str, list[Cost]]) -> str:
    small, large = (measure.median(costs[name]).peak_mb for name in ("scan-jsonl", "scan-jsonl-tenfold"))
    rows = made["scan-jsonl-tenfold"].rows / made["scan-jsonl"].rows
    return (
        f"With {rows:.1f} times the rows the peak of `dataaudit scan` is {large / small:.2f} times as high "
        f"({small:.0f} MB, {large:.0f} MB)."
    )


def render(
    *,
    command: str,
    texts: str | None,
    made: dict[str, Made],
    costs: dict[str, list[Cost]],
    agreement: dict[str, Any],
    versions: dict[str, str],
) -> str:
    """The page."""
    repeat = len(costs["datatrove"])
    where = measure.machine()
    today = datetime.datetime.now(datetime.UTC)
    made_of = "random words" if texts is None else f"sentences drawn from {texts}"
    small, large = made["datatrove"].megabytes, made["scan-jsonl"].megabytes
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}` (`make bench`) on {today:%Y-%m-%d}. "
        "What is measured and how is in [benchmarks/README.md](../benchmarks/README.md).",
        "",
        f"- Machine: {where['processor']}; {where['memory']} memory; {where['system']}.",
        f"- Ours: {versions['ours']}.",
        f"- Peer: {versions['peer']}.",
        f"- Input: {made_of}, seed {SEED}, {HIT_SHARE:.0%} of rows with a planted marker, "
        f"{DUPLICATE_SHARE:.0%} repeated; {small:.0f} MB and {large:.0f} MB.",
        f"- Medians of {repeat} round{'s' if repeat > 1 else ''}; every round runs every case once, "
        "as a whole process, start-up included.",
        "",
        "## Time and memory",
        "",
        *_costs(made, costs),
        "",
        "`dataaudit scan` runs every check, not the rules alone; datatrove runs the patterns and writes the "
        "rows they hit.",
        "",
        *_ratios(made, costs),
        "",
        "## Are the same rows found?",
        "",
        *_agreement(agreement),
        "",
        "## Growth of memory",
        "",
        _growth(made, costs),
        "",
    ]
    return "\n".join(lines)
