"""Arrow IPC streams, as `datasets.save_to_disk` writes them: one partition a file, memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from dataaudit.errors import SourceError
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.tables import TableView, as_record_batch


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
    """The whole file: a stream of record batches has no index."""
    return [Partition(file, 0, -1, nbytes=file.size)]


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a file, each record batch cut to the size asked for."""
    file = partition.file
    row = 0
    try:
        with pa.memory_map(file.path) as mapped, pa.ipc.open_stream(mapped) as stream:
            view = TableView(file, stream.schema, options)
            empty = True
            for table in stream:
                for batch in _cut(view, table, row, options):
                    empty = False
                    yield batch
                row += table.num_rows
            if empty:
                yield view.batch(as_record_batch(stream.schema.empty_table()), 0, (0, 0), 0)
    except (pa.ArrowException, OSError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise SourceError(f"{file.uri}: not readable as an Arrow stream after row {row}: {text}") from None


def _cut(view: TableView, table: pa.RecordBatch, row: int, options: ReadOptions) -> Iterator[Batch]:
    if view.columns is not None:
        table = table.select(view.columns)
    per_row = max(table.nbytes // max(table.num_rows, 1), 1)
    step = max(1, min(options.batch_rows, options.batch_bytes // per_row))
    for start in range(0, table.num_rows, step):
        piece = table.slice(start, step)
        at = row + start
        yield view.batch(piece, at, (at, at + piece.num_rows), per_row * piece.num_rows)
