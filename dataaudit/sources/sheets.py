"""What a delimited or plain text file is, from its first bytes: dialect, header, columns, and what was concluded.

The same bytes and the same `--columns` always give the same answer, so it need not travel between processes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
import pyarrow as pa

from dataaudit.records.bindings import Layout
from dataaudit.records.layouts import Overrides
from dataaudit.records.shapes import Shapes
from dataaudit.records.tables import table_layout
from dataaudit.records.types import FileRef
from dataaudit.sources.compression import strip_suffix
from dataaudit.sources.csvfields import Fields, fields_of
from dataaudit.sources.csvsplit import Piece, split
from dataaudit.sources.dialect import BOM, Dialect, encoding_of, open_utf8
from dataaudit.sources.headers import Table, columns_from, is_header, label_column

HEAD_BYTES = 1 << 20
"""Bytes that are looked at. What comes later cannot change how a file is read."""
TABS = (".tsv", ".tab")
DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
"""Characters that may be found to separate fields, and their names; of equals, the first."""
TEXT_COLUMN = "text"


class Sheet(msgspec.Struct, frozen=True):
    """How a file is read."""

    dialect: Dialect
    columns: tuple[str, ...]
    head_lines: int = 0
    """Physical lines in the head."""
    roles: Overrides = ()
    """What was concluded about columns that have no names."""
    notes: tuple[str, ...] = ()
    """What the report should say of it."""
    share: float = 0.0
    """Share of the first records with as many fields as the first of them; 0 where there is one record or one field."""

    def layout(self, overrides: Overrides, shapes: Shapes = ()) -> Layout:
        """The layout of its records. Raises UsageError where an override names a column there is not."""
        schema = pa.schema([(name, pa.large_string()) for name in self.columns])
        layout = table_layout(schema, overrides or self.roles, shapes)
        if self.roles and not overrides:
            layout = replace(layout, name="labelled")
        return replace(layout, notes=(*self.notes, *layout.notes))


def sheet_of(file: FileRef) -> Sheet:
    """How a file of the format `csv` or `text` is read. Raises OSError or EOFError where it cannot be."""
    path = Path(file.path)
    stat = path.stat()
    return _sheet(
        path, file.format, file.columns, file.encoding, (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    )


@lru_cache(maxsize=64)
def _sheet(path: Path, kind: str, overrides: Overrides, named: str, _state: tuple[int, int, int]) -> Sheet:
    encoding = encoding_of(path, named)
    with open_utf8(path, encoding) as file:
        head = file.read(HEAD_BYTES)
        try:
            whole = not file.read(1)
        except (OSError, EOFError):
            whole = False  # what comes before the damage is read, and then the damage is said
    if kind == "text":
        return _text_sheet(head, encoding)
    ending = Path(strip_suffix(path.name).lower()).suffix
    return examine(head, whole, tabs=ending in TABS, encoding=encoding, overrides=overrides)


def _newline(head: bytes) -> str:
    return "\r" if b"\r" in head and b"\n" not in head else "\n"


def _text_sheet(head: bytes, encoding: str) -> Sheet:
    dialect = Dialect(
        delimiter="",
        quoted=False,
        newline=_newline(head),
        encoding=encoding,
        head=len(BOM) if head.startswith(BOM) else 0,
    )
    return Sheet(dialect, (TEXT_COLUMN,), notes=_encoding_notes(dialect))


def _encoding_notes(dialect: Dialect) -> tuple[str, ...]:
    notes = []
    if dialect.encoding != "utf-8":
        notes.append(f"the text is {dialect.encoding.upper()}, read through UTF-8")
    if dialect.newline == "\r":
        notes.append("lines end in a carriage return alone")
    return tuple(notes)


def examine(
    head: bytes, whole: bool, *, tabs: bool = False, encoding: str = "utf-8", overrides: Overrides = ()
) -> Sheet:
    """How delimited text that begins with `head` is read; `whole`: that is all of it.

    `tabs`: its name says that tabs separate. Else the delimiter is the one that gives most records the number of
    fields (two or more) that the first one has.
    """
    begin = len(BOM) if head.startswith(BOM) else 0
    body, newline = head[begin:], _newline(head)
    tried = [
        _Trial(body, whole, Dialect(delimiter=mark, quoted=quoted, newline=newline))
        for mark in (("\t",) if tabs else DELIMITERS)
        for quoted in (True, False)
    ]
    by_quoting = [_quoting(on, off) for on, off in zip(tried[0::2], tried[1::2], strict=True)]
    best = max(by_quoting, key=lambda one: one.share)  # of equals the first
    table = best.table()
    header = best.opens and is_header(table, overrides)
    head_bytes, head_lines = begin, 0
    if header:
        columns, renamed = columns_from(table.first)
        head_bytes += int(best.piece.ends[0])
        head_lines = body[: int(best.piece.ends[0])].count(newline.encode())
    else:
        columns, renamed = tuple(map(str, range(max(best.width, 1)))), ()
    dialect = Dialect(
        delimiter=best.dialect.delimiter,
        quoted=best.dialect.quoted,
        newline=newline,
        encoding=encoding,
        head=head_bytes,
    )
    roles: Overrides = ()
    notes = [*_dialect_notes(dialect, tabs, header), *renamed, *_encoding_notes(dialect)]
    if not header and not overrides and (found := label_column(table)) is not None:
        label, distinct = found
        texts = [i for i in range(best.width) if i != label]
        roles = (("label", str(label)), *(("text", str(i)) for i in texts))
        named = ", ".join(map(str, texts))
        notes.append(
            f"column {label} is read as the label ({distinct:,} different values in the first "
            f"{table.rows:,} rows), column {named} as text; name roles with --columns"
        )
    share = best.share if best.rows > 1 else 0.0
    return Sheet(dialect, columns, head_lines, roles, tuple(notes), share)


def _dialect_notes(dialect: Dialect, tabs: bool, header: bool) -> list[str]:
    """What is not as the name of the file and common usage lead to expect."""
    said = []
    if not tabs and dialect.delimiter != ",":
        said.append(f"{DELIMITERS[dialect.delimiter]} separate the fields")
    if not dialect.quoted:
        said.append("quotation marks are text and quote nothing")
    if not header:
        said.append("no header: columns are numbered from 0")
    return ["; ".join(said)] if said else []


class _Trial:
    """The first records of a file as one dialect reads them."""

    def __init__(self, body: bytes, whole: bool, dialect: Dialect) -> None:
        self.dialect = dialect
        self.piece: Piece = split(body, dialect, ended=whole)
        if not self.piece.starts.size:
            self.piece = split(body, dialect, ended=True)  # one record longer than what is looked at
        self.fields: Fields = fields_of(self.piece, dialect)
        self.rows = len(self.piece.starts)
        self.width = self.fields.starts.shape[1]

    @property
    def share(self) -> float:
        """Share of records with as many fields as the first one, if that has several."""
        return len(self.fields.good) / self.rows if self.width > 1 else 0.0

    @property
    def opens(self) -> bool:
        """Is the first record one of those that are as they should be?"""
        return len(self.fields.good) > 0 and self.fields.good[0] == 0

    def table(self) -> Table:
        """Its texts."""
        return Table(self.fields, self.width)


def _quoting(on: _Trial, off: _Trial) -> _Trial:
    """Do quotation marks quote? They are text where no reading of them as quotes is called for.

    Quoted fields come in two kinds: some columns are quoted throughout, or fields are quoted that would break otherwise
    (they hold a delimiter, a line end or a quote). Neither is so where a text that begins with a quoted word lies
    unquoted between tabs. Then some fields open with a quote and do not end in one; where none does, tabs decide.
    """
    quoted, damaged = on.fields.quoted, len(on.piece.damaged)
    if off.share < on.share or (damaged == 0 and on.dialect.delimiter != "\t"):
        return on
    throughout = quoted.size > 0 and bool((quoted.sum(axis=0) * 2 > on.rows).any())
    return on if throughout or _needed(on) > damaged // 4 else off


def _needed(trial: _Trial) -> int:
    """Quoted fields that hold what cannot stand unquoted."""
    fields = trial.fields
    count = int(fields.doubled.sum())
    special = (trial.dialect.delimiter.encode(), b"\n", b"\r")
    at = fields.quoted & ~fields.doubled
    for start, stop in zip(fields.starts[at].tolist(), fields.stops[at].tolist(), strict=True):
        count += any(fields.data.find(one, start, stop) >= 0 for one in special)
    return count
