"""Measure dataaudit beside what others take for the same work, and write docs/benchmarks.md with its plots.

python benchmarks/run.py                           330 MB for us, a tenth for the peers, three rounds
python benchmarks/run.py --mb 33 --repeat 1        a short run
python benchmarks/run.py --groups reading rules    some sections only; prints them and writes nothing
python benchmarks/run.py --texts FILE.jsonl        rows of real sentences instead of random words
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import measure
import peers
import report
from cases import GROUPS, HERE, ROOT, Case, Inputs, cases

RIVALS = ("loop", "polars", "duckdb")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mb", type=float, default=330, help="size of the large input in MB of JSONL")
    parser.add_argument("--peer-mb", type=float, help="size of the peers' input; default: a tenth of --mb")
    parser.add_argument(
        "--rows-mb", type=float, help="size of the inputs of short and of long rows; default: --mb"
    )
    parser.add_argument(
        "--texts", type=Path, help="JSONL whose `output` fields give the sentences of the rows"
    )
    parser.add_argument("--repeat", type=int, default=3, help="rounds; every round runs each case once")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=list(GROUPS), help="sections to run")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="folder for inputs and outputs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    args = parser.parse_args()
    args.peer_mb = args.peer_mb or args.mb / 10
    args.rows_mb = args.rows_mb or args.mb
    return args


def settle(inputs: Inputs) -> None:
    """Bring the machine to where it is after a first use.

    Our modules are compiled to byte code, and what a first scan of the large input by one process keeps for later ones
    is in the user's cache.
    """
    measure.as_installed()
    source = inputs.made(inputs.args.mb).parquet
    log = inputs.args.work / "first.log"
    if measure.run(inputs.scan(source, "first", "--jobs", "1"), log).exit_code != 0:
        raise SystemExit(f"a first scan failed; its output is in {log}")


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
                f"round {number + 1}: {case.name:17} {cost.wall:7.2f} s, {cost.cpu:7.2f} s CPU, {cost.peak_mb:6.0f} MB",
                file=sys.stderr,
            )
    return costs


def compare(work: Path, patterns: Path) -> dict[str, Any]:
    """Do all find the same rows? Per rule against the loop, as a union of the loop's against datatrove."""

    def rows_per_rule(path: Path) -> dict[str, int]:
        found: dict[str, int] = json.loads(path.read_text())["rules"]
        return {name: rows for name, rows in found.items() if rows}

    truth = rows_per_rule(work / "count-loop.json")
    names = {rule["id"] for rule in json.loads(patterns.read_text())}
    ours = {f["id"]: f["rows"] for f in json.loads((work / "rules-small.json").read_text())["findings"]}
    sides = {"dataaudit": ({name: n for name, n in ours.items() if name in names}, len(names))}
    for library in ("polars", "duckdb"):
        took = json.loads((work / f"count-{library}.json").read_text())["rules"]
        sides[library] = ({name: n for name, n in took.items() if n}, len(took))
        sides[library][0].update({name: n for name, n in truth.items() if name not in took})
    kept = 0
    for path in (work / "datatrove-out").glob("*.jsonl"):
        with path.open("rb") as lines:
            kept += sum(1 for _ in lines)
    return {
        "rules": len(names),
        "rules_hit": len(truth),
        "peer_rows": kept,
        "plain_rows": json.loads((work / "count-loop.json").read_text())["rows"],
        "plain_total": sum(truth.values()),
        "sides": {
            side: {
                "rules": took,
                "differ": {
                    name: (found.get(name, 0), truth.get(name, 0))
                    for name in sorted(found.keys() | truth.keys())
                    if found.get(name, 0) != truth.get(name, 0)
                },
            }
            for side, (found, took) in sides.items()
        },
    }


def main() -> int:
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    patterns = args.work / "patterns.json"
    peers.export(ROOT / "rules", patterns)
    print("generating input", file=sys.stderr)
    inputs = Inputs(args, patterns)
    timed = cases(inputs)
    settle(inputs)
    costs = rounds(timed, args.repeat, args.work)
    agreement = compare(args.work, patterns) if "peers" in args.groups else None
    told = report.Told(args, timed, costs, agreement)
    text = report.render(told)
    print(text)
    if list(args.groups) == list(GROUPS):
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(text, encoding="utf-8")
        for name, picture in report.pictures(told).items():
            (args.output.parent / name).write_text(picture, encoding="utf-8")
    same = agreement is None or (
        not agreement["sides"]["dataaudit"]["differ"] and agreement["peer_rows"] == agreement["plain_rows"]
    )
    if not same:
        print("the two sides did not find the same rows: no figure above is comparable", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
