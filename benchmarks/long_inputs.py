"""Inputs that are large in one way, written piece by piece so that the process that writes them stays small."""

from __future__ import annotations

import functools
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from generate import Draw, rows, sentences

GB = 10**9
SEED = 11
POOL = 20_000
"""Different sentences that texts are put together from."""
ACCENTED = 40
"""One sentence in so many holds letters outside ASCII, as texts do."""
HEADER_WORDS = 900
"""Words of the header that rows share; about those of an Apache licence notice with its terms in short."""


@dataclass(frozen=True)
class Case:
    """An input, and how it is written: to a path, giving the bytes of its longest line."""

    name: str
    file: str
    write: Callable[[Path], int]


@functools.cache
def _pool() -> list[str]:
    rng = random.Random(SEED)
    made = [sentences(rng, rng.randint(5, 22)).strip() for _ in range(POOL)]
    for at in range(0, POOL, ACCENTED):
        made[at] = f"“{made[at]}” — naïve café, Größe {at} €."
    return made


def draw(rng: random.Random, words: int) -> str:
    """A text of about so many words in sentences of the pool: no two are alike, though sentences recur."""
    pool, taken = _pool(), []
    while words > 0:
        taken.append(rng.choice(pool))
        words -= taken[-1].count(" ") + 1
    return " ".join(taken)


def _rows(nbytes: float, make: Draw = draw) -> Iterator[bytes]:
    """JSON objects of about so many bytes together: two in a hundred hit a rule, two in a hundred repeat another."""
    written = 0
    for row in rows(SEED, make):
        if written >= nbytes:
            return
        one = json.dumps(row, ensure_ascii=False).encode()
        written += len(one) + 1
        yield one


def array(path: Path, gb: float) -> int:
    """A JSON array; returns the bytes of its longest element."""
    longest = 0
    with path.open("wb") as out:
        out.write(b"[")
        for number, one in enumerate(_rows(gb * GB)):
            longest = max(longest, len(one))
            out.write((b"," if number else b"") + one)
        out.write(b"]")
    return longest


def lines(path: Path, gb: float) -> int:
    """JSON Lines of ordinary length."""
    with path.open("wb") as out:
        return max(out.write(one + b"\n") for one in _rows(gb * GB))


def compressed(path: Path, gb: float) -> int:
    """JSON Lines in one Zstandard frame."""
    import zstandard

    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as out:
        return max(out.write(one + b"\n") for one in _rows(gb * GB))


def _prose() -> Iterator[str]:
    rng = random.Random(SEED + 1)
    while True:
        yield draw(rng, 2000) + " "


def _wide() -> Iterator[str]:
    """Prose with emoji, which make Python hold four bytes for every character."""
    for text in _prose():
        yield text + "🎉 "


def _letters() -> Iterator[str]:
    """Words of one letter: the most words that a text can have."""
    rng = random.Random(SEED + 2)
    base = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") + " " for _ in range(200_000))
    while True:
        at = 2 * rng.randrange(100_000)
        yield base[at:] + base[:at]


def _block() -> Iterator[str]:
    """One sentence over and over."""
    return itertools.repeat("a sentence of some words that goes on. " * 2000)


def _digits() -> Iterator[str]:
    """Digits and nothing else: one word, which no window can be cut in."""
    rng = random.Random(SEED + 4)
    return itertools.repeat("".join(rng.choice("0123456789") for _ in range(100_003)))


LONG_TEXTS: dict[str, Callable[[], Iterator[str]]] = {
    "prose": _prose,
    "emoji": _wide,
    "letters": _letters,
    "block": _block,
    "escapes": _wide,
    "digits": _digits,
}
ESCAPED = ("escapes",)
"""Those whose letters outside ASCII are written as escapes."""


def long_line(path: Path, gb: float, text: str, line_gb: float) -> int:
    """JSON Lines of so many GB with long ones of `line_gb` together, whose text is one of `LONG_TEXTS`: one of prose,

    or two that differ in one word, which are candidates of each other, so that they are read again and compared.
    """
    twins = 2 if text in ("letters", "block") else 1
    longest = 0
    with path.open("wb") as out:
        for one in _rows((gb - line_gb) * GB / 2):
            out.write(one + b"\n")
        for twin in range(twins):
            begin = out.tell()
            out.write(b'{"prompt": "long", "response": "%d ' % twin)
            for piece in LONG_TEXTS[text]():
                out.write(json.dumps(piece, ensure_ascii=text in ESCAPED)[1:-1].encode())
                if out.tell() - begin >= line_gb * GB / twins:
                    break
            out.write(b'"}\n')
            longest = max(longest, out.tell() - begin)
        for one in _rows((gb - line_gb) * GB / 2):
            out.write(one + b"\n")
    return longest


def one_row(path: Path, count: int) -> int:
    """One row so many times over."""
    (row,) = _rows(1)
    with path.open("wb") as out:
        for _ in range(count):
            out.write(row + b"\n")
    return len(row)


def licence(path: Path, count: int) -> int:
    """Different rows that begin with the same long header."""
    header = draw(random.Random(SEED + 3), HEADER_WORDS)

    def headed(rng: random.Random, words: int) -> str:
        return f"{header} {draw(rng, words)}" if words > 50 else draw(rng, words)

    made = itertools.islice(_rows(float("inf"), headed), count)
    with path.open("wb") as out:
        return max(out.write(one + b"\n") for one in made)
