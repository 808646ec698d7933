"""The compiled form of `probe`. Import this only to use it: loading numba takes a quarter of a second."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.index import SALT, SHINGLE
from dataaudit.benchmarks.probe import Filter, Hits
from dataaudit.records.kernels import compile_, mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64

_LAST = np.uint64(1)
with np.errstate(over="ignore"):
    for _ in range(SHINGLE - 1):
        _LAST = _LAST * SHINGLE_BASE
_UNDO = np.uint64(pow(int(SHINGLE_BASE), -1, 1 << 64))
_ONE, _THREE, _SEVEN = np.uint64(1), np.uint64(3), np.uint64(7)


@compile_
def _probe(  # noqa: PLR0913, PLR0917
    words: U64,
    starts: I64,
    bits: npt.NDArray[np.uint8],
    shift: np.uint64,
    short_bits: npt.NDArray[np.uint8],
    short_shift: np.uint64,
    shorts: bool,
    places: I64,
    keys: U64,
    begins: I64,
) -> tuple[int, int]:
    found = short_found = 0
    for i in range(len(starts) - 1):
        first, end = starts[i], starts[i + 1]
        if shorts:
            for at in range(first, end - 1):
                slot = mix(mix(words[at] + words[at + 1] * SHINGLE_BASE) ^ SALT) >> short_shift
                begins[short_found] = at
                short_found += int((short_bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)
        if end - first < SHINGLE:
            continue
        total = np.uint64(0)
        for k in range(SHINGLE - 1, -1, -1):
            total = total * SHINGLE_BASE + words[first + k]
        at = first
        while True:
            key = mix(mix(total) ^ SALT)
            slot = key >> shift
            # Written always and counted where it passes: no branch to guess wrong.
            places[found] = at
            keys[found] = key
            found += int((bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)
            if at + SHINGLE >= end:
                break
            total = (total - words[at]) * _UNDO + words[at + SHINGLE] * _LAST
            at += 1
    return found, short_found


def run(words: U64, starts: I64, sieve: Filter) -> Hits:
    """`probe.probe`, compiled."""
    places, begins = (np.empty(len(words) + 1, np.int64) for _ in range(2))
    keys = np.empty(len(words) + 1, np.uint64)
    found, short_found = _probe(
        words, starts, sieve.bits, np.uint64(sieve.shift), sieve.short_bits, np.uint64(sieve.short_shift),
        sieve.shorts, places, keys, begins,
    )  # fmt: skip
    return Hits(places[:found].copy(), keys[:found].copy(), begins[:short_found].copy())
