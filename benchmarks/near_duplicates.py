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
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
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


def judge(removed: set[int], labels: Sequence[int]) -> Judged:
    """Rows removed, held against the components of `labels`: of one of n rows, any n - 1 may go.

    Which row of a cluster a tool keeps is its own affair; removing the last one is an error.
    """
    sizes = Counter(labels)
    gone = Counter(labels[row] for row in removed)
    right = sum(min(count, sizes[label] - 1) for label, count in gone.items())
    return Judged(len(labels), len(labels) - len(sizes), len(removed), right)


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
    labels = near_truth.labels(len(texts), found, THRESHOLD).tolist()
    return Accuracy(name, judge(set(kept), labels), linked)


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


def rows_of(args: argparse.Namespace, count: int) -> tuple[near_peers.Rows, list[int]]:
    """Rows made once, and the component of each by brute force.

    Both are made by processes of their own: the kernel's record of a child's peak memory starts at the size its parent
    had when it forked, so the process that measures must stay small.
    """
    folder, cores = args.work / f"near-{count}-{args.texts.stem}", measure.cores()
    done, whole = folder / "labels.json", folder / "rows.jsonl"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        numbers = ["--rows", str(count), "--parts", str(cores)]
        made = [sys.executable, str(HERE / "near_rows.py"), str(args.texts), str(folder), *numbers]
        subprocess.run(made, check=True)
        true = [sys.executable, str(HERE / "near_truth.py"), str(whole), str(done), str(THRESHOLD)]
        subprocess.run(true, check=True)
    return near_peers.Rows(whole, folder / "parts", cores), json.loads(done.read_text())


def ours(args: argparse.Namespace, count: int, *more: str) -> Ran:
    rows, labels = rows_of(args, count)
    out, log = args.work / "ours.jsonl", args.work / "ours.log"
    costs = [measure.run([*command(args, rows.whole, out), *more], log) for _ in range(args.repeat)]
    return Ran(" ".join(("dataaudit", *more)), count, costs, judge(set(twins(out)), labels))


def theirs(args: argparse.Namespace, peer: str, count: int) -> Ran:
    rows, labels = rows_of(args, count)
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
    return Ran(peer, count, costs, judge(set(range(count)) - near_peers.kept(peer, python, out), labels))


def compared(args: argparse.Namespace) -> list[Ran]:
    """All tools on all rows, those of `--tenth` on a tenth of them, ours on both, with one process and by default."""
    ran = []
    for count, peers in (
        (args.rows, [peer for peer in args.peers if peer not in args.tenth]),
        (args.rows // 10, [peer for peer in args.peers if peer in args.tenth]),
    ):
        if count and (peers or count == args.rows):
            ran += [ours(args, count, "--jobs", "1"), ours(args, count)]
            ran += [theirs(args, peer, count) for peer in peers]
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
    measure.as_installed()
    ran = compared(args)
    found, synthetic, real = truths(args)
    near_curve.write(DOCS / "near-duplicates-recall.svg", synthetic, real)
    text = near_report.render(args, found, (synthetic, real), ran)
    (DOCS / "near-duplicates-measured.md").write_text(text, encoding="utf-8")
    print(text)
    good = all(one.judged.precision >= 0.98 for one in found) and all(
        link.found >= 0.95 * link.pairs for one in found for link in one.linked if link.similarity == 0.85
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
