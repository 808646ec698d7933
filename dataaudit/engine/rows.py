"""Rows again: their lines, and their texts read a second time, through the places of the batches of the first pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from math import isnan
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.checks.base import Texts
from dataaudit.engine.tally import Spot, Tally
from dataaudit.errors import IncompleteError
from dataaudit.records.types import (
    NUMBER,
    ROW_BITS,
    ROW_MASK,
    TEXT_ROLES,
    Batch,
    FileRef,
    pack_row,
    unpack_row,
)
from dataaudit.sketches.side_by_side import side_by_side
from dataaudit.sources.base import Partition, ReadOptions
from dataaudit.sources.dialect import is_plain
from dataaudit.sources.fetched import Supply
from dataaudit.sources.json_encoding import is_plain_json
from dataaudit.sources.readers import reader_for

ALONE = 1 << 16
"""Rows that one thread reads again together; by ascending ids hardly a part of a file is entered twice."""
SHOWN_BYTES = 1 << 20
"""Bytes of a text that is fetched; a long one would be held for the few words of it that a report shows."""


KEPT_ROWS, KEPT_BYTES = 1 << 12, 1 << 23
"""Rows whose texts are kept when they are read again for another purpose, and bytes of those, at most."""


class _Kept:
    """Texts that were read again, in case that they are to be shown: to read them once more takes as long."""

    def __init__(self) -> None:
        self.texts: dict[int, Texts] = {}
        self._nbytes = 0

    def add(self, batch: Batch) -> None:
        """Keep the texts of a batch, as far as there is room."""
        for at, row in enumerate(batch.rows.tolist()):
            if len(self.texts) >= KEPT_ROWS or self._nbytes >= KEPT_BYTES:
                return
            texts = self.texts[pack_row(batch.file.id, row)] = texts_of(batch, at)
            self._nbytes += sum(len(text) for strings in texts.values() for _, text in strings)


@dataclass(frozen=True)
class RowsAgain:
    """What checks may ask about rows when they finalize."""

    files: tuple[FileRef, ...]
    tally: Tally
    read: ReadOptions
    supply: Supply | None = None
    """Fetches files that lie elsewhere."""
    threads: int = 1
    """How many threads checks may use when they finalize."""
    _sorted: dict[int, list[Spot]] = field(default_factory=dict)
    """Per file its batches in order, made when first asked for."""
    _kept: _Kept = field(default_factory=_Kept)

    @property
    def total(self) -> int:
        """Records, malformed ones included."""
        return sum(one.rows for one in self.tally.files.values())

    @property
    def parsed(self) -> int:
        """Parsed records."""
        return sum(one.rows - one.malformed for one in self.tally.files.values())

    def _spot(self, file_id: int, row: int) -> Spot | None:
        spots = self._sorted_spots(file_id)
        at = bisect_right(spots, row, key=_first_row) - 1
        if at >= 0 and row < spots[at].first_row + spots[at].rows:
            return spots[at]
        return None

    def _sorted_spots(self, file_id: int) -> list[Spot]:
        if file_id not in self._sorted:
            self._sorted[file_id] = sorted(self.tally.of(file_id).spots, key=_first_row)
        return self._sorted[file_id]

    def line_of(self, row_id: int) -> int | None:
        """1-based physical line of a row, or None where the format has no lines."""
        return self.lines_of([row_id])[0]

    def lines_of(self, row_ids: Sequence[int]) -> list[int | None]:
        """1-based physical lines of rows; None where the format has no lines."""
        known: dict[int, int] = {}
        asked: dict[tuple[int, Spot], list[int]] = {}
        for row_id in row_ids:
            file_id, row = unpack_row(row_id)
            spot = self._spot(file_id, row)
            if spot is None or spot.first_line == 0:
                continue
            if spot.lines == spot.rows:
                known[row_id] = spot.first_line + row - spot.first_row
            else:
                asked.setdefault((file_id, spot), []).append(row)
        for (file_id, spot), rows in asked.items():
            for row, line in self._lines_in(file_id, spot, rows).items():
                known[pack_row(file_id, row)] = line
        return [known.get(row_id) for row_id in row_ids]

    def _lines_in(self, file_id: int, spot: Spot, rows: Sequence[int]) -> dict[int, int]:
        """Lines of rows of a batch that is read again."""
        found: dict[int, int | None] = {}
        wanted = np.unique(np.asarray([spot.first_row, *rows], np.int64))
        for batch in self._batches(self.files[file_id], [spot], wanted):
            if batch.lines is not None:
                found.update(zip(batch.rows.tolist(), batch.lines.tolist(), strict=True))
            found.update((one.row, one.line) for one in batch.malformed)
        shift = 0
        if self.files[file_id].format == "json":
            # A batch begins behind the last row before it, and its first line is that of its first row: what ends of
            # lines are between the two was counted again.
            shift = spot.first_line - (found.get(spot.first_row) or spot.first_line)
        return {row: line + shift for row, line in found.items() if line is not None}

    def batches(self, row_ids: Sequence[int], *, keep: bool = False) -> Iterator[Batch]:
        """Batches of nothing but these rows, read again. A row that cannot be found again is left out.

        With `keep`, some of their texts are kept for `fetch`.
        """
        ids = np.unique(np.asarray(row_ids, np.uint64))
        files = (ids >> np.uint64(ROW_BITS)).astype(np.int64)
        rows = (ids & np.uint64(ROW_MASK)).astype(np.int64)
        for file_id in np.unique(files).tolist():
            first, last = np.searchsorted(files, [file_id, file_id + 1])
            mine, spots = rows[first:last], self._sorted_spots(file_id)
            begins = np.asarray([spot.first_row for spot in spots], np.int64)
            at = np.searchsorted(begins, mine, "right") - 1
            known = (at >= 0) & (mine < (begins + [spot.rows for spot in spots])[at] if len(spots) else False)
            there = [spots[one] for one in np.unique(at[known]).tolist()]
            for batch in self._batches(self.files[file_id], there, mine[known]):
                if keep:
                    self._kept.add(batch)
                yield batch

    def stretches(self, row_ids: Sequence[int], most: int) -> list[list[int]]:
        """Rows in stretches of some `most` for each thread, ascending; none needs what is read for another.

        Where there is one thread alone there is no need for many.
        """
        ids = np.unique(np.asarray(row_ids, np.uint64))
        if self.threads == 1:  # files may not be there, to be asked where they can be entered
            return [ids[at : at + ALONE].tolist() for at in range(0, len(ids), ALONE)]
        begins = [np.empty(0, np.uint64)]
        for file_id in np.unique(ids >> np.uint64(ROW_BITS)).tolist():
            firsts = [0]
            with suppress(IncompleteError, OSError):  # a file that is gone is of one part
                parts = self._parts(self.files[file_id], self._sorted_spots(file_id))
                firsts += [part.first_row for part, _ in parts]
            begins.append(np.asarray(firsts, np.uint64) + np.uint64(pack_row(file_id, 0)))
        part = np.searchsorted(np.concatenate(begins), ids, "right")
        opens = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
        # A stretch begins with the first part that begins in it.
        cuts = opens[np.append(True, opens[1:] // most != opens[:-1] // most)]
        return [one.tolist() for one in np.split(ids, cuts[1:])] if len(ids) else []

    def fetch(self, row_ids: Sequence[int]) -> dict[int, Texts]:
        """The texts of rows, read again. A row that cannot be found again is left out."""
        kept = self._kept.texts
        found = {row_id: kept[row_id] for row_id in row_ids if row_id in kept}
        missing = [row_id for row_id in row_ids if row_id not in found]
        for some in side_by_side(self._fetched, self.stretches(missing, 1), self.threads):
            found.update(some)
        return found

    def _fetched(self, row_ids: Sequence[int]) -> dict[int, Texts]:
        asked = set(row_ids)
        found: dict[int, Texts] = {}
        for batch in self.batches(row_ids):
            for at, row in enumerate(batch.rows.tolist()):
                row_id = pack_row(batch.file.id, row)
                if row_id in asked:
                    found[row_id] = texts_of(batch, at)
        return found

    def numbers(self, row_ids: Sequence[int], path: str) -> dict[int, float]:
        """The numbers in a field of rows, read again; a row without one is left out."""
        asked = set(row_ids)
        alone = replace(self, read=msgspec.structs.replace(self.read, overrides=((NUMBER, path),)))
        found: dict[int, float] = {}
        for batch in alone.batches(row_ids):
            labels = batch.roles.get(NUMBER)
            for at, value in (
                zip(labels.rows.tolist(), labels.values.to_pylist(), strict=True) if labels else ()
            ):
                row_id = pack_row(batch.file.id, int(batch.rows[at]))
                with suppress(ValueError):
                    number = float(value)
                    if row_id in asked and not isnan(number):
                        found[row_id] = number
        return found

    def _batches(self, file: FileRef, spots: Sequence[Spot], rows: npt.NDArray[np.int64]) -> Iterator[Batch]:
        """The batches at these places, cut to these rows, which ascend."""
        again = msgspec.structs.replace(self.read, need_rest=False, sample=None)
        reader = reader_for(file.format)
        try:
            with self.supply.there(file) if self.supply is not None else nullcontext():
                for part, end in self._parts(file, spots):
                    mine = rows[slice(*np.searchsorted(rows, [part.first_row, end]))]
                    if len(mine) == 0:
                        continue
                    options = msgspec.structs.replace(again, only=tuple(mine.tolist()))
                    for item in reader.read(part, options):
                        if isinstance(item, Batch):
                            if item.first_row > mine[-1]:
                                break
                            yield item
        except (IncompleteError, OSError):
            return  # what cannot be read twice is shown without its text

    def _parts(self, file: FileRef, spots: Sequence[Spot]) -> Iterator[tuple[Partition, int]]:
        """The smallest parts of a file that hold these places, each with the row after its last one.

        All of the file where it cannot be entered in the middle.
        """
        if _can_enter(file):
            for s in spots:
                yield Partition(file, s.start, s.end, s.first_row, max(s.first_line, 1)), s.first_row + s.rows
            return
        parts = reader_for(file.format).plan(file, 1)
        yield from zip(parts, [*(part.first_row for part in parts[1:]), 1 << 62], strict=True)


def _can_enter(file: FileRef) -> bool:
    """Can reading begin in the middle? Only plain text files know where a row lies."""
    if file.format in ("csv", "text"):
        return is_plain(Path(file.path), file.encoding)
    return file.format in ("jsonl", "json") and is_plain_json(Path(file.path))


def texts_of(batch: Batch, at: int) -> Texts:
    """The texts of record `at` of a batch, by role, in order, long ones cut: they are fetched to be shown."""
    texts: Texts = {}
    for role in TEXT_ROLES:
        strings = batch.roles.get(role)
        if strings is None:
            continue
        mine = np.flatnonzero(strings.rows == at)
        for i in mine[np.argsort(strings.ordinals[mine], kind="stable")].tolist():
            texts.setdefault(role, []).append((strings.path_of(i), _opening(strings.values[i])))
    return texts


def _opening(text: pa.LargeStringScalar) -> str:
    data = text.as_buffer()
    # Cut inside a character, what is there of it goes.
    return str(memoryview(data)[:SHOWN_BYTES], "utf-8", "ignore" if len(data) > SHOWN_BYTES else "strict")


def _first_row(spot: Spot) -> int:
    return spot.first_row
