"""Data that is in memory already, or that a library reads for us: read in process, as often as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pyarrow as pa

from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.tables import TableView, as_record_batch


class Held(msgspec.Struct, frozen=True):
    """Tables that can be read again."""

    schema: pa.Schema
    batches: Callable[[int], Iterator[pa.RecordBatch]]
    """Its rows in order, in batches of at most so many rows."""


_held: dict[str, Held] = {}
"""Data by the path of the file that stands for it; it never leaves the process."""


def hold(path: str, data: Held) -> None:
    """Make data readable under a path."""
    _held[path] = data


def release(path: str) -> None:
    """Forget data."""
    _held.pop(path, None)


def plan(file: FileRef, target: int) -> list[Partition]:
    """One partition."""
    return [Partition(file, 0, -1, nbytes=0)]


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of the data in its order."""
    data = _held[partition.file.path]
    view = TableView(partition.file, data.schema, options)
    row = 0
    for piece in data.batches(options.batch_rows):
        if piece.num_rows:
            yield view.batch(piece, row, (row, row + piece.num_rows), piece.nbytes)
            row += piece.num_rows
    if row == 0:
        yield view.batch(as_record_batch(data.schema.empty_table()), 0, (0, 0), 0)
