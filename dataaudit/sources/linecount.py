"""Counting lines of a file as fast as it can be read, where none of them is blank."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
import numpy.typing as npt

COUNT_BYTES = 256 << 10
"""Bytes counted at a time: they stay in the processor's cache."""
_FEED = 10


def lines_without_blanks(
    stream: IO[bytes], start: int, end: int, blank: npt.NDArray[np.bool_]
) -> tuple[int, int] | None:
    """(records, line feeds) of a byte range that begins at a line and ends at one or at the end of the file.

    None where a line begins with a byte that a blank line can begin with (`blank`, by value): then lines have to be
    looked at.
    """
    stream.seek(start)
    into: Any = stream  # what `open` gives has `readinto`
    room = np.empty(min(COUNT_BYTES, end - start), np.uint8)
    records = feeds = 0
    begins = True  # does a line begin with the next byte?
    while start < end and (size := into.readinto(room.data[: end - start])):
        data = room[:size]
        start += size
        found = np.flatnonzero(data == _FEED)
        feeds += len(found)
        firsts = found + 1
        if begins:
            firsts = np.append(0, firsts)
        begins = bool(data[-1] == _FEED)
        if begins:
            firsts = firsts[:-1]
        if blank[data[firsts]].any():
            return None
        records += len(firsts)
    return records, feeds
