"""What Parquet, Arrow and in-memory tables share: record batches become batches, undecodable text becomes findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.errors import SourceError
from dataaudit.records.bindings import Layout
from dataaudit.records.leaves import require_utf8
from dataaudit.records.tables import ClassNames, class_names, columns_of, extract_table, table_layout
from dataaudit.records.types import Batch, FileRef, Malformed
from dataaudit.sources.base import Place, ReadOptions, make_batch, sampled
from dataaudit.sources.views import without_views

INVALID_TEXT = "invalid-utf8"


class TableView:
    """How the tables of one file are seen: its layout, its class names, the columns worth reading."""

    def __init__(self, file: FileRef, schema: pa.Schema, options: ReadOptions) -> None:
        self.file = file
        self.options = options
        twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if twice:
            raise SourceError(f"{file.uri}: several columns are named {twice[0]!r}")
        self.layout: Layout = table_layout(schema, options.overrides, options.shapes)
        self.classes: ClassNames = class_names(schema)
        self._kinds = tuple((field.name, str(field.type)) for field in schema)
        self.columns: list[str] | None = None if options.need_rest else columns_of(self.layout)

    def batch(
        self,
        table: pa.RecordBatch,
        first_row: int,
        extent: tuple[int, int],
        nbytes: int,
        *,
        valid: bool | None = None,
        chosen: npt.NDArray[np.int64] | None = None,
    ) -> Batch:
        """The batch of a record batch whose first row has this number in the file.

        `chosen`: the numbers of its rows in the file, where they do not follow one another as they are wanted alone.
        `valid`: does it hold up to full validation? None where that is not known yet. It must be sound in any case.
        """
        table = without_views(table)
        rows = first_row + np.arange(table.num_rows, dtype=np.int64) if chosen is None else chosen
        taken = sampled(self.file.id, rows, self.options) if chosen is None else None
        if taken is not None:
            table, rows = table.filter(pa.array(taken)), rows[taken]
        malformed: tuple[Malformed, ...] = ()
        try:
            if not valid:
                table = table if valid is None else _copied(table)
                table.validate(full=True)  # columns without a role may hold such text too
            found = extract_table(table, self.layout, self.classes, valid=True)
        except pa.ArrowInvalid:
            bad = self._undecodable(table)
            malformed = tuple(Malformed(int(rows[i]), INVALID_TEXT) for i in np.flatnonzero(bad).tolist())
            table, rows = table.filter(pa.array(~bad)), rows[~bad]
            found = extract_table(table, self.layout, self.classes)
        place = Place(first_row, 0, (extent[1] - extent[0], 0), extent, nbytes)
        return replace(make_batch(self.file, rows, None, found, place, malformed), columns=self._kinds)

    def _undecodable(self, table: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Which rows hold text that is not UTF-8; found by halving, as they are few."""
        bad = np.zeros(table.num_rows, np.bool_)
        pending = [(0, table.num_rows)]
        while pending:
            start, stop = pending.pop()
            try:
                piece = _copied(table.slice(start, stop - start))
                extract_table(piece, self.layout, self.classes)
                require_utf8(piece)
            except pa.ArrowInvalid:
                if stop - start == 1:
                    bad[start] = True
                else:
                    middle = (start + stop) // 2
                    pending += [(start, middle), (middle, stop)]
        return bad


def _copied(table: pa.RecordBatch) -> pa.RecordBatch:
    """A copy cut to the rows of a slice: checks of a sliced array may look at the bytes around it."""
    return table.take(pa.array(np.arange(table.num_rows)))


def as_record_batch(table: pa.Table) -> pa.RecordBatch:
    """One record batch of a table (copies only if it has several chunks)."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
