"""The sets of shingles of candidates, on disk, and the comparison of pairs of them, a bounded number at a time."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import Rows
from dataaudit.checks.near_documents import LongDocument, documents
from dataaudit.records.words import I64, U64
from dataaudit.sketches.long_sets import Read, shared_members, write_set
from dataaudit.sketches.minhash import as_sets, shared
from dataaudit.sketches.workspace import Workspace

FETCH_ROWS = 1 << 16
"""Rows asked for together; ids ascend, so that each asking reads a stretch of its own."""
BLOCK_SHINGLES = 1 << 22
"""Shingles held to compare pairs (32 MB); a pair of longer documents is read side by side."""


class Sets:
    """The sets of rows `ids` (ascending), read again once and written to the work directory."""

    def __init__(self, ids: U64, rows: Rows, size: int, work: Workspace) -> None:
        self.ids = ids
        self.counts = np.zeros(len(ids), np.int64)
        """Shingles per set; none of a row that could not be read again."""
        self._at = np.zeros(len(ids), np.int64)
        self._path = work.new_file("near-sets")
        done = 0
        with self._path.open("wb") as out:
            for first in range(0, len(ids), FETCH_ROWS):
                for batch in rows.batches(ids[first : first + FETCH_ROWS].tolist()):
                    for one in documents(batch, size, work.new_file):
                        if isinstance(one, LongDocument):
                            place = np.searchsorted(ids, np.asarray([one.row_id], np.uint64))
                            self.counts[place] = write_set(one.shingles(), out, work)
                            self._at[place] = done
                            done += int(self.counts[place[0]])
                            continue
                        members, starts = as_sets(one.hashes, one.starts)
                        place = np.searchsorted(ids, one.row_ids)
                        self.counts[place] = np.diff(starts)
                        self._at[place] = done + starts[:-1]
                        members.tofile(out)
                        done += len(members)

    @property
    def missing(self) -> int:
        """Rows that could not be read again."""
        return int((self.counts == 0).sum())

    def close(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)

    def alike(self, left: I64, right: I64, threshold: float) -> npt.NDArray[np.bool_]:
        """Which pairs, by place in `ids`, reach the threshold. A row that could not be read again is like none."""
        one, other = self.counts[left], self.counts[right]
        # The similarity is at most the ratio of the sizes.
        possible = np.flatnonzero((np.minimum(one, other) >= threshold * np.maximum(one, other)) & (one > 0))
        reached = np.zeros(len(left), np.bool_)
        for part in self._blocks(left[possible], right[possible]):
            pairs = possible[part]
            one_pair = len(pairs) == 1 and one[pairs[0]] + other[pairs[0]] > BLOCK_SHINGLES
            both = (self._shared_long if one_pair else self._shared)(left[pairs], right[pairs])
            reached[pairs] = both >= threshold * (one[pairs] + other[pairs] - both)
        return reached

    def _blocks(self, left: I64, right: I64) -> list[slice]:
        fresh = np.ones(len(left), np.bool_)
        fresh[1:] = left[1:] != left[:-1]
        totals = np.cumsum(self.counts[right] + np.where(fresh, self.counts[left], 0))
        blocks = []
        first = done = 0
        while first < len(left):
            last = max(first + 1, int(np.searchsorted(totals, done + BLOCK_SHINGLES, "right")))
            blocks.append(slice(first, last))
            first, done = last, int(totals[last - 1])
        return blocks

    def _shared_long(self, left: I64, right: I64) -> I64:
        """`_shared` of one pair, read side by side."""
        with self._path.open("rb") as file:

            def reader(place: int) -> Read:
                def read(first: int, most: int) -> U64:
                    count = max(0, min(most, int(self.counts[place]) - first))
                    file.seek((int(self._at[place]) + first) * 8)
                    return np.fromfile(file, np.uint64, count)

                return read

            return np.asarray([shared_members(reader(int(left[0])), reader(int(right[0])))], np.int64)

    def _shared(self, left: I64, right: I64) -> I64:
        needed, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        starts = np.concatenate([[0], np.cumsum(self.counts[needed])])
        hashes = np.empty(int(starts[-1]), np.uint64)
        with self._path.open("rb") as file:
            for at, begin, end in zip(
                self._at[needed].tolist(), starts[:-1].tolist(), starts[1:].tolist(), strict=True
            ):
                file.seek(at * hashes.itemsize, os.SEEK_SET)
                file.readinto(hashes[begin:end].data.cast("B"))
        return shared(hashes, starts, places[: len(left)], places[len(left) :])
