"""Rows of a table of integers that have the same key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiling import compiled
from dataaudit.sketches.row_set import RowSet

SLOTS = 8
"""Bits per row: of rows whose number comes once, one in nine meets another at its bit."""

U64 = npt.NDArray[np.uint64]


def repeated(table: U64, keys: int, without: RowSet | None = None) -> U64:
    """The rows whose key another row has too, sorted by key and row id. `keys` columns are the key, the next the id.

    Rows of ids in the set `without` are as if they were not there.
    """
    from dataaudit.sketches import group_kernels

    if compiled(0, group_kernels.group):
        return _grouped(np.ascontiguousarray(table), keys, without)
    rows = _others(table, keys, without)
    rows = rows[np.lexsort(rows[:, keys::-1].T)]
    return rows[_several(len(rows), (rows[1:, :keys] != rows[:-1, :keys]).any(axis=1))]


def _others(rows: U64, keys: int, without: RowSet | None) -> U64:
    return rows[without.others(rows[:, keys])] if without else rows


def _grouped(table: U64, keys: int, without: RowSet | None) -> U64:
    """`repeated`, compiled. Rows of keys that come once, which are nearly all, are told by the first column alone."""
    from dataaudit.sketches.group_kernels import SMALL, candidates, gather, group, order

    at = np.empty(len(table), np.int64)
    rows = table[at[: candidates(table, *np.zeros((2, _power(len(table) * SLOTS // 64)), np.uint64), at)]]
    rows = _others(rows, keys, without)
    firsts, sizes = np.zeros((2, len(rows)), np.int32)
    count = group(rows, keys, np.full(_power(len(rows)), -1, np.int32), firsts, sizes)
    heads = np.flatnonzero(sizes > 1)
    heads = heads[_order(rows[heads, :keys])]
    bounds = np.append(0, np.cumsum(sizes[heads]))
    places = np.full(len(rows), -1)
    places[heads] = bounds[:-1]
    found = np.empty((count, table.shape[1]), np.uint64)
    gather(rows, firsts, places, found)
    order(found, bounds, keys)
    for large in np.flatnonzero(np.diff(bounds) > SMALL).tolist():
        mine = found[bounds[large] : bounds[large + 1]]
        mine[:] = mine[np.argsort(mine[:, keys])]
    return found


def _order(keys: U64) -> npt.NDArray[np.int64]:
    """The order of different keys."""
    order = np.argsort(keys[:, 0])
    if (keys[order[1:], 0] == keys[order[:-1], 0]).any():
        order = np.lexsort(keys[:, ::-1].T)
    return order


def _power(count: int) -> int:
    """A power of two, greater."""
    return 1 << max(0, count).bit_length()


def starts(rows: U64, keys: int) -> npt.NDArray[np.int64]:
    """Where each group of equal keys begins in sorted rows."""
    fresh = np.ones(len(rows), np.bool_)
    fresh[1:] = (rows[1:, :keys] != rows[:-1, :keys]).any(axis=1)
    return np.flatnonzero(fresh)


def _several(rows: int, apart: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of n sorted rows have the key of a neighbour, if those `apart` (n - 1,) differ from the one before."""
    if rows == 0:
        return np.zeros(0, np.bool_)
    edges = np.ones(len(apart) + 2, np.bool_)
    edges[1:-1] = apart
    several: npt.NDArray[np.bool_] = ~(edges[1:] & edges[:-1])
    return several
