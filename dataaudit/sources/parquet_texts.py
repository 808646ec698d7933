"""Single rows of the columns of text of a row group of a Parquet file, the pages between them left packed.

Read so are strings at the top level, in the encodings and codecs of nearly all files. For anything else `UnusualError`
is raised before a row is lost, and the library reads it.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dataaudit.sources import parquet_kernel as kernel
from dataaudit.sources.parquet_footer import Extent, extents
from dataaudit.sources.parquet_pages import CODECS, PAGE_BYTES, UnusualError, pages
from dataaudit.sources.parquet_values import Decoder, PageRows, Values

I64 = npt.NDArray[np.int64]

READ_BUFFER = 1 << 18
"""Bytes read ahead per column: pages are passed over."""
FOOTER_SHARE, FOOTER_BYTES = 256, 1 << 16
"""A footer that is read here is at most such a part of its file, or as many bytes: its reading has no help."""


class TextColumn(msgspec.Struct, frozen=True):
    """A column of strings at the top level."""

    name: str
    place: int
    """Its place among the column chunks of a row group."""
    optional: bool
    """May there be nulls?"""


def text_columns(opened: pq.ParquetFile, wanted: list[str] | None) -> list[TextColumn]:
    """The columns of a file that may be read here, of those that are wanted (None: all)."""
    found = []
    kinds = {field.name: field.type for field in opened.schema_arrow}
    for place in range(len(opened.schema)):
        one = opened.schema.column(place)
        kind = kinds.get(one.path) if one.path == one.name else None
        flat = one.max_repetition_level == 0 and one.max_definition_level < 2
        text = kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
        if flat and text and one.physical_type == "BYTE_ARRAY" and (wanted is None or one.name in wanted):
            found.append(TextColumn(one.name, place, one.max_definition_level == 1))
    return found


def extents_of(path: Path) -> list[list[Extent | None]]:
    """By row group and column, where the chunks of a file lie; none where its footer is not for reading here."""
    try:
        state = path.stat()
        most = max(state.st_size // FOOTER_SHARE, FOOTER_BYTES)
        return extents(path, (state.st_size, state.st_mtime_ns), most)
    except (OSError, ValueError):
        return []  # the library says what is wrong


class Texts:
    """The text columns of one row group."""

    def __init__(self, path: Path, chunks: list[Extent | None], columns: list[TextColumn], rows: int) -> None:
        """Raises UnusualError, as all that follows, and OSError."""
        self._columns: dict[str, _Column] = {}
        with ExitStack() as files:
            for column in columns:
                chunk = chunks[column.place] if column.place < len(chunks) else None
                if chunk is None or chunk.codec not in CODECS or chunk.values != rows:
                    raise UnusualError
                file = files.enter_context(path.open("rb", buffering=READ_BUFFER))
                self._columns[column.name] = _Column(file, chunk, column.optional)
            self._files = files.pop_all()

    def __enter__(self) -> Texts:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def chosen(self, rows: I64) -> dict[str, pa.Array]:
        """These rows, which ascend, none of them before one that was read. Pages without one are passed over."""
        return {name: one.chosen(rows) for name, one in self._columns.items()}


class _Column:
    """One column chunk."""

    def __init__(self, file: IO[bytes], extent: Extent, optional: bool) -> None:
        self._rows = extent.values
        self._pages = pages(file, extent)
        self._decoder = Decoder(file, optional=optional)
        self._page: PageRows | None = None
        """The last page that was unpacked, whose rows are `_first` up to `_end`."""
        self._first = self._end = 0

    def chosen(self, rows: I64) -> pa.Array:
        """These rows."""
        out = _Strings(len(rows))
        done = 0
        while done < len(rows):
            page = self._page_of(int(rows[done]))
            stop = int(np.searchsorted(rows, self._end))
            mine = rows[done:stop] - self._first
            page.find(int(mine[-1]) + 1)
            out.add(page.values(mine))
            done = stop
        return out.array()

    def _page_of(self, row: int) -> PageRows:
        """The page that holds a row, which is not before the last one."""
        while self._page is None or row >= self._end:
            page = next(self._pages, None)
            if page is None:
                raise UnusualError
            if page.is_dictionary:
                self._decoder.learn(page)
                continue
            self._first, self._end = self._end, self._end + page.values
            if self._end > self._rows:
                raise UnusualError
            self._page = self._decoder.decoded(page) if row < self._end else None
        return self._page


class _Strings:
    """Strings put behind one another, copied from where they lie before that is written over."""

    def __init__(self, rows: int) -> None:
        self._offsets = np.zeros(rows + 1, np.int64)
        self._text = np.empty(0, np.uint8)
        self._valid = np.ones(rows, np.bool_)
        self._done = 0

    def add(self, values: Values) -> None:
        """Put more of them behind. Raises UnusualError where that were too many bytes."""
        first, end = self._done, self._done + len(values)
        before = int(self._offsets[first])
        size = before + int(values.sizes.sum())
        if size > PAGE_BYTES:  # a dictionary may hold little and stand for much
            raise UnusualError
        if size > len(self._text):
            text = np.empty(max(size, 2 * len(self._text)), np.uint8)
            text[:before] = self._text[:before]
            self._text = text
        kernel.put_together(
            values.data, values.begins, values.sizes, self._offsets[first : end + 1], self._text
        )
        if values.valid is not None:
            self._valid[first:end] = values.valid
        self._done = end

    def array(self) -> pa.Array:
        """All of them as large strings."""
        text = self._text[: int(self._offsets[-1])]
        nulls = None if self._valid.all() else pa.py_buffer(np.packbits(self._valid, bitorder="little"))
        buffers = [nulls, pa.py_buffer(self._offsets), pa.py_buffer(text)]
        return pa.Array.from_buffers(pa.large_string(), self._done, buffers)
