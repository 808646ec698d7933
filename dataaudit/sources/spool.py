"""Copies of what cannot be read twice: bytes of a stream go to a file in the work directory before anything else.

Rows are read again for examples, for verification and by `clean`, so a source that is gone once read will not do.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pyarrow as pa

from dataaudit.errors import IncompleteError, SourceError, UsageError
from dataaudit.records.types import FileRef
from dataaudit.sources.candidates import Candidate
from dataaudit.sources.compression import SUFFIXES, codec_of, open_plain, stream_error
from dataaudit.sources.json_encoding import BOM, UTF8, encoding_in
from dataaudit.sources.sheets import sheet_of

STDIN = "-"
BLOCK = 1 << 20
"""Bytes held at a time."""
FEW = 0.1
"""Share of the first records that may have another number of fields in what is taken for delimited text."""

_ENDINGS = {
    "csv": ".csv",
    "text": ".txt",
    "json": ".json",
    "jsonl": ".jsonl",
    "parquet": ".parquet",
    "arrow": ".arrow",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def write_copy(pieces: Iterable[bytes], path: Path, what: str) -> int:
    """Write bytes to a new file and return their number.

    Raises IncompleteError where they cannot be written; what reading them raises goes through.
    """
    size = 0
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise _cannot_keep(path, what, error) from None
    with file:
        for piece in pieces:
            try:
                view = memoryview(piece)
                while view:
                    view = view[file.write(view) :]
            except OSError as error:
                raise _cannot_keep(path, what, error) from None
            size += len(piece)
    return size


def write_table(schema: pa.Schema, batches: Iterable[pa.RecordBatch], path: Path, what: str) -> int:
    """Write record batches as an Arrow stream; errors as `write_copy` has them."""
    try:
        file = path.open("wb")
        writer = pa.ipc.new_stream(file, schema)
    except OSError as error:
        raise _cannot_keep(path, what, error) from None
    try:
        for batch in batches:
            matching = batch if batch.schema == schema else batch.cast(schema)
            try:
                writer.write_batch(matching)
            except OSError as error:
                raise _cannot_keep(path, what, error) from None
        try:
            writer.close()
            file.flush()
        except OSError as error:
            raise _cannot_keep(path, what, error) from None
        return path.stat().st_size
    finally:
        with suppress(OSError):
            file.close()


def _cannot_keep(path: Path, what: str, error: OSError) -> IncompleteError:
    return IncompleteError(
        f"{path.parent}: no room for a copy of {what}: {error.strerror or error}; name another folder with --work-dir"
    )


def stdin_candidate(folder: Path) -> Candidate:
    """Standard input as a file in `folder`. Raises UsageError where there is none, SourceError where it breaks off."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise UsageError("-: standard input is closed")
    path = folder / "stdin"
    write_copy(_pieces(stream), path, "standard input")
    return Candidate(path, STDIN, STDIN, explicit=True, format=_kind(path), origin=STDIN)


def stdin_name(file: FileRef) -> str:
    """What the rows of standard input are written as: an ending says what they are."""
    codec = codec_of(Path(file.path))
    ending = next((end for end, name in SUFFIXES.items() if name == codec), "")
    return f"stdin{_ENDINGS.get(file.format, '')}{ending}"


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    read = getattr(stream, "read1", stream.read)  # what is there, not only full blocks
    try:
        while piece := read(BLOCK):
            yield piece
    except OSError as error:
        raise SourceError(f"standard input: {error.strerror or error}") from None


def _kind(path: Path) -> str | None:
    """The format of text that is no JSON, by its first bytes; None leaves it to those who know more formats."""
    try:
        with open_plain(path) as file:
            head = file.read(1 << 16)
    except Exception as error:
        if stream_error(error) is None:
            raise
        return "jsonl"  # damaged: for the reader to say
    if not head.strip():
        return "jsonl"
    encoding = encoding_in(head)
    text = (head if encoding == UTF8 else head.decode(encoding, "ignore").encode()).removeprefix(BOM).lstrip()
    if text.startswith((b"[", b"{", b"PAR1")):
        return None
    if b"\0" in head and not head.startswith(_UTF16):
        return None
    return "csv" if _is_delimited(path) else "text"


def _is_delimited(path: Path) -> bool:
    return sheet_of(FileRef(0, str(path), STDIN, "csv")).share >= 1 - FEW
