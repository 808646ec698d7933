"""Parquet and Arrow files: rewritten group by group; schema, metadata, order and values stay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dataaudit.errors import InputChangedError
from dataaudit.export.cells import apply_edits, plan_edits
from dataaudit.export.job import FileResult, FileTask, HashingFile, Output, Tally, reading_error
from dataaudit.export.lines import drop_instead, places_of, reason_line
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.parquetshape import ParquetShape, int96_unit
from dataaudit.export.redact import CannotRedactError
from dataaudit.export.tablefiles import (
    ArrowShape,
    ArrowWriter,
    ParquetWriter,
    TableWriter,
)
from dataaudit.export.verdicts import RowVerdict
from dataaudit.sources.arrow import is_saved_dataset
from dataaudit.sources.ipc import BrokenIpcError, IpcReader

COPY_BYTES = 4 << 20


def clean_parquet(task: FileTask) -> FileResult:
    """Second pass over a Parquet file. Memory: one row group. Empty row groups are dropped."""
    import pyarrow.parquet as pq

    path = Path(task.source.file.path)
    with _reading(task):
        unit = int96_unit(path)
        file = pq.ParquetFile(path, coerce_int96_timestamp_unit=unit, page_checksum_verification=True)
    with file:
        groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        verdicts = task.verdicts.for_file(task.source.file.id)
        first = next(verdicts, None)
        if sum(groups) != task.source.rows:
            raise InputChangedError(f"{path}: {task.source.rows} rows when scanned, {sum(groups)} now")
        if not sum(groups) or (first is None and all(groups)):
            return _copy(task)
        with _reading(task):
            shape = ParquetShape.of(file, path, unit)
        writers = tuple(ParquetWriter(task.out, name, shape) for name in (task.kept, task.quarantine))
        return _rewrite(
            task, (file.read_row_group(i) for i, n in enumerate(groups) if n), writers, keep_empty=False
        )


def clean_arrow(task: FileTask) -> FileResult:
    """Second pass over an Arrow file or stream. Memory: one record batch, but all of a file of the file format in which
    texts are redacted while some column is dictionary-encoded.

    A kept shard of `save_to_disk` exists even without rows: the state beside it names it.
    """
    path = Path(task.source.file.path)
    saved = is_saved_dataset(path.parent)
    first = next(task.verdicts.for_file(task.source.file.id), None)
    if first is None or not task.source.rows:
        return _copy(task, keep_empty=saved)
    with _reading(task):
        shape = ArrowShape.of(path)
    hold = (
        shape.is_file
        and shape.has_dictionaries
        and any(one.action == "redact" for one in task.verdicts.for_file(task.source.file.id))
    )
    with _reading(task):
        opened = IpcReader(path)
    with opened:
        kept = ArrowWriter(task.out, task.kept, shape, hold=hold)
        removed = ArrowWriter(task.out, task.quarantine, shape)
        tables = (pa.Table.from_batches([batch]) for batch in opened.batches())
        return _rewrite(task, tables, (kept, removed), keep_empty=saved)


class _reading:  # noqa: N801
    """Turns errors of the reader into a SourceError."""

    def __init__(self, task: FileTask) -> None:
        self._task = task

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | pa.ArrowException | BrokenIpcError):
            raise reading_error(self._task, error) from error


def _read_next(task: FileTask, tables: Iterator[pa.Table]) -> pa.Table | None:
    with _reading(task):
        return next(tables, None)


def _rewrite(
    task: FileTask, tables: Iterator[pa.Table], writers: tuple[TableWriter, ...], *, keep_empty: bool
) -> FileResult:
    kept, quarantine = writers
    reasons = Output(task.out, task.reasons, "reasons")
    tally = Tally(task.source.rows)
    source = Path(task.source.file.path)
    try:
        verdicts = task.verdicts.for_file(task.source.file.id)
        pending = next(verdicts, None)
        base = 0
        while (table := _read_next(task, tables)) is not None:
            here: list[RowVerdict] = []
            while pending is not None and pending.row < base + len(table):
                here.append(pending)
                pending = next(verdicts, None)
            stays, original, done = split(table, base, here)
            for verdict in done:
                tally.add(verdict)
                place = dict.fromkeys(("line", "offset", "length"))
                reasons.write(reason_line(task, verdict, {**place}))
            kept.write(stays)
            quarantine.write(original)
            base += len(table)
        if pending is not None or base != task.source.rows:
            raise InputChangedError(f"{source}: {task.source.rows} rows when scanned, {base} now")
        outputs: list[OutputEntry] = []
        note = None
        if tally.in_kept or keep_empty:
            outputs.append(kept.publish("kept", tally.in_kept))
        else:
            note = "no row is kept, so there is no file in kept/: loaders stop at an empty one"
        removed = tally.quarantined + tally.redacted
        if removed:
            outputs += [quarantine.publish("quarantine", removed), reasons.publish(removed)]
        size, digest = _hash(task)
    finally:
        for output in (kept, quarantine, reasons):
            output.discard()
    return FileResult(tally=tally, bytes=size, sha256=digest, outputs=tuple(outputs), note=note)


def split(
    table: pa.Table, base: int, verdicts: list[RowVerdict]
) -> tuple[pa.Table, pa.Table, list[RowVerdict]]:
    """(rows that stay, with redactions made; originals of all rows with a verdict; verdicts as carried out).

    `base` is the row number of the table's first row. A row that cannot be redacted is dropped.
    """
    if not verdicts:
        return table, table.slice(0, 0), []
    edits, done = [], []
    for verdict in verdicts:
        carried = verdict
        if verdict.action == "redact":
            try:
                edits += plan_edits(table, verdict.row - base, places_of(verdict))
            except CannotRedactError as error:
                carried = drop_instead(verdict, error)
        done.append(carried)
    original = pick(table, np.array([v.row - base for v in done], np.int64))
    drops = np.array([v.row - base for v in done if v.action == "drop"], np.int64)
    if edits:
        table = apply_edits(table, edits)
    if len(drops):
        mask = np.ones(len(table), np.bool_)
        mask[drops] = False
        table = pick(table, np.flatnonzero(mask))
    return table, original, done


def pick(table: pa.Table, rows: Any) -> pa.Table:
    """Rows of a table by ascending index, of any type."""
    # Runs as slices: exact for every type, and free. Where they are many and short, copying is cheaper.
    edges = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
    if len(edges) > 64:
        try:
            return table.take(pa.array(rows))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            pass  # No kernel for a type, or more than 2 GiB of text in one array.
    bounds = [*edges.tolist(), len(rows)]
    slices = [table.slice(int(rows[a]), b - a) for a, b in pairwise(bounds)]
    return pa.concat_tables(slices) if slices else table.slice(0, 0)


def _hash(task: FileTask) -> tuple[int, str]:
    with _reading(task), Path(task.source.file.path).open("rb", buffering=0) as file:
        raw = HashingFile(file)
        while data := raw.read(COPY_BYTES):
            task.check_size(raw.bytes)
            task.progress(len(data))
    return raw.bytes, raw.sha256


def _copy(task: FileTask, *, keep_empty: bool = False) -> FileResult:
    """Copy a file of which nothing is removed, byte for byte; one without rows goes to quarantine."""
    rows = task.source.rows
    to_kept = bool(rows) or keep_empty
    output = Output(task.out, task.kept if to_kept else task.quarantine, "kept" if to_kept else "quarantine")
    try:
        with _reading(task), Path(task.source.file.path).open("rb", buffering=0) as file:
            raw = HashingFile(file)
            raw.tee = output
            while data := raw.read(COPY_BYTES):
                task.check_size(raw.bytes)
                task.progress(len(data))
        entry = output.publish(rows)
    except BaseException:
        output.discard()
        raise
    note = (
        None if to_kept else "holds no rows: the file is in quarantine/, because loaders stop at an empty one"
    )
    return FileResult(tally=Tally(rows), bytes=raw.bytes, sha256=raw.sha256, outputs=(entry,), note=note)
