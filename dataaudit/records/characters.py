"""What a code point is to the splitting of text into words: its class, and what it is folded to.

Folding is Unicode's full case folding of the compatibility decomposition (NFKD), code point by code point, so composed
and decomposed forms, full-width letters and ligatures count as the same. Invisible format characters (zero-width
spaces, joiners, soft hyphens, variation selectors) count as nothing: they neither part a word nor change it.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.kept_tables import Tables, tables

BREAK, JOINS, SINGLE, MARK, NOTHING = range(5)
"""Parts words; joins its neighbours in a word; is a word by itself; belongs to what is before it; is not there."""

WITHOUT_SPACES = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3021, 0x312F),  # Hangzhou numerals, Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # Bopomofo and Katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA000, 0xA4CF),  # Yi
    (0xA980, 0xA9FF),  # Javanese, Myanmar extension B
    (0xAA60, 0xAADF),  # Myanmar extension A, Tai Viet
    (0xF900, 0xFAFF),  # Han, compatibility
    (0xFF66, 0xFF9F),  # Katakana, half width
    (0x1AFF0, 0x1B16F),  # Kana extensions
    (0x20000, 0x3FFFF),  # Han, the planes beyond
)
"""First and last of blocks of scripts without spaces between words (Unicode Standard, chapters 16 to 18), ascending."""

_IGNORABLE = {
    0x034F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x3164,
    0xFFA0,
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
}
"""Default_Ignorable_Code_Point (DerivedCoreProperties.txt) outside category Cf, below the tags and selectors."""

NO_CHARACTER = frozenset({"Cn", "Co", "Cs"})
"""Categories of code points that are not assigned, for private use, or surrogates: five in six."""

BLOCK_BITS = 12
"""Blocks have 4,096 code points. All are taken from the user's cache. Where they are not in it, the first is filled at
once; when another is met, all are, to be kept, or that one where nothing can be kept: all cost half a second."""


class Characters(NamedTuple):
    """Tables over all code points, following the Unicode version of Python. What is in a filled block never changes."""

    kind: npt.NDArray[np.uint8]
    """Class of every code point."""
    fold: npt.NDArray[np.int32]
    """What it is folded to, or -k where that is several code points: `several[starts[k]:starts[k + 1]]`."""
    several: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    known: npt.NDArray[np.bool_]
    """Which blocks are filled."""


_LIKE = (np.zeros(0, np.uint8), *np.zeros((3, 0), np.int32))


class Filling:
    """The tables as far as they are filled. Threads may ask for more side by side."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked = False
        if not self._kept(None):
            self.now = Characters(
                np.zeros(0x110000, np.uint8),
                np.arange(0x110000, dtype=np.int32),
                np.zeros(0, np.int32),
                np.zeros(2, np.int32),  # entry 0 is none: -0 is code point 0
                np.zeros(0x110000 >> BLOCK_BITS, np.bool_),
            )
            self._fill(0)

    def having(self, blocks: Sequence[int]) -> Characters:
        """The tables with these blocks filled; all blocks where they are kept."""
        if all(self.now.known[block] for block in blocks):
            return self.now
        with self._lock:
            if not self._asked:
                self._asked = True
                self._kept(self._all)
            for block in blocks:
                if not self.now.known[block]:
                    self._fill(block)
            return self.now

    def _kept(self, make: Callable[[], Tables] | None) -> bool:
        """Take the tables that are kept, or keep those that are made."""
        kept = tables(__file__, _LIKE, make)
        if kept is not None:
            known = np.ones(0x110000 >> BLOCK_BITS, np.bool_)
            self.now = Characters(kept[0], kept[1], kept[2], kept[3], known)
        return kept is not None

    def _all(self) -> Tables:
        for block in np.flatnonzero(~self.now.known).tolist():
            self._fill(block)
        return self.now[:4]

    def _fill(self, block: int) -> None:
        kind, fold, several, starts, known = self.now
        first, end = block << BLOCK_BITS, block + 1 << BLOCK_BITS
        chars = list(map(chr, range(first, end)))
        kinds = list(map(_kind, range(first, end), map(unicodedata.category, chars)))
        kind[first:end] = kinds
        members: list[int] = []
        bounds: list[int] = []
        for code, char, what in zip(range(first, end), chars, kinds, strict=True):
            if what in (BREAK, NOTHING) or (what == SINGLE and not unicodedata.decomposition(char)):
                continue
            folded = _folded(char)
            if len(folded) == 1:
                fold[code] = ord(folded)
            else:
                fold[code] = 1 - len(starts) - len(bounds)
                members += map(ord, folded)
                bounds.append(len(several) + len(members))
        # New arrays: who reads the tables as they were may go on.
        known = known.copy()
        known[block] = True
        more, ends = np.asarray(members, np.int32), np.asarray(bounds, np.int32)
        self.now = Characters(
            kind, fold, np.concatenate([several, more]), np.concatenate([starts, ends]), known
        )


def _kind(code: int, category: str) -> int:
    if category in ("Cf", "Me") or code in _IGNORABLE or 0xE0000 <= code <= 0xE0FFF:
        return NOTHING
    if category in NO_CHARACTER:
        return BREAK
    if category[0] == "M" or code in (
        0xFF9E,
        0xFF9F,
    ):  # half-width voicing marks are letters by category only
        return MARK
    if category[0] == "L":
        block = bisect_right(WITHOUT_SPACES, code, key=itemgetter(0)) - 1
        return SINGLE if block >= 0 and code <= WITHOUT_SPACES[block][1] else JOINS
    return JOINS if category[0] == "N" or category == "Pc" else BREAK


def _folded(char: str) -> str:
    """What one character is folded to; itself where that would not be a word any more, like the halves of ½."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    wordlike = all(unicodedata.category(one)[0] in "LNM" for one in folded)
    return folded if wordlike and folded else char


@cache
def _filling() -> Filling:
    """The tables of this process."""
    return Filling()


def characters(blocks: Sequence[int] = ()) -> Characters:
    """The tables, with these blocks filled."""
    return _filling().having(blocks)
