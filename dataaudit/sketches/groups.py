"""Rows of a table of integers that have the same key."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiling import compiled

U64 = npt.NDArray[np.uint64]


def repeated(table: U64, keys: int) -> U64:
    """The rows whose key another row has too, sorted by key and row id. `keys` columns are the key, the next the id.

    Rows of keys that come once, which are nearly all, are told by the first column alone and never moved.
    """
    rows = _maybe_repeated(table)
    first = np.ascontiguousarray(rows[:, 0])
    order = np.argsort(first)
    first = first[order]
    rows = rows[order[_several(len(first), first[1:] != first[:-1])]]
    rows = rows[np.lexsort(rows[:, keys::-1].T)]
    if keys > 1:
        rows = rows[_several(len(rows), (rows[1:, :keys] != rows[:-1, :keys]).any(axis=1))]
    return rows


def _maybe_repeated(table: U64) -> U64:
    """The rows of a table whose first number another may have, and few others."""
    from dataaudit.sketches.group_kernels import SLOTS, candidates

    if not compiled(0, candidates):
        return table
    words = 1 << max(0, (len(table) * SLOTS // 64).bit_length())
    at = np.empty(len(table), np.int64)
    count = candidates(np.ascontiguousarray(table), *np.zeros((2, words), np.uint64), at)
    return table[at[:count]]


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
