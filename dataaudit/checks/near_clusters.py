"""From keys to clusters: equal sequences first, then candidates of each band, verified before they are united."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import Rows
from dataaudit.checks.duplicate_groups import Extras
from dataaudit.checks.near_documents import documents
from dataaudit.records.words import I64, U64
from dataaudit.sketches.minhash import as_sets, shared
from dataaudit.sketches.spill import Spill

SEQUENCES, BANDS = 0, 1
"""First numbers of the partitions of sequence keys and of band keys."""

REDUCE_ROWS = 1 << 20
CENTRES = 4
"""Rows of one bucket that are compared with all others of it, one after the other: bounds the work per bucket."""


class Sets:
    """The sets of shingles of candidates, and which of them are united."""

    def __init__(self, ids: U64, rows: Rows, size: int) -> None:
        self.ids = ids
        found = [one for batch in rows.batches(ids.tolist()) for one in documents(batch, size)]
        hashes, starts = [np.empty(0, np.uint64)], [0]
        seen = np.concatenate([np.empty(0, np.uint64), *(one.row_ids for one in found)])
        counts = np.zeros(len(ids), np.int64)
        for one in found:
            members, bounds = as_sets(one.hashes, one.starts)
            hashes.append(members)
            starts += np.diff(bounds).tolist()
        del starts[0]
        place = np.searchsorted(ids, seen)
        counts[place] = starts
        flat = np.concatenate(hashes)
        order = np.argsort(place, kind="stable")
        sizes = np.asarray(starts, np.int64)
        into = np.cumsum(sizes) - sizes
        moved = sizes[order]
        out = np.cumsum(moved) - moved
        self.hashes = flat[np.arange(int(moved.sum())) + np.repeat(into[order] - out, moved)]
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.labels = np.arange(len(ids))

    def alike(self, left: I64, right: I64, threshold: float) -> npt.NDArray[np.bool_]:
        """Which pairs reach the threshold. A row that could not be read again is like none."""
        both = shared(self.hashes, self.starts, left, right)
        sizes = np.diff(self.starts)
        union = sizes[left] + sizes[right] - both
        reached: npt.NDArray[np.bool_] = (both >= threshold * union) & (both > 0)
        return reached

    def unite(self, left: I64, right: I64) -> None:
        """Give linked rows the label of their smallest, by scipy's connected components."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = len(self.ids)
        rows, columns = np.concatenate([left, np.arange(n)]), np.concatenate([right, self.labels])
        graph = coo_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(n, n))
        _, component = connected_components(graph, directed=False)
        least = np.full(n, n)
        np.minimum.at(least, component, np.arange(n))
        self.labels = least[component]


def clusters(
    equal: Sequence[Extras], bands: Spill, count: int, rows: Rows, size: int, threshold: float
) -> Extras:
    """Removable rows and the rows that stay, by row id."""
    none = np.empty(0, np.uint64)
    again = np.concatenate([none, *(one.rows for one in equal)])
    order = np.argsort(again)
    again, twins = again[order], np.concatenate([none, *(one.twins for one in equal)])[order]
    ids = np.unique(np.concatenate([none, *(row for _, row in _buckets(bands, count, again))]))
    sets = Sets(ids, rows, size)
    for bucket, members in _buckets(bands, count, again):
        _unite(sets, bucket, np.searchsorted(ids, members), threshold)
    return _extras(sets, again, twins)


def _buckets(bands: Spill, count: int, again: U64) -> list[tuple[I64, U64]]:
    """Per stretch of keys: the bucket of each row that shares one, and the row, sorted by both."""
    found = []
    for band in range(count):
        first = BANDS + band << 32
        for table in bands.chunks(first, first + (1 << 32) - 1, REDUCE_ROWS):
            if len(again):
                at = np.minimum(np.searchsorted(again, table[:, 1]), len(again) - 1)
                table = table[again[at] != table[:, 1]]  # noqa: PLW2901
            _, bucket, sizes = np.unique(table[:, 0], return_inverse=True, return_counts=True)
            several = sizes[bucket] > 1
            bucket, members = bucket[several], table[several, 1]
            order = np.lexsort((members, bucket))
            if len(order):
                found.append((bucket[order], members[order]))
    return found


def _unite(sets: Sets, bucket: I64, members: I64, threshold: float) -> None:
    for _ in range(CENTRES):
        if len(members) < 2:
            return
        fresh = np.append(True, bucket[1:] != bucket[:-1])
        centre = members[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
        left, right = centre[~fresh], members[~fresh]
        apart = sets.labels[left] != sets.labels[right]
        alike = ~apart
        alike[apart] = sets.alike(left[apart], right[apart], threshold)
        if (alike & apart).any():
            sets.unite(left[alike & apart], right[alike & apart])
        bucket, members = bucket[~fresh][~alike], right[~alike]


def _extras(sets: Sets, again: U64, twins: U64) -> Extras:
    """All that is removed: rows equal to another, and candidates that are not the smallest of their cluster."""
    here = np.arange(len(sets.ids))
    moved = np.flatnonzero(sets.labels != here)
    kept = twins.copy()
    at = np.minimum(np.searchsorted(sets.ids, twins), max(len(sets.ids) - 1, 0))
    if len(sets.ids):
        known = sets.ids[at] == twins
        kept[known] = sets.ids[sets.labels[at[known]]]
    removed = np.concatenate([again, sets.ids[moved]])
    stays = np.concatenate([kept, sets.ids[sets.labels[moved]]])
    order = np.argsort(removed)
    heads, sizes = np.unique(stays, return_counts=True)
    return Extras(removed[order], stays[order], sizes + 1, heads)
