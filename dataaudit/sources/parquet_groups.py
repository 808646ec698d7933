"""The rows of row groups of a Parquet file: all of them, by the library, or a few without decoding the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from dataaudit.records.compiling import compiled
from dataaudit.sources import parquet_kernel
from dataaudit.sources.parquet_footer import Extent
from dataaudit.sources.parquet_pages import UnusualError
from dataaudit.sources.parquet_texts import TextColumn, Texts, extents_of, text_columns

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Rows of a row group that were decoded together."""

    first: int
    """The first row it stands for, counted in the row group."""
    rows: int
    """How many rows it stands for."""
    table: pa.RecordBatch
    chosen: I64 | None = None
    """The rows in the table, where they are chosen ones alone; None: all."""


class RowGroups:
    """The row groups of one file."""

    def __init__(self, opened: pq.ParquetFile, path: Path, columns: list[str] | None) -> None:
        """`path` is where the file lies, if it is a file; `columns` are those to read (None: all)."""
        self._opened = opened
        self._path = path
        self._columns = columns
        self._names = [one for one in opened.schema_arrow.names if columns is None or one in columns]

    def parts(self, group: int, step: int) -> Iterator[Part]:
        """The rows of a row group, some `step` at a time. Raises what the library raises where it cannot decode."""
        first = 0
        # Readers beside this one have the other processors; the library's own threads would make them wait.
        for table in self._opened.iter_batches(
            step, row_groups=[group], columns=self._columns, use_threads=False
        ):
            yield Part(first, table.num_rows, table)
            first += table.num_rows

    def chosen(self, group: int, step: int, wanted: I64) -> Iterator[Part]:
        """The same, but parts may hold no more than these rows of it, which ascend, and those without one be missing.

        Of columns of text only the pages are unpacked that hold one of them, unless there is so little to read that
        compiling the loops for it would take longer.
        """
        done = 0
        # What was expected to be read, or has been, alone decides.
        if compiled(0, parquet_kernel.strings_at) and self._picks and group < len(self._extents):
            try:
                for part in self._picked(group, step, wanted):
                    yield part
                    done = part.first + part.rows
                return
            except (UnusualError, OSError):
                pass
        for part in self.parts(group, step):
            if part.first >= done:
                yield part

    @cached_property
    def _extents(self) -> list[list[Extent | None]]:
        return extents_of(self._path) if self._path.is_file() else []

    @cached_property
    def _picks(self) -> list[TextColumn]:
        return text_columns(self._opened, self._columns) if self._extents else []

    def _picked(self, group: int, step: int, wanted: I64) -> Iterator[Part]:
        rows = self._opened.metadata.row_group(group).num_rows
        others = [name for name in self._names if name not in {one.name for one in self._picks}]
        beside = (
            self._opened.iter_batches(step, row_groups=[group], columns=others, use_threads=False)
            if others
            else repeat(None)
        )
        with Texts(self._path, self._extents[group], self._picks, rows) as texts:
            for first, other in zip(range(0, rows, step), beside, strict=False):
                count = min(step, rows - first)
                chosen = wanted[slice(*np.searchsorted(wanted, [first, first + count]))]
                if len(chosen) == 0:
                    continue
                columns = texts.chosen(chosen)
                if other is not None:
                    some = other.take(pa.array(chosen - first))
                    columns |= dict(zip(others, some.columns, strict=True))
                table = pa.RecordBatch.from_arrays([columns[one] for one in self._names], names=self._names)
                yield Part(first, count, table, chosen)
