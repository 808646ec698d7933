"""Of what passed the sieve, what may come to an item: the hits of strings that hold enough of any.

Ordinary text shares five words in a row with some item every few hundred words. Alone they are far from being found, so
most strings are let go of before anything is said of single items.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import Strings
from dataaudit.benchmarks.index import Index
from dataaudit.benchmarks.manifest import SHINGLE, upper
from dataaudit.benchmarks.probe import Hits, inside
from dataaudit.benchmarks.windows import least_found, width_of
from dataaudit.records.compiling import compiled
from dataaudit.records.words import I64

U32 = npt.NDArray[np.uint32]

ENOUGH = 1 << 30
"""What the shingles of a string come to where they may be enough of an item."""
PER_BUCKET = 3
"""Shingles of a bucket, as a power of two: a line of the cache holds twice as many."""


class Likely:
    """An index, ready to say which hits may come to an item."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def take(self, strings: Strings, hits: Hits) -> tuple[I64, U32]:
        """The places and keys of hits that lie in one string each; of those that can come to nothing few or none."""
        if len(hits.places) == 0 or len(self.index.grams) == 0:
            return hits.places[:0], hits.keys[:0]
        from dataaudit.benchmarks import likely_kernel

        if compiled(0, likely_kernel.promising):
            return likely_kernel.take(self, strings, hits)
        return plain_take(strings, hits)

    @cached_property
    def shift(self) -> int:
        """How many lower bits of a key do not choose its bucket."""
        return 32 - max(1, len(self.index.grams).bit_length() - PER_BUCKET)

    @cached_property
    def buckets(self) -> U32:
        """(n + 1,): the shingles of bucket i are `grams[buckets[i]:buckets[i + 1]]`."""
        first = np.arange(1 << (32 - self.shift), dtype=np.uint32) << np.uint32(self.shift)
        found = np.searchsorted(self.index.grams, first)
        return np.append(found, len(self.index.grams)).astype(np.uint32)

    @cached_property
    def worth(self) -> I64:
        """Per item what a unit of weight comes to, of `ENOUGH`, rounded up."""
        limit = least_found(self.index) * self.index.totals.astype(np.int64)
        return np.where(limit > 0, ENOUGH * 1000 // np.maximum(1, limit) + 1, ENOUGH)

    @cached_property
    def widest(self) -> int:
        """Words within which all of an item is looked for, of the longest."""
        return int(width_of(self.index.words.max(initial=0)))


def plain_take(strings: Strings, hits: Hits) -> tuple[I64, U32]:
    """All hits that lie in one string, in numpy."""
    whole = inside(strings.starts, hits.places, SHINGLE)
    return _by_key(hits.places[whole], hits.keys[whole])


def _by_key(places: I64, keys: U32) -> tuple[I64, U32]:
    """Ordered by key, then place: keys in order are looked up several times as fast."""
    order = keys.astype(np.uint64) << np.uint64(32) | np.arange(len(keys), dtype=np.uint64)
    order.sort()
    return places[(order & np.uint64(0xFFFFFFFF)).astype(np.int64)], upper(order)
