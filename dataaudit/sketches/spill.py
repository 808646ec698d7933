"""Rows of 64-bit integers grouped by partition, spilled to disk past a size, read back one partition at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.sketches.spill_order import in_order
from dataaudit.sketches.workspace import Workspace

I64 = npt.NDArray[np.int64]

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
        begin, end = np.searchsorted(self.parts, [first, last + 1])
        return int(self.bounds[begin]), int(self.bounds[end])


class _Run(msgspec.Struct, frozen=True, array_like=True):
    path: str
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

    Order within a partition is not promised: a reader sorts. Files belong to the workspace, which removes them.
    """

    def __init__(
        self, work: Workspace, width: int, *, name: str = "spill", flush_bytes: int = FLUSH_BYTES
    ) -> None:
        self._work = work
        self.width = width
        self._name = name
        self._flush_bytes = flush_bytes
        self._runs: list[_Run] = []
        self._parts: list[I64] = []
        self._rows: list[npt.NDArray[np.uint64]] = []
        self._buffered = 0
        self._known: _Places | None = None
        """Those of what is buffered, once it is sorted."""

    def add(self, partitions: I64, rows: npt.NDArray[np.uint64]) -> None:
        """Add rows ((n, width), uint64), each to its partition (n,)."""
        if len(rows) == 0:
            return
        self._known = None
        self._parts.append(np.ascontiguousarray(partitions, dtype=np.int64))
        self._rows.append(np.ascontiguousarray(rows, dtype=np.uint64))
        self._buffered += rows.nbytes + partitions.nbytes
        if self._buffered > self._flush_bytes:
            self._flush()

    def _pending(self) -> tuple[I64, npt.NDArray[np.uint64]]:
        if not self._rows:
            return np.empty(0, np.int64), np.empty((0, self.width), np.uint64)
        if len(self._rows) > 1:
            self._parts = [np.concatenate(self._parts)]
            self._rows = [np.concatenate(self._rows)]
        return self._parts[0], self._rows[0]

    def _sorted(self) -> _Places:
        """Sort what is buffered by partition."""
        if self._known is None:
            parts, counts = np.empty(0, np.int64), np.empty(0, np.int64)
            if self._rows:
                parts, counts, rows = in_order(self._parts, self._rows)
                self._parts, self._rows = [np.repeat(parts, counts)], [rows]
            self._known = _Places(parts, np.append(0, np.cumsum(counts)))
        return self._known

    def _flush(self) -> None:
        places = self._sorted()
        path = self._work.new_file(self._name)
        with self._work.writing(), path.open("wb") as file:
            # `tofile` says nothing where the last of its buffer cannot be written.
            file.write(self._rows[0].data.cast("B"))
        self._runs.append(_Run(str(path), places.parts.tobytes(), places.bounds.tobytes()))
        self._forget()

    def _forget(self) -> None:
        self._parts, self._rows, self._buffered, self._known = [], [], 0, None

    def sizes(self) -> dict[int, int]:
        """Rows per partition that holds any, by partition."""
        every = [*(run.places for run in self._runs), self._sorted()]
        parts, at = np.unique(np.concatenate([one.parts for one in every]), return_inverse=True)
        counts = np.zeros(len(parts), np.int64)
        np.add.at(counts, at, np.concatenate([np.diff(one.bounds) for one in every]))
        return dict(zip(parts.tolist(), counts.tolist(), strict=True))

    def partitions(self) -> list[int]:
        """The partitions that hold rows, ascending."""
        return list(self.sizes())

    def read(self, first: int, last: int | None = None) -> npt.NDArray[np.uint64]:
        """All rows of the partitions from `first` to `last` (that one included), (n, width), in no promised order."""
        last = first if last is None else last
        pieces = []
        for run in self._runs:
            begin, end = run.places.between(first, last)
            if begin < end:
                count, skipped = (end - begin) * self.width, begin * self.width * 8
                flat = np.fromfile(Path(run.path), np.uint64, count, offset=skipped)
                pieces.append(flat.reshape(end - begin, self.width))
        begin, end = self._sorted().between(first, last)
        if begin < end or not pieces:
            pieces.append(self._pending()[1][begin:end])
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]

    def read_in_order(self, partition: int) -> npt.NDArray[np.uint64]:
        """All rows of one partition, (n, width), ascending by their first number; those with the same one as added."""
        rows = self.read(partition)
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def chunks(self, first: int, last: int, most: int) -> Iterator[npt.NDArray[np.uint64]]:
        """The rows of the partitions from `first` to `last`, several at a time while they are at most `most` rows."""
        sizes = {part: count for part, count in self.sizes().items() if first <= part <= last}
        for one, other in _stretches(sizes, most):
            yield self.read(one, other)

    def uppers(self) -> list[int]:
        """The upper halves of the partitions that hold rows, ascending."""
        return sorted({part >> 32 for part in self.sizes()})

    def together(self, uppers: Sequence[int], most: int) -> Iterator[npt.NDArray[np.uint64]]:
        """The rows of the partitions with these upper halves, never those of one lower half apart.

        Several lower halves come at a time while they are at most `most` rows.
        """
        sizes: dict[int, int] = {}
        for part, count in self.sizes().items():
            if part >> 32 in uppers:
                sizes[part & _LOWER] = sizes.get(part & _LOWER, 0) + count
        for first, last in _stretches(dict(sorted(sizes.items())), most):
            pieces = [self.read(upper << 32 | first, upper << 32 | last) for upper in uppers]
            yield pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def merge(self, other: Spill) -> None:
        """Take in the rows of another spill of the same width and workspace."""
        self._runs.extend(other._runs)
        parts, rows = other._pending()
        self.add(parts, rows)

    def remove(self) -> None:
        """Drop all rows, those on disk too."""
        for run in self._runs:
            Path(run.path).unlink(missing_ok=True)
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
