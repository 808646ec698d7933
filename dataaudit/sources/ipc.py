"""Arrow IPC as it lies on disk: the file format (Feather V2 is another name for it) and the stream format.

Both are a run of messages: a schema, dictionaries, record batches, an end marker. The file format puts its magic before
them and a footer behind them, which gives random access. Layouts: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa

FILE_MAGIC = b"ARROW1"
FILE_HEAD = 8
"""Bytes before the first message of a file: the magic, padded."""
MAX_ROWS = (1 << 31) - 1
"""Rows in one record batch: the longest array the format asks every implementation to read."""

_CODECS = {0: "lz4", 1: "zstd"}
"""`CompressionType` of the format's Message.fbs."""
_CONTINUES = b"\xff" * 4
"""What every message begins with since Arrow 0.15, before its length; a length of 0 ends the stream."""


class BrokenIpcError(ValueError):
    """An Arrow file or stream that is cut short or followed by something else; the text says which."""


class Survey(msgspec.Struct, frozen=True):
    """The record batches of a file, from the heads of its messages; no body is decoded."""

    rows: tuple[int, ...]
    """Per record batch."""
    nbytes: tuple[int, ...]
    """Per record batch, as on disk."""
    codec: str | None
    """What bodies are compressed with: `lz4`, `zstd` or None."""


def is_file(path: Path) -> bool:
    """Is this the file format (else it is taken for a stream)? Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(len(FILE_MAGIC)) == FILE_MAGIC


def survey(path: Path) -> Survey:
    """Look through the messages. Raises OSError, ValueError or pyarrow.ArrowException where it cannot."""
    rows, nbytes, codecs = [], [], set()
    with pa.memory_map(str(path)) as mapped:
        if is_file(path):
            mapped.seek(FILE_HEAD)
        reader = pa.ipc.MessageReader.open_stream(mapped)
        while True:
            try:
                message = reader.read_next_message()
            except StopIteration:
                break
            if message.type == "record batch":
                count, codec = _head(message.metadata.to_pybytes())
                rows.append(count)
                nbytes.append(message.metadata.size + (message.body.size if message.body is not None else 0))
                codecs.add(codec)
    return Survey(tuple(rows), tuple(nbytes), next(iter(codecs - {None}), None))


def _head(metadata: bytes) -> tuple[int, str | None]:
    """(rows, codec) of a record batch, from the flatbuffer before its body. Raises ValueError."""
    try:
        message = _at(metadata, 0)
        header = _field(metadata, message, 2)
        if header is None:
            raise ValueError("a message without a header")
        batch = _at(metadata, header)
        length = _field(metadata, batch, 0)
        rows = 0 if length is None else int(struct.unpack_from("<q", metadata, length)[0])
        compression = _field(metadata, batch, 3)
        if compression is None:
            return rows, None
        codec = _field(metadata, _at(metadata, compression), 0)
        return rows, _CODECS.get(0 if codec is None else metadata[codec])
    except (struct.error, IndexError):
        raise ValueError("a message whose head is damaged") from None


def _at(data: bytes, place: int) -> int:
    """Where the table that is referred to at `place` begins."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _field(data: bytes, table: int, number: int) -> int | None:
    """Where a field of a flatbuffer table lies, or None where it has its default."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    if 4 + 2 * number >= int(struct.unpack_from("<H", data, vtable)[0]):
        return None
    offset = int(struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0])
    return table + offset if offset else None


class IpcReader:
    """An open file or stream: its schema, and its record batches from any of them on.

    A file without a readable footer is read as the stream that it holds, so that what lies before the damage is not
    lost. Raises OSError, ValueError or pyarrow.ArrowException, from the constructor and while reading.
    """

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        self._source: Any = self._stack.enter_context(pa.memory_map(str(path)))
        self._file: Any = None
        self._stream: Any = None
        self._damage: str | None = None
        try:
            if is_file(path):
                self._open_file()
            else:
                self._stream = self._stack.enter_context(pa.ipc.open_stream(self._source))
        except BaseException:
            self._stack.close()
            raise
        self.schema: pa.Schema = (self._file or self._stream).schema

    def _open_file(self) -> None:
        try:
            self._file = self._stack.enter_context(pa.ipc.open_file(self._source))
        except (pa.ArrowException, OSError, ValueError) as error:
            self._damage = f"the footer is missing or damaged, so the file may be cut short ({error})"
            self._source.seek(FILE_HEAD)
            try:
                self._stream = self._stack.enter_context(pa.ipc.open_stream(self._source))
            except (pa.ArrowException, OSError, ValueError):
                raise BrokenIpcError(self._damage) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def count(self) -> int | None:
        """Record batches, where a footer says so."""
        return None if self._file is None else int(self._file.num_record_batches)

    @property
    def metadata(self) -> dict[bytes, bytes] | None:
        """What the footer holds beside its schema."""
        return None if self._file is None else self._file.metadata or None

    def batches(self, start: int = 0, end: int = -1) -> Iterator[pa.RecordBatch]:
        """The record batches from number `start` to before `end` (-1: all). Raises BrokenIpcError after the last."""
        if self._file is not None:
            for number in range(start, self.count if end < 0 else end):  # type: ignore[arg-type]
                yield _sound(self._file.get_batch(number))
            return
        for number, batch in enumerate(self._stream):
            if number >= start:
                yield _sound(batch)
            if number + 1 == end:
                return
        if self._damage is not None:
            raise BrokenIpcError(self._damage)
        self._check_end()

    def _check_end(self) -> None:
        """A stream ends in a marker and with it; one that merely stops may have lost record batches."""
        end, size = self._source.tell(), self._source.size()
        if end < size and self._source.read_at(min(size - end, 1 << 16), end).strip(b"\0"):
            raise BrokenIpcError(f"something follows the end of the stream at byte {end}")
        mark = bytes(4)
        if self._source.read_at(len(_CONTINUES), 0) == _CONTINUES:
            mark = _CONTINUES + mark
        if end >= len(mark) and self._source.read_at(len(mark), end - len(mark)) == mark:
            return
        raise BrokenIpcError("the stream has no end marker, so it may be cut short")


def _sound(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A record batch whose arrays have buffers as long as they need to be (their content is not looked at)."""
    if batch.num_rows > MAX_ROWS:
        raise BrokenIpcError(f"a record batch says that it has {batch.num_rows} rows")
    batch.validate()
    return batch
