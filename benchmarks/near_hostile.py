"""Near-duplicates of inputs made to be hard: time, peak memory, and the rows removed beside those that must be.

python benchmarks/near_hostile.py                    each at a tenth of its size and at its size
python benchmarks/near_hostile.py --only licence

The exit code is 1 where the rows are not the right ones, or where ten times the rows take more than fifteen times the
processor time.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import measure

LINEAR = 15
"""Ten times the rows may take so many times the time: a little more than ten, for caches."""
START = 0.7
"""Seconds of processor time that starting takes, left out of the ratio."""

Rows = Iterator[str]


def latin(rng: random.Random, words: int) -> str:
    return " ".join(
        f"{rng.choice('bdfgklmnprst')}{rng.choice('aeiou')}{rng.randrange(999)}" for _ in range(words)
    )


def drawn(first: int, last: int, separator: str) -> Callable[[random.Random, int], str]:
    """Texts of random characters of a block; words of five of them where there is a separator."""

    def draw(rng: random.Random, count: int) -> str:
        chars = [chr(rng.randint(first, last)) for _ in range(count)]
        if not separator:
            return "".join(chars)
        return separator.join("".join(chars[i : i + 5]) for i in range(0, count, 5))

    return draw


def repeated(rows: int) -> tuple[Rows, int]:
    """One row, many times."""
    text = latin(random.Random(1), 120)
    return (text for _ in range(rows)), rows - 1


def licence(rows: int) -> tuple[Rows, int]:
    """A long header that all rows share; what follows is of their own, and no two rows reach the threshold."""
    rng = random.Random(2)
    header = latin(rng, 300)
    return (f"{header} {latin(rng, 60)}" for _ in range(rows)), 0


def huge(rows: int) -> tuple[Rows, int]:
    """A row of as many words as make 50 MB at full size, and the same with a word more."""
    rng = random.Random(3)
    block = latin(rng, 10_000)
    text = " ".join(f"{block} {i}" for i in range(rows * 50_000_000 // len(block) // 10))
    return iter((text, "something else", text + " end")), 1


def empty(rows: int) -> tuple[Rows, int]:
    """No text at all."""
    return (("", " ", "\u200b", "\n\t")[i % 4] if i % 4 != 2 else "" for i in range(rows)), 0


def twice(draw: Callable[[random.Random, int], str], length: int) -> Callable[[int], tuple[Rows, int]]:
    """Random rows, every tenth followed by itself."""

    def make(rows: int) -> tuple[Rows, int]:
        rng = random.Random(4)

        def made() -> Rows:
            for i in range(rows - rows // 10):
                text = draw(rng, length)
                yield text
                if i % 9 == 0 and i // 9 < rows // 10:
                    yield text

        return made(), rows // 10

    return make


CASES: dict[str, tuple[int, Callable[[int], tuple[Rows, int]]]] = {
    "repeated": (200_000, repeated),
    "licence": (100_000, licence),
    "huge": (10, huge),
    "empty": (200_000, empty),
    "emoji": (100_000, twice(drawn(0x1F600, 0x1F64F, ""), 12)),
    "chinese": (100_000, twice(drawn(0x4E00, 0x9FA5, ""), 120)),
    "arabic": (100_000, twice(drawn(0x0627, 0x064A, " "), 300)),
    "thai": (100_000, twice(drawn(0x0E01, 0x0E2E, ""), 120)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--tmp", type=Path, help="where the rows are made for the time of a run")
    args = parser.parse_args()
    fine = True
    for name in args.only:
        full, make = CASES[name]
        before = 0.0
        for rows in (full // 10, full):
            with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
                data, report, log = (Path(folder) / one for one in ("data.jsonl", "report.json", "log"))
                texts, expected = make(rows)
                with data.open("w", encoding="utf-8") as out:
                    for text in texts:
                        out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
                command = [
                    args.tool,
                    "scan",
                    str(data),
                    "--select",
                    "near-duplicates",
                    "--quiet",
                    "--isolated",
                ]
                cost = measure.run([*command, "--jobs", "1", "--output", f"json={report}"], log)
                if cost.exit_code not in (0, 4):
                    raise SystemExit(f"exit {cost.exit_code}:\n{log.read_text()[-2000:]}")
                found = json.loads(report.read_text())["findings"]
                removed = sum(one["rows"] for one in found if one["id"] == "near-duplicates")
                size = data.stat().st_size / 1e6
            time = max(0.3, cost.cpu - START)
            good = removed == expected and (not before or time <= LINEAR * before)
            before, fine = time, fine and good
            print(
                f"{name:9} {rows:8,} rows {size:7.1f} MB: {cost.wall:6.1f} s, {cost.cpu:6.1f} s of CPU, "
                f"peak {cost.peak_mb:5.0f} MB; removed {removed:,} of {expected:,}{'' if good else '  NOT GOOD'}",
                flush=True,
            )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
