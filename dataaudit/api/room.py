"""Will the work directory hold what the checks spill? Asked before anything is read."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from dataaudit.checks import spilled_per_row
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


def require_room(options: CheckOptions, files: Sequence[FileRef], share: float, work: Workspace) -> None:
    """Refuse a work directory that cannot hold what is spilled of `share` of the rows. Raises IncompleteError.

    Rows are counted in Parquet files and estimated in uncompressed files of lines; of other files none are expected, so
    that no run is refused for a guess.
    """
    if sum(file.size for file in files) < SMALL:
        return
    per_row = spilled_per_row(options)
    rows = int(share * sum(_rows(file) for file in files))
    free = shutil.disk_usage(work.root).free
    if rows * per_row > free:
        raise IncompleteError(
            f"{work.root}: the work directory has {free / 1e6:,.0f} MB left, and comparing some {rows:,} rows takes "
            f"{rows * per_row / 1e6:,.0f} MB; name one with room: --work-dir DIR"
        )


def _rows(file: FileRef) -> int:
    path = Path(file.path)
    try:
        if file.format == "parquet":
            import pyarrow.parquet as pq

            return int(pq.read_metadata(path).num_rows)
        if file.format not in LINES or codec_of(path) is not None:
            return 0
        with path.open("rb") as opened:
            seen = opened.read(LOOKED_AT)
    except (
        OSError,
        ValueError,
    ):  # whoever reads it will say what is wrong with it; Arrow's errors are ValueErrors
        return 0
    return seen.count(b"\n") * file.size // max(len(seen), 1)
