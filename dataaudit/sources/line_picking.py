"""A few records of a block of JSON lines by their numbers, without making an object of every line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.records.compiling import compiled
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Place, ReadOptions, make_batch
from dataaudit.sources.flat import FlatReader
from dataaudit.sources.json_records import Text, text_batch

Bytes = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

PIECE = 192
"""Bytes whose line feeds are counted together: a count fits a byte, so the compiler makes it one over vectors."""
_FEED = 10
_SPACE, _TAB, _RETURN = 32, 9, 13


Cut = tuple[int, tuple[int, int], Batch]
"""Bytes, (records, lines) and the batch of a cut of a block."""


def picked_cuts(
    lines: tuple[bytes, int],
    file: FileRef,
    at: tuple[int, int, int],
    how: tuple[ReadOptions, FlatReader | None],
) -> Iterator[Cut] | None:
    """The wanted records of a block, a batch at a time; None where its lines have to be looked at one by one.

    `lines`: the block, and its byte at which the first line begins. `at`: its row, line and byte in the file.
    """
    block, head = lines
    wanted = np.asarray(how[0].only, np.int64) - at[0]
    wanted = wanted[slice(*np.searchsorted(wanted, [0, len(block)]))]
    picked = pick(block, head, wanted)
    return None if picked is None else _cuts(block, picked, file, at, how)


def _cuts(
    block: bytes,
    picked: Picked,
    file: FileRef,
    at: tuple[int, int, int],
    how: tuple[ReadOptions, FlatReader | None],
) -> Iterator[Cut]:
    """The lines picked of a block; what the block holds is counted with the last of the batches."""
    row, line, offset = at
    options, fast = how
    step = options.batch_rows
    for first in range(0, max(len(picked.numbers), 1), step):
        numbers, begins, ends = (one[first : first + step] for one in picked[1:])
        texts: list[Text] = [block[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
        last = first + step >= len(picked.numbers)
        size, counts = (len(block), (picked.lines, picked.lines)) if last else (0, (0, 0))
        place = Place(row, line, counts, (offset, offset + size), size)
        where = (row + numbers, line + numbers)
        served = (
            fast.read(b"\n".join([*texts, b""]), 0, len(texts)) if texts and fast and fast.hopeful else None
        )
        if served is not None and served.lines == len(texts):
            yield size, counts, make_batch(file, *where, served.found, place)
            continue
        starts = partial(np.add, begins, offset)
        yield size, counts, text_batch(file, texts, where, place, starts, options)


class Picked(NamedTuple):
    """Lines of a block."""

    lines: int
    """How many the block has, what follows the last line feed included unless that is nothing."""
    numbers: I64
    """Those that were asked for and are there."""
    begins: I64
    """First byte of each."""
    ends: I64
    """The byte after its last one, the line feed left out."""


def pick(block: bytes, start: int, wanted: I64) -> Picked | None:
    """The lines of these numbers, ascending and counted from 0 at byte `start`, where a line begins.

    None where a line may be blank, so that its number is not that of its record, or where no compiled loop is at hand.
    """
    if not compiled(0, find):
        return None
    data = np.frombuffer(block, np.uint8)
    begins, ends = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
    lines, found = find(data, start, wanted, begins, ends)
    return None if lines < 0 else Picked(lines, wanted[:found], begins[:found], ends[:found])


@Kernel
def _feeds(piece: Bytes) -> Any:
    """How many line feeds there are."""
    feeds = np.uint8(0)
    for byte in piece:
        feeds = np.uint8(feeds + (byte == _FEED))
    return int(feeds)


@Kernel
def _may_be_blank(piece: Bytes, after: Bytes) -> Any:
    """Does a line that may be blank begin in `after`, which is one byte behind `piece`?"""
    every = np.uint8(0)
    for k in range(len(after)):  # no way out of it, so that the compiler makes it one over vectors
        byte = after[k]
        space = np.uint8(byte == _SPACE) | np.uint8(byte == _TAB) | np.uint8(byte == _RETURN)
        every = np.uint8(every | (np.uint8(piece[k] == _FEED) & (space | np.uint8(byte == _FEED))))
    return every != 0


@Kernel
def find(data: Bytes, at: int, wanted: I64, begins: I64, ends: I64) -> Any:
    """Write where lines begin and end; returns (lines, lines found), or (-1, 0) where a line may be blank."""
    start, size = at, len(data)
    line = 0
    found: Any = 0
    if at < size and (data[at] == _SPACE or data[at] == _TAB or data[at] == _RETURN or data[at] == _FEED):
        return -1, 0
    if len(wanted) > 0:
        begins[0] = at  # as it is if the first line is wanted
    while at < size:
        piece = data[at : min(at + PIECE, size)]
        feeds = _feeds(piece)
        if feeds and _may_be_blank(piece, data[at + 1 : min(at + PIECE + 1, size)]):
            return -1, 0
        if feeds and found < len(wanted) and line + feeds >= wanted[found]:
            for k in range(len(piece)):
                if piece[k] == _FEED:
                    if found < len(wanted) and line == wanted[found]:
                        ends[found] = at + k
                        found += 1
                    line += 1
                    if found < len(wanted) and line == wanted[found]:
                        begins[found] = at + k + 1
        else:
            line += feeds
        at += len(piece)
    if start < size and data[size - 1] != _FEED:
        if found < len(wanted) and line == wanted[found]:
            ends[found] = size
            found += 1
        line += 1
    return line, found
