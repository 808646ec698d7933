"""Rows of 64-bit integers grouped by partition, spilled to disk past a size, read back one partition at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.sketches.spill_order import in_order
from dataaudit.sketches.workspace import Workspace

FLUSH_BYTES = 8 << 20
"""Buffered bytes per spill before a run is written: large enough for sequential writes, small beside a batch. Putting
them in order takes twice as much again."""
SENT_BYTES = 1 << 20
"""Buffered bytes that go with a serialised spill; more are written as a run, which the other side reads where it is."""

_LOWER = 0xFFFFFFFF
"""The lower half of a partition."""


class _Run(msgspec.Struct, frozen=True, array_like=True):
    path: str
    starts: tuple[tuple[int, int, int], ...]
    """(partition, first row in the file, rows)."""


class _Frame(msgspec.Struct, array_like=True):
    width: int
    runs: list[_Run]
    partitions: list[int]
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
        self._parts: list[npt.NDArray[np.int64]] = []
        self._rows: list[npt.NDArray[np.uint64]] = []
        self._buffered = 0

    def add(self, partitions: npt.NDArray[np.int64], rows: npt.NDArray[np.uint64]) -> None:
        """Add rows ((n, width), uint64), each to its partition (n,)."""
        if len(rows) == 0:
            return
        self._parts.append(np.ascontiguousarray(partitions, dtype=np.int64))
        self._rows.append(np.ascontiguousarray(rows, dtype=np.uint64))
        self._buffered += rows.nbytes + partitions.nbytes
        if self._buffered > self._flush_bytes:
            self._flush()

    def _pending(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        if not self._rows:
            return np.empty(0, np.int64), np.empty((0, self.width), np.uint64)
        if len(self._rows) > 1:
            self._parts = [np.concatenate(self._parts)]
            self._rows = [np.concatenate(self._rows)]
        return self._parts[0], self._rows[0]

    def _flush(self) -> None:
        ordered = in_order(self._parts, self._rows)
        path = self._work.new_file(self._name)
        with self._work.writing(), path.open("wb") as file:
            # `tofile` says nothing where the last of its buffer cannot be written.
            file.write(ordered.rows.data.cast("B"))
        first = np.cumsum(ordered.counts) - ordered.counts
        starts = zip(ordered.partitions.tolist(), first.tolist(), ordered.counts.tolist(), strict=True)
        self._runs.append(_Run(str(path), tuple(starts)))
        self._parts, self._rows, self._buffered = [], [], 0

    def sizes(self) -> dict[int, int]:
        """Rows per partition that holds any, by partition."""
        sizes: dict[int, int] = {}
        for run in self._runs:
            for part, _, count in run.starts:
                sizes[part] = sizes.get(part, 0) + count
        self._sort_pending()
        parts, _ = self._pending()
        edges = np.flatnonzero(np.diff(parts, prepend=parts[:1] - 1, append=parts[-1:] + 1))
        for part, count in zip(parts[edges[:-1]].tolist(), np.diff(edges).tolist(), strict=True):
            sizes[part] = sizes.get(part, 0) + count
        return dict(sorted(sizes.items()))

    def partitions(self) -> list[int]:
        """The partitions that hold rows, ascending."""
        return list(self.sizes())

    def read(self, first: int, last: int | None = None) -> npt.NDArray[np.uint64]:
        """All rows of the partitions from `first` to `last` (that one included), (n, width), in no promised order."""
        last = first if last is None else last
        pieces = []
        for run in self._runs:
            inside = [(at, count) for part, at, count in run.starts if first <= part <= last]
            if inside:  # runs are sorted by partition, so this is one stretch of the file
                count = sum(count for _, count in inside)
                flat = np.fromfile(
                    Path(run.path), np.uint64, count * self.width, offset=inside[0][0] * self.width * 8
                )
                pieces.append(flat.reshape(count, self.width))
        self._sort_pending()
        parts, rows = self._pending()
        start, stop = np.searchsorted(parts, first, "left"), np.searchsorted(parts, last, "right")
        pieces.append(rows[start:stop])
        return np.concatenate(pieces)

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

    def _sort_pending(self) -> None:
        parts, _ = self._pending()
        if len(parts) > 1 and not (parts[1:] >= parts[:-1]).all():
            ordered = in_order(self._parts, self._rows)
            self._parts = [np.repeat(ordered.partitions, ordered.counts)]
            self._rows = [ordered.rows]

    def merge(self, other: Spill) -> None:
        """Take in the rows of another spill of the same width and workspace."""
        self._runs.extend(other._runs)
        parts, rows = other._pending()
        self.add(parts, rows)

    def remove(self) -> None:
        """Drop all rows, those on disk too."""
        for run in self._runs:
            Path(run.path).unlink(missing_ok=True)
        self._runs, self._parts, self._rows, self._buffered = [], [], [], 0

    def to_bytes(self) -> bytes:
        """Serialise; what is on disk stays there and is named."""
        if self._buffered > SENT_BYTES:
            self._flush()
        parts, rows = self._pending()
        return msgspec.msgpack.encode(_Frame(self.width, self._runs, parts.tolist(), rows.tobytes()))

    @classmethod
    def from_bytes(
        cls, data: bytes, work: Workspace, *, name: str = "spill", flush_bytes: int = FLUSH_BYTES
    ) -> Spill:
        """Inverse of `to_bytes`; the workspace must reach the same files."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        spill = cls(work, frame.width, name=name, flush_bytes=flush_bytes)
        spill._runs = frame.runs
        rows = np.frombuffer(frame.data, np.uint64).reshape(-1, frame.width)
        spill.add(np.asarray(frame.partitions, np.int64), rows)
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
