"""What will a scan take, and will the work directory hold it? Asked before anything is read."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dataaudit.checks import costs_of_candidates, spilled_per_row
from dataaudit.checks.base import CheckOptions
from dataaudit.errors import IncompleteError
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.compression import codec_of

LOOKED_AT = 1 << 20
"""Bytes at the beginning of a file of lines from which the length of its rows is estimated."""
SMALL = 64 << 20
"""Bytes of input up to which nothing is asked: what they spill is small, and looking would take longer."""
LINES = ("jsonl", "csv", "text")


class Expected(msgspec.Struct, frozen=True):
    """What a scan will take besides its input, as far as that can be told before it is read. Bytes, if not rows."""

    rows: int
    """Of Parquet counted, of uncompressed lines estimated from the first of them, of other files none."""
    keys: int
    """In the work directory, of that many rows."""
    memory: int
    """Of all processes, of ordinary rows."""
    more_disk: int = 0
    """Where every row may be a near-duplicate: the sets of their shingles."""
    more_memory: int = 0
    """The same in memory."""

    def __str__(self) -> str:
        more = (
            f" ({_mb(self.more_memory)} more if every row has a near-duplicate)" if self.more_memory else ""
        )
        disk = f" ({_mb(self.more_disk)} more)" if self.more_disk else ""
        return (
            f"some {self.rows:,} rows, expected to take about {_mb(self.memory)} of memory{more} "
            f"and {_mb(self.keys)} of the work directory{disk}"
        )


def _mb(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.0f} MB"


def expected(options: CheckOptions, files: Sequence[FileRef], share: float, memory: int) -> Expected | None:
    """What is expected of `share` of the rows of files, by processes that take `memory` bytes together.

    None where little is read or nothing is known of it: no run is refused for a guess.
    """
    if sum(file.size for file in files) < SMALL:
        return None
    known = [_rows(file) for file in files]
    rows = int(share * sum(rows for rows, _ in known))
    if rows == 0:
        return None
    more = costs_of_candidates(options)
    text = int(share * sum(nbytes for _, nbytes in known))
    return Expected(
        rows, rows * spilled_per_row(options), memory, int(text * more.per_byte), rows * more.per_row
    )


def require_room(needed: Expected, work: Workspace) -> None:
    """Refuse a work directory that cannot hold the keys of the rows. Raises IncompleteError."""
    free = shutil.disk_usage(work.root).free
    if needed.keys > free:
        raise IncompleteError(
            f"{work.root}: the work directory has {free / 1e6:,.0f} MB left, and comparing some {needed.rows:,} rows "
            f"takes {needed.keys / 1e6:,.0f} MB; name one with room: --work-dir DIR"
        )


def _rows(file: FileRef) -> tuple[int, int]:
    """Rows of a file and bytes of them before compression; (0, 0) where that is not known."""
    path = Path(file.path)
    try:
        if file.format == "parquet":
            import pyarrow.parquet as pq

            shape = pq.read_metadata(path)
            groups = (shape.row_group(i).total_byte_size for i in range(shape.num_row_groups))
            return shape.num_rows, sum(groups)
        if file.format not in LINES or codec_of(path) is not None:
            return 0, 0
        with path.open("rb") as opened:
            seen = opened.read(LOOKED_AT)
    except (
        OSError,
        ValueError,
    ):  # whoever reads it will say what is wrong with it; Arrow's errors are ValueErrors
        return 0, 0
    return seen.count(b"\n") * file.size // max(len(seen), 1), file.size
