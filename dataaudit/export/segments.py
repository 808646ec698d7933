"""Lines of a stream, found in large blocks: where every record ends, and on which line it stands.

A segment is what belongs to one record: from the end of the record before it to the end of its own
terminator, so that a byte-order mark and blank lines belong to the record that follows. The last record takes
what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 4 << 20
"""Bytes read at a time: memory is a few of these, however long a line is."""

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r"
"""A line of these bytes alone is blank, no record: JSON's white space without the line feed."""

_NEWLINE = 10
_BLANK_TABLE = np.isin(np.arange(256), list(b" \t\r\n"))


class Readable(Protocol):
    """What is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of a stream and the records that end in them."""

    data: bytes
    offset: int
    """Of `data` in the stream."""
    first: int
    """Row number of the first record that ends here."""
    ends: npt.NDArray[np.int64]
    """Per record that ends here, the place in `data` just after its terminator."""
    lines: npt.NDArray[np.int64]
    """Per record that ends here, its 1-based line."""


def blocks(stream: Readable, *, bom: bool = True, size: int = 0) -> Iterator[Block]:
    """The stream in blocks. A last line without terminator ends in a last block without data.

    `bom`: does a byte-order mark at the start count as blank? Not where the stream starts in mid-file.
    `size`: bytes per block, at least 3; 0 means `BLOCK_BYTES`.
    """
    size = size or BLOCK_BYTES
    scanner = _Scanner(bom)
    offset = 0
    while data := _read_full(stream, size):
        yield scanner.take(data, offset)
        offset += len(data)
    if scanner.content:
        yield Block(b"", offset, scanner.row, np.zeros(1, np.int64), np.full(1, scanner.line, np.int64))


def _read_full(stream: Readable, size: int) -> bytes:
    data = stream.read(size)
    if not data or len(data) >= size:
        return data
    parts = [data]
    have = len(data)
    while have < size and (more := stream.read(size - have)):
        parts.append(more)
        have += len(more)
    return b"".join(parts)


class _Scanner:
    """The state between blocks: what the unfinished line holds so far."""

    def __init__(self, bom: bool) -> None:
        self.row = 0
        self.line = 1
        self.content = False
        self._bom = bom

    def take(self, data: bytes, offset: int) -> Block:
        array = np.frombuffer(data, np.uint8)
        stops = np.flatnonzero(array == _NEWLINE)
        begin = len(BOM) if self._bom and offset == 0 and data.startswith(BOM) else 0
        first, row = self.row, self.row
        if len(stops) == 0:
            self.content = self.content or bool(data[begin:].strip(BLANK))
            return Block(data, offset, first, np.empty(0, np.int64), np.empty(0, np.int64))
        starts = np.concatenate([np.array([begin], np.int64), stops[:-1] + 1])
        full = ~_BLANK_TABLE[array[starts]]
        # A line that begins with white space is looked at alone; one that begins with its end is blank.
        for i in np.flatnonzero(~full & (starts < stops)).tolist():
            full[i] = bool(data[starts[i] : stops[i]].strip(BLANK))
        full[0] = full[0] or self.content
        which = np.flatnonzero(full)
        lines = which + self.line
        self.row = row + len(which)
        self.line += len(stops)
        self.content = bool(data[int(stops[-1]) + 1 :].strip(BLANK))
        return Block(data, offset, first, stops[which] + 1, lines)
