"""Parquet: partitions are runs of row groups; a row group that cannot be decoded is damage, the others are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dataaudit.errors import SourceError
from dataaudit.records.bindings import Layout
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources import ranged
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.parquet_groups import Part, RowGroups
from dataaudit.sources.tables import TableView, as_record_batch

DECODE_ROWS = 8192
"""Rows decoded at once, whatever the size of a batch: a page that will not decode costs the same rows in every run."""
READ_BUFFER = 1 << 20
"""Bytes read ahead per column: pages are streamed, a column chunk is never held whole."""


def _open(file: FileRef) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(
            ranged.opened(file.path) or file.path,
            buffer_size=READ_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(f"{file.uri}: not readable as Parquet: {_one_line(error)}") from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def plan(file: FileRef, target: int) -> list[Partition]:
    """Runs of row groups of about `target` bytes on disk."""
    with _open(file) as opened:
        meta = opened.metadata
        share = _share(meta, file.size)
        parts: list[Partition] = []
        start = row = first = nbytes = 0
        for group in range(meta.num_row_groups):
            info = meta.row_group(group)
            nbytes += int(share * max(info.total_byte_size, 0))
            row += info.num_rows
            if nbytes >= target or group == meta.num_row_groups - 1:
                parts.append(Partition(file, start, group + 1, first, nbytes=nbytes))
                start, first, nbytes = group + 1, row, 0
        return parts or [Partition(file, 0, 0)]


def layout_of(file: FileRef, options: ReadOptions) -> Layout:
    """The layout that the schema gives its records, nothing being read. Raises SourceError."""
    with _open(file) as opened:
        return _view(file, opened, options).layout


def _view(file: FileRef, opened: pq.ParquetFile, options: ReadOptions) -> TableView:
    try:
        return TableView(file, opened.schema_arrow, options)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(f"{file.uri}: the schema cannot be read: {_one_line(error)}") from None


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a run of row groups."""
    file = partition.file
    with _open(file) as opened:
        view = _view(file, opened, options)
        meta = opened.metadata
        share = _share(meta, file.size)
        row = partition.first_row
        if partition.start == partition.end:
            yield view.batch(as_record_batch(opened.schema_arrow.empty_table()), 0, (0, 0), 0)
        groups = RowGroups(opened, Path(file.path), view.columns)
        for group in range(partition.start, partition.end):
            info = meta.row_group(group)
            nbytes = int(share * max(info.total_byte_size, 0))
            done, wanted = 0, _wanted(options, row, info.num_rows)
            try:
                step = _rows(info, options)
                for part in (
                    groups.parts(group, step) if wanted is None else groups.chosen(group, step, wanted)
                ):
                    for one in _cut(part, options.batch_rows):
                        at = row + one.first
                        extent, size = (at, at + one.rows), nbytes * one.rows // max(info.num_rows, 1)
                        chosen = None if one.chosen is None else row + one.chosen
                        yield view.batch(one.table, at, extent, size, chosen=chosen)
                        done = one.first + one.rows
            except (pa.ArrowException, OSError, ValueError) as error:
                where = f"row group {group} (rows {row + done} to {row + info.num_rows - 1})"
                yield Damage(f"{where}: {_one_line(error)}", info.num_rows - done)
            else:
                if done != info.num_rows and wanted is None:
                    what = f"row group {group} holds {done} rows where the footer promises {info.num_rows}"
                    yield Damage(what, info.num_rows - done)
            row += info.num_rows


def _share(meta: pq.FileMetaData, size: int) -> float:
    """Bytes on disk per byte of a row group as its footer has it, before compression.

    The sizes of column chunks would be exact, but looking at one whose statistics are damaged ends the process: the
    library throws where it promises not to.
    """
    total = sum(max(meta.row_group(i).total_byte_size, 0) for i in range(meta.num_row_groups))
    return size / total if total else 0.0


def _rows(info: pq.RowGroupMetaData, options: ReadOptions) -> int:
    """Rows decoded at once, fewer where rows are large."""
    per_row = max(info.total_byte_size // max(info.num_rows, 1), 1)
    return int(max(1, min(DECODE_ROWS, options.batch_bytes // per_row)))


def _wanted(options: ReadOptions, first: int, rows: int) -> npt.NDArray[np.int64] | None:
    """Which rows of a row group that begins with this row are wanted, counted in it; None: all."""
    if options.only is None:
        return None
    only = np.asarray(options.only, np.int64)
    return only[slice(*np.searchsorted(only, [first, first + rows]))] - first


def _cut(part: Part, rows: int) -> Iterator[Part]:
    if part.chosen is not None or part.rows <= rows:
        yield part
        return
    for start in range(0, part.rows, rows):
        table = part.table.slice(start, rows)
        yield Part(part.first + start, table.num_rows, table)
