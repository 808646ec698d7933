"""The compiled forms of `minhash`."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataaudit.records.kernels import compile_, mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64, WORD_BASE
from dataaudit.sketches.minhash import U32, Banding


@compile_
def lower(hashes: U64, first: int, last: int, factors: U32, summands: U32, least: U32) -> None:
    """Lower the least image under each permutation to those of `hashes[first:last]`."""
    for j in range(first, last):
        value = np.uint32(hashes[j] >> np.uint64(32))
        for k in range(len(factors)):  # the compiler makes this loop one over vectors
            image = np.uint32(value * factors[k] + summands[k])
            least[k] = min(least[k], image)


@compile_
def _bands(hashes: U64, starts: I64, factors: U32, summands: U32, rows: int, out: U64) -> None:
    count = len(factors)
    least = np.empty(count, np.uint32)
    for i in range(len(starts) - 1):
        least[:] = np.uint32(0xFFFFFFFF)
        lower(hashes, starts[i], starts[i + 1], factors, summands, least)
        for band in range(out.shape[1]):
            total = np.uint64(0)
            power = np.uint64(1)
            for k in range(band * rows, (band + 1) * rows):
                total += np.uint64(least[k]) * power
                power *= SHINGLE_BASE
            out[i, band] = mix(total)


def band_keys(hashes: U64, starts: I64, banding: Banding) -> U64:
    """`minhash.band_keys`, compiled."""
    out = np.empty((len(starts) - 1, banding.bands), np.uint64)
    _bands(hashes, starts, *banding.permutations, banding.rows, out)
    return out


@compile_
def _sequences(hashes: U64, starts: I64, hi: U64, lo: U64) -> None:
    for i in range(len(starts) - 1):
        one = np.uint64(0)
        other = np.uint64(0)
        one_power = np.uint64(1)
        other_power = np.uint64(1)
        for j in range(starts[i], starts[i + 1]):
            one += hashes[j] * one_power
            other += hashes[j] * other_power
            one_power *= WORD_BASE
            other_power *= SHINGLE_BASE
        hi[i] = mix(one)
        lo[i] = mix(other)


def sequence_keys(hashes: U64, starts: I64) -> tuple[U64, U64]:
    """`minhash.sequence_keys`, compiled."""
    hi, lo = (np.empty(len(starts) - 1, np.uint64) for _ in range(2))
    _sequences(hashes, starts, hi, lo)
    return hi, lo


@compile_
def _shared(hashes: U64, starts: I64, left: I64, right: I64, out: I64) -> None:
    for i in range(len(left)):
        a: Any = starts[left[i]]
        b: Any = starts[right[i]]
        a_end = starts[left[i] + 1]
        b_end = starts[right[i] + 1]
        both = 0
        while a < a_end and b < b_end:
            one = hashes[a]
            other = hashes[b]
            both += one == other
            a += one <= other
            b += other <= one
        out[i] = both


def shared(hashes: U64, starts: I64, left: I64, right: I64) -> I64:
    """`minhash.shared`, compiled."""
    out = np.empty(len(left), np.int64)
    _shared(hashes, starts, left, right, out)
    return out
