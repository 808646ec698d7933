"""What a code point is normalised to where that does not depend on its neighbours."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt

from dataaudit.records.characters import NO_CHARACTER
from dataaudit.records.kept_tables import Tables, tables

WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters with the White_Space property, as the inside of a character class."""

RUNS = re.compile(f"[{WHITE_SPACE}]+")

UNKNOWN, HARD = 0, -1
BLOCK_BITS = 8
"""Blocks have 256 code points. When one is met, all are taken from the user's cache, or filled one by one where nothing
can be kept: all cost half a second."""

_VOWELS = range(0x16D63, 0x16D6B)
"""Vowel signs of Kirat Rai, which are letters and compose with one another (Unicode 16)."""

forms: npt.NDArray[np.int32] = np.zeros(0x110000, np.int32)
"""By code point from 128 on: the one it becomes (a space for white space), `UNKNOWN` until its block is filled, or
`HARD` where it becomes several, takes more bytes in UTF-8, or could change or be changed by its neighbours."""


_asked: list[bool] = []


def fill(block: int) -> None:
    """Fill the forms of a block; of all of them where they are kept."""
    if not _asked:
        _asked.append(True)
        if kept := tables(__file__, (forms,), _all):
            forms[:] = kept[0]
    if forms[(block + 1 << BLOCK_BITS) - 1] == UNKNOWN:
        _fill(block)


def _all() -> Tables:
    for block in range(0x110000 >> BLOCK_BITS):
        _fill(block)
    return (forms,)


def _fill(block: int) -> None:
    # What is no character stays as it is: five code points in six need no more than that look.
    codes = range(block << BLOCK_BITS, block + 1 << BLOCK_BITS)
    forms[codes.start : codes.stop] = [
        code if unicodedata.category(chr(code)) in NO_CHARACTER and code not in _VOWELS else _form(code)
        for code in codes
    ]


def _form(code: int) -> int:
    char = chr(code)
    if RUNS.match(char) is not None:
        return ord(" ")
    composed = unicodedata.normalize("NFC", char)
    folded = unicodedata.normalize("NFC", composed.casefold())
    if len(composed) > 1 or len(folded) > 1 or _meets(ord(composed)) or _meets(ord(folded)):
        return HARD
    return ord(folded) if _width(folded) <= _width(char) else HARD


def _meets(code: int) -> bool:
    """Could it compose with a neighbour, or change places with one?"""
    if 0xFE00 <= code <= 0xFE0F:
        return False  # variation selectors are marks that do neither
    return (
        unicodedata.category(chr(code))[0] == "M"  # marks compose with what is before them
        or 0x1100 <= code <= 0x11FF  # Hangul jamo compose into syllables
        or code in _VOWELS
    )


def _width(char: str) -> int:
    return len(char.encode("utf-8", "surrogatepass"))


def hard_codes(codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Which code points could be changed, or change a neighbour, by more than ASCII's folding of case and spaces."""
    found = forms[codes]
    unknown = np.unique(codes[found == UNKNOWN] >> BLOCK_BITS)
    if len(unknown):
        for block in unknown.tolist():
            fill(block)
        found = forms[codes]
    hard: npt.NDArray[np.bool_] = (found != codes) & (codes >= 128)
    return hard
