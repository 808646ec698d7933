"""Text folded for the search for grams, many bytes at a time, into a room that holds some thousand units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.ascii_kernel import lower
from dataaudit.records.compiled import Kernel
from dataaudit.rules.fold import BLANK
from dataaudit.rules.match_kernel import I64, Bytes
from dataaudit.rules.opcodes import AT_START
from dataaudit.rules.place_kernel import region

U64 = npt.NDArray[np.uint64]

SEPARATOR = 0xFF
"""A unit that parts strings; no text has it, so no gram does."""
BLOCK = 64
"""Bytes that are folded together."""
SLACK = 2 * BLOCK
"""Units of a room that may be written to beyond those that it is to hold."""

_AT_MOST = 4
"""Units of a character."""
_APART = 64
"""Stretches near the start of a string that are closer than this are one."""


class Folding(NamedTuple):
    """How text is folded (`fold`)."""

    plain: Bytes
    leads: Bytes
    wide: Bytes


class Room(NamedTuple):
    """Folded strings, one behind the other, and where they come from."""

    units: Bytes
    words: U64
    """The same memory, eight units each."""
    marks: I64
    """(n, 3): a unit, the byte it stands for, and its string. Units up to the next mark stand for one byte each."""
    near: I64
    """(n, 2): stretches of units near the start of strings, ascending."""
    seen: I64
    """Room for words in which something may be found."""
    hits: I64
    """(n, 3): room for windows that may be those of grams: unit, bucket, and whether near the start of a string."""


class Filled(NamedTuple):
    """How far a room is filled."""

    string: int
    """The next string, or the one that is not through."""
    at: int
    """The next byte."""
    units: int
    marks: int
    near: int


@Kernel
def _is_blank(byte: Any) -> Any:
    return (np.uint8(byte - np.uint8(9)) < np.uint8(5)) | (np.uint8(byte - np.uint8(28)) < np.uint8(5))


@Kernel
def _is_lead(byte: Any) -> Any:
    """What `fold.LEADS` says."""
    two = (byte == np.uint8(0xC2)) | (np.uint8(byte - np.uint8(0xC4)) < np.uint8(2))
    return two | (np.uint8(byte - np.uint8(0xE1)) < np.uint8(3))


@Kernel
def _fold_block(data: Bytes, at: int, units: Bytes, n: int) -> Any:
    """Fold a block of bytes. Returns how many of them are plain text, one unit each: up to a second blank in a row, or
    what begins a character that may have a unit of its own (`fold.LEADS`). The byte before must be there, and may not
    be the last one of a blank of several."""
    # Without a branch and all in bytes, so that the compiler makes it a few steps over vectors.
    here, there = np.uint64(at), np.uint64(n)
    good = np.uint8(BLOCK)
    for i in range(BLOCK):
        k = np.uint64(i)
        byte = data[here + k]
        blank = _is_blank(byte)
        unit = np.uint8(48) if np.uint8(byte - np.uint8(48)) < np.uint8(10) else lower(byte)
        units[there + k] = np.uint8(BLANK) if blank else unit
        odd = _is_lead(byte) | (blank & _is_blank(data[here + k - np.uint64(1)]))
        good = min(good, np.uint8(i) if odd else np.uint8(BLOCK))
    return np.int64(good)


@Kernel
def _plain(data: Bytes, at: int, end: int, units: Bytes, n: int) -> tuple[int, int]:
    """Fold what is plain text of a string from a byte on, until the room is full, or the data has less than a block
    more. Returns the next byte, and the number of units."""
    full, most = len(units) - SLACK, len(data) - BLOCK
    while n < full and at <= most:
        good = _fold_block(data, at, units, n)
        # That a whole block is plain is told by a branch, which is guessed: the number would have to be waited for.
        if good < BLOCK or end - at <= BLOCK:
            gone = min(good, end - at)
            return at + gone, n + gone
        at += BLOCK
        n += BLOCK
    return at, n


@Kernel
def _wide(data: Bytes, at: int, end: int, wide: Bytes) -> tuple[Any, int]:
    """The unit of a character of two or three bytes whose first one is before `at`, and the byte behind it; the first
    byte alone where it has none of its own."""
    first = np.int64(data[at - 1])
    size = 1 if first < 0xE0 else 2
    if at + size <= end:
        code = first & (0x1F if size == 1 else 0x0F)
        for i in range(size):
            code = code << 6 | (np.int64(data[at + i]) & 0x3F)
        if code < len(wide) and wide[code] > 0:
            return np.int64(wide[code]), at + size
    return first, at


@Kernel
def _mark(room: Room, marks: int, n: int, at: int, string: int) -> int:
    """Write down of which byte a unit is, unless that goes without saying. Returns the number of marks."""
    if marks > 0 and room.marks[marks - 1, 1] - room.marks[marks - 1, 0] == at - n:
        return marks
    room.marks[marks, 0], room.marks[marks, 1], room.marks[marks, 2] = n, at, string
    return marks + 1


@Kernel
def _odd(  # noqa: PLR0913, PLR0917
    data: Bytes, at: int, end: int, string: int, folding: Folding, room: Room, n: int, marks: int
) -> tuple[int, int, int]:
    """Fold a character, and what follows it while that is no plain text. Returns the next byte, and the number of units
    and of marks."""
    units, plain, leads, wide = room.units, folding.plain, folding.leads, folding.wide
    full = len(units) - SLACK
    # Behind a blank it goes on: where that is one of several bytes, a block would not see it.
    while at < end and (n < full or units[n - 1] == BLANK):
        if leads[data[at]]:
            unit, after = _wide(data, at + 1, end, wide)
        else:
            unit, after = np.int64(plain[data[at]]), at + 1
        if unit != BLANK or units[n - 1] != BLANK:
            marks = _mark(room, marks, n, at, string)
            units[n] = unit
            n += 1
        at = after
        if unit == BLANK:
            while at < end and plain[data[at]] == BLANK:
                at += 1
        elif at < end and not leads[data[at]]:
            break
    return at, n, marks


@Kernel
def _near_start(room: Room, near: int, begin: int, end: int) -> int:
    """Add a stretch of units to those near the start of strings. Returns the number of them."""
    if near > 0 and room.near[near - 1, 1] + _APART > begin:
        room.near[near - 1, 1] = max(end, room.near[near - 1, 1])
        return near
    room.near[near, 0], room.near[near, 1] = begin, end
    return near + 1


@Kernel
def fill(
    data: Bytes, offsets: I64, last: int, reach: int, folding: Folding, room: Room, filled: Filled
) -> Filled:
    """Fold strings up to `last` until the room is full; a separator follows each. The unit before those that are there
    must be there too.

    Near the start is what lies up to `reach` characters behind where a match may begin that must begin at the start,
    and some more.
    """
    string, at, n, marks, near = filled
    units = room.units
    full = len(units) - SLACK
    while string < last and n < full:
        begin, end = offsets[string], offsets[string + 1]
        if at == begin and reach > 0:
            leads = region(data, begin, end, AT_START)[1] - begin
            near = _near_start(room, near, n, n + leads + _AT_MOST * reach)
        while at < end and n < full:
            if at > begin:
                marks = _mark(room, marks, n, at, string)
                at, n = _plain(data, at, end, units, n)
                if at >= end or n >= full:
                    continue
            at, n, marks = _odd(data, at, end, string, folding, room, n, marks)
        if at >= end:
            marks = _mark(room, marks, n, at, string)
            units[n] = SEPARATOR
            n += 1
            string += 1
    return Filled(string, at, n, marks, near)


@Kernel
def make_way(room: Room, filled: Filled, words: int) -> Filled:
    """Let go of the first words of a room; what is behind them moves to the front."""
    gone = 8 * words
    for i in range((filled.units - gone + 7) // 8):
        room.words[i] = room.words[i + words]
    first = max(filled.marks - 1, 0)
    while first > 0 and room.marks[first, 0] > gone:
        first -= 1
    for i in range(first, filled.marks):
        room.marks[i - first, 0] = room.marks[i, 0] - gone
        room.marks[i - first, 1], room.marks[i - first, 2] = room.marks[i, 1], room.marks[i, 2]
    near = 0
    for i in range(filled.near):
        if room.near[i, 1] > gone:
            room.near[near, 0], room.near[near, 1] = room.near[i, 0] - gone, room.near[i, 1] - gone
            near += 1
    return Filled(filled.string, filled.at, filled.units - gone, filled.marks - first, near)
