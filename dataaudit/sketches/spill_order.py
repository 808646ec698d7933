"""Rows put in the order of their partitions: by counting them, as the partitions are few and the rows many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.records.compiling import compiled

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

LOW_BITS = 8
"""Bits of the lower half of a partition that are counted by; those of the upper half are as many."""
_CODES = 1 << 2 * LOW_BITS


class Ordered(NamedTuple):
    """Rows by ascending partition, those of one partition in the order they had."""

    partitions: I64
    """Those that hold rows, ascending."""
    counts: I64
    """Rows of each."""
    rows: U64


@Kernel
def count(parts: I64, counts: I64) -> int:
    """Add the rows of each partition to its count. Returns 1, and counts in vain, where a partition has none."""
    for part in parts:
        high, low = part >> 32, part & 0xFFFFFFFF
        code = high << 8 | low
        if high < 0 or low > 0xFF or code >= len(counts):
            return 1
        counts[code] += 1
    return 0


@Kernel
def place(parts: I64, rows: U64, places: I64, out: U64) -> None:
    """Write each row to the next place of its partition."""
    for i in range(len(parts)):
        code = parts[i] >> 32 << 8 | parts[i] & 0xFF
        at = places[code]
        places[code] = at + 1
        for k in range(rows.shape[1]):
            out[at, k] = rows[i, k]


def in_order(parts: Sequence[I64], rows: Sequence[U64]) -> Ordered:
    """Rows ((n, width) each) of these partitions ((n,) each) in order. At least one of each is given."""
    if compiled(sum(one.nbytes for one in rows) >> 4, place):
        counts = np.zeros(_CODES, np.int64)
        if not any(int(count(one, counts)) for one in parts):
            return _counted(parts, rows, counts)
    every, table = np.concatenate(parts), np.concatenate(rows)
    order = np.argsort(_codes(every), kind="stable")
    partitions, sizes = np.unique(every, return_counts=True)
    return Ordered(partitions, sizes, table[order])


def _counted(parts: Sequence[I64], rows: Sequence[U64], counts: I64) -> Ordered:
    places = np.cumsum(counts) - counts
    out = np.empty((int(counts.sum()), rows[0].shape[1]), np.uint64)
    for mine, table in zip(parts, rows, strict=True):
        place(mine, table, places, out)
    codes = np.flatnonzero(counts)
    return Ordered(codes >> LOW_BITS << 32 | codes & 0xFF, counts[codes], out)


def _codes(parts: I64) -> I64 | npt.NDArray[np.uint16]:
    """Numbers in the order of the partitions; of 16 bits where that will do, for numpy sorts those by counting."""
    high, low = parts >> 32, parts & 0xFFFFFFFF
    if int(high.min(initial=0)) < 0 or int(high.max(initial=0)) > 0xFF or int(low.max(initial=0)) > 0xFF:
        return parts
    return (high << LOW_BITS | low).astype(np.uint16)
