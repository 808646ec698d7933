"""How long reading will take, and whether further processes would be worth their start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dataaudit.checks import effort_of
from dataaudit.engine.forking import may_fork
from dataaudit.records.types import FileRef

PER_BYTE, PER_ROW = 12e-9, 3e-6
"""Seconds per byte of text and per row with all checks on, of a core of 2020."""
PER_FILE = 4e-3
"""Seconds that a file takes beside: to open it, and for what is done once per batch."""
ROW_BYTES = 1000
"""Bytes of a row where nobody says how many there are."""
READING = 0.1
"""Share of reading in that; the rest is that of the checks."""
COPIED, STARTED = 0.5, 1.5
"""Seconds of reading from which on a process that is copied or started pays. What it does again for its first batch
takes a quarter of a second, to import libraries twice that."""
OPENED = 32
"""Files whose footers are read; others are taken to be like them."""


def pays(files: Sequence[FileRef], checks: Iterable[str]) -> bool:
    """Would a further process read some of these files sooner than this one comes to them?"""
    share = READING + effort_of(checks)
    return share * _seconds(files) >= (COPIED if may_fork() else STARTED)


def _seconds(files: Sequence[FileRef]) -> float:
    """Of reading with all checks on."""
    tables = [file for file in files if file.format == "parquet"]
    others = sum(file.size for file in files) - sum(file.size for file in tables)
    opened = tables[:: -(-len(tables) // OPENED) or 1]
    known = sum(file.size for file in opened)
    seconds = sum(map(_of_table, opened)) * (sum(file.size for file in tables) / known if known else 0.0)
    return seconds + others * (PER_BYTE + PER_ROW / ROW_BYTES) + len(files) * PER_FILE


def _of_table(file: FileRef) -> float:
    """Of a Parquet file, by what its footer says of its rows and of their bytes before compression."""
    import pyarrow.parquet as pq

    try:
        shape = pq.read_metadata(Path(file.path))
        nbytes = sum(max(shape.row_group(i).total_byte_size, 0) for i in range(shape.num_row_groups))
    except (OSError, ValueError):  # whoever reads it will say what is wrong; Arrow's errors are ValueErrors
        return 0.0
    return float(max(nbytes, file.size) * PER_BYTE + shape.num_rows * PER_ROW)
