"""Rows of 64-bit integers grouped by partition, spilled to disk past a size, read back one partition at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.sketches.spill_file import Readers, SpillFile
from dataaudit.sketches.spill_order import Keyed, Placed, in_order, joined
from dataaudit.sketches.workspace import Workspace

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

FLUSH_BYTES = 8 << 20
"""Buffered bytes per spill before a run is written: large enough for sequential writes, small beside a batch. Putting
them in order takes twice as much again."""
SENT_BYTES = 1 << 20
"""Buffered bytes that go with a serialised spill; more are written as a run, which the other side reads where it is."""

_LOWER = 0xFFFFFFFF
"""The lower half of a partition."""


class _Places(NamedTuple):
    """Where the rows of partitions lie in rows sorted by partition."""

    parts: I64
    """The partitions that hold rows, ascending."""
    bounds: I64
    """(n + 1,): the rows of partition i are those from `bounds[i]` to `bounds[i + 1]`."""

    def between(self, first: int, last: int) -> tuple[int, int]:
        """The first row of the partitions from `first` to `last`, that one included, and the one after their last."""
        begin, end = self.parts.searchsorted([first, last + 1])
        return int(self.bounds[begin]), int(self.bounds[end])


class _Run(msgspec.Struct, frozen=True, array_like=True):
    path: str
    at: int
    """The byte of the file at which its rows begin."""
    parts: bytes
    bounds: bytes
    """Both of `_Places`."""

    @property
    def places(self) -> _Places:
        return _Places(np.frombuffer(self.parts, np.int64), np.frombuffer(self.bounds, np.int64))


class _Frame(msgspec.Struct, array_like=True):
    width: int
    runs: list[_Run]
    partitions: bytes
    data: bytes


class Spill:
    """A mergeable multiset of integer rows.

    Order within a partition is not promised: a reader sorts. Files belong to the workspace, which removes them. Threads
    may read side by side while nobody adds.
    """

    def __init__(
        self, work: Workspace, width: int, *, name: str = "spill", flush_bytes: int = FLUSH_BYTES
    ) -> None:
        self._work = work
        self.width = width
        self._name = name
        self._flush_bytes = flush_bytes
        self._runs: list[_Run] = []
        self._file = SpillFile(work, name)
        self._readers = Readers()
        self._pieces: list[Placed | Keyed] = []
        self._buffered = 0
        self._known: _Places | None = None
        """Those of what is buffered, once it is sorted."""
        self._sizes: dict[int, int] | None = None

    def add(self, partitions: I64, rows: U64) -> None:
        """Add rows ((n, width), uint64), each to its partition (n,)."""
        self._add(Placed(np.ascontiguousarray(partitions, np.int64), np.ascontiguousarray(rows, np.uint64)))

    def add_keys(self, kind: int, keys: U64, rest: U64) -> None:
        """Add rows that are a key and the rest ((n, width - 1)), one for each column of keys ((n, kinds)).

        Their partitions are those of `partition_of`; the keys of column j are of kind `kind + j`.
        """
        self._add(Keyed(kind, np.ascontiguousarray(keys, np.uint64), np.ascontiguousarray(rest, np.uint64)))

    def _add(self, piece: Placed | Keyed) -> None:
        if piece.nbytes == 0:
            return
        self._known = self._sizes = None
        self._pieces.append(piece)
        self._buffered += piece.nbytes
        if self._buffered > self._flush_bytes:
            self._flush()

    def _pending(self) -> Placed:
        if not self._pieces:
            return Placed(np.empty(0, np.int64), np.empty((0, self.width), np.uint64))
        self._pieces = [joined(self._pieces)]
        return joined(self._pieces)

    def _sorted(self) -> _Places:
        """Sort what is buffered by partition."""
        if self._known is None:
            parts, counts = np.empty(0, np.int64), np.empty(0, np.int64)
            if self._pieces:
                parts, counts, rows = in_order(self._pieces)
                self._pieces = [Placed(np.repeat(parts, counts), rows)]
            self._known = _Places(parts, np.append(0, np.cumsum(counts)))
        return self._known

    def _flush(self) -> None:
        places = self._sorted()
        at = self._file.append(self._pending().rows)
        self._runs.append(_Run(str(self._file.path), at, places.parts.tobytes(), places.bounds.tobytes()))
        self._forget()

    def _forget(self) -> None:
        self._pieces, self._buffered, self._known, self._sizes = [], 0, None, None

    def sizes(self) -> dict[int, int]:
        """Rows per partition that holds any, by partition."""
        if self._sizes is None:
            every = [*(run.places for run in self._runs), self._sorted()]
            parts, at = np.unique(np.concatenate([one.parts for one in every]), return_inverse=True)
            counts = np.zeros(len(parts), np.int64)
            np.add.at(counts, at, np.concatenate([np.diff(one.bounds) for one in every]))
            self._sizes = dict(zip(parts.tolist(), counts.tolist(), strict=True))
        return self._sizes

    def partitions(self) -> list[int]:
        """The partitions that hold rows, ascending."""
        return list(self.sizes())

    def read(self, first: int, last: int | None = None) -> U64:
        """All rows of the partitions from `first` to `last` (that one included), (n, width), in no promised order."""
        last = first if last is None else last
        held = self._sorted().between(first, last)
        found = [(run, *run.places.between(first, last)) for run in self._runs]
        rows = np.empty(
            (sum(end - begin for _, begin, end in found) + held[1] - held[0], self.width), np.uint64
        )
        done = 0
        for run, begin, end in found:
            if begin < end:
                into = rows[done : done + end - begin]
                self._readers.read(run.path, run.at + begin * self.width * 8, into)
                done += len(into)
        if done < len(rows):
            rows[done:] = self._pending().rows[slice(*held)]
        return rows

    def read_in_order(self, partition: int) -> U64:
        """All rows of one partition, (n, width), ascending by their first number; those with the same one as added."""
        rows = self.read(partition)
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def stretches(self, first: int, last: int, most: int) -> Iterator[tuple[int, int]]:
        """The partitions from `first` to `last` in stretches of at most `most` rows, or of one: its first and last."""
        yield from _stretches({part: n for part, n in self.sizes().items() if first <= part <= last}, most)

    def uppers(self) -> list[int]:
        """The upper halves of the partitions that hold rows, ascending."""
        return sorted({part >> 32 for part in self.sizes()})

    def lowers(self, uppers: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
        """`stretches` of lower halves, of the rows of the partitions that have these upper halves."""
        sizes: dict[int, int] = {}
        for part, count in self.sizes().items():
            if part >> 32 in uppers:
                sizes[part & _LOWER] = sizes.get(part & _LOWER, 0) + count
        yield from _stretches(dict(sorted(sizes.items())), most)

    def read_together(self, uppers: Sequence[int], first: int, last: int) -> U64:
        """The rows of the partitions that have these upper halves, and lower halves from `first` to `last`."""
        pieces = [self.read(upper << 32 | first, upper << 32 | last) for upper in uppers]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def merge(self, other: Spill) -> None:
        """Take in the rows of another spill of the same width and workspace."""
        self._runs.extend(other._runs)
        self._sizes = None
        self._add(other._pending())

    def remove(self) -> None:
        """Drop all rows, those on disk too."""
        self._file.close()
        self._readers.close()
        for path in {run.path for run in self._runs}:
            Path(path).unlink(missing_ok=True)
        self._runs = []
        self._forget()

    def to_bytes(self) -> bytes:
        """Serialise; what is on disk stays there and is named."""
        if self._buffered > SENT_BYTES:
            self._flush()
        parts, rows = self._pending()
        return msgspec.msgpack.encode(_Frame(self.width, self._runs, parts.tobytes(), rows.tobytes()))

    @classmethod
    def from_bytes(
        cls, data: bytes, work: Workspace, *, name: str = "spill", flush_bytes: int = FLUSH_BYTES
    ) -> Spill:
        """Inverse of `to_bytes`; the workspace must reach the same files."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        spill = cls(work, frame.width, name=name, flush_bytes=flush_bytes)
        spill._runs = frame.runs
        rows = np.frombuffer(frame.data, np.uint64).reshape(-1, frame.width)
        spill.add(np.frombuffer(frame.partitions, np.int64), rows)
        return spill


def _stretches(sizes: Mapping[int, int], most: int) -> Iterator[tuple[int, int]]:
    """The first and the last of partitions of these sizes, ascending, that are at most `most` rows together."""
    group: list[int] = []
    held = 0
    for part, count in sizes.items():
        if group and held + count > most:
            yield group[0], group[-1]
            group, held = [], 0
        group.append(part)
        held += count
    if group:
        yield group[0], group[-1]
