"""The compiled form of `probe.plain_probe`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.manifest import SALT, SHINGLE
from dataaudit.benchmarks.probe import MARKS, SPREAD, Filter, Hits
from dataaudit.records.compiled import Kernel
from dataaudit.records.kernels import mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64

with np.errstate(over="ignore"):
    _POWERS = np.cumprod(np.full(SHINGLE - 1, SHINGLE_BASE))
_FIRST, _SECOND, _THIRD = (np.uint64(at) for at in MARKS)
_ONE, _THREE, _SEVEN, _LAST_BIT, _HALF = (np.uint64(x) for x in (1, 3, 7, 63, 32))

PIECE = 1 << 17
"""Places looked at in one go: what passes of them has buffers of 2.6 MB."""
BLOCK = 1 << 11
"""Places hashed at a time: sums without a branch are made by vector instructions, and 16 KB stay in the cache."""


@Kernel
def _passes(key: np.uint64, bits: npt.NDArray[np.uint8], shift: np.uint64) -> bool:
    slot = key >> shift
    return bool((bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)


@Kernel
def _is_short(words: U64, at: int, bits: npt.NDArray[np.uint8], shift: np.uint64) -> bool:
    """Do the two to four words from a place on pass as a question?"""
    total = words[at]
    for size in range(1, min(SHINGLE - 1, len(words) - at)):
        total += words[at + size] * _POWERS[size - 1]
        if _passes(mix(mix(total) ^ SALT), bits, shift):
            return True
    return False


@Kernel
def passing(  # noqa: PLR0913, PLR0917
    words: U64,
    first: int,
    last: int,
    blocks: U64,
    shift: np.uint64,
    short_bits: npt.NDArray[np.uint8],
    short_shift: np.uint64,
    shorts: bool,
    places: I64,
    keys: npt.NDArray[np.uint32],
    begins: I64,
    room: U64,
) -> tuple[int, int]:
    """Try the places from `first` to `last`; how many shingles and how many starts of short questions passed.

    `room` (2, BLOCK) is written over.
    """
    found = short_found = 0
    second, third, fourth, fifth = _POWERS[0], _POWERS[1], _POWERS[2], _POWERS[3]
    whole, pair = room[0], room[1]
    end = min(last, len(words) - SHINGLE + 1)
    for start in range(first, end, BLOCK):
        size = min(BLOCK, end - start)
        for i in range(size):
            at = start + i
            total = words[at] + words[at + 1] * second
            pair[i] = mix(mix(total) ^ SALT)
            total += words[at + 2] * third + words[at + 3] * fourth + words[at + 4] * fifth
            whole[i] = mix(mix(total) ^ SALT)
        if shorts:
            for i in range(size):
                if _passes(pair[i], short_bits[0], short_shift) and _is_short(
                    words, start + i, short_bits[1], short_shift
                ):
                    begins[short_found] = start + i
                    short_found += 1
        for i in range(size):
            key = whole[i]
            product = (key >> _HALF) * SPREAD
            bits = _ONE << (product >> _FIRST)
            bits |= _ONE << (product >> _SECOND & _LAST_BIT)
            bits |= _ONE << (product >> _THIRD & _LAST_BIT)
            if blocks[key >> shift] & bits == bits:
                places[found] = start + i
                keys[found] = key >> _HALF
                found += 1
    if shorts:
        # The last words begin no shingle.
        for at in range(max(first, end), min(last, len(words) - 1)):
            key = mix(mix(words[at] + words[at + 1] * second) ^ SALT)
            if _passes(key, short_bits[0], short_shift) and _is_short(words, at, short_bits[1], short_shift):
                begins[short_found] = at
                short_found += 1
    return found, short_found


def run(words: U64, sieve: Filter) -> Hits:
    """`probe.plain_probe`, compiled."""
    size = min(PIECE, len(words))
    places, keys, begins = np.empty(size, np.int64), np.empty(size, np.uint32), np.empty(size, np.int64)
    room = np.empty((2, BLOCK), np.uint64)
    parts = [Hits(places[:0], keys[:0], begins[:0])]
    for first in range(0, len(words), PIECE):
        found, short_found = passing(
            words, first, min(first + PIECE, len(words)),
            sieve.blocks, np.uint64(64 - sieve.width), sieve.short_bits, np.uint64(64 - sieve.short_width),
            sieve.shorts, places, keys, begins, room,
        )  # fmt: skip
        parts.append(Hits(places[:found].copy(), keys[:found].copy(), begins[:short_found].copy()))
    return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
