"""The compiled form of `probe.plain_probe`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.manifest import SALT, SHINGLE
from dataaudit.benchmarks.probe import MARKS, SPREAD, Filter, Hits
from dataaudit.records.compiled import Kernel, WideKernel
from dataaudit.records.kernels import mix
from dataaudit.records.words import SHINGLE_BASE, U64

with np.errstate(over="ignore"):
    _POWERS = np.cumprod(np.full(SHINGLE - 1, SHINGLE_BASE))
_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH = (np.uint64(at) for at in MARKS)
_ONE, _THREE, _SEVEN, _LAST_BIT, _HALF = (np.uint64(x) for x in (1, 3, 7, 63, 32))

PIECE = 1 << 18
"""Places looked at in one go: what passes of them has buffers of at most 5.2 MB."""
BLOCK = 1 << 10
"""Places hashed at a time: sums without a branch are made by vector instructions, and 24 KB stay in the cache."""


class _Tables(NamedTuple):
    """A `Filter`."""

    blocks: U64
    shift: np.uint64
    pairs: npt.NDArray[np.uint8]
    pair_shift: np.uint64
    shorts: npt.NDArray[np.uint8]
    short_shift: np.uint64
    any_short: bool


@Kernel
def _passes(key: np.uint64, bits: npt.NDArray[np.uint8], shift: np.uint64) -> bool:
    slot = key >> shift
    return bool((bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)


@Kernel
def _is_short(words: U64, at: int, sieve: _Tables) -> bool:
    """Do the two to four words from a place on pass as a question?"""
    total = words[at]
    for size in range(1, min(SHINGLE - 1, len(words) - at)):
        total += words[at + size] * _POWERS[size - 1]
        if _passes(total, sieve.shorts, sieve.short_shift):
            return True
    return False


@WideKernel
def passing(words: U64, span: tuple[int, int], sieve: _Tables, out: Hits, room: U64) -> tuple[int, int]:
    """Try the places of a span; how many shingles and how many starts of short questions passed, written to `out`.

    `room` (3, BLOCK + 2) is written over.
    """
    first, last = span
    found = short_found = 0
    pair, whole, marks = room[0], room[1], room[2]
    end = min(last, len(words) - SHINGLE + 1)
    for start in range(first, end, BLOCK):
        size = min(BLOCK, end - start)
        # Slices from 0 on: places that might be negative would be gathered one by one.
        here, after, fifth = words[start:], words[start + 1 :], words[start + 4 :]
        for i in range(size + 2):
            pair[i] = here[i] + after[i] * _POWERS[0]
        third = pair[2:]
        for i in range(size):
            total = pair[i] + third[i] * _POWERS[1] + fifth[i] * _POWERS[3]
            whole[i] = mix(mix(total) ^ SALT)
            product = (whole[i] >> _HALF) * SPREAD
            marks[i] = (
                (_ONE << (product >> _FIRST))
                | (_ONE << (product >> _SECOND & _LAST_BIT))
                | (_ONE << (product >> _THIRD & _LAST_BIT))
                | (_ONE << (product >> _FOURTH & _LAST_BIT))
                | (_ONE << (product >> _FIFTH & _LAST_BIT))
            )
        if sieve.any_short:
            for i in range(size):
                if _passes(pair[i], sieve.pairs, sieve.pair_shift) and _is_short(words, start + i, sieve):
                    out.shorts[short_found] = start + i
                    short_found += 1
        for i in range(size):
            if marks[i] & ~sieve.blocks[whole[i] >> sieve.shift] == 0:
                out.places[found] = start + i
                out.keys[found] = whole[i] >> _HALF
                found += 1
    if sieve.any_short:
        # The last words begin no shingle.
        for at in range(max(first, end), min(last, len(words) - 1)):
            total = words[at] + words[at + 1] * _POWERS[0]
            if _passes(total, sieve.pairs, sieve.pair_shift) and _is_short(words, at, sieve):
                out.shorts[short_found] = at
                short_found += 1
    return found, short_found


def run(words: U64, sieve: Filter) -> Hits:
    """`probe.plain_probe`, compiled."""
    size = min(PIECE, len(words))
    out = Hits(np.empty(size, np.int64), np.empty(size, np.uint32), np.empty(size, np.int64))
    room = np.empty((3, BLOCK + 2), np.uint64)
    tables = _Tables(
        sieve.blocks,
        np.uint64(64 - sieve.width),
        sieve.pairs.table,
        np.uint64(64 - sieve.pairs.width),
        sieve.shorts.table,
        np.uint64(64 - sieve.shorts.width),
        sieve.any_short,
    )
    parts = [Hits(out.places[:0], out.keys[:0], out.shorts[:0])]
    for first in range(0, len(words), PIECE):
        found, short_found = passing(words, (first, min(first + PIECE, len(words))), tables, out, room)
        parts.append(
            Hits(out.places[:found].copy(), out.keys[:found].copy(), out.shorts[:short_found].copy())
        )
    return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
