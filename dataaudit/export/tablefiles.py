"""Writers of Parquet and Arrow files that keep what the original file chose."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from dataaudit.errors import IncompleteError, SourceError
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.outdir import OutputDir, writing
from dataaudit.sources.ipc import IpcReader, is_file, survey

_WRITABLE = frozenset({"SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"})
_ARROW_SCHEMA = b"ARROW:schema"


class TableWriter(Protocol):
    """One output of tables."""

    def write(self, table: pa.Table) -> None:
        """Add rows; a table without rows adds nothing."""
        ...

    def publish(self, role: str, rows: int) -> OutputEntry:
        """Complete the file and give it its name."""
        ...

    def discard(self) -> None:
        """Remove what was not published."""
        ...


@contextlib.contextmanager
def _as_incomplete(target: Path) -> Iterator[None]:
    """What Arrow cannot write is said as an IncompleteError; what the system cannot stays an OSError."""
    try:
        yield
    except pa.ArrowException as error:
        if isinstance(error, OSError):
            raise
        raise IncompleteError(f"cannot write {target}: {error}") from error


class _FileWriter:
    """What the writers share: a temporary file made when first needed, hashed when complete."""

    def __init__(self, out: OutputDir, final: str) -> None:
        self._out = out
        self._final = final
        self._temp: Path | None = None
        self._writer: Any = None

    def _start(self, temp: Path) -> Any:
        raise NotImplementedError

    def _add(self, table: pa.Table) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """What is to be written last."""

    def _ready(self) -> None:
        if self._writer is None:
            self._temp = self._out.temp(self._final)
            self._writer = self._start(self._temp)

    def write(self, table: pa.Table) -> None:
        """Add rows; a table without rows adds nothing."""
        if len(table):
            target = self._out.path / self._final
            with writing(target), _as_incomplete(target):
                self._ready()
                self._add(table)

    def publish(self, role: str, rows: int) -> OutputEntry:
        """Complete the file and give it its name."""
        with writing(self._out.path / self._final):
            self._ready()
            with _as_incomplete(self._out.path / self._final):
                self._finish()
                self._writer.close()
            self._writer = None
            assert self._temp is not None
            with self._temp.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = self._temp.stat().st_size
        self._out.publish(self._temp, self._final)
        self._temp = None
        return OutputEntry(path=self._final, role=role, sha256=digest, bytes=size, rows=rows)

    def discard(self) -> None:
        """Remove what was not published."""
        if self._writer is not None:
            # The file is removed next, so it does not matter whether its end could be written.
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()
            self._writer = None
        if self._temp is not None:
            self._temp.unlink(missing_ok=True)
            self._temp = None


@dataclass(frozen=True)
class ParquetShape:
    """How a Parquet file is written, so that another can be written the same way."""

    schema: pa.Schema
    options: dict[str, Any]
    """For `pyarrow.parquet.ParquetWriter`."""
    extra: dict[bytes, bytes]
    """Key-value metadata of the file that does not travel with the Arrow schema."""

    @classmethod
    def of(cls, file: Any, path: Path, unit: str = "ns") -> ParquetShape:
        """The shape of a `pyarrow.parquet.ParquetFile` opened with this unit for INT96 timestamps.

        Raises SourceError for a schema that cannot be written back as it is.
        """
        meta = file.metadata
        columns = [file.schema.column(i) for i in range(len(file.schema))]
        stored = meta.metadata or {}
        base: dict[str, Any] = {
            "version": "2.6",
            "store_schema": _ARROW_SCHEMA in stored,
            "use_deprecated_int96_timestamps": any(c.physical_type == "INT96" for c in columns),
        }
        schema = file.schema_arrow
        # Arrow writes a schema's metadata only where it also stores the schema; the rest is added by hand.
        travels = (schema.metadata or {}) if base["store_schema"] else {}
        extra = {k: v for k, v in stored.items() if k != _ARROW_SCHEMA and k not in travels}
        for nested in (True, False):
            # Whichever names the levels of lists as this file does gives the same schema back.
            options = {**base, "use_compliant_nested_type": nested}
            again = _written_back(schema, options, extra, unit)
            if again is not None and again.schema_arrow.equals(schema, check_metadata=True):
                break
        else:
            raise SourceError(f"{path}: its schema cannot be written back without a change")
        paths = [again.schema.column(i).path for i in range(len(again.schema))]
        if meta.num_row_groups and len(paths) == meta.num_columns:
            group = meta.row_group(0)
            options["compression"] = {
                path: _codec(group.column(i).compression) for i, path in enumerate(paths)
            }
            options["use_dictionary"] = [
                path for i, path in enumerate(paths) if _has_dictionary(group.column(i))
            ]
            if not options["use_dictionary"]:
                options["use_dictionary"] = False
            options["write_page_index"] = bool(meta.num_columns and group.column(0).has_offset_index)
            if group.sorting_columns:
                options["sorting_columns"] = group.sorting_columns
        return cls(schema, options, extra)


def int96_unit(path: Path) -> str:
    """The finest unit in which all INT96 timestamps of a file fit 64 bits; `ns` where there are none.

    Arrow reads INT96 as nanoseconds unless told otherwise, and wraps around in silence outside 1677 to 2262:
    a date of 9999-12-31, as other writers use for "never", would come back as another day.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema
        columns = [schema.column(i) for i in range(len(schema))]
        names = [c.path for c in columns if c.physical_type == "INT96"]
        groups = file.num_row_groups
    if not names:
        return "ns"
    units = ("ns", "us", "ms", "s")
    for fine, coarse in pairwise(units[:3]):
        if all(_fits(path, group, names, (fine, coarse)) for group in range(groups)):
            return fine
    raise SourceError(f"{path}: INT96 timestamps outside the range of microseconds cannot be written back")


def _fits(path: Path, group: int, names: list[str], units: tuple[str, str]) -> bool:
    """Do a row group's timestamps mean the same in a fine unit as in one a thousand times coarser?"""
    import pyarrow.parquet as pq

    pair = []
    for unit in units:
        with pq.ParquetFile(path, coerce_int96_timestamp_unit=unit) as file:
            pair.append([_timestamps(column) for column in file.read_row_group(group, columns=names).columns])
    return all(
        bool(np.array_equal(fine // 1000, coarse))
        for many, few in zip(*pair, strict=True)
        for fine, coarse in zip(many, few, strict=True)
    )


def _timestamps(column: Any) -> list[Any]:
    """All timestamps in a column, however deep, as arrays of integers."""
    found = []
    pending = list(column.chunks)
    while pending:
        array = pending.pop()
        if pa.types.is_timestamp(array.type):
            found.append(array.drop_null().cast(pa.int64()).to_numpy())
        elif pa.types.is_nested(array.type):
            pending += array.flatten() if pa.types.is_struct(array.type) else [array.flatten()]
    return found


def _written_back(schema: pa.Schema, options: dict[str, Any], extra: dict[bytes, bytes], unit: str) -> Any:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    try:
        with pq.ParquetWriter(buffer, schema, **options) as writer:
            if extra:
                writer.add_key_value_metadata(extra)
        return pq.ParquetFile(io.BytesIO(buffer.getvalue()), coerce_int96_timestamp_unit=unit)
    except pa.ArrowException:
        return None


def _codec(name: str) -> str:
    """A codec to write with; what cannot be written any more becomes the nearest that can."""
    if name in _WRITABLE:
        return name
    return "LZ4" if name.startswith("LZ4") else "NONE" if name == "UNCOMPRESSED" else "SNAPPY"


def _has_dictionary(column: Any) -> bool:
    return any("DICTIONARY" in encoding for encoding in column.encodings)


class ParquetWriter(_FileWriter):
    """Every table becomes one row group."""

    def __init__(self, out: OutputDir, final: str, shape: ParquetShape) -> None:
        super().__init__(out, final)
        self._shape = shape

    def _start(self, temp: Path) -> Any:
        import pyarrow.parquet as pq

        writer = pq.ParquetWriter(temp, self._shape.schema, **self._shape.options)
        if self._shape.extra:
            writer.add_key_value_metadata(self._shape.extra)
        return writer

    def _add(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=len(table))


@dataclass(frozen=True)
class ArrowShape:
    """How an Arrow file or stream is written, so that another can be written the same way."""

    schema: pa.Schema
    is_file: bool
    """The file format (Feather V2), else the stream format."""
    codec: str | None = None
    metadata: dict[bytes, bytes] | None = None
    """Of the footer of a file."""

    @classmethod
    def of(cls, path: Path) -> ArrowShape:
        """The shape of a file. Raises OSError, ValueError or pyarrow.ArrowException."""
        with IpcReader(path) as opened:
            return cls(opened.schema, is_file(path), survey(path).codec, opened.metadata)

    @property
    def has_dictionaries(self) -> bool:
        """Is any column, or anything below one, dictionary-encoded?"""
        pending = [field.type for field in self.schema]
        while pending:
            kind = pending.pop()
            if pa.types.is_dictionary(kind):
                return True
            pending += [kind.field(i).type for i in range(kind.num_fields)]
        return False


class ArrowWriter(_FileWriter):
    """Every table becomes one record batch.

    `hold`: keep the tables and write them last. The file format takes one dictionary per column for all of a file, so
    where redaction adds texts to some, they have to be brought together.
    """

    def __init__(self, out: OutputDir, final: str, shape: ArrowShape, *, hold: bool = False) -> None:
        super().__init__(out, final)
        self._shape = shape
        self._held: list[pa.Table] | None = [] if hold else None

    def _start(self, temp: Path) -> Any:
        shape = self._shape
        options = pa.ipc.IpcWriteOptions(
            compression=shape.codec, unify_dictionaries=self._held is not None and shape.is_file
        )
        if not shape.is_file:
            return pa.ipc.new_stream(str(temp), shape.schema, options=options)
        return pa.ipc.new_file(str(temp), shape.schema, options=options, metadata=shape.metadata)

    def _add(self, table: pa.Table) -> None:
        table = table.combine_chunks()
        if self._held is not None:
            self._held.append(table)
            return
        for batch in table.to_batches():
            self._writer.write_batch(batch)

    def _finish(self) -> None:
        if self._held:
            self._writer.write_table(pa.concat_tables(self._held))
