"""The line formats: how each is cut into segments, what precedes the first one, how a string in one is replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataaudit.export.redact import Span, redact_record
from dataaudit.export.redactfields import redact_fields
from dataaudit.export.segments import BOM, Block, Readable, blocks
from dataaudit.records.types import FileRef
from dataaudit.sources.csvsplit import pieces
from dataaudit.sources.dialect import Dialect
from dataaudit.sources.json_encoding import written_as
from dataaudit.sources.sheets import sheet_of

LINE_FORMATS = ("jsonl", "csv", "text")


@dataclass(frozen=True)
class Form:
    """How one file is written. Without a dialect it is JSON Lines in UTF-8."""

    dialect: Dialect | None = None
    columns: tuple[str, ...] = ()
    json: bool = False
    """Are the lines of the dialect JSON?"""

    @property
    def encoding(self) -> str:
        """What the bytes of the file are; segments are UTF-8 in any case."""
        return "utf-8" if self.dialect is None else self.dialect.encoding

    def head(self, stream: Readable) -> bytes:
        """Read what stands before the first segment and belongs to no record: a header, mostly."""
        return b"" if self.dialect is None else read_exactly(stream, self.dialect.head)

    def blocks(self, stream: Readable, head: bytes = b"", *, bom: bool = True) -> Iterator[Block]:
        """The segments after the head in blocks; `bom`: see `segments.blocks`."""
        if self.dialect is None:
            yield from blocks(stream, bom=bom)
            return
        row, line = 0, 1 + head.count(self.dialect.newline.encode())
        for piece in pieces(stream, self.dialect, offset=len(head), line=line):
            yield Block(piece.data, piece.offset, row, piece.ends, piece.lines)
            row += len(piece.starts)

    def redact(self, segment: bytes, start: int, places: dict[str, list[Span]]) -> bytes:
        """A segment that begins at byte `start` of the stream with spans replaced. Raises CannotRedactError."""
        if self.dialect is None:
            begin = len(BOM) if start == 0 and segment.startswith(BOM) else 0
            return redact_record(segment, begin, places)
        if self.json:
            return redact_record(segment, 0, places)
        return redact_fields(segment, self.dialect, self.columns, places)


def form_of(file: FileRef) -> Form:
    """How a file of a line format is written. Raises OSError or EOFError where it cannot be read."""
    if file.format == "jsonl":
        return Form(written_as(Path(file.path)), json=True)
    sheet = sheet_of(file)
    return Form(sheet.dialect, sheet.columns)


def read_exactly(stream: Readable, size: int) -> bytes:
    """`size` bytes, or what there is."""
    parts, have = [], 0
    while have < size and (data := stream.read(size - have)):
        parts.append(data)
        have += len(data)
    return b"".join(parts)
