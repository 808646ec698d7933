"""Measure `dataaudit scan` against datatrove on the same rules, and write docs/benchmarks.md.

python benchmarks/run.py                       330 MB for us, 33 MB for the peer and for us, three rounds
python benchmarks/run.py --mb 33 --repeat 1    a short run
python benchmarks/run.py --texts FILE.jsonl    rows of real sentences instead of random words
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import peers
import report
from generate import Made, make, repeated

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


PLAIN = ("--ignore", "near-duplicates", "--ignore", "leakage")
"""Leaves rules, exact duplicates, imbalance and structure: no check that cuts texts into words."""


@dataclass(frozen=True)
class Case:
    """One command to be timed, and the data it reads."""

    name: str
    command: list[str]
    made: Made
    clears: Path | None = None
    """A folder the command writes and that must be gone before it runs."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mb", type=float, default=330, help="size of the large JSONL input in MB")
    parser.add_argument("--peer-mb", type=float, help="size of the small input; default: a tenth of --mb")
    parser.add_argument(
        "--texts", type=Path, help="JSONL whose `output` fields give the sentences of the rows"
    )
    parser.add_argument("--repeat", type=int, default=3, help="rounds; every round runs each case once")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="folder for inputs and outputs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    return parser.parse_args()


def cases(args: argparse.Namespace, large: Made, small: Made, patterns: Path) -> list[Case]:
    """What is timed, in the order in which a round runs it."""

    def scan(name: str, made: Made, source: Path, *more: str) -> Case:
        out = args.work / f"{name}.json"
        command = [args.tool, "scan", str(source), "--quiet", "--isolated", "--output", f"json={out}", *more]
        return Case(name, command, made)

    python = peers.setup(HERE / ".venvs" / "datatrove")

    def peer(name: str, module: str) -> Case:
        kept = args.work / f"{name}-out"
        script = [str(python), str(HERE / "peers.py"), "filter", str(patterns), str(small.jsonl), str(kept)]
        return Case(name, [*script, str(measure.cores()), module], small, kept)

    return [
        scan("scan-jsonl", large, large.jsonl),
        peer("datatrove", "re"),
        peer("datatrove-regex", "regex"),
        scan("scan-jsonl-small", small, small.jsonl),
        scan("scan-jsonl-plain", large, large.jsonl, *PLAIN),
        scan("scan-parquet", large, large.parquet),
        scan("scan-jsonl-tenfold", (tenfold := repeated(args.work, large, 10)), tenfold.jsonl),
    ]


def rounds(wanted: list[Case], repeat: int, work: Path) -> dict[str, list[measure.Cost]]:
    """Every case once per round, so that a slow minute of the machine falls on all of them."""
    costs: dict[str, list[measure.Cost]] = {case.name: [] for case in wanted}
    for number in range(repeat):
        for case in wanted:
            if case.clears is not None:
                shutil.rmtree(case.clears, ignore_errors=True)
            log = work / f"{case.name}.log"
            cost = measure.run(case.command, log)
            if cost.exit_code != 0:
                raise SystemExit(f"{case.name} exited with {cost.exit_code}; its output is in {log}")
            costs[case.name].append(cost)
            print(
                f"round {number + 1}: {case.name:17} {cost.wall:7.2f} s, {cost.peak_mb:6.0f} MB",
                file=sys.stderr,
            )
    return costs


def compare(args: argparse.Namespace, small: Made, patterns: Path) -> dict[str, Any]:
    """Do both sides find the same rows? Per rule against a plain loop, as a union against datatrove."""
    python = HERE / ".venvs" / "datatrove" / "bin" / "python"
    counted = args.work / "counted.json"
    script = [str(python), str(HERE / "peers.py"), "count", str(patterns), str(small.jsonl), str(counted)]
    if measure.run(script, args.work / "count.log").exit_code != 0:
        raise SystemExit(f"counting failed; its output is in {args.work / 'count.log'}")
    truth = json.loads(counted.read_text())
    ours = json.loads((args.work / "scan-jsonl-small.json").read_text())
    names = {rule["id"] for rule in json.loads(patterns.read_text())}
    found = {f["id"]: f["rows"] for f in ours["findings"] if f["id"] in names}
    kept = 0
    for path in (args.work / "datatrove-out").glob("*.jsonl"):
        with path.open("rb") as lines:
            kept += sum(1 for _ in lines)
    differ = {
        name: (found.get(name, 0), truth["rules"].get(name, 0))
        for name in found.keys() | truth["rules"].keys()
    }
    return {
        "rules": len(names),
        "rules_hit": len(truth["rules"]),
        "peer_rows": kept,
        "plain_rows": truth["rows"],
        "ours_total": sum(found.values()),
        "plain_total": sum(truth["rules"].values()),
        "differ": {name: pair for name, pair in sorted(differ.items()) if pair[0] != pair[1]},
    }


def main() -> int:
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    patterns = args.work / "patterns.json"
    peers.export(ROOT / "rules", patterns)
    files = measure.cores()
    print("generating input", file=sys.stderr)
    large = make(args.work, args.mb, files, args.texts)
    small_mb = args.peer_mb or args.mb / 10
    small = make(args.work, small_mb, files, args.texts)
    timed = cases(args, large, small, patterns)
    costs = rounds(timed, args.repeat, args.work)
    agreement = compare(args, small, patterns)
    text = report.render(
        command=f"python benchmarks/run.py --mb {args.mb:g} --peer-mb {small_mb:g} --repeat {args.repeat}"
        + ("" if args.texts is None else f" --texts {args.texts.name}"),
        texts=None if args.texts is None else args.texts.name,
        made={case.name: case.made for case in timed},
        costs=costs,
        agreement=agreement,
        versions=report.versions(args.tool, HERE / ".venvs" / "datatrove" / "bin" / "python"),
    )
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(text, encoding="utf-8")
    print(text)
    same = not agreement["differ"] and agreement["peer_rows"] == agreement["plain_rows"]
    if not same:
        print("the two sides did not find the same rows: no figure above is comparable", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
