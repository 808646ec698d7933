"""Delimited text (CSV, TSV), plain and compressed: `csvsplit` says how it is cut, `sheets` what is detected of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.errors import SourceError
from dataaudit.records.bindings import Layout
from dataaudit.records.paths import parse
from dataaudit.records.tables import columns_of, extract_table
from dataaudit.records.types import Batch, FileRef, Malformed
from dataaudit.sources.base import Damage, Partition, Place, ReadOptions, make_batch, sampled
from dataaudit.sources.csvfields import Fields, fields_of, invalid_utf8
from dataaudit.sources.csvsplit import I64, Piece, pieces
from dataaudit.sources.dialect import is_plain, open_utf8
from dataaudit.sources.sheets import Sheet, sheet_of

DAMAGED, WRONG_COUNT, INVALID_TEXT = "unbalanced-quote", "wrong-field-count", "invalid-utf8"


def plan(file: FileRef, target: int) -> list[Partition]:
    """Byte ranges that begin at a record, each knowing its first row and line from a counting pass."""
    path = Path(file.path)
    try:
        size = path.stat().st_size
        if size < 2 * target or not is_plain(path, file.encoding):
            return [Partition(file, 0, -1, nbytes=size)]
        return _ranges(file, size, target)
    except (OSError, EOFError) as error:
        raise SourceError(f"{file.uri}: {_broken(error)}") from None


def _ranges(file: FileRef, size: int, target: int) -> list[Partition]:
    sheet = sheet_of(file)
    newline = sheet.dialect.newline.encode()
    starts = [(0, 0, 1)]  # the first one reads past the head by itself
    row, line = 0, 1 + sheet.head_lines
    with open_utf8(Path(file.path), sheet.dialect.encoding) as stream:
        stream.seek(sheet.dialect.head)
        for piece in pieces(stream, sheet.dialect, offset=sheet.dialect.head, line=line):
            ends = piece.offset + piece.ends
            while (at := int(np.searchsorted(ends, starts[-1][0] + target))) < len(ends) - 1:
                feeds = piece.data.count(newline, 0, int(piece.ends[at]))
                starts.append((int(ends[at]), row + at + 1, line + feeds))
            row, line = row + len(piece.starts), line + piece.feeds
    stops = [*(start for start, _, _ in starts[1:]), size]
    return [
        Partition(file, start, stop, first, line, stop - start)
        for (start, first, line), stop in zip(starts, stops, strict=True)
    ]


class _Limited:
    """The first bytes of a stream."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a partition; raises SourceError where the stream breaks off."""
    file = partition.file
    row, offset = partition.first_row, partition.start
    nbytes = 0
    try:
        sheet = sheet_of(file)
        view = _View(file, sheet, options)
        plain = is_plain(Path(file.path), file.encoding)
        with open_utf8(Path(file.path), sheet.dialect.encoding) as stream:
            line = partition.first_line
            if offset == 0:
                offset, line = len(stream.read(sheet.dialect.head)), 1 + sheet.head_lines
                nbytes = offset if plain else 0
            else:
                stream.seek(offset)
            source = stream if partition.end < 0 else _Limited(stream, partition.end - offset)
            for piece in pieces(source, sheet.dialect, offset=offset, line=line):
                for batch in view.batches(piece, row, line):
                    # Bytes of a compressed file are counted once, at its end.
                    yield replace(batch, nbytes=batch.nbytes + nbytes if plain else 0)
                    nbytes = 0
                row, offset, line = row + len(piece.starts), offset + len(piece.data), line + piece.feeds
    except (OSError, EOFError) as error:
        raise SourceError(f"{file.uri}: {_broken(error)} after row {row}, byte {offset}") from None
    yield view.tail(row, line, offset, nbytes if plain else file.size)


def _broken(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]


class _View:
    """How the records of one file are seen."""

    def __init__(self, file: FileRef, sheet: Sheet, options: ReadOptions) -> None:
        self.file = file
        self.sheet = sheet
        self.options = options
        self.layout: Layout = sheet.layout(options.overrides, options.shapes)
        self._labels = {parse(one.path)[0] for one in self.layout.bindings if one.role == "label"}
        wanted = list(sheet.columns) if options.need_rest else columns_of(self.layout)
        self._kinds = tuple((name, "text") for name in sheet.columns)
        self._wanted = {name: sheet.columns.index(name) for name in wanted}

    def batches(self, piece: Piece, row: int, line: int) -> Iterator[Batch]:
        """The batches of a piece whose first record has this number, and whose first byte stands on this line."""
        fields = fields_of(piece, self.sheet.dialect, len(self.sheet.columns))
        reasons = self._reasons(piece, fields)
        count = len(piece.starts)
        at, before = 0, line
        for first in range(0, count, self.options.batch_rows):
            last = min(first + self.options.batch_rows, count)
            # Blank lines at the end of a piece go with its last batch.
            end = len(piece.data) if last == count else int(piece.ends[last - 1])
            after = before + piece.data.count(self.sheet.dialect.newline.encode(), at, end)
            place = Place(
                row + first,
                before,
                (last - first, after - before),
                (piece.offset + at, piece.offset + end),
                end - at,
            )
            yield self._batch(piece, fields, reasons, slice(first, last), place)
            at, before = end, after

    def _reasons(self, piece: Piece, fields: Fields) -> dict[int, str]:
        """Why records (by index) are malformed."""
        wrong = np.flatnonzero(fields.counts != len(self.sheet.columns)).tolist()
        reasons = dict.fromkeys(wrong, WRONG_COUNT)
        reasons.update(dict.fromkeys(invalid_utf8(piece).tolist(), INVALID_TEXT))
        reasons.update(dict.fromkeys(piece.damaged.tolist(), DAMAGED))
        return reasons

    def _batch(
        self, piece: Piece, fields: Fields, reasons: dict[int, str], part: slice, place: Place
    ) -> Batch:
        records = np.arange(part.start, part.stop, dtype=np.int64)
        rows = place.first_row + np.arange(len(records), dtype=np.int64)
        chosen = sampled(self.file.id, rows, self.options)
        if chosen is not None:
            records, rows = records[chosen], rows[chosen]
        malformed: tuple[Malformed, ...] = ()
        if reasons:
            bad = np.isin(records, list(reasons))
            malformed = tuple(
                self._malformed(piece, i, row, reasons[i])
                for i, row in zip(records[bad].tolist(), rows[bad].tolist(), strict=True)
            )
            records, rows = records[~bad], rows[~bad]
        take = np.searchsorted(fields.good, records)
        table = pa.RecordBatch.from_arrays(
            [self._column(fields, name, number, take) for name, number in self._wanted.items()],
            names=list(self._wanted),
        )
        found = extract_table(table, self.layout, {})
        stray = np.flatnonzero(np.isin(records, fields.stray)) if len(fields.stray) else fields.stray
        remarks = (("stray-quote", stray),) if len(stray) else ()
        batch = make_batch(self.file, rows, piece.lines[records], found, place, malformed, remarks)
        return replace(batch, columns=self._kinds)

    def _column(self, fields: Fields, name: str, number: int, take: I64) -> pa.Array:
        values = fields.column(number, take)
        if name in self._labels:  # an empty label is none, as an absent one is elsewhere
            return pc.if_else(pc.equal(pc.binary_length(values), 0), pa.scalar(None, values.type), values)
        return values

    def _malformed(self, piece: Piece, i: int, row: int, reason: str) -> Malformed:
        start, end = int(piece.starts[i]), int(piece.ends[i])
        length = len(piece.data[start:end].rstrip(b"\r\n"))
        return Malformed(row, reason, int(piece.lines[i]), piece.offset + start, length)

    def tail(self, row: int, line: int, offset: int, nbytes: int) -> Batch:
        """No records: the bytes that no batch has counted, and the layout of a file without records."""
        table = pa.RecordBatch.from_arrays(
            [pa.array([], pa.large_string()) for _ in self._wanted], names=list(self._wanted)
        )
        empty = np.empty(0, np.int64)
        found = extract_table(table, self.layout, {})
        return make_batch(self.file, empty, empty, found, Place(row, line, (0, 0), (offset, offset), nbytes))
