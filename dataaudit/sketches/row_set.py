"""A set of row ids that is asked about many rows."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from dataaudit.records.compiling import compiled
from dataaudit.records.types import ROW_BITS, ROW_MASK
from dataaudit.records.words import I64, U64


class Bits(NamedTuple):
    """A bit for each row of each file, up to the last one that is in the set."""

    begins: I64
    """(files + 1,): the words of file i are `words[begins[i]:begins[i + 1]]`."""
    words: U64


class RowSet:
    """A set of row ids, which are given ascending.

    A search among millions of ids waits for memory at nearly every step. A bit for each row of the files takes a 64th
    of the room of an id, and mostly stays in the processor's cache.
    """

    def __init__(self, ids: U64) -> None:
        self._ids = np.ascontiguousarray(ids)  # compiled loops take nothing else

    def __len__(self) -> int:
        return len(self._ids)

    def others(self, ids: U64) -> I64:
        """The places of those that are not in the set; `ids` may be a column of a table."""
        from dataaudit.sketches import row_kernels

        if len(self) == 0:
            return np.arange(len(ids))
        if compiled(0, row_kernels.others):
            out = np.empty(len(ids), np.int64)
            return out[: row_kernels.others(np.ascontiguousarray(ids), self._bits, out)]
        at = np.minimum(np.searchsorted(self._ids, ids), len(self) - 1)
        return np.flatnonzero(self._ids[at] != ids)

    @cached_property
    def _bits(self) -> Bits:
        return bits_of(self._ids)


def bits_of(ids: U64) -> Bits:
    """The bits of row ids, one at least, which ascend."""
    from dataaudit.sketches import row_kernels

    files = np.arange(int(ids[-1] >> np.uint64(ROW_BITS)) + 1, dtype=np.uint64)
    ends = np.searchsorted(ids, (files + np.uint64(1)) << np.uint64(ROW_BITS))
    some = np.flatnonzero(np.diff(ends, prepend=0))
    sizes = np.zeros(len(files), np.int64)
    sizes[some] = ((ids[ends[some] - 1] & np.uint64(ROW_MASK)) >> np.uint64(6)).astype(np.int64) + 1
    begins = np.concatenate([[0], np.cumsum(sizes)])
    bits = Bits(begins, np.zeros(int(begins[-1]), np.uint64))
    row_kernels.mark(ids, bits)
    return bits
