"""Arrow IPC files (Feather V2) and streams, memory-mapped, and what `datasets.save_to_disk` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from dataaudit.errors import SourceError
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.ipc import IpcReader, Survey, is_file, survey
from dataaudit.sources.soundness import require_sound
from dataaudit.sources.tables import TableView, as_record_batch
from dataaudit.sources.views import without_views


def is_saved_dataset(folder: Path) -> bool:
    """Was this folder written by `Dataset.save_to_disk`?"""
    return (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()


def saved_splits(folder: Path) -> list[str] | None:
    """The splits of a folder written by `DatasetDict.save_to_disk`, or None if it is none."""
    index = folder / "dataset_dict.json"
    if not index.is_file():
        return None
    try:
        splits = json.loads(index.read_bytes())["splits"]
    except (ValueError, KeyError, TypeError, OSError):
        raise SourceError(f"{index.name}: not the index of a saved DatasetDict") from None
    return [str(split) for split in splits]


def saved_files(folder: Path) -> list[Path]:
    """The Arrow files of a saved Dataset, in the order its state names them."""
    try:
        state = json.loads((folder / "state.json").read_bytes())
        names = [str(entry["filename"]) for entry in state["_data_files"]]
    except (ValueError, KeyError, TypeError, OSError):
        raise SourceError(f"{folder.name}/state.json: not the state of a saved Dataset") from None
    for name in names:
        if Path(name).name != name:
            raise SourceError(f"{folder.name}/state.json names a data file outside its folder: {name!r}")
    return [folder / name for name in names]


def plan(file: FileRef, target: int) -> list[Partition]:
    """Runs of record batches of about `target` bytes on disk; all of a file that is small or broken."""
    whole = [Partition(file, 0, -1, nbytes=file.size)]
    if file.size < 2 * target:
        return whole
    try:
        found = _surveyed(file)
    except (pa.ArrowException, OSError, ValueError):
        return whole  # reading says what is wrong, and where
    # To reach a record batch of a compressed stream, those before it are decompressed.
    if len(found.rows) < 2 or min(found.rows) < 0 or (found.codec and not is_file(Path(file.path))):
        return whole
    parts: list[Partition] = []
    start = first = row = nbytes = 0
    for number, (rows, size) in enumerate(zip(found.rows, found.nbytes, strict=True), 1):
        row, nbytes = row + rows, nbytes + size
        last = number == len(found.rows)
        if nbytes >= target or last:
            # The last one reads to the end, to see what follows it.
            parts.append(Partition(file, start, -1 if last else number, first, nbytes=nbytes))
            start, first, nbytes = number, row, 0
    return parts


def _surveyed(file: FileRef) -> Survey:
    stat = Path(file.path).stat()
    return _survey(Path(file.path), (stat.st_size, stat.st_mtime_ns, stat.st_ino))


@lru_cache(maxsize=64)
def _survey(path: Path, _state: tuple[int, ...]) -> Survey:
    return survey(path)


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a run of record batches, each cut to the size asked for."""
    file = partition.file
    row = partition.first_row
    try:
        with IpcReader(Path(file.path)) as opened:
            view = TableView(file, opened.schema, options)
            empty = True
            for table in opened.batches(partition.start, partition.end):
                for batch in _cut(view, table, row, options):
                    empty = False
                    yield batch
                row += table.num_rows
            if empty:
                yield view.batch(as_record_batch(opened.schema.empty_table()), row, (row, row), 0)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        text = " ".join(str(error).split())[:200] or type(error).__name__
        raise SourceError(f"{file.uri}: not readable as Arrow after row {row}: {text}") from None


def _cut(view: TableView, table: pa.RecordBatch, row: int, options: ReadOptions) -> Iterator[Batch]:
    if view.columns is not None:
        table = table.select(view.columns)
    # At once for all of it: what is below a list would be looked at again for every slice.
    valid = True
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        require_sound(table)
        valid = False  # so it is text that is not UTF-8
    table = without_views(table)
    per_row = max(table.nbytes // max(table.num_rows, 1), 1)
    step = max(1, min(options.batch_rows, options.batch_bytes // per_row))
    for start in range(0, table.num_rows, step):
        piece = table.slice(start, step)
        at = row + start
        extent = (at, at + piece.num_rows)
        yield view.batch(piece, at, extent, per_row * piece.num_rows, valid=valid)
