"""The fields of records that were cut from delimited text: where each lies, and columns of them as Arrow arrays."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.sources.csvsplit import I64, U8, Piece, runs_of, split
from dataaudit.sources.dialect import Dialect

_QUOTE, _CR, _LF = 34, 13, 10


class Fields(msgspec.Struct, frozen=True):
    """The fields of the records of a piece that have the expected number of them."""

    data: bytes
    counts: I64
    """Per record of the piece, how many fields it has; 0 for a damaged one."""
    good: I64
    """Records (by index) with the expected number."""
    starts: I64
    stops: I64
    """Per good record and column, where the field lies in `data`, quotes around it left out."""
    quoted: npt.NDArray[np.bool_]
    """Per good record and column: did it have quotes around it?"""
    doubled: npt.NDArray[np.bool_]
    """Per good record and column: is it quoted, with quotes inside that are written twice?"""
    stray: I64
    """Records (by index) with an odd number of quotes: one stands in a field that no quote opens."""

    def column(self, number: int, take: I64) -> pa.LargeStringArray:
        """A column of some of the good records (by place among them, ascending). UTF-8 is not checked."""
        starts, stops = self.starts[take, number], self.stops[take, number]
        # Fields and what lies between them in turn, as one array over the bytes: no field is copied on its own.
        bounds = np.empty(2 * len(take), np.int64)
        bounds[0::2], bounds[1::2] = starts, stops
        if len(bounds) == 0:
            return pa.array([], pa.large_string())
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(self.data)]
        both = pa.LargeStringArray.from_buffers(len(bounds) - 1, buffers[1], buffers[2])
        values = both.take(pa.array(np.arange(0, len(bounds), 2)))
        twice = self.doubled[take, number]
        if not twice.any():
            return values
        mask = pa.array(twice)
        single = pc.replace_substring(values.filter(mask).cast(pa.large_binary()), b'""', b'"')
        return pc.replace_with_mask(values.cast(pa.large_binary()), mask, single).view(pa.large_string())


def fields_of(piece: Piece, dialect: Dialect, columns: int | None = None) -> Fields:
    """The fields of the records of a piece. `columns`: how many one should have; None: as the first undamaged one."""
    array = np.frombuffer(piece.data, np.uint8)
    stops = _before_terminator(piece, array, dialect)
    counts = np.ones(len(piece.starts), np.int64)
    stray = np.empty(0, np.int64)
    marks = quotes = np.empty(0, np.int64)
    if dialect.delimiter:
        marks = _outside(piece, np.flatnonzero(array == ord(dialect.delimiter)))
    if dialect.quoted:
        quotes = _outside(piece, np.flatnonzero(array == _QUOTE))
    if len(quotes) and len(marks):
        marks = marks[~runs_of(array, quotes, 0, dialect).inside(marks)]
    if len(marks):
        counts += np.bincount(_record_of(piece, marks), minlength=len(counts))
    if len(quotes):
        stray = np.flatnonzero(np.bincount(_record_of(piece, quotes)) & 1)
    counts[piece.damaged] = 0
    if columns is None:
        columns = int(counts[np.argmax(counts > 0)]) if len(counts) else 0
    good = np.flatnonzero(counts == columns)
    if columns == 0:
        good = good[:0]
    begin = np.empty((len(good), columns), np.int64)
    end = np.empty((len(good), columns), np.int64)
    begin[:, :1] = piece.starts[good][:, None]
    end[:, columns - 1 :] = stops[good][:, None]
    if columns > 1:
        inner = marks[(counts == columns)[_record_of(piece, marks)]].reshape(-1, columns - 1)
        end[:, :-1] = inner
        begin[:, 1:] = inner + 1
    quoted = np.zeros(begin.shape, np.bool_)
    doubled = np.zeros(begin.shape, np.bool_)
    if len(quotes):
        quoted = (array[np.minimum(begin, len(array) - 1)] == _QUOTE) & (end > begin)
        begin[quoted] += 1
        end[quoted] -= 1
        doubled[quoted] = np.searchsorted(quotes, begin[quoted]) < np.searchsorted(quotes, end[quoted])
    return Fields(piece.data, counts, good, begin, end, quoted, doubled, stray)


def _before_terminator(piece: Piece, array: U8, dialect: Dialect) -> I64:
    """Per record, where its last field ends."""
    stops = piece.ends.copy()
    if len(stops) == 0:
        return stops
    stops -= array[stops - 1] == ord(dialect.newline)
    if dialect.newline == "\n":
        stops -= (stops > piece.starts) & (array[np.maximum(stops - 1, 0)] == _CR)
    return stops


def _record_of(piece: Piece, places: I64) -> I64:
    return np.searchsorted(piece.ends, places, "right").astype(np.int64)


def _outside(piece: Piece, places: I64) -> I64:
    """The places that are not in damaged records: there, nothing is a field."""
    if len(piece.damaged) == 0 or len(places) == 0:
        return places
    damaged = np.zeros(len(piece.starts), np.bool_)
    damaged[piece.damaged] = True
    return places[~damaged[_record_of(piece, places)]]


def invalid_utf8(piece: Piece) -> I64:
    """The records (by index) whose bytes are not UTF-8."""
    bounds = pa.py_buffer(np.array([0, len(piece.data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, bounds, pa.py_buffer(piece.data)).validate(full=True)
    except pa.ArrowInvalid:
        return np.flatnonzero(
            [
                not _decodes(piece.data[start:end])
                for start, end in zip(piece.starts.tolist(), piece.ends.tolist(), strict=True)
            ]
        )
    return np.empty(0, np.int64)


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def record_fields(record: bytes, dialect: Dialect) -> list[tuple[int, int, bool]]:
    """(start, stop, quoted?) of the fields of one record with its terminator; quotes around a field are included.

    Empty for a record that is damaged.
    """
    piece = split(record, dialect, ended=True)
    if len(piece.starts) != 1 or len(piece.damaged):
        return []
    fields = fields_of(piece, dialect)
    found = zip(fields.starts[0].tolist(), fields.stops[0].tolist(), fields.quoted[0].tolist(), strict=True)
    return [(start - quoted, stop + quoted, quoted) for start, stop, quoted in found]
