"""The sets of shingles of candidates, on disk, and the comparison of pairs of them, a bounded number at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from threading import Lock
from typing import IO

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import Rows
from dataaudit.checks.near_documents import Documents, LongDocument, documents
from dataaudit.records.words import I64, U64
from dataaudit.sketches.long_sets import Read, shared_members, write_set
from dataaudit.sketches.minhash import as_sets, shared
from dataaudit.sketches.side_by_side import side_by_side
from dataaudit.sketches.workspace import Workspace

MOST_ROWS = 1 << 13
"""Rows asked for together; ids ascend, so that each asking reads a stretch of its own."""
SHARES = 4
"""Stretches for each thread, so that none idles for long at the end."""
BLOCK_SHINGLES = 1 << 20
"""Shingles held to compare pairs (8 MB); a pair of longer documents is read side by side."""


class Sets:
    """The sets of rows `ids` (ascending), read again once and written to the work directory."""

    def __init__(self, ids: U64, rows: Rows, shape: tuple[int, str | None], work: Workspace) -> None:
        """`shape` is how documents are made: words of a shingle, and the role compared or None for all."""
        size, role = shape
        self.ids = ids
        self.counts = np.zeros(len(ids), np.int64)
        """Shingles per set; none of a row that could not be read again."""
        self.nbytes = np.zeros(len(ids), np.int64)
        """Bytes of the text of each."""
        self._at = np.zeros(len(ids), np.int64)
        self._path = work.new_file("near-sets")
        self._done = 0
        """Shingles written."""
        self._writing = Lock()
        with work.writing(), self._path.open("wb") as out:

            def read(some: list[int]) -> None:
                for batch in rows.batches(some, keep=True):
                    for one in documents(batch, size, work, role):
                        self._write(one, out, work)

            most = min(MOST_ROWS, len(ids) // (SHARES * rows.threads) + 1)
            for _ in side_by_side(read, rows.stretches(ids.tolist(), most), rows.threads):
                pass

    def _write(self, one: Documents | LongDocument, out: IO[bytes], work: Workspace) -> None:
        if isinstance(one, LongDocument):
            with self._writing:
                place = np.searchsorted(self.ids, np.asarray([one.row_id], np.uint64))
                self.counts[place] = write_set(one.shingles(), out, work)
                self.nbytes[place] = one.nbytes
                self._at[place] = self._done
                self._done += int(self.counts[place[0]])
            return
        members, starts = as_sets(one.hashes, one.starts)
        place = np.searchsorted(self.ids, one.row_ids)
        with self._writing:
            self.counts[place] = np.diff(starts)
            self.nbytes[place] = one.nbytes
            self._at[place] = self._done + starts[:-1]
            out.write(members.data.cast("B"))
            self._done += len(members)

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
        for part, both in self._shared(left[possible], right[possible]):
            pairs = possible[part]
            reached[pairs] = both >= threshold * (one[pairs] + other[pairs] - both)
        return reached

    def similarity(self, left: I64, right: I64) -> npt.NDArray[np.float64]:
        """The Jaccard similarity of pairs, by place in `ids`, of rows that could be read again."""
        found = np.zeros(len(left))
        for part, both in self._shared(left, right):
            found[part] = both / (self.counts[left[part]] + self.counts[right[part]] - both)
        return found

    def _shared(self, left: I64, right: I64) -> Iterator[tuple[slice, I64]]:
        """How many shingles the sets of pairs share, block by block: which pairs, and their numbers."""
        if self._all is not None:
            yield slice(0, len(left)), shared(*self._all, left, right)
            return
        fresh = np.ones(len(left), np.bool_)
        fresh[1:] = left[1:] != left[:-1]
        totals = np.cumsum(self.counts[right] + np.where(fresh, self.counts[left], 0))
        first = done = 0
        while first < len(left):
            last = max(first + 1, int(np.searchsorted(totals, done + BLOCK_SHINGLES, "right")))
            long = last - first == 1 and self.counts[left[first]] + self.counts[right[first]] > BLOCK_SHINGLES
            compare = self._shared_long if long else self._shared_block
            yield slice(first, last), compare(left[first:last], right[first:last])
            first, done = last, int(totals[last - 1])

    def _shared_long(self, left: I64, right: I64) -> I64:
        """`_shared_block` of one pair, read side by side."""
        with self._path.open("rb") as file:

            def reader(place: int) -> Read:
                def read(first: int, most: int) -> U64:
                    count = max(0, min(most, int(self.counts[place]) - first))
                    file.seek((int(self._at[place]) + first) * 8)
                    return np.fromfile(file, np.uint64, count)

                return read

            return np.asarray([shared_members(reader(int(left[0])), reader(int(right[0])))], np.int64)

    def _shared_block(self, left: I64, right: I64) -> I64:
        needed, places = np.unique(np.concatenate([left, right]), return_inverse=True)
        return shared(*self._read(needed), places[: len(left)], places[len(left) :])

    @cached_property
    def _all(self) -> tuple[U64, I64] | None:
        """The sets of all ids, where they are no more than are held in any case."""
        return self._read(np.arange(len(self.ids))) if self.counts.sum() <= BLOCK_SHINGLES else None

    def _read(self, places: I64) -> tuple[U64, I64]:
        """The sets at these places end to end, and where each begins (n + 1,)."""
        at, counts = self._at[places], self.counts[places]
        starts = np.concatenate([[0], np.cumsum(counts)])
        hashes = np.empty(int(starts[-1]), np.uint64)
        # What lies together is read together.
        firsts = np.flatnonzero(np.append(True, at[1:] != (at + counts)[:-1])) if len(at) else at
        bounds = starts[np.append(firsts, len(at))].tolist()
        with self._path.open("rb") as file:
            for place, begin, end in zip(at[firsts].tolist(), bounds[:-1], bounds[1:], strict=True):
                file.seek(place * hashes.itemsize, os.SEEK_SET)
                file.readinto(hashes[begin:end].data.cast("B"))
        return hashes, starts
