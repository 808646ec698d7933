"""Writers of Parquet and Arrow files that keep what the original file chose."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from dataaudit.errors import IncompleteError
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.outdir import OutputDir, writing
from dataaudit.export.parquetshape import ParquetShape
from dataaudit.sources.ipc import IpcReader, is_file, survey


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
