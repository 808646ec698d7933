"""Sources that a Python program holds: which kinds there are, and how each is read.

What can be read again is read where it is. What can be read once (a generator, a stream, a lazy query) is copied to the
work directory first: tables as an Arrow stream, other records as JSON Lines.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import msgspec
import pyarrow as pa

from dataaudit.errors import UsageError
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources import memory
from dataaudit.sources.memory import Held
from dataaudit.sources.spool import write_copy, write_table

KINDS = (
    "a path, a Dataset or IterableDataset (or a dict of them), a polars or pandas frame, an Arrow table, dataset or "
    "reader, or an iterable of dicts"
)


class Once(msgspec.Struct, frozen=True):
    """Tables that can be read once."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def paths_of(source: Any) -> list[str] | None:
    """The paths and patterns that a source consists of, or None for data."""
    if isinstance(source, (str, os.PathLike)):
        return [os.fspath(source)]
    if isinstance(source, (list, tuple)):
        if not source:
            raise UsageError("no source is named")
        if any(isinstance(one, (str, os.PathLike)) for one in source) and not any(
            isinstance(one, Mapping) for one in source
        ):
            for one in source:
                if not isinstance(one, (str, os.PathLike)):
                    raise UsageError(f"cannot read a {type(one).__name__} beside paths; a source is {KINDS}")
            return [os.fspath(one) for one in source]
    return None


def splits_of(source: Any) -> dict[str, Any]:
    """Split → data; the name is empty where there is one data set without one. Raises UsageError for what is none."""
    if isinstance(source, Mapping):
        if not source:
            raise UsageError("no source is named")
        for name, one in source.items():
            if not isinstance(name, str) or not _is_data(one):
                raise UsageError(
                    f"a mapping names splits and holds their data; {name!r} holds a {type(one).__name__}"
                )
        return dict(source)
    if not _is_data(source):
        raise UsageError(f"cannot read a {type(source).__name__}: a source is {KINDS}")
    if _package(source) == "datasets" and getattr(source, "split", None) is not None:
        return {str(source.split): source}
    return {"": source}


def _is_data(one: Any) -> bool:
    if isinstance(one, (str, bytes, bytearray, os.PathLike, io.IOBase, Mapping, type)):
        return False
    return (
        hasattr(one, "__iter__")
        or hasattr(one, "__arrow_c_stream__")
        or _package(one) in ("polars", "pyarrow")
    )


def place(file: FileRef, data: Any, work: Workspace, *, again: bool) -> FileRef:
    """The file that stands for data: held in memory, or a copy in the work directory. `again`: it must be a file."""
    form = _form(data)
    if isinstance(form, Held) and not again:
        memory.hold(file.path, form)
        return file
    name = re.sub(r"[^\w.-]+", "_", file.uri).strip(".") or "dataset"
    kind, ending = ("jsonl", ".jsonl") if not isinstance(form, (Held, Once)) else ("arrow", ".arrow")
    path = work.new_file("source").with_suffix(ending)
    if isinstance(form, (Held, Once)):
        batches = form.batches(8192) if isinstance(form, Held) else form.batches
        size = write_table(form.schema, batches, path, "the data")
    else:
        from dataaudit.sources.pyrecords import lines_of

        size = write_copy(_joined(lines_of(form)), path, "the records")
    return FileRef(
        file.id,
        str(path),
        file.uri,
        kind,
        file.split,
        size,
        origin=f"memory://{file.uri}",
        name=name + ending,
    )


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines in larger pieces."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= 1 << 20:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _package(one: Any) -> str:
    return type(one).__module__.split(".")[0]


def _form(data: Any) -> Held | Once | Iterable[Any]:
    """How data is read. Libraries are imported only where their objects show that they are in use."""
    by_package = {"datasets": _hugging_face, "polars": _polars, "pandas": _pandas, "pyarrow": _arrow}
    known = by_package.get(_package(data))
    if known is not None:
        return known(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _arrow(pa.RecordBatchReader.from_stream(data))
    items: Iterable[Any] = data
    return items


def _arrow(data: Any) -> Held | Once | Iterable[Any]:
    if isinstance(data, pa.RecordBatch):
        return _table(pa.Table.from_batches([data]))
    if isinstance(data, pa.Table):
        return _table(data)
    if isinstance(data, pa.RecordBatchReader):
        return Once(data.schema, iter(data))
    if hasattr(data, "to_batches") and hasattr(data, "schema"):  # a dataset of files
        return Held(data.schema, lambda rows: data.to_batches(batch_size=rows))
    raise UsageError(f"cannot read a pyarrow {type(data).__name__}: a source is {KINDS}")


def _table(table: pa.Table) -> Held:
    return Held(table.schema, lambda rows: iter(table.to_batches(max_chunksize=rows)))


def _hugging_face(data: Any) -> Held | Once | Iterable[Any]:
    """A Dataset with its selection and order; an IterableDataset with declared features as tables, else as records."""
    from datasets import Dataset, IterableDataset

    def tables(rows: int) -> Iterator[pa.RecordBatch]:
        for one in data.with_format("arrow").iter(batch_size=rows):
            table = one if isinstance(one, pa.Table) else pa.table(one)
            yield from table.combine_chunks().to_batches()

    if isinstance(data, Dataset):
        return Held(data.features.arrow_schema, tables)
    if isinstance(data, IterableDataset):
        if data.features is None:
            records: Iterable[Any] = data.with_format(None)
            return records
        return Once(data.features.arrow_schema, tables(1000))
    items: Iterable[Any] = data
    return items


def _polars(data: Any) -> Held | Once | Iterable[Any]:
    import polars as pl

    if isinstance(data, pl.LazyFrame):
        if not hasattr(data, "collect_batches"):
            return _polars(data.collect())
        frames = data.collect_batches(maintain_order=True)
        first = next(frames, None)
        if first is None:
            return _polars(data.collect())
        schema = first.to_arrow().schema
        return Once(
            schema, (one for frame in chain([first], frames) for one in frame.to_arrow().to_batches())
        )
    if isinstance(data, pl.Series):
        raise UsageError(f"cannot read a polars Series: a source is {KINDS}")
    if any(kind == pl.Object for kind in data.dtypes):
        records: Iterable[Any] = data.iter_rows(named=True)
        return records
    return _table(data.to_arrow())


def _pandas(data: Any) -> Held | Iterable[Any]:
    """A frame as a table; columns of mixed types are no column of a table, so such a frame is read row by row."""
    if not hasattr(data, "columns"):
        raise UsageError(f"cannot read a pandas {type(data).__name__}: a source is {KINDS}")
    names = [str(one) for one in data.columns]
    if len(set(names)) < len(names):
        raise UsageError("several columns of the frame have the same name")
    named = any(one is not None for one in data.index.names)
    try:
        return _table(pa.Table.from_pandas(data, preserve_index=named))
    except (ValueError, TypeError, NotImplementedError):
        data = data.reset_index() if named else data
        names = [str(one) for one in data.columns]
        return (dict(zip(names, row, strict=True)) for row in data.itertuples(index=False, name=None))
