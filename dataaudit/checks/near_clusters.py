"""From keys to clusters: equal sequences first, then candidates of each band, verified before they are united."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from dataaudit.checks.base import Rows
from dataaudit.checks.duplicate_groups import Extras
from dataaudit.checks.near_sets import Sets
from dataaudit.records.words import I64, U64
from dataaudit.sketches.minhash import Banding
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

SEQUENCES, BANDS = 0, 1
"""First numbers of the partitions of sequence keys and of band keys."""

REDUCE_ROWS = 1 << 18
"""Keys reduced together."""
CENTRES = 4
"""Rows of one bucket that are compared with all others of it, one after the other: bounds the work per bucket."""


class Settings(NamedTuple):
    """What is compared, and how alike is alike."""

    words: int = 5
    threshold: float = 0.8
    banding: Banding = Banding(14, 8)


class Clusters(NamedTuple):
    """What is removed, and what is not known."""

    extras: Extras
    candidates: int
    missing: int
    """Candidates that could not be read again, so that nothing is said of them."""


def clusters(
    equal: Iterable[Extras], bands: Spill, rows: Rows, settings: Settings, work: Workspace
) -> Clusters:
    """Removable rows and the rows that stay, by row id; `equal` are the rows of equal sequences."""
    none = np.empty(0, np.uint64)
    parts = list(equal)
    again = np.concatenate([none, *(one.rows for one in parts)])
    order = np.argsort(again)
    again, twins = again[order], np.concatenate([none, *(one.twins for one in parts)])[order]
    ids = none
    for band in range(settings.banding.bands):
        ids = np.unique(np.concatenate([ids, *(np.unique(row) for _, row in _buckets(bands, band, again))]))
    sets, labels = Sets(ids, rows, settings.words, work), Labels(len(ids))
    for band in range(settings.banding.bands):
        for bucket, members in _buckets(bands, band, again):
            _unite(sets, labels, bucket, np.searchsorted(ids, members), settings.threshold)
    sets.close()
    return Clusters(_extras(ids, labels.of, again, twins), len(ids), sets.missing)


class Labels:
    """Which candidates are united: each has the place of the smallest of its cluster."""

    def __init__(self, count: int) -> None:
        self.of = np.arange(count)

    def unite(self, left: I64, right: I64) -> None:
        """Give the clusters of linked rows the label of their smallest, by scipy's connected components."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        roots, at = np.unique(self.of[np.concatenate([left, right])], return_inverse=True)
        n = len(roots)
        graph = coo_array((np.ones(len(left), np.bool_), (at[: len(left)], at[len(left) :])), shape=(n, n))
        _, component = connected_components(graph, directed=False)
        least = np.full(n, len(self.of))
        np.minimum.at(least, component, roots)
        self.of[roots] = least[component]
        self.of = self.of[self.of]


def _buckets(bands: Spill, band: int, again: U64) -> Iterator[tuple[I64, U64]]:
    """Per stretch of keys of a band: the bucket of each row that shares one, and the row, sorted by both."""
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
            yield bucket[order], members[order]


def _unite(sets: Sets, labels: Labels, bucket: I64, members: I64, threshold: float) -> None:
    for _ in range(CENTRES):
        if len(members) < 2:
            return
        fresh = np.append(True, bucket[1:] != bucket[:-1])
        centre = members[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
        left, right = centre[~fresh], members[~fresh]
        apart = labels.of[left] != labels.of[right]
        alike = ~apart
        alike[apart] = sets.alike(left[apart], right[apart], threshold)
        if (alike & apart).any():
            labels.unite(left[alike & apart], right[alike & apart])
        bucket, members = bucket[~fresh][~alike], right[~alike]


def _extras(ids: U64, labels: I64, again: U64, twins: U64) -> Extras:
    """All that is removed: rows equal to another, and candidates that are not the smallest of their cluster."""
    here = np.arange(len(ids))
    moved = np.flatnonzero(labels != here)
    kept = twins.copy()
    at = np.minimum(np.searchsorted(ids, twins), max(len(ids) - 1, 0))
    if len(ids):
        known = ids[at] == twins
        kept[known] = ids[labels[at[known]]]
    removed = np.concatenate([again, ids[moved]])
    stays = np.concatenate([kept, ids[labels[moved]]])
    order = np.argsort(removed)
    heads, sizes = np.unique(stays, return_counts=True)
    return Extras(removed[order], stays[order], sizes + 1, heads)
