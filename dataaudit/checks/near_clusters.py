"""From keys to clusters: equal sequences first, then candidates of each band, verified before they are united."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import Rows
from dataaudit.checks.near_sets import Sets
from dataaudit.checks.near_settings import FLAG, NearSettings
from dataaudit.errors import UsageError
from dataaudit.records.words import I64, U64
from dataaudit.sketches.groups import repeated, starts
from dataaudit.sketches.row_set import RowSet
from dataaudit.sketches.side_by_side import side_by_side
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

REDUCE_ROWS = 1 << 18
"""Keys that a thread reduces together: 4 MB of those of a band."""
KEPT_ROWS = 1 << 20
"""Members of buckets held (16 MB) while candidates are read again; where they are more, they are looked for again."""
CENTRES = 4
"""Rows of one bucket that are compared with all others of it, one after the other: bounds the work per bucket."""


class Keys(NamedTuple):
    """What one variant of the check left: its sequences and bands."""

    sequences: Spill
    """(hi, lo, row id, bytes of text); the upper half of a partition is the variant."""
    bands: Spill
    """(key, row id); the upper half of a partition is the variant times the number of bands, plus the band."""
    variant: int
    number: int
    """How many bands there are."""

    def equal(self, threads: int) -> Equal:
        """The rows beyond the first of every group of equal sequences."""
        first, last = self.variant << 32, (self.variant + 1 << 32) - 1

        def reduced(between: tuple[int, int]) -> U64:
            return _beyond_first(self.sequences.read(*between))

        found = side_by_side(reduced, self.sequences.stretches(first, last, REDUCE_ROWS), threads)
        every = np.concatenate([np.empty((0, 4), np.uint64), *found])
        every = every[np.argsort(every[:, 0])]
        return Equal(every[:, 0], every[:, 1], every[:, 2].astype(np.int64), every[:, 3].astype(np.int64))

    def buckets(self, again: U64, threads: int) -> Iterator[Buckets]:
        """Some rows at a time, those that share the key of a band, without the rows `again`: those whose sequence

        another has, which stands in their place.
        """
        without = RowSet(again)

        def reduced(between: tuple[int, int]) -> Buckets:
            return _buckets(repeated(self.bands.read(*between), 1, without))

        # A band lies in partitions of its own, so none is reduced together with another.
        parts = (
            between
            for band in range(self.variant * self.number, (self.variant + 1) * self.number)
            for between in self.bands.stretches(band << 32, (band + 1 << 32) - 1, REDUCE_ROWS)
        )
        yield from side_by_side(reduced, parts, threads)


class Equal(NamedTuple):
    """Rows whose sequence of shingles an earlier row has, by row id, and that row; bytes of the text of both."""

    rows: U64
    twins: U64
    nbytes: I64
    twin_bytes: I64


class Members(NamedTuple):
    """All rows of clusters of two or more: by cluster, the row that stays first, then by row id."""

    rows: U64
    cluster: I64
    """Number of the cluster, ascending."""
    head: npt.NDArray[np.bool_]
    """Does the row stay?"""
    nbytes: I64
    """Bytes of its text."""
    similarity: npt.NDArray[np.float64]
    """To the row that stays: the true Jaccard similarity of their sets of shingles, in four decimals."""


class Clusters(NamedTuple):
    """What is removed, and what is not known."""

    members: Members
    candidates: int
    missing: int
    """Candidates that could not be read again, so that nothing is said of them."""


def clusters(keys: Keys, role: str | None, rows: Rows, settings: NearSettings, work: Workspace) -> Clusters:
    """The clusters of one variant: of whole records, or of the strings of a role."""
    equal = keys.equal(rows.threads)
    candidates, kept, size = _Distinct(), list[Buckets](), 0
    for one in keys.buckets(equal.rows, rows.threads):
        candidates.add(one.members)
        size += len(one.members)
        if size <= KEPT_ROWS:
            kept.append(one)
        else:
            kept.clear()
    ids = candidates.all()
    again = kept if size <= KEPT_ROWS else keys.buckets(equal.rows, rows.threads)
    sets, labels = Sets(ids, rows, (settings.words, role), work), Labels(len(ids))
    try:
        for one in again:
            _unite(sets, labels, one.bucket, np.searchsorted(ids, one.members), settings.threshold)
        kept.clear()
        members = _members(_together(equal, sets, labels.all()), rows, settings, sets)
    finally:
        sets.close()
    return Clusters(members, len(ids), sets.missing)


def _beyond_first(table: U64) -> U64:
    """Of equal keys the rows beyond the first: row id, that of the first, bytes of both. `table` is (n, 4): hi, lo,

    row id, bytes of text.
    """
    rows = repeated(table, 2)
    at = starts(rows, 2)
    first = np.repeat(at, np.diff(np.append(at, len(rows))))
    row, nbytes = rows[:, 2], rows[:, 3]
    return np.delete(np.stack([row, row[first], nbytes, nbytes[first]], axis=1), at, axis=0)


class Buckets(NamedTuple):
    """Rows that share the key of a band, sorted by bucket and row."""

    bucket: npt.NDArray[np.int32]
    members: U64


def _buckets(rows: U64) -> Buckets:
    """Rows of (key, row id) that share a key, sorted by both."""
    at = starts(rows, 1)
    return Buckets(
        np.repeat(np.arange(len(at), dtype=np.int32), np.diff(np.append(at, len(rows)))), rows[:, 1].copy()
    )


class _Distinct:
    """Row ids, each once. They are put in order when as many as before have come, so every one a few times over."""

    def __init__(self) -> None:
        self._held = [np.empty(0, np.uint64)]
        self._waiting = 0

    def add(self, ids: U64) -> None:
        """Take some in."""
        self._held.append(ids)
        self._waiting += len(ids)
        if self._waiting > max(KEPT_ROWS, len(self._held[0])):
            self.all()

    def all(self) -> U64:
        """All of them, ascending."""
        self._held, self._waiting = [np.unique(np.concatenate(self._held))], 0
        return self._held[0]


class Labels:
    """Which candidates are united: the label of each is the place of the smallest of its cluster."""

    def __init__(self, count: int) -> None:
        self._of = np.arange(count)
        """A smaller one of the same cluster, or itself if it is the smallest."""

    def at(self, places: I64) -> I64:
        """The labels of some."""
        found = self._of[places]
        while not np.array_equal(further := self._of[found], found):
            found = further
        self._of[places] = found
        return found

    def all(self) -> I64:
        """The labels of all."""
        while not np.array_equal(further := self._of[self._of], self._of):
            self._of = further
        return self._of

    def unite(self, left: I64, right: I64) -> None:
        """Give the clusters of linked rows the label of their smallest.

        Of two labels that are linked the greater goes to the smallest one it is linked to, until there are no two: the
        labels of a component that remain are those with no smaller one beside them.
        """
        while len(left):
            one, other = self.at(left), self.at(right)
            apart = one != other
            left, right, one, other = left[apart], right[apart], one[apart], other[apart]
            greater = np.maximum(one, other)
            np.minimum.at(self._of, greater, np.minimum(one, other))
            # These may be a long chain now; each step halves it.
            while not np.array_equal(further := self._of[self._of[greater]], self._of[greater]):
                self._of[greater] = further


def _unite(sets: Sets, labels: Labels, bucket: npt.NDArray[np.int32], members: I64, threshold: float) -> None:
    for _ in range(CENTRES):
        if len(members) < 2:
            return
        fresh = np.append(True, bucket[1:] != bucket[:-1])
        centre = members[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
        left, right = centre[~fresh], members[~fresh]
        apart = labels.at(left) != labels.at(right)
        alike = ~apart
        alike[apart] = sets.alike(left[apart], right[apart], threshold)
        if (alike & apart).any():
            labels.unite(left[alike & apart], right[alike & apart])
        bucket, members = bucket[~fresh][~alike], right[~alike]


class _Together(NamedTuple):
    """Rows in clusters of two or more, in no order: the smallest row of the cluster, a row of the same sequence that is

    a candidate if any is, bytes of text.
    """

    rows: U64
    smallest: U64
    stands: U64
    nbytes: I64


def _together(equal: Equal, sets: Sets, labels: I64) -> _Together:
    ids = sets.ids
    place = np.minimum(np.searchsorted(ids, equal.twins), max(len(ids) - 1, 0))
    known = ids[place] == equal.twins if len(ids) else np.zeros(len(place), np.bool_)
    smallest = equal.twins.copy()
    smallest[known] = ids[labels[place[known]]]
    # First rows of equal sequences that are in no bucket with another.
    alone, at = np.unique(equal.twins[~known], return_index=True)
    rows = np.concatenate([equal.rows, ids, alone])
    every = np.concatenate([smallest, ids[labels], alone])
    stands = np.concatenate([equal.twins, ids, alone])
    nbytes = np.concatenate([equal.nbytes, sets.nbytes, equal.twin_bytes[~known][at]])
    _, which, sizes = np.unique(every, return_inverse=True, return_counts=True)
    several = sizes[which] > 1
    return _Together(rows[several], every[several], stands[several], nbytes[several])


def _members(found: _Together, rows: Rows, settings: NearSettings, sets: Sets) -> Members:
    """Choose the row of each cluster that stays, and compare the others with it."""
    score = np.zeros(len(found.rows))
    if settings.keep == "longest":
        score = found.nbytes.astype(np.float64)
    elif settings.best is not None:
        values = rows.numbers(np.sort(found.rows).tolist(), settings.best)
        if len(found.rows) and not values:
            raise UsageError(
                f"{FLAG} keep={settings.keep}: none of the near-duplicates has a number in that field"
            )
        score = np.asarray([values.get(row, -np.inf) for row in found.rows.tolist()])
    order = np.lexsort((found.rows, -score, found.smallest))
    head = np.ones(len(order), np.bool_)
    head[1:] = found.smallest[order][1:] != found.smallest[order][:-1]
    cluster = np.cumsum(head) - 1
    stands = found.stands[order]
    kept = stands[np.flatnonzero(head)][cluster]
    similarity = np.ones(len(order))
    other = np.flatnonzero(stands != kept)
    left, right = np.searchsorted(sets.ids, kept[other]), np.searchsorted(sets.ids, stands[other])
    exact = sets.similarity(left, right)
    similarity[other] = np.where(
        exact < 1, np.minimum(np.round(exact, 4), 0.9999), 1.0
    )  # 1 is said of equals only
    return Members(found.rows[order], cluster, head, found.nbytes[order], similarity)
