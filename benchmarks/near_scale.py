"""Near-duplicates of millions of synthetic rows: peak memory, and counts against what was planted.

python benchmarks/near_scale.py                      1 and 10 million rows
python benchmarks/near_scale.py --rows 100000 1000000

Of a hundred rows one repeats an earlier one and one is an edited copy of an earlier one. The exit code is 1 where a run
takes 2 GB or more, where ten times the rows take more than 1.2 times the memory, where a repeated row is missed, or
where the edited rows found lie outside the 99.9 % interval of what the bands promise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

import measure

BLOCK = 100
WORDS = 30
SIMILARITY = 24 / 28
"""Replacing the second of 30 words changes 2 of 26 shingles: 24 are shared, 28 in all."""
RECALL = 1 - (1 - SIMILARITY**8) ** 14
LIMIT_MB = 2000
TENFOLD = 1.2


def write(path: Path, rows: int, seed: int = 3) -> None:
    """Blocks of a hundred rows; the last two of a block repeat its first one, and edit its second one."""
    rng = random.Random(seed)
    vocabulary = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"]
    vocabulary = [f"{one}{two}" for one in vocabulary[:150] for two in vocabulary[-150:]]
    with path.open("w") as out:
        for _ in range(rows // BLOCK):
            block = [rng.choices(vocabulary, k=WORDS) for _ in range(BLOCK - 2)]
            block.append(block[0])
            block.append([block[1][0], f"edited{rng.randrange(10**9)}", *block[1][2:]])
            out.write("".join(f'{{"text": "{" ".join(words)}"}}\n' for words in block))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--tool", default=str(Path(sys.executable).with_name("dataaudit")), help="command to measure"
    )
    parser.add_argument("--tmp", type=Path, help="where the rows are made for the time of a run")
    args = parser.parse_args()
    from scipy.stats import binom

    peaks: dict[int, float] = {}
    fine = True
    for rows in args.rows:
        with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
            data, report, log = (Path(folder) / name for name in ("data.jsonl", "report.json", "log"))
            write(data, rows)
            selected = ["--select", "near-duplicates", "--select", "exact-duplicates"]
            running = ["--quiet", "--isolated", "--jobs", str(args.jobs), "--work-dir", folder]
            cost = measure.run(
                [args.tool, "scan", str(data), *selected, *running, "--output", f"json={report}"], log
            )
            if cost.exit_code != 0:
                raise SystemExit(f"exit {cost.exit_code}:\n{log.read_text()[-2000:]}")
            found = {one["id"]: one["rows"] for one in json.loads(report.read_text())["findings"]}
            size = data.stat().st_size / 1e6
        planted = rows // BLOCK
        edited = found.get("near-duplicates", 0) - planted
        low, high = binom.ppf([0.0005, 0.9995], planted, RECALL)
        peaks[rows] = cost.peak_mb
        smaller = [peaks[other] for other in peaks if other * 10 == rows]
        good = (
            found.get("exact-duplicates") == planted
            and low <= edited <= high
            and cost.peak_mb < LIMIT_MB
            and all(cost.peak_mb <= TENFOLD * one for one in smaller)
        )
        fine = fine and good
        ratio = "".join(f", {cost.peak_mb / one:.2f} × that of a tenth" for one in smaller)
        print(
            f"{rows:,} rows, {size:.0f} MB: {cost.wall:.0f} s, {cost.cpu:.0f} s of CPU, "
            f"peak {cost.peak_mb:.0f} MB{ratio}; "
            f"repeated {found.get('exact-duplicates', 0):,} of {planted:,}, edited {edited:,} of {planted:,} "
            f"(promised {low:.0f} to {high:.0f}){'' if good else '  NOT GOOD'}",
            flush=True,
        )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
