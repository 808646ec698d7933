"""What every source module offers the engine: partitions of a file, and batches of a partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records.extracted import Extracted
from dataaudit.records.hashing import row_order
from dataaudit.records.layouts import Overrides
from dataaudit.records.shapes import Shapes
from dataaudit.records.types import Batch, FileRef, Malformed, pack_row

SAMPLE_SEED = 0x5EED
"""Base of the seed for choosing rows; `--seed` is added to it."""


class Partition(msgspec.Struct, frozen=True):
    """A slice of one file that can be read alone."""

    file: FileRef
    start: int
    end: int
    """Half-open range of bytes (line formats), of row groups (Parquet) or of record batches (Arrow). -1: to the end."""
    first_row: int = 0
    first_line: int = 1
    nbytes: int = 0
    """Bytes of the file it stands for; decides the order of work, not the result."""


class ReadOptions(msgspec.Struct, frozen=True):
    """How records are read; the same for every partition."""

    batch_rows: int = 8192
    batch_bytes: int = 8 << 20
    """A batch ends at this many bytes of input even if it has fewer rows."""
    overrides: Overrides = ()
    shapes: Shapes = ()
    """What the strings of columns look like whose names do not say it; the same for all files of a scan."""
    need_rest: bool = True
    """Will anything ask for whole records? If not, columns without a role are not read."""
    sample: float | None = None
    """Share of rows to evaluate, or None for all."""
    seed: int = 0
    only: tuple[int, ...] | None = None
    """Row numbers to evaluate, ascending, or None for all: for reading a few rows again."""
    turn: str = ""
    """A file that a process locks while it holds a long line (see `turn`); empty where only one reads."""
    limit: int | None = None
    """Records of the partition that are wanted. Line formats read no further; tables may give whole batches."""


class Damage(msgspec.Struct, frozen=True):
    """A part of a file that cannot be read; what is around it was."""

    reason: str
    rows: int | None = None
    """Records lost, where the format says."""


class Reader(Protocol):
    """A source module, as the engine sees it."""

    def plan(self, file: FileRef, target: int) -> list[Partition]:
        """Cut a file into partitions of about `target` bytes. Raises SourceError if it cannot be opened."""
        ...

    def read(self, partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
        """The batches of a partition in order. Raises SourceError where reading cannot go on."""
        ...


def sampled(file_id: int, rows: npt.NDArray[np.int64], options: ReadOptions) -> npt.NDArray[np.bool_] | None:
    """Which of these rows the sample takes: by hash of the row id, so that no cut of the data changes it."""
    if options.only is not None:
        return np.isin(rows, np.asarray(options.only, np.int64))
    if options.sample is None:
        return None
    ids = rows.astype(np.uint64) + np.uint64(pack_row(file_id, 0))
    limit = min(int(options.sample * 2.0**64), 2**64 - 1)
    return row_order(ids, SAMPLE_SEED + options.seed) < np.uint64(limit)


class Place(msgspec.Struct, frozen=True):
    """Where a batch lies in its file (see the fields of `Batch`)."""

    first_row: int
    first_line: int
    span: tuple[int, int]
    extent: tuple[int, int]
    nbytes: int


def make_batch(
    file: FileRef,
    rows: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64] | None,
    found: Extracted,
    place: Place,
    malformed: tuple[Malformed, ...] = (),
    remarks: tuple[tuple[str, npt.NDArray[np.int64]], ...] = (),
) -> Batch:
    """A batch from what was extracted of its records."""
    return Batch(
        file=file,
        rows=rows,
        lines=lines,
        roles=found.roles,
        turns=found.turns,
        expects_response=found.expects_response,
        readable=found.readable,
        layouts=found.layouts,
        malformed=malformed,
        nbytes=place.nbytes,
        label_names=found.label_names,
        first_row=place.first_row,
        first_line=place.first_line,
        span=place.span,
        extent=place.extent,
        remarks=remarks,
        described=found.described,
        skipped=found.skipped,
        rendered=found.rendered,
        rest=found.rest,
    )
