"""Measure near-duplicates against the truth and against other tools, and write docs/near-duplicates-measured.md.

python benchmarks/near_duplicates.py TEXTS.jsonl                     everything, on 180,000 rows; slow peers take hours
python benchmarks/near_duplicates.py TEXTS.jsonl --rows 0            the truth and the recall curve alone: a minute
python benchmarks/near_duplicates.py TEXTS.jsonl --peers rensa       these peers only
python benchmarks/near_duplicates.py TEXTS.jsonl --tenth datatrove   these peers on a tenth of the rows

The `output` fields of TEXTS.jsonl are the real texts. The exit code is 1 where precision or recall miss their goals.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import measure
import near_curve
import near_peers
import near_report
import near_rows
import near_truth
import numpy as np

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
THRESHOLD = 0.8


@dataclass(frozen=True)
class Judged:
    """Rows removed, held against those that brute force removes."""

    rows: int
    truth: int
    removed: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.removed if self.removed else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.removed + self.truth) if self.removed + self.truth else 1.0


@dataclass(frozen=True)
class Linked:
    """Pairs of a similarity or more, and those of them that ended in one cluster."""

    similarity: float
    pairs: int
    found: int


@dataclass(frozen=True)
class Accuracy:
    """Our scan of some texts beside the truth about them."""

    name: str
    judged: Judged
    linked: list[Linked]


@dataclass(frozen=True)
class Ran:
    """One tool on one set of rows."""

    name: str
    rows: int
    costs: list[measure.Cost]
    judged: Judged


def judge(rows: int, removed: set[int], truth: set[int]) -> Judged:
    return Judged(rows, len(truth), len(removed), len(removed & truth))


def command(args: argparse.Namespace, source: Path, out: Path) -> list[str]:
    """Our scan, near-duplicates alone, every removed row written to `out`."""
    flags = ["--quiet", "--isolated", "--select", "near-duplicates", "--output", f"rows={out}"]
    return [args.tool, "scan", str(source), *flags]


def twins(out: Path) -> dict[int, int]:
    """Row removed → row kept in its place, from the rows our scan wrote."""
    with out.open("rb") as lines:
        found = [json.loads(line) for line in lines]
    return {one["row"]: one["twin_row"] for one in found}


def accuracy(args: argparse.Namespace, name: str, texts: list[str], found: near_truth.Pairs) -> Accuracy:
    """Scan the texts as a user would, and compare."""
    source, out = args.work / "accuracy.jsonl", args.work / "accuracy-rows.jsonl"
    with source.open("wb") as file:
        for text in texts:
            file.write(json.dumps({"text": text}).encode() + b"\n")
    cost = measure.run(command(args, source, out), args.work / "accuracy.log")
    if cost.exit_code != 0:
        raise SystemExit(
            f"the scan exited with {cost.exit_code}; its output is in {args.work / 'accuracy.log'}"
        )
    kept = twins(out)
    head = np.asarray([kept.get(row, row) for row in range(len(texts))])
    linked = []
    for least in (0.8, 0.85, 0.9, 0.95):
        mine = (found.similarity >= least) & (found.similarity < 1)
        together = head[found.left[mine]] == head[found.right[mine]]
        linked.append(Linked(least, int(mine.sum()), int(together.sum())))
    truth = near_truth.removable(len(texts), found, THRESHOLD)
    return Accuracy(name, judge(len(texts), set(kept), truth), linked)


def truths(args: argparse.Namespace) -> tuple[list[Accuracy], list[near_curve.Point], list[near_curve.Point]]:
    """Accuracy on real and on synthetic texts; the points of the curve of both."""
    real = near_rows.outputs(args.texts)
    pairs = near_truth.pairs(near_truth.sets_of(real), 0.5)
    long = np.asarray([len(near_truth.words(text)) >= near_rows.SHINGLE for text in real])
    mine = long[pairs.left] & long[pairs.right]
    together = near_curve.met(real, pairs.left[mine], pairs.right[mine])
    copies, alike = near_curve.planted(real)
    at = np.arange(0, len(copies), 2)
    alike = np.concatenate([pairs.similarity[mine], alike])
    together = np.concatenate([together, near_curve.met(copies, at, at + 1)])
    made, similar = near_curve.planted()
    synthetic = near_curve.points(similar, near_curve.met(made, at, at + 1))
    planted = near_truth.Pairs(at, at + 1, similar)
    return (
        [
            accuracy(args, f"real texts ({args.texts.name})", real, pairs),
            accuracy(args, "synthetic texts with planted edits", made, planted),
        ],
        synthetic,
        near_curve.points(alike, together),
    )


def rows_of(args: argparse.Namespace, count: int) -> tuple[near_peers.Rows, set[int]]:
    """Rows made once, and what brute force removes of them."""
    folder, cores = args.work / f"near-{count}-{args.texts.stem}", measure.cores()
    done = folder / "truth.json"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        near_rows.write(args.texts, folder, count, cores)
        with (folder / "rows.jsonl").open("rb") as lines:
            sets = near_truth.sets_of([json.loads(line)["text"] for line in lines])
        truth = near_truth.removable(count, near_truth.pairs(sets, THRESHOLD), THRESHOLD)
        done.write_text(json.dumps(sorted(truth)))
    return near_peers.Rows(folder / "rows.jsonl", folder / "parts", cores), set(json.loads(done.read_text()))


def ours(args: argparse.Namespace, count: int) -> Ran:
    rows, truth = rows_of(args, count)
    out, log = args.work / "ours.jsonl", args.work / "ours.log"
    costs = [measure.run(command(args, rows.whole, out), log) for _ in range(args.repeat)]
    return Ran("dataaudit", count, costs, judge(count, set(twins(out)), truth))


def theirs(args: argparse.Namespace, peer: str, count: int) -> Ran:
    rows, truth = rows_of(args, count)
    python = near_peers.setup(peer, HERE / ".venvs")
    costs = []
    out = args.work / f"{peer}-out"
    for _ in range(args.repeat):
        for left in (out, Path(f"{out}-cache")):
            shutil.rmtree(left, ignore_errors=True)
        print(f"{peer}, {count:,} rows …", file=sys.stderr)
        log = args.work / f"{peer}.log"
        costs.append(measure.run(near_peers.command(peer, python, rows, out), log))
        if costs[-1].exit_code != 0:
            raise SystemExit(f"{peer} exited with {costs[-1].exit_code}; its output is in {log}")
    removed = set(range(count)) - near_peers.kept(peer, python, out)
    return Ran(peer, count, costs, judge(count, removed, truth))


def compared(args: argparse.Namespace) -> list[Ran]:
    """All tools on all rows, those of `--tenth` on a tenth of them, ours on both."""
    if not args.rows:
        return []
    ran = [ours(args, args.rows)]
    ran += [theirs(args, peer, args.rows) for peer in args.peers if peer not in args.tenth]
    if args.tenth:
        ran.append(ours(args, args.rows // 10))
        ran += [theirs(args, peer, args.rows // 10) for peer in args.peers if peer in args.tenth]
    return ran


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("texts", type=Path, help="JSONL whose `output` fields are the real texts")
    parser.add_argument("--rows", type=int, default=180_000, help="rows for the comparison of tools; 0: none")
    peers = list(near_peers.REQUIREMENTS)
    parser.add_argument("--peers", nargs="*", default=peers, choices=peers)
    parser.add_argument(
        "--tenth", nargs="*", default=[], choices=peers, help="peers that get a tenth of the rows"
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each tool")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="folder for inputs and outputs")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    found, synthetic, real = truths(args)
    near_curve.write(DOCS / "near-duplicates-recall.svg", synthetic, real)
    ran = compared(args)
    text = near_report.render(args, found, (synthetic, real), ran)
    (DOCS / "near-duplicates-measured.md").write_text(text, encoding="utf-8")
    print(text)
    good = all(one.judged.precision >= 0.98 for one in found) and all(
        link.found >= 0.95 * link.pairs for one in found for link in one.linked if link.similarity == 0.85
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
