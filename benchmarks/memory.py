"""Peak memory of `dataaudit scan` on inputs that are large in one way: a long document, a long line, a dense stream.

python benchmarks/memory.py                          4 GB each, one line of 1 GB, with one worker and with two
python benchmarks/memory.py --gb 0.4 --line-gb 0.1   a short run
python benchmarks/memory.py --write docs/memory.md   also writes what it measured into the page

Inputs are made in a temporary folder and deleted. The exit code is 1 where a peak is beyond its bound: 1 GB plus 6
times the longest line, and for ten times the rows 1.2 times the memory.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
from long_inputs import GB, Case, array, compressed, licence, lines, long_line, one_row

BASE_GB = 1.0
LINES = 6
"""The bound: so many GB, and so many times the longest line."""
TENFOLD = 1.2

ABOUT = {
    "json-array": "a JSON array",
    "long-line": "JSON Lines, one line of prose, letters outside ASCII among it",
    "emoji-line": "JSON Lines, one line of prose with emoji",
    "escapes-line": "JSON Lines, one line of prose whose emoji and accents are escapes",
    "digits-line": "JSON Lines, one line of digits, which are one word",
    "letters-line": "two long lines of one-letter words that differ in one",
    "block-line": "two long lines of one sentence over and over that differ in one word",
    "zstd": "JSON Lines in one Zstandard frame",
    "long-row": "JSON Lines, one line of 50 MB",
    "one-row-half": "one row 100,000 times",
    "one-row": "one row 200,000 times",
    "licence-half": "50,000 rows that share a header of 900 words",
    "licence": "100,000 rows that share a header of 900 words",
    "tenth": "JSON Lines, a tenth of the rows",
    "tenfold": "JSON Lines, all rows",
}


@dataclass(frozen=True)
class Measured:
    """One run."""

    case: str
    disk_gb: float
    longest_mb: float
    jobs: int
    peak_mb: float
    bound_mb: float
    seconds: float

    @property
    def good(self) -> bool:
        """Is it within its bound?"""
        return self.peak_mb <= self.bound_mb

    def line(self) -> str:
        """For the terminal."""
        return (
            f"{self.case:12} {self.disk_gb:5.2f} GB on disk, longest line {self.longest_mb:7.1f} MB, "
            f"jobs {self.jobs}: peak {self.peak_mb:6.0f} MB of at most {self.bound_mb:6.0f}, {self.seconds:6.1f} s"
            f"{'' if self.good else '  TOO MUCH'}"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gb", type=float, default=4, help="size of each input in GB (10^9 bytes), unpacked")
    parser.add_argument("--line-gb", type=float, default=1, help="size of the long line in GB")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2], help="numbers of workers")
    parser.add_argument(
        "--only", nargs="*", choices=ABOUT, metavar="CASE", help=f"of {', '.join(ABOUT)}; default: all"
    )
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--tmp", type=Path, help="where the inputs are made for the time of the run")
    parser.add_argument("--write", type=Path, help="file for the table, in Markdown")
    return parser.parse_args()


def cases(args: argparse.Namespace) -> list[Case]:
    """What is measured, in this order."""

    def line(text: str) -> functools.partial[int]:
        return functools.partial(long_line, gb=2.4 * args.line_gb, text=text, line_gb=args.line_gb)

    return [
        Case("json-array", "data.json", functools.partial(array, gb=args.gb)),
        Case(
            "long-line",
            "data.jsonl",
            functools.partial(long_line, gb=args.gb, text="prose", line_gb=args.line_gb),
        ),
        Case("zstd", "data.jsonl.zst", functools.partial(compressed, gb=args.gb)),
        Case("emoji-line", "data.jsonl", line("emoji")),
        Case("escapes-line", "data.jsonl", line("escapes")),
        Case("digits-line", "data.jsonl", line("digits")),
        Case("letters-line", "data.jsonl", line("letters")),
        Case("block-line", "data.jsonl", line("block")),
        Case("long-row", "data.jsonl", functools.partial(long_line, gb=0.2, text="prose", line_gb=0.05)),
        Case("one-row-half", "data.jsonl", functools.partial(one_row, count=100_000)),
        Case("one-row", "data.jsonl", functools.partial(one_row, count=200_000)),
        Case("licence-half", "data.jsonl", functools.partial(licence, count=50_000)),
        Case("licence", "data.jsonl", functools.partial(licence, count=100_000)),
        Case("tenth", "data.jsonl", functools.partial(lines, gb=args.gb / 10)),
        Case("tenfold", "data.jsonl", functools.partial(lines, gb=args.gb)),
    ]


def scan(args: argparse.Namespace, path: Path, jobs: int) -> measure.Cost:
    """Scan with everything on."""
    command = [args.tool, "scan", str(path), "--quiet", "--isolated", "--jobs", str(jobs)]
    if args.tmp:
        command += ["--work-dir", str(args.tmp)]
    log = path.parent / "log"
    cost = measure.run([*command, "--output", f"json={path.parent / 'report.json'}"], log)
    if cost.exit_code != 0:
        raise SystemExit(f"{path.name} exited with {cost.exit_code}:\n{log.read_text()[-2000:]}")
    return cost


def run(args: argparse.Namespace) -> list[Measured]:
    """Measure every case that was asked for."""
    found: list[Measured] = []
    for case in cases(args):
        if args.only and case.name not in args.only:
            continue
        with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
            path = Path(folder) / case.file
            longest = case.write(path)
            for jobs in args.jobs:
                cost = scan(args, path, jobs)
                bound = BASE_GB * 1000 + LINES * longest / 1e6
                tenth = [one.peak_mb for one in found if one.case == "tenth" and one.jobs == jobs]
                if case.name == "tenfold" and tenth:
                    bound = TENFOLD * tenth[0]
                disk = path.stat().st_size / GB
                one = Measured(case.name, disk, longest / 1e6, jobs, cost.peak_mb, bound, cost.wall)
                found.append(one)
                print(one.line(), flush=True)
    return found


HEAD = "| input | GB on disk | longest line, MB | workers | peak MB | bound MB | seconds | measured |"


def page(found: list[Measured], before: str) -> str:
    """The page; of the page before it the rows that were not measured again."""
    machine = measure.machine()
    today = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}"
    rows = {_key(line): line for line in before.partition(HEAD)[2].splitlines() if line.startswith("| ")}
    for one in found:
        peak = f"{one.peak_mb:,.0f}" if one.good else f"**{one.peak_mb:,.0f}**"
        line = (
            f"| {ABOUT[one.case]} | {one.disk_gb:.2f} | {one.longest_mb:,.1f} | {one.jobs} | {peak} | "
            f"{one.bound_mb:,.0f} | {one.seconds:,.0f} | {today} |"
        )
        rows[_key(line)] = line
    order = list(ABOUT.values())
    lines = "\n".join(sorted(rows.values(), key=lambda line: (order.index(_key(line)[0]), _key(line))))
    return f"""# Memory

Peak memory of `dataaudit scan` with every check that is on by default, near-duplicates and leakage among them: of the
whole tree of processes, pages of files in the system's cache not counted. `python benchmarks/memory.py --write
docs/memory.md` measures and writes this page; `--gb`, `--line-gb` and `--only` choose sizes and rows, and rows that are
not measured again stay.

Last on {machine["processor"]}; {machine["memory"]} memory; {machine["system"]}. Times are those of a machine with much
other work on it, and tell nothing but the order of size.

The bound is {BASE_GB:g} GB and {LINES} times the longest line; with all rows, {TENFOLD} times the memory that a tenth
of them took. A peak in bold is beyond its bound.

{HEAD}
|---|--:|--:|--:|--:|--:|--:|---|
{lines}

What a text takes while it is read decides the peak: its line, the parser's copy of it, and the string made of it, which
in Python has one, two or four bytes a character, depending on the widest in it. What is made of it afterwards is
worked out in windows of a few megabytes: words, shingles and normalised forms of a long text are never held whole,
and lie in the work directory where they are needed twice: up to four bytes for each byte of the text, and as many again
where it may be a near-duplicate. Of long lines one is held at a time, however many workers read.

The bound is one for text. A long line of many tiny values (turns of one letter, numbers, empty lists) is held as the
objects that the parser makes of it, each of them several times as large as what stands in the line.
"""


def _key(line: str) -> tuple[str, str, str]:
    """What a row of the table is of: input, size of its longest line, workers."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    return cells[0], cells[2], cells[3]


def main() -> int:
    args = arguments()
    found = run(args)
    if args.write:
        before = args.write.read_text(encoding="utf-8") if args.write.exists() else ""
        args.write.write_text(page(found, before), encoding="utf-8")
    return 0 if all(one.good for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
