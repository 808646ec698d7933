"""Exact counts of strings that spill to disk past a number of keys and are reduced one hash range at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import xxhash

from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.workspace import Workspace

DISTINCT = 100_000
"""Distinct keys held in memory; past this the counts move to disk."""
RANGES = 16
"""Hash ranges a spilled counter is cut into."""
SEPARATOR = "\x1f"
"""Stands between the parts of a key."""


class _Frame(msgspec.Struct, array_like=True):
    counts: dict[str, int]
    runs: list[str]


SEPARATOR = "\x1f"
"""Keys that differ only before their last separator (path, split, label: the same label) fall into one range."""


def _range_of(key: str) -> int:
    return xxhash.xxh3_64_intdigest(key.rpartition(SEPARATOR)[2].encode("utf-8", "surrogatepass")) % RANGES


class SpillCounter:
    """A mergeable counter of strings."""

    def __init__(self, work: Workspace, *, distinct: int = DISTINCT) -> None:
        self._work = work
        self._distinct = distinct
        self._counts: dict[str, int] = {}
        self._runs: list[str] = []

    def add(self, counts: Mapping[str, int]) -> None:
        """Add counts."""
        add_counts(self._counts, counts)
        if len(self._counts) > self._distinct:
            self._flush()

    def _flush(self) -> None:
        ranges: list[dict[str, int]] = [{} for _ in range(RANGES)]
        for key, count in self._counts.items():
            ranges[_range_of(key)][key] = count
        path = self._work.new_file("labels")
        path.write_bytes(msgspec.msgpack.encode([msgspec.msgpack.encode(one) for one in ranges]))
        self._runs.append(str(path))
        self._counts = {}

    def merge(self, other: SpillCounter) -> None:
        """Take in another counter of the same workspace."""
        self._runs += other._runs
        self.add(other._counts)

    def ranges(self) -> Iterator[dict[str, int]]:
        """The counts, one hash range after the other, keys sorted in each."""
        for wanted in range(RANGES):
            counts = {key: count for key, count in self._counts.items() if _range_of(key) == wanted}
            for run in self._runs:
                packed = msgspec.msgpack.decode(Path(run).read_bytes(), type=list[bytes])[wanted]
                add_counts(counts, msgspec.msgpack.decode(packed, type=dict[str, int]))
            yield dict(sorted(counts.items()))

    def to_bytes(self) -> bytes:
        """Serialise; what is on disk stays there and is named."""
        return msgspec.msgpack.encode(_Frame(self._counts, self._runs))

    @classmethod
    def from_bytes(cls, data: bytes, work: Workspace, *, distinct: int = DISTINCT) -> SpillCounter:
        """Inverse of `to_bytes`."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        counter = cls(work, distinct=distinct)
        counter._counts, counter._runs = frame.counts, frame.runs
        return counter
