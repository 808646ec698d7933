"""MinHash signatures of sets of 64-bit hashes, cut into bands whose keys like texts share (locality-sensitive hashing).

A signature holds, for each of `bands * rows` permutations, the smallest image of a set's members (Broder, 1997). Two
sets of Jaccard similarity s agree in one place with probability s, in all `rows` places of a band with s**rows, and
meet in at least one of `bands` bands with 1 - (1 - s**rows)**bands (Leskovec, Rajaraman, Ullman: Mining of Massive
Datasets, section 3.4). Permutations are x -> a*x + b modulo 2**32 with a odd, on the upper half of the hashes.

Like words, signatures are computed by numpy for small inputs and by a compiled kernel for others, to the same bit.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records.compiling import compiled
from dataaudit.records.hashing import mix64
from dataaudit.records.words import I64, SHINGLE_BASE, U64, WORD_BASE, sums

SEED = 0x0DDB1A5E
"""Makes the permutations."""

U32 = npt.NDArray[np.uint32]


class Banding(msgspec.Struct, frozen=True, dict=True):
    """How many bands of how many permutations."""

    bands: int
    rows: int

    @cached_property
    def permutations(self) -> tuple[U32, U32]:
        """The factors, all odd, and the summands of x -> a*x + b."""
        count = self.bands * self.rows
        drawn = mix64(np.arange(2 * count, dtype=np.uint64) + np.uint64(SEED << 32))
        return (drawn[:count] >> np.uint64(32)).astype(np.uint32) | np.uint32(1), (
            drawn[count:] >> np.uint64(32)
        ).astype(np.uint32)

    def recall(self, similarity: float) -> float:
        """The probability that two sets of this similarity share a band."""
        return 1.0 - (1.0 - similarity**self.rows) ** self.bands


def band_keys(hashes: U64, starts: I64, banding: Banding) -> U64:
    """(n, bands) keys of n sets `hashes[starts[i]:starts[i + 1]]`, none empty; repeated members do not count."""
    from dataaudit.sketches import minhash_kernels

    if compiled(len(hashes) * 4, minhash_kernels.bands):
        return minhash_kernels.band_keys(hashes, starts, banding)
    return plain_band_keys(hashes, starts, banding)


def plain_band_keys(hashes: U64, starts: I64, banding: Banding) -> U64:
    """`band_keys` in numpy."""
    n = len(starts) - 1
    keys = np.zeros((n, banding.bands), np.uint64)
    if n == 0:
        return keys
    values = (hashes >> np.uint64(32)).astype(np.uint32)
    factors, summands = banding.permutations
    for band in range(banding.bands):
        power = 1
        for k in range(band * banding.rows, (band + 1) * banding.rows):
            least = np.minimum.reduceat(values * factors[k] + summands[k], starts[:-1]).astype(np.uint64)
            keys[:, band] += least * np.uint64(power)
            power = power * int(SHINGLE_BASE) % (1 << 64)
    return mix64(keys)


def sequence_keys(hashes: U64, starts: I64) -> tuple[U64, U64]:
    """Two lanes of a 128-bit key of each sequence `hashes[starts[i]:starts[i + 1]]`, none of them empty."""
    from dataaudit.sketches import minhash_kernels

    if compiled(len(hashes) * 4, minhash_kernels.sequences):
        return minhash_kernels.sequence_keys(hashes, starts)
    return sums(hashes, starts[:-1], WORD_BASE), sums(hashes, starts[:-1], SHINGLE_BASE)


def as_sets(hashes: U64, starts: I64) -> tuple[U64, I64]:
    """Each sequence sorted, without repetitions."""
    ordered = hashes.copy()
    # Set by set: many short sorts stay in the processor's cache, one over all of them does not.
    for first, last in pairwise(starts.tolist()):
        ordered[first:last].sort()
    fresh = np.ones(len(ordered) + 1, np.bool_)
    fresh[1:-1] = ordered[1:] != ordered[:-1]
    fresh[starts] = True
    counts = np.concatenate([[0], np.cumsum(fresh[:-1])])
    return ordered[fresh[:-1]], counts[starts]


def shared(hashes: U64, starts: I64, left: I64, right: I64) -> I64:
    """How many members sets `left[i]` and `right[i]` share; the sets as `as_sets` gives them."""
    from dataaudit.sketches import minhash_kernels

    if compiled(0, minhash_kernels.common):
        return minhash_kernels.shared(hashes, starts, left, right)
    counts = np.zeros(len(left), np.int64)
    for i, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        counts[i] = len(
            np.intersect1d(
                hashes[starts[a] : starts[a + 1]], hashes[starts[b] : starts[b + 1]], assume_unique=True
            )
        )
    return counts
