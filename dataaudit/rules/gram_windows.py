"""The windows of a gram that are looked for first, and how rare units are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from math import log2
from typing import NamedTuple

WINDOW, SHORT_WINDOW = 8, 4
"""Units by which grams are looked for, and short ones."""
STEP = 2
"""Units from one place at which windows are looked up to the next."""
LONG = WINDOW + STEP - 1
"""Units from which on a gram is not short: wherever it stands, a window of it begins at a place that is looked at."""


class Windows(NamedTuple):
    """Windows of a gram in a row, one for each place at which it may stand before the next that is looked at."""

    short: bool
    offsets: range
    """Where in the gram they begin; those of the shortest grams one unit before, or they end one unit behind."""
    chance: float
    """That one of them begins at a place of a text, by estimate."""


@lru_cache(maxsize=1 << 14)
def windows_of(gram: bytes) -> Windows:
    """The rarest windows of a gram of at least three units."""
    size = len(gram)
    short = size < LONG
    window = SHORT_WINDOW if short else WINDOW
    spare = size - window - STEP + 1
    bits = [0.0, *accumulate(UNIT_BITS[unit] for unit in gram)]
    chances = {
        first: sum(
            2.0 ** (bits[max(at, 0)] - bits[min(at + window, size)]) for at in range(first, first + STEP)
        )
        for first in (range(spare + 1) if spare >= 0 else range(-1, spare + 2))
    }
    best = min(chances, key=chances.__getitem__)
    return Windows(short, range(best, best + STEP), chances[best])


def chance_bits(strings: Iterable[bytes]) -> float:
    """Rarity of any one of these: their chances add up."""
    return bits_of(sum(2.0 ** -sum(UNIT_BITS[unit] for unit in string) for string in strings))


def bits_of(chance: float) -> float:
    """Rarity of what has this chance."""
    return max(0.0, -log2(chance))


# Estimated rarity of a unit at a random place in a text. Only the order of magnitude matters: it decides which part of
# a pattern is looked for. Letters by how often they stand in English prose (in percent, Lewand 2000), but at half the
# bits: in context a letter says about 2.3 bits, by itself 4.2 (Shannon 1951).
_PERCENT = {
    "e": 12.7, "t": 9.1, "a": 8.2, "o": 7.5, "i": 7.0, "n": 6.7, "s": 6.3, "h": 6.1, "r": 6.0, "d": 4.3, "l": 4.0,
    "c": 2.8, "u": 2.8, "m": 2.4, "w": 2.4, "f": 2.2, "g": 2.0, "y": 2.0, "p": 1.9, "b": 1.5, "v": 0.98, "k": 0.77,
    "j": 0.15, "x": 0.15, "q": 0.095, "z": 0.074,
}  # fmt: skip
_OF_CONTEXT = 0.55


def _unit_bits(unit: int) -> float:
    char = chr(unit)
    if char in _PERCENT:
        return -_OF_CONTEXT * log2(_PERCENT[char] / 100)
    if char == " ":
        return 2.0
    if char in ",.'\"-0" or unit > 127:
        return 4.0
    return 6.5 if char in ":;()!?*#`/" else 9.0


UNIT_BITS = tuple(map(_unit_bits, range(256)))
"""Rarity of each unit."""
