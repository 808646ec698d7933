"""The compiled forms of `minhash`."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataaudit.records.compiled import Kernel, WideKernel
from dataaudit.records.kernels import mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64, WORD_BASE
from dataaudit.sketches.minhash import U32, Banding


@Kernel
def lower(hashes: U64, first: int, last: int, factors: U32, summands: U32, least: U32) -> None:
    """Lower the least image under each permutation to those of `hashes[first:last]`."""
    # Four hashes at a time, and over permutations inside: the compiler makes the inner loop one over vectors, which
    # loads and stores the least images a quarter as often.
    fours = first + (last - first) // 4 * 4
    for j in range(first, fours, 4):
        one = np.uint32(hashes[j] >> np.uint64(32))
        two = np.uint32(hashes[j + 1] >> np.uint64(32))
        three = np.uint32(hashes[j + 2] >> np.uint64(32))
        four = np.uint32(hashes[j + 3] >> np.uint64(32))
        for k in range(len(factors)):
            factor, summand = factors[k], summands[k]
            left = min(np.uint32(one * factor + summand), np.uint32(two * factor + summand))
            right = min(np.uint32(three * factor + summand), np.uint32(four * factor + summand))
            least[k] = min(least[k], left, right)
    for j in range(fours, last):
        value = np.uint32(hashes[j] >> np.uint64(32))
        for k in range(len(factors)):
            least[k] = min(least[k], np.uint32(value * factors[k] + summands[k]))


@WideKernel
def bands(hashes: U64, starts: I64, factors: U32, summands: U32, rows: int, least: U32, out: U64) -> None:
    """Write the keys of each set; `least` (permutations,) is written over."""
    for i in range(len(starts) - 1):
        for k in range(len(factors)):
            least[k] = np.uint32(0xFFFFFFFF)
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
    factors, summands = banding.permutations
    bands(hashes, starts, factors, summands, banding.rows, np.empty_like(factors), out)
    return out


@Kernel
def sequences(hashes: U64, starts: I64, hi: U64, lo: U64) -> None:
    """Write the two lanes of the key of each sequence."""
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
    sequences(hashes, starts, hi, lo)
    return hi, lo


@Kernel
def common(hashes: U64, starts: I64, left: I64, right: I64, out: I64) -> None:
    """Write how many members each pair of sets shares."""
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
    common(hashes, starts, left, right, out)
    return out
