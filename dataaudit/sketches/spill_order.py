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
RANGE_BITS = 6
"""Upper bits of a key that are the lower half of its partition: a reduction holds a 64th of the keys of one kind."""
_CODES = 1 << 2 * LOW_BITS


class Placed(NamedTuple):
    """Rows whose partitions are named."""

    partitions: I64
    """(n,)"""
    rows: U64
    """(n, width)"""

    @property
    def nbytes(self) -> int:
        """Bytes of the rows and of the numbers that place them."""
        return self.rows.nbytes + self.partitions.nbytes


class Keyed(NamedTuple):
    """Rows that begin with a key, which places them: several rows that differ in that alone, one of each kind."""

    kind: int
    """Upper half of the partition of the first of them; that of the others follows."""
    keys: U64
    """(n, kinds)"""
    rest: U64
    """(n, width - 1)"""

    @property
    def nbytes(self) -> int:
        """Bytes of the rows that they make."""
        return int(self.keys.nbytes * (1 + self.rest.shape[1]))

    def placed(self) -> Placed:
        """The same, row by row."""
        n, kinds = self.keys.shape
        kind = np.broadcast_to(self.kind + np.arange(kinds), (n, kinds))
        rest = np.broadcast_to(self.rest[:, None, :], (n, kinds, self.rest.shape[1]))
        rows = np.concatenate([self.keys[:, :, None], rest], axis=2)
        return Placed(partition_of(kind, self.keys).reshape(-1), rows.reshape(n * kinds, -1))


def partition_of(kind: int | I64, keys: U64) -> I64:
    """The partitions of keys: kind and range."""
    return (keys >> np.uint64(64 - RANGE_BITS)).astype(np.int64) | kind << 32


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


@Kernel
def count_keys(kind: int, keys: U64, counts: I64) -> None:
    """`count` of keyed rows."""
    for i in range(keys.shape[0]):
        for j in range(keys.shape[1]):
            counts[(kind + j) << 8 | np.int64(keys[i, j] >> np.uint64(64 - RANGE_BITS))] += 1


@Kernel
def place_keys(kind: int, keys: U64, rest: U64, places: I64, out: U64) -> None:
    """`place` of keyed rows."""
    for i in range(keys.shape[0]):
        for j in range(keys.shape[1]):
            key = keys[i, j]
            code = (kind + j) << 8 | np.int64(key >> np.uint64(64 - RANGE_BITS))
            at = places[code]
            places[code] = at + 1
            out[at, 0] = key
            for k in range(rest.shape[1]):
                out[at, k + 1] = rest[i, k]


def in_order(pieces: Sequence[Placed | Keyed]) -> Ordered:
    """Rows in order. At least one piece is given."""
    if compiled(sum(one.nbytes for one in pieces) >> 4, place):
        counts = np.zeros(_CODES, np.int64)
        if all(_count(one, counts) for one in pieces):
            return _counted(pieces, counts)
    every, table = joined(pieces)
    order = np.argsort(_codes(every), kind="stable")
    partitions, sizes = np.unique(every, return_counts=True)
    return Ordered(partitions, sizes, table[order])


def joined(pieces: Sequence[Placed | Keyed]) -> Placed:
    """The rows of all pieces."""
    placed = [one if isinstance(one, Placed) else one.placed() for one in pieces]
    if len(placed) == 1:
        return placed[0]
    return Placed(
        np.concatenate([one.partitions for one in placed]), np.concatenate([one.rows for one in placed])
    )


def _count(piece: Placed | Keyed, counts: I64) -> bool:
    if isinstance(piece, Placed):
        return not count(piece.partitions, counts)
    if piece.kind < 0 or piece.kind + piece.keys.shape[1] > len(counts) >> LOW_BITS:
        return False
    count_keys(piece.kind, piece.keys, counts)
    return True


def _counted(pieces: Sequence[Placed | Keyed], counts: I64) -> Ordered:
    places = np.cumsum(counts) - counts
    first = pieces[0]
    width = first.rows.shape[1] if isinstance(first, Placed) else 1 + first.rest.shape[1]
    out = np.empty((int(counts.sum()), width), np.uint64)
    for one in pieces:
        if isinstance(one, Placed):
            place(one.partitions, one.rows, places, out)
        else:
            place_keys(one.kind, one.keys, one.rest, places, out)
    codes = np.flatnonzero(counts)
    return Ordered(codes >> LOW_BITS << 32 | codes & 0xFF, counts[codes], out)


def _codes(parts: I64) -> I64 | npt.NDArray[np.uint16]:
    """Numbers in the order of the partitions; of 16 bits where that will do, for numpy sorts those by counting."""
    high, low = parts >> 32, parts & 0xFFFFFFFF
    if int(high.min(initial=0)) < 0 or int(high.max(initial=0)) > 0xFF or int(low.max(initial=0)) > 0xFF:
        return parts
    return (high << LOW_BITS | low).astype(np.uint16)
