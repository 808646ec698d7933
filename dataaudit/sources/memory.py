"""Data that is in memory already: a `datasets.Dataset`, read in process through its Arrow table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.tables import TableView, as_record_batch

_held: dict[str, Any] = {}
"""Datasets by the path of the file that stands for them; they never leave the process."""


def hold(path: str, dataset: Any) -> None:
    """Make a dataset readable under a path."""
    _held[path] = dataset


def release(path: str) -> None:
    """Forget a dataset."""
    _held.pop(path, None)


def plan(file: FileRef, target: int) -> list[Partition]:
    """One partition."""
    return [Partition(file, 0, len(_held[file.path]), nbytes=0)]


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a dataset, its row order and selection honoured."""
    dataset = _held[partition.file.path].with_format("arrow")
    view = TableView(partition.file, dataset.features.arrow_schema, options)
    row = 0
    for table in dataset.iter(batch_size=options.batch_rows):
        piece = as_record_batch(table if isinstance(table, pa.Table) else pa.table(table))
        yield view.batch(piece, row, (row, row + piece.num_rows), piece.nbytes)
        row += piece.num_rows
    if row == 0:
        yield view.batch(as_record_batch(dataset.features.arrow_schema.empty_table()), 0, (0, 0), 0)
