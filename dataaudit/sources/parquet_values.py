"""The strings of the pages of a column of a Parquet file: where they lie, as far as they are asked for."""

from __future__ import annotations

from typing import IO

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.sources import parquet_kernel as kernel
from dataaudit.sources.parquet_pages import (
    PLAIN,
    PLAIN_DICTIONARY,
    RLE_DICTIONARY,
    Page,
    Unpacking,
    UnusualError,
)

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PAGE_ROWS = 1 << 20
"""A page of more rows, as a few bytes may be, is not taken whole."""
STEP = 1 << 16
"""Bytes that are unpacked together where not all of a page is wanted."""


class Values(msgspec.Struct, frozen=True):
    """Strings in a buffer, one for each row."""

    data: U8
    begins: I64
    sizes: I64
    valid: Bools | None
    """Which are not null, the others having size 0; None: all."""

    def __len__(self) -> int:
        return len(self.begins)


class PageRows:
    """The rows of a page."""

    def __init__(self, page: Page, unpacking: Unpacking, optional: bool, dictionary: PageRows | None) -> None:
        """`optional`: may there be nulls? Raises UnusualError, as all that follows, and OSError."""
        if page.values > PAGE_ROWS:
            raise UnusualError
        self.rows = page.values
        self._unpacking = unpacking
        self._valid: Bools | None = None
        self._at = 0
        if optional:
            levels, self._at = unpacking.levels()
            valid = _numbers(unpacking.bytes, levels, 1, self.rows) == 1
            self._valid = None if valid.all() else valid
        strings = self.rows if self._valid is None else int(np.count_nonzero(self._valid))
        self._known = 0
        if page.is_dictionary or page.encoding == PLAIN:
            if page.encoding not in (PLAIN, PLAIN_DICTIONARY):
                raise UnusualError
            self._data = unpacking.bytes
            self._begins, self._sizes = np.empty(strings, np.int64), np.empty(strings, np.int64)
        elif page.encoding in (PLAIN_DICTIONARY, RLE_DICTIONARY) and dictionary is not None:
            which = self._numbered(strings)
            if strings and int(which.max()) >= dictionary.rows:
                raise UnusualError
            self._data = dictionary._data
            self._begins, self._sizes = dictionary._begins[which], dictionary._sizes[which]
            self._known = strings
        else:
            raise UnusualError

    def _numbered(self, strings: int) -> I64:
        """The numbers that stand for strings of the dictionary."""
        self._unpacking.need(self._unpacking.size)
        data, end = self._unpacking.bytes, self._unpacking.size
        width = int(data[self._at]) if self._at < end else 0
        return _numbers(data, (self._at + 1, end), width, strings)

    def find(self, rows: int) -> None:
        """See to it that the first so many rows are known."""
        strings = rows if self._valid is None else int(np.count_nonzero(self._valid[:rows]))
        unpacking = self._unpacking
        if self._known < strings:
            # Rows are about as long as one another, so this is often enough.
            unpacking.need(-(-unpacking.size * rows // self.rows) + (STEP if rows < self.rows else 0))
        while self._known < strings:
            begins, sizes = self._begins[:strings], self._sizes[:strings]
            known = kernel.strings_at(unpacking.bytes, (self._at, unpacking.have), self._known, begins, sizes)
            if known > self._known:
                self._known, self._at = known, int(begins[known - 1] + sizes[known - 1])
            if known < strings:
                if unpacking.have == unpacking.size:
                    raise UnusualError
                unpacking.need(unpacking.have + STEP)
        if rows == self.rows and self._data is unpacking.bytes and self._at != unpacking.size:
            raise UnusualError

    def values(self, rows: slice | I64) -> Values:
        """These rows, which must be known."""
        if self._valid is None:
            begins, sizes, valid = self._begins[rows], self._sizes[rows], None
        else:
            valid = self._valid[rows]
            which = np.cumsum(self._valid)[rows] - 1
            begins, sizes = np.zeros(len(valid), np.int64), np.zeros(len(valid), np.int64)
            begins[valid], sizes[valid] = self._begins[which[valid]], self._sizes[which[valid]]
        return Values(self._data, np.ascontiguousarray(begins), np.ascontiguousarray(sizes), valid)


class Decoder:
    """Decodes the pages of one column chunk, one after the other."""

    def __init__(self, file: IO[bytes], *, optional: bool) -> None:
        self._file = file
        self._optional = optional
        self._dictionary: PageRows | None = None
        self._room = np.empty(0, np.uint8)

    def learn(self, page: Page) -> None:
        """Take in the page that holds the dictionary."""
        if self._dictionary is not None:
            raise UnusualError
        unpacking = Unpacking(page, self._file, np.empty(0, np.uint8))
        self._dictionary = PageRows(page, unpacking, False, None)
        self._dictionary.find(self._dictionary.rows)

    def decoded(self, page: Page) -> PageRows:
        """The rows of a page, of which none is known yet; those of the page before are gone."""
        unpacking = Unpacking(page, self._file, self._room)
        self._room = unpacking.bytes
        return PageRows(page, unpacking, self._optional, self._dictionary)


def _numbers(data: U8, span: tuple[int, int], width: int, count: int) -> I64:
    found = np.empty(count, np.int64)
    if width > 32 or not kernel.runs(data, span, width, found):
        raise UnusualError
    return found
