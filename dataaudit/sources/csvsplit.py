"""Delimited text cut into records: quote-aware, a block at a time, and never led astray by an unbalanced quote.

A quotation mark opens a quoted field only at its start; there, two of them stand for one, and the one that closes is
followed by a delimiter or the end of the line. That is how the common loaders read. A quoted field that does not end
so (a quote inside it, or no closing quote) would make them run on into the records that follow; here the record is
taken to be its first line, marked as damaged, and reading resumes on the next line.

All quotes of a block are judged at once: a run of them does one of a few things to the state it meets (inside or
outside a quoted field), depending on its length and on the characters before and after it. After one that leads
nowhere, a regular expression reads record by record for a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.sources.dialect import Dialect

BLOCK = 4 << 20
"""Bytes read at a time."""
MAX_LINES_BYTES = 32 << 20
"""A record of several lines longer than this counts as one whose quote was never closed: memory has an end."""
_SLOW = 1 << 16
"""Bytes read record by record around a quote that is out of place; doubled each time there is another."""

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

_QUOTE, _CR = 34, 13


class Readable(Protocol):
    """What is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class Piece(msgspec.Struct, frozen=True):
    """Some bytes of a stream that hold whole records. A blank line belongs to the record after it."""

    data: bytes
    offset: int
    """Of `data` in the stream."""
    starts: I64
    """Per record, where it begins in `data`, after blank lines."""
    ends: I64
    """Per record, the place just after its terminator."""
    lines: I64
    """Per record, the 1-based physical line on which it begins."""
    damaged: I64
    """Records (by index) with a quoted field that does not end as it should; only their first line is taken."""
    feeds: int
    """Line ends in `data`."""


def pieces(
    stream: Readable, dialect: Dialect, *, offset: int = 0, line: int = 1, size: int = 0
) -> Iterator[Piece]:
    """The records of a stream that begins at one (past the head), in pieces of about `size` bytes (0: `BLOCK`).

    Together the pieces are the stream, byte for byte. `offset` and `line` say where it begins.
    """
    size = size or BLOCK
    held = b""
    while True:
        # A record that is longer than a block is looked at again when the bytes have doubled, not at each block.
        block = stream.read(max(size, len(held)))
        data = held + block if held else block
        if not data:
            return
        piece = split(data, dialect, ended=not block, offset=offset, line=line)
        if piece.data:
            yield piece
        offset += len(piece.data)
        line += piece.feeds
        held = data[len(piece.data) :]
        if not block:
            return


def split(data: bytes, dialect: Dialect, *, ended: bool, offset: int = 0, line: int = 1) -> Piece:
    """The records that end in `data`, which begins at one. `ended`: nothing comes after, so the last one ends too."""
    newline = dialect.newline.encode()
    padded = data if not ended or data.endswith(newline) else data + newline
    array = np.frombuffer(padded, np.uint8)
    feeds = np.flatnonzero(array == newline[0])
    cuts = _Cuts(padded, array, feeds, dialect, ended)
    ends = cuts.ends
    begins = np.concatenate((np.zeros(1, np.int64), ends[:-1])) if len(ends) else ends
    full = _not_blank(padded, array, begins, ends, dialect)
    if full.all():
        chosen, starts = np.arange(len(ends)), begins
    else:
        chosen = np.flatnonzero(full)
        starts = begins[chosen]
    stop = min(int(ends[-1]), len(data)) if len(ends) else 0
    inside = feeds[: np.searchsorted(feeds, stop)]
    return Piece(
        data=data if stop == len(data) else data[:stop],
        offset=offset,
        starts=starts,
        ends=np.minimum(ends[chosen], stop),
        lines=line + np.searchsorted(inside, starts),
        damaged=np.flatnonzero(np.isin(chosen, cuts.damaged)) if cuts.damaged else _NONE,
        feeds=len(inside),
    )


_NONE = np.empty(0, np.int64)


def _not_blank(data: bytes, array: U8, begins: I64, ends: I64, dialect: Dialect) -> npt.NDArray[np.bool_]:
    blanks = dialect.blanks + dialect.newline.encode()
    table = np.isin(np.arange(256), list(blanks))
    full = ~table[array[begins]]
    for i in np.flatnonzero(~full).tolist():
        full[i] = bool(data[begins[i] : ends[i]].strip(blanks))
    return full


@lru_cache(maxsize=32)
def record_pattern(delimiter: str, newline: str) -> re.Pattern[bytes]:
    """One record with its terminator, all quotes in order. Without a match the record is damaged or incomplete."""
    d, n = re.escape(delimiter), re.escape(newline)
    end = rf"\r?{n}" if newline == "\n" else n
    field = rf'(?:"(?:[^"]++|"")*+"(?={d}|{end})|(?!")[^{d}{n}]*+)'
    return re.compile(rf"{field}(?:{d}{field})*+{end}".encode(), re.DOTALL)


@lru_cache(maxsize=32)
def _open_pattern(delimiter: str, newline: str) -> re.Pattern[bytes]:
    """As much of a record as is in order, up to a quoted field that does not end as it should."""
    d, n = re.escape(delimiter), re.escape(newline)
    field = rf'(?:"(?:[^"]++|"")*+"(?={d})|(?!")[^{d}{n}]*+(?={d}))'
    return re.compile(rf'(?:{field}{d})*+(?P<quoted>"(?:[^"]++|"")*+)?'.encode(), re.DOTALL)


class Runs(msgspec.Struct, frozen=True):
    """The runs of quotes in some bytes that begin at a record."""

    starts: I64
    quoting: npt.NDArray[np.bool_]
    """Is what follows the run inside a quoted field?"""
    wrong: npt.NDArray[np.bool_]
    """Does the run neither open nor close a field where it must? What follows the first such run is not judged."""

    def inside(self, places: I64) -> npt.NDArray[np.bool_]:
        """Which places (ascending, none of them a quote) are inside a quoted field."""
        return np.concatenate((np.zeros(1, np.bool_), self.quoting))[np.searchsorted(self.starts, places)]


def runs_of(array: U8, quotes: I64, at: int, dialect: Dialect) -> Runs:
    """What the quotes (places, ascending) do in bytes in which a record begins at `at`.

    An odd run where a field begins opens it, and inside one it closes it. Any other odd run is text outside and closes
    inside. An even run changes nothing: it is an empty field, text, or quotes written twice.
    """
    last = len(array) - 1
    first = np.ones(len(quotes), np.bool_)
    first[1:] = np.diff(quotes) != 1
    starts = quotes[first]
    lengths = np.diff(np.append(np.flatnonzero(first), len(quotes)))
    mark, newline = ord(dialect.delimiter), ord(dialect.newline)
    before = array[np.maximum(starts - 1, 0)]
    begins = (before == mark) | (before == newline) | (starts == at)
    stops = starts + lengths
    after = array[np.minimum(stops, last)]
    ends = (after == mark) | (after == newline) | (stops > last)
    if newline != _CR:
        ends |= (after == _CR) & ((array[np.minimum(stops + 1, last)] == newline) | (stops + 1 > last))
    odd = lengths & 1 == 1
    # Inside is where an odd number of runs toggled since the last one that, whatever the state, led outside.
    toggles = np.cumsum(odd & begins)
    leaves = np.maximum.accumulate(np.where(odd & ~begins, toggles, 0))
    quoting = (toggles - leaves) & 1 == 1
    was = np.concatenate((np.zeros(1, np.bool_), quoting[:-1]))
    wrong = ~ends & ((odd & was) | (~odd & begins & ~was))
    return Runs(starts, quoting, wrong)


class _Cuts:
    """Where records end in some bytes, and the indices of those that are damaged."""

    def __init__(self, data: bytes, array: U8, feeds: I64, dialect: Dialect, ended: bool) -> None:
        self.damaged: list[int] = []
        self._data = data
        self._array = array
        self._feeds = feeds
        self._dialect = dialect
        self._ended = ended
        quotes = np.flatnonzero(array == _QUOTE) if dialect.quoted else _NONE
        if len(quotes) == 0:
            self.ends: I64 = feeds + 1
            return
        self._newline = dialect.newline.encode()
        self._parts: list[I64] = []
        self._count = 0
        self._cut(quotes)
        self.ends = np.concatenate(self._parts) if self._parts else _NONE

    def _cut(self, quotes: I64) -> None:
        at, slow = 0, _SLOW
        while at < len(self._data):
            ends, wrong = self._at_once(at, quotes[np.searchsorted(quotes, at) :])
            self._parts.append(ends)
            self._count += len(ends)
            at = int(ends[-1]) if len(ends) else at
            if not wrong:
                return
            reached = self._slowly(at, slow)
            if reached is None:
                return
            at, slow = reached, slow * 2

    def _at_once(self, at: int, quotes: I64) -> tuple[I64, bool]:
        """The ends of records from `at` to the first one with a quote out of place; is there such a one?"""
        feeds = self._feeds[np.searchsorted(self._feeds, at) :]
        if len(quotes) == 0:
            return feeds + 1, False
        runs = runs_of(self._array, quotes, at, self._dialect)
        ends = feeds[~runs.inside(feeds)] + 1
        if runs.wrong.any():
            bad = runs.starts[np.argmax(runs.wrong)]
            return ends[: np.searchsorted(ends, bad, "right")], True
        spans = np.diff(ends, prepend=at)
        if len(spans) and spans.max() > MAX_LINES_BYTES:
            # Perhaps several lines; reading record by record decides.
            return ends[: int(np.argmax(spans > MAX_LINES_BYTES))], True
        left = len(self._array) - (int(ends[-1]) if len(ends) else at)
        return ends, left > 0 and bool(runs.quoting[-1]) and (self._ended or left > MAX_LINES_BYTES)

    def _slowly(self, at: int, span: int) -> int | None:
        """Read record by record for `span` bytes; where that ended, or None where the last record is not complete."""
        data, dialect = self._data, self._dialect
        match = record_pattern(dialect.delimiter, dialect.newline).match
        ends: list[int] = []
        stop = min(at + span, len(data))
        complete = True
        while at < stop:
            found = match(data, at)
            end = found.end() if found else self._end_of_first_line(at)
            if end is None:
                complete = False
                break
            first = data.find(self._newline, at) + 1
            if found and end - at > MAX_LINES_BYTES and first < end:
                found, end = None, first
            if not found:
                self.damaged.append(self._count + len(ends))
            ends.append(end)
            at = end
        self._parts.append(np.asarray(ends, np.int64))
        self._count += len(ends)
        return at if complete else None

    def _end_of_first_line(self, at: int) -> int | None:
        """Where the first line of a damaged record ends; None where more bytes might show that it is not damaged."""
        data = self._data
        found = _open_pattern(self._dialect.delimiter, self._dialect.newline).match(data, at)
        assert found is not None  # it matches nothing, too
        first = data.find(self._newline, at) + 1
        # What follows the quote: nothing yet, or a carriage return of which nothing follows yet.
        rest = data[found.end() : found.end() + 3]
        more = rest in (b"", b'"') or (rest == b'"\r' and self._newline != b"\r")
        if found["quoted"] is None:
            more = True  # a field without quotes ends the record or has not ended yet
        if more and not self._ended and not (first and len(data) - at > MAX_LINES_BYTES):
            return None
        return first or None
