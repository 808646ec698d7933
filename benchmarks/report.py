"""The measurements as Markdown and as pictures."""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
from cases import RULE_COUNTS, VENVS, Case
from generate import DUPLICATE_SHARE, HIT_SHARE, SEED
from measure import Cost
from plots import Line, plot

PIPELINES = (("`re`", "datatrove"), ("`regex`", "datatrove-regex"))
"""What datatrove runs to find patterns, to which MinHash is added."""
PEERS = ("datatrove", "datatrove-regex", "count-loop", "count-polars", "count-duckdb")


@dataclass(frozen=True)
class Told:
    """What a run has to tell."""

    args: argparse.Namespace
    timed: list[Case]
    costs: dict[str, list[Cost]]
    agreement: dict[str, Any] | None

    def cost(self, name: str) -> Cost:
        """The medians of a case."""
        return measure.median(self.costs[name])

    def ratio(self, one: str, other: str) -> tuple[float, float]:
        """Median over the rounds of one case's wall and CPU time as multiples of another's in the same round."""
        pairs = list(zip(self.costs[one], self.costs[other], strict=True))
        walls = sorted(a.wall / b.wall for a, b in pairs)
        cpus = sorted(a.cpu / b.cpu for a, b in pairs)
        return walls[len(walls) // 2], cpus[len(cpus) // 2]

    def per_mb(self, parts: Sequence[str], other: str) -> tuple[float, float]:
        """`ratio` of some cases together to another on more data, both by megabyte."""
        size = {case.name: case.made.megabytes for case in self.timed}
        found = []
        for number, whole in enumerate(self.costs[other]):
            costs = [self.costs[name][number] for name in parts]
            times = size[other] / size[parts[0]]
            found.append(
                (
                    sum(one.wall for one in costs) * times / whole.wall,
                    sum(one.cpu for one in costs) * times / whole.cpu,
                )
            )
        walls, cpus = (sorted(column) for column in zip(*found, strict=True))
        return walls[len(walls) // 2], cpus[len(cpus) // 2]

    def of(self, group: str) -> list[Case]:
        """The cases of a section."""
        return [case for case in self.timed if case.group == group]


def versions(python: str, *names: str) -> str:
    """Versions of packages in an environment."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    if not Path(python).exists():
        return ""
    out = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=False)
    return ", ".join(f"{name} {number}" for name, number in zip(names, out.stdout.split(), strict=False))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] + ["---:"] * (len(head) - 1)), *(_row(cells) for cells in body), ""]


def _costs(told: Told, group: str) -> list[str]:
    body = []
    for case in told.of(group):
        cost, size = told.cost(case.name), case.made.megabytes
        figures = [f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.peak_mb:.0f}", f"{size / cost.wall:.1f}"]
        rows = [f"{size:.4g}", f"{case.made.rows:,}"]
        figures += [f"{size / cost.cpu:.1f}", f"{case.made.rows / cost.wall:,.0f}"]
        body.append([case.title, *rows, *figures])
    head = ["what", "MB as JSONL", "rows", "wall s", "CPU s", "peak MB", "MB/s", "MB per CPU s", "rows/s"]
    return _table(head, body)


def _ratios(told: Told, head: str, pairs: Sequence[tuple[str, str, str]]) -> list[str]:
    body = []
    for title, one, other in pairs:
        wall, cpu = told.ratio(one, other)
        body.append([title, f"{wall:.2f}", f"{cpu:.2f}"])
    return _table([head, "wall", "CPU"], body)


def _reading(told: Told) -> list[str]:
    pairs = [
        (name, f"rules-{kind}", f"read-{kind}") for name, kind in (("JSONL", "jsonl"), ("Parquet", "parquet"))
    ]
    return [
        "The limit is reading: polars reads the same two columns of the same files, one file after the other, and "
        "drops them.",
        "",
        *_costs(told, "reading"),
        *_ratios(told, "rules only, as a multiple of reading", pairs),
    ]


def _checks(told: Told) -> list[str]:
    pairs = [
        ("`clean` to `scan`, everything on", "clean-jsonl", "scan-jsonl"),
        (f"one process to {measure.cores()} workers", "scan-jsonl-one", "scan-jsonl"),
    ]
    manifest = json.loads((told.args.work / "clean-out" / "manifest.json").read_text(encoding="utf-8"))
    dropped = manifest["totals"]["quarantined"] / manifest["totals"]["rows"]
    return [
        "Everything is on, unless said otherwise: rules, exact and near-duplicates, leakage of the shipped benchmarks, "
        f"structure, imbalance. `clean` drops {dropped:.1%} of the rows.",
        "",
        *_costs(told, "checks"),
        *_ratios(told, "time of the first as a multiple of the second", pairs),
    ]


def _peers(told: Told) -> list[str]:
    ours = ("rules-small", "scan-small")
    body = []
    for peer in PEERS:
        title = next(case.title for case in told.timed if case.name == peer)
        figures = [figure for name in ours for figure in told.ratio(peer, name)]
        body.append([title, *(f"{figure:.1f}" for figure in figures)])
    head = ["time as a multiple of", "rules only: wall", "CPU", "everything: wall", "CPU"]
    return [
        "All get the patterns of our packs that are a search and nothing else. datatrove stops at the first pattern "
        "that hits a row and writes those rows; the others count rows per rule, as we do. polars and DuckDB are given "
        "the patterns that their expressions take.",
        "",
        *_costs(told, "peers"),
        *_table(head, body),
        *_pipelines(told),
    ]


def _pipelines(told: Told) -> list[str]:
    """datatrove doing most of what our scan does, beside that scan of the large input."""
    if "checks" not in told.args.groups:
        return []
    body = []
    for module, name in PIPELINES:
        wall, cpu = told.per_mb([name, "datatrove-minhash"], "scan-jsonl")
        body.append([f"patterns under {module}, and MinHash", f"{wall:.0f}", f"{cpu:.0f}"])
    return [
        "Per megabyte, beside our scan of the large input with everything on (start-up weighs little there, while "
        "what datatrove takes grows with its input):",
        "",
        *_table(["datatrove, as a multiple of ours", "wall", "CPU"], body),
    ]


def _agreement(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['rules']} rules are patterns and nothing else, {found['rules_hit']} of them hit; "
        f"{found['plain_total']:,} rows, added up over rules, by the plain loop.",
        "",
        f"- rows kept by datatrove: {found['peer_rows']:,}; rows hit by any rule in the loop: {found['plain_rows']:,};",
    ]
    for side, one in found["sides"].items():
        lines.append(
            f"- {side}, {one['rules']} rules: {len(one['differ'])} with another count of rows than the loop."
        )
        for name, (theirs, plain) in list(one["differ"].items())[:10]:
            lines.append(f"  - `{name}`: {theirs:,}, loop {plain:,}")
    return [*lines, ""]


def _size(told: Told) -> list[str]:
    lines = [*_costs(told, "size"), "![Throughput against size](benchmarks-size.svg)", ""]
    for name, title in (("rules", "Rules only"), ("scan", "Everything on")):
        small, large = (told.cost(f"{name}-size-{share}").peak_mb for share in (10, 100))
        lines.append(
            f"{title}: ten times the rows, {large / small:.2f} times the peak memory ({small:.0f} MB, {large:.0f} MB)."
        )
    return [*lines, ""]


def _rules(told: Told) -> list[str]:
    pairs = [(f"{b} rules to {a}", f"rules-{b}", f"rules-{a}") for a, b in itertools.pairwise(RULE_COUNTS)]
    return [
        "Shipped rules in a shuffled order, and beyond those made-up phrases; no other check is on but that for "
        "malformed records.",
        "",
        *_costs(told, "rules"),
        "![Throughput against rules](benchmarks-rules.svg)",
        "",
        *_ratios(told, "time as a multiple", pairs),
    ]


def pictures(told: Told) -> dict[str, str]:
    """File name → SVG."""
    sizes = []
    for name, title in (("rules", "rules only"), ("scan", "everything on")):
        cases = [case for case in told.of("size") if case.name.startswith(f"{name}-")]
        points = [(c.made.megabytes, c.made.megabytes / told.cost(c.name).wall) for c in cases]
        sizes.append(Line(title, points))
    counts = [(c.note["rules"], c.made.megabytes / told.cost(c.name).wall) for c in told.of("rules")]
    return {
        "benchmarks-size.svg": plot("Throughput against size, JSONL", "MB of JSONL", "MB/s", sizes),
        "benchmarks-rules.svg": plot(
            "Throughput against rules, Parquet", "rules", "MB/s", [Line("rules only", counts)]
        ),
    }


SECTIONS = {
    "reading": ("Rules, beside reading alone", _reading),
    "checks": ("All checks, and clean", _checks),
    "peers": ("Other tools on the same patterns", _peers),
    "size": ("1, 10 and 100 times the rows", _size),
    "rules": ("6, 60 and 600 rules", _rules),
    "rows": ("Short and long rows, Parquet", lambda told: _costs(told, "rows")),
}


def _head(told: Told) -> list[str]:
    args, where = told.args, measure.machine()
    repeat = args.repeat
    made_of = "random words" if args.texts is None else f"sentences drawn from {args.texts.name}"
    command = (
        f"python benchmarks/run.py --mb {args.mb:g} --peer-mb {args.peer_mb:g} --rows-mb {args.rows_mb:g}"
    )
    command += f" --repeat {repeat}" + ("" if args.texts is None else f" --texts {args.texts.name}")
    ours = versions(
        str(Path(args.tool).with_name("python")),
        "dataaudit",
        "hyperscan",
        "regex",
        "numba",
        "polars",
        "pyarrow",
    )
    others = [versions(str(VENVS / "datatrove" / "bin" / "python"), "datatrove", "regex", "orjson")]
    others.append(versions(str(VENVS / "rivals" / "bin" / "python"), "polars", "duckdb", "regex"))
    return [
        "# Benchmarks",
        "",
        f"Written by `{command}` (`make bench`) on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}. "
        "What is measured and how is in [benchmarks/README.md](../benchmarks/README.md).",
        "",
        f"- Machine: {where['processor']}; {where['memory']} memory; {where['system']}; {where['load']}.",
        f"- Ours: {ours}.",
        f"- Others: {'; '.join(filter(None, others))}.",
        f"- Input: {made_of}, seed {SEED}, {HIT_SHARE:.0%} of rows with a planted marker, "
        f"{DUPLICATE_SHARE:.0%} repeated, one file per core.",
        f"- Medians of {repeat} round{'s' if repeat > 1 else ''}; every round runs every case once, as a whole "
        "process, start-up included. Ratios are taken within rounds.",
        "",
    ]


def render(told: Told) -> str:
    """The page."""
    lines = _head(told)
    for group, (title, section) in SECTIONS.items():
        if group in told.args.groups:
            lines += [f"## {title}", "", *section(told)]
        if group == "peers" and told.agreement is not None:
            lines += ["### Are the same rows found?", "", *_agreement(told.agreement)]
    return "\n".join(lines).rstrip() + "\n"
