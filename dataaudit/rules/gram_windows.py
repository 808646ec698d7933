"""The windows of a gram that are looked for first, and how rare units are."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from math import log2

WINDOW = 4
"""Units by which grams are looked for."""
STEP = 2
"""Units from one place at which windows are looked up to the next."""
LONG = WINDOW + STEP - 1
"""Units from which on windows of a gram lie in it wherever it stands."""


def first_offsets(size: int) -> range:
    """Where in a gram of at least three units its windows may begin: the first of `STEP` in a row, one for each place
    at which it may stand before the next that is looked at. Those of the shortest grams begin one unit before, or end
    one unit behind."""
    spare = size - LONG
    return range(spare + 1) if spare >= 0 else range(-1, spare + 2)


@lru_cache(maxsize=1 << 14)
def window_chance(gram: bytes) -> float:
    """That one of its rarest windows begins at a place of a text, by estimate."""
    bits = [0.0, *accumulate(UNIT_BITS[unit] for unit in gram)]
    size = len(gram)
    chances = [2.0 ** (bits[max(at, 0)] - bits[min(at + WINDOW, size)]) for at in range(-1, size)]
    return min((sum(chances[first + 1 : first + 1 + STEP]) for first in first_offsets(size)), default=1.0)


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
