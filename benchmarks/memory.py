"""Peak memory of `dataaudit scan` on inputs that are large in one way: a long document, a long line, a dense stream.

python benchmarks/memory.py                          4 GB each, one line of 1 GB, with one worker and with two
python benchmarks/memory.py --gb 0.4 --line-gb 0.1   a short run

Inputs are made in a temporary folder and deleted. The exit code is 1 where a peak is beyond its bound: 1 GB plus 6
times the longest line, and for ten times the rows 1.2 times the memory.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import measure
from generate import rows, sentences

GB = 10**9
BLOCK_ROWS = 4000
MARK = b"%%%%%%%%"
"""Stands in every row; a number replaces it, so that no two blocks are the same."""
BASE_GB = 1.0
LINES = 6
"""The bound: so many GB, and so many times the longest line."""
TENFOLD = 1.2


@dataclass(frozen=True)
class Case:
    """An input, how it is written, and its longest line in bytes."""

    name: str
    file: str
    write: Callable[[Path], int]


def block(separator: bytes) -> bytes:
    """Some MB of rows, each of them marked."""
    made = []
    for row in itertools.islice(rows(11, sentences), BLOCK_ROWS):
        marked = {**row, "response": f"{MARK.decode()} {row['response']}"}
        made.append(json.dumps(marked, ensure_ascii=False).encode())
    return separator.join(made)


def blocks(nbytes: float, separator: bytes) -> Iterator[bytes]:
    """Blocks up to this size, all rows different."""
    base, written = block(separator), 0
    for number in itertools.count():
        if written >= nbytes:
            return
        piece = base.replace(MARK, b"%08d" % number)
        written += len(piece)
        yield piece


def array(path: Path, gb: float) -> int:
    """A JSON array; returns the bytes of its longest element."""
    with path.open("wb") as out:
        out.write(b"[")
        for number, piece in enumerate(blocks(gb * GB, b",")):
            out.write((b"," if number else b"") + piece)
        out.write(b"]")
    return max(map(len, block(b"\n").split(b"\n")))


def lines(path: Path, gb: float, line_gb: float) -> int:
    """JSON Lines with one very long line in their middle."""
    long = int(line_gb * GB)
    with path.open("wb") as out:
        before = iter(blocks((gb - line_gb) * GB / 2, b"\n"))
        for piece in before:
            out.write(piece + b"\n")
        if long:
            word = b"a sentence of some words that goes on. "
            out.write(b'{"prompt": "long", "response": "')
            for _ in range(long // (len(word) * 10_000)):
                out.write(word * 10_000)
            out.write(b'"}\n')
        for piece in blocks((gb - line_gb) * GB / 2, b"\n"):
            out.write(piece + b"\n")
    return max(long, *map(len, block(b"\n").split(b"\n")))


def compressed(path: Path, gb: float) -> int:
    """JSON Lines in one Zstandard frame."""
    import zstandard

    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as out:
        for piece in blocks(gb * GB, b"\n"):
            out.write(piece + b"\n")
    return max(map(len, block(b"\n").split(b"\n")))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gb", type=float, default=4, help="size of each input in GB (10^9 bytes), unpacked")
    parser.add_argument("--line-gb", type=float, default=1, help="size of the long line in GB")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2], help="numbers of workers")
    parser.add_argument("--only", nargs="*", help="names of cases; default: all")
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--tmp", type=Path, help="where the inputs are made for the time of the run")
    return parser.parse_args()


def scan(args: argparse.Namespace, path: Path, jobs: int) -> measure.Cost:
    """Scan with everything on."""
    command = [args.tool, "scan", str(path), "--quiet", "--isolated", "--jobs", str(jobs)]
    log = path.parent / "log"
    cost = measure.run([*command, "--output", f"json={path.parent / 'report.json'}"], log)
    if cost.exit_code != 0:
        raise SystemExit(f"{path.name} exited with {cost.exit_code}:\n{log.read_text()[-2000:]}")
    return cost


def main() -> int:
    args = arguments()
    cases = [
        Case("json-array", "data.json", lambda path: array(path, args.gb)),
        Case("long-line", "data.jsonl", lambda path: lines(path, args.gb, args.line_gb)),
        Case("zstd", "data.jsonl.zst", lambda path: compressed(path, args.gb)),
        Case("tenth", "data.jsonl", lambda path: lines(path, args.gb / 10, 0)),
        Case("tenfold", "data.jsonl", lambda path: lines(path, args.gb, 0)),
    ]
    fine = True
    tenth: dict[int, float] = {}
    for case in cases:
        if args.only and case.name not in args.only:
            continue
        with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
            path = Path(folder) / case.file
            longest = case.write(path)
            for jobs in args.jobs:
                cost = scan(args, path, jobs)
                bound = BASE_GB * 1000 + LINES * longest / 1e6
                if case.name == "tenth":
                    tenth[jobs] = cost.peak_mb
                elif case.name == "tenfold" and jobs in tenth:
                    bound = TENFOLD * tenth[jobs]
                good = cost.peak_mb <= bound
                fine = fine and good
                print(
                    f"{case.name:11} {path.stat().st_size / GB:5.1f} GB on disk, longest line {longest / 1e6:7.1f} MB, "
                    f"jobs {jobs}: peak {cost.peak_mb:6.0f} MB of at most {bound:6.0f}, {cost.wall:6.1f} s"
                    f"{'' if good else '  TOO MUCH'}",
                    flush=True,
                )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
