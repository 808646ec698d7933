"""Rows for the measurements of near-duplicates: real texts as they are, then rows drawn from their sentences with
copies and edited copies planted among them. The same bytes for the same texts, number and seed.

python benchmarks/near_rows.py TEXTS.jsonl FOLDER --rows 180000
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from generate import Draw, drawn_from

SEED = 11
COPIED = 0.015
"""Share of the drawn rows that repeat one of the last thousand rows."""
EDITED = 0.03
"""Share of the drawn rows that are an edited copy of one of them."""
RECENT = 1000
SHINGLE = 5


def outputs(path: Path) -> list[str]:
    """The `output` fields of a JSONL file, in order."""
    with path.open("rb") as lines:
        return [json.loads(line)["output"] for line in lines]


def edited(rng: random.Random, text: str, similarity: float) -> str:
    """A copy with single words replaced, far enough apart that the Jaccard similarity comes out near `similarity`.

    A replaced word changes up to five shingles, so that of n shingles k replaced words leave (n - 5k) / (n + 5k).
    """
    words = text.split(" ")
    shingles = max(1, len(words) - SHINGLE + 1)
    places = round(shingles * (1 - similarity) / (1 + similarity) / SHINGLE)
    room = list(range(SHINGLE, len(words) - SHINGLE, SHINGLE))
    for at in rng.sample(room, min(places, len(room))):
        words[at] = f"edit{rng.randrange(10**9)}"
    return " ".join(words)


def drawn(texts: list[str], draw: Draw, rows: int, seed: int = SEED) -> Iterator[str]:
    """So many rows of the lengths of `texts`, copies and edited copies of earlier ones among them."""
    rng = random.Random(seed)
    lengths = [max(1, text.count(" ") + 1) for text in texts]
    recent: list[str] = []
    for _ in range(rows):
        chance = rng.random()
        if recent and chance < COPIED:
            yield rng.choice(recent)
            continue
        if recent and chance < COPIED + EDITED:
            text = edited(rng, rng.choice(recent), rng.uniform(0.5, 1))
        else:
            text = draw(rng, rng.choice(lengths))
        yield text
        recent.append(text)
        if len(recent) > RECENT:
            recent.pop(rng.randrange(RECENT))


def write(texts: Path, out: Path, rows: int, parts: int) -> None:
    """Write `rows` rows, first those of the file itself, to `out/rows.jsonl`, and cut in parts to `out/parts`."""
    (out / "parts").mkdir(parents=True)
    real = outputs(texts)[:rows]
    every = itertools.chain(real, drawn(real, drawn_from(texts), rows - len(real)))
    with ExitStack() as stack:
        whole = stack.enter_context((out / "rows.jsonl").open("wb"))
        cut = [stack.enter_context((out / "parts" / f"{part}.jsonl").open("wb")) for part in range(parts)]
        for number, text in enumerate(every):
            line = json.dumps({"id": number, "text": text}, ensure_ascii=False).encode() + b"\n"
            whole.write(line)
            cut[number * parts // rows].write(line)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("texts", type=Path, help="JSONL whose `output` fields are the texts")
    parser.add_argument("out", type=Path, help="folder to make")
    parser.add_argument("--rows", type=int, default=180_000)
    parser.add_argument("--parts", type=int, default=2)
    args = parser.parse_args()
    write(args.texts, args.out, args.rows, args.parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
