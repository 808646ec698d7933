"""The compiled loops that read lines of JSON objects of strings, numbers and lists of turns.

They take what they know for certain and stop at anything else, so what they give is what the strict parser gives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.sources.flat_strings import (
    ESCAPED,
    FLOAT,
    I64,
    INTEGER,
    LIST,
    NULL,
    STRING,
    TRUTH,
    U8,
    Cells,
    string_at,
)

MAX_DIGITS = 18
"""An integer of more digits may not fit into 64 bits; the strict parser may then call it a float."""
MAX_NUMBER = 60
"""Bytes of a number, and digits of its exponent, far below what overflows to infinity."""
MAX_EXPONENT = 2


class Keys(NamedTuple):
    """The names of fields, with their quotes: `names[places[i] : places[i + 1]]` is one."""

    names: U8
    places: I64


class Known(NamedTuple):
    """The fields of a line, and those of a turn."""

    fields: Keys
    inner: Keys


class Found(NamedTuple):
    """What is filled."""

    cells: Cells
    turns: Cells
    used: I64
    """How many turns there are so far; of length one."""


@Kernel
def _blank(data: U8, at: int) -> Any:
    """The first byte from `at` that is no white space within a line."""
    while data[at] == 32 or data[at] == 9 or data[at] == 13:
        at += 1
    return at


@Kernel
def _digits(data: U8, at: int) -> Any:
    while 48 <= data[at] <= 57:
        at += 1
    return at


@Kernel
def _number(data: U8, at: int) -> Any:  # noqa: PLR0911 - one line per reason
    """(byte after the number, kind); -1 where it is none or one to be looked at with care."""
    begin = at
    negative = data[at] == 45
    if negative:
        at += 1
    first = at
    at = _digits(data, at)
    if at == first or (data[first] == 48 and at > first + 1):
        return np.int64(-1), np.uint8(0)
    if data[at] != 46 and (data[at] | 32) != 101:
        if at - first > MAX_DIGITS or (negative and data[first] == 48):
            return np.int64(-1), np.uint8(0)
        return at, np.uint8(INTEGER)
    if data[at] == 46:
        start = at + 1
        at = _digits(data, start)
        if at == start:
            return np.int64(-1), np.uint8(0)
    if (data[at] | 32) == 101:
        at += 1
        if data[at] == 43 or data[at] == 45:
            at += 1
        start = at
        at = _digits(data, start)
        if at == start or at - start > MAX_EXPONENT:
            return np.int64(-1), np.uint8(0)
    if at - begin > MAX_NUMBER:
        return np.int64(-1), np.uint8(0)
    return at, np.uint8(FLOAT)


@Kernel
def _word(data: U8, at: int) -> Any:
    """(byte after, kind) of `true`, `false` or `null`; -1 where it is none."""
    if data[at] == 116 and data[at + 1] == 114 and data[at + 2] == 117 and data[at + 3] == 101:
        return at + 4, np.uint8(TRUTH)
    if data[at] == 110 and data[at + 1] == 117 and data[at + 2] == 108 and data[at + 3] == 108:
        return at + 4, np.uint8(NULL)
    if (
        data[at] == 102
        and data[at + 1] == 97
        and data[at + 2] == 108
        and data[at + 3] == 115
        and data[at + 4] == 101
    ):
        return at + 5, np.uint8(TRUTH)
    return np.int64(-1), np.uint8(0)


@Kernel
def _name(data: U8, at: int, names: U8, first: int, last: int) -> Any:
    """The first byte of the value behind this name (with its quotes) and a colon; -1 where they are not there."""
    at = _blank(data, at)
    for i in range(first, last):
        if data[at] != names[i]:
            return np.int64(-1)
        at += 1
    at = _blank(data, at)
    return _blank(data, at + 1) if data[at] == 58 else np.int64(-1)


@Kernel
def _turn(data: U8, at: int, keys: Keys, turn: int, turns: Cells) -> Any:
    """The byte after the object of strings at `at`, or -1 where it is not as expected."""
    if data[at] != 123:
        return np.int64(-1)
    fields = len(keys.places) - 1
    for field in range(fields):
        at = _name(data, at + 1, keys.names, keys.places[field], keys.places[field + 1])
        if at < 0 or data[at] != 34:
            return np.int64(-1)
        begin = at + 1
        end, size, escaped = string_at(data, begin)
        if end < 0:
            return np.int64(-1)
        turns.begins[turn, field] = begin
        turns.ends[turn, field] = end
        turns.sizes[turn, field] = size
        turns.kinds[turn, field] = ESCAPED if escaped else STRING
        at = _blank(data, end + 1)
        if data[at] != (44 if field < fields - 1 else 125):
            return np.int64(-1)
    return at + 1


@Kernel
def _turns(data: U8, at: int, keys: Keys, found: Found) -> Any:
    """The byte after a list of turns from the byte after its bracket, or -1 where it is not as expected."""
    at = _blank(data, at)
    if data[at] == 93:
        return at + 1
    while found.used[0] < len(found.turns.kinds):
        at = _turn(data, at, keys, found.used[0], found.turns)
        if at < 0:
            return np.int64(-1)
        found.used[0] += 1
        at = _blank(data, at)
        if data[at] == 93:
            return at + 1
        if data[at] != 44:
            return np.int64(-1)
        at = _blank(data, at + 1)
    return np.int64(-1)


@Kernel
def _value(data: U8, at: int, row: int, field: int, known: Known, found: Found) -> Any:
    """The byte after the value at `at`, or -1 where it is not as expected."""
    c = data[at]
    size = np.int64(0)
    if c == 34:
        begin = at + 1
        end, size, escaped = string_at(data, begin)
        after = end + 1
        kind = np.uint8(ESCAPED if escaped else STRING)
    elif c == 91:
        begin = found.used[0]
        after = _turns(data, at + 1, known.inner, found)
        end = found.used[0] if after >= 0 else np.int64(-1)
        kind = np.uint8(LIST)
    else:
        begin = at
        end, kind = _number(data, at) if c == 45 or 48 <= c <= 57 else _word(data, at)
        after = end
    if end < 0:
        return np.int64(-1)
    cells = found.cells
    cells.begins[row, field] = begin
    cells.ends[row, field] = end
    cells.sizes[row, field] = size
    cells.kinds[row, field] = kind
    return after


@Kernel
def _object(data: U8, at: int, row: int, known: Known, found: Found) -> Any:
    """The byte after the line feed of the object at `at`, or -1 where it is not as expected."""
    at = _blank(data, at)
    if data[at] != 123:
        return np.int64(-1)
    keys = known.fields
    fields = len(keys.places) - 1
    for field in range(fields):
        at = _name(data, at + 1, keys.names, keys.places[field], keys.places[field + 1])
        if at < 0:
            return np.int64(-1)
        at = _value(data, at, row, field, known, found)
        if at < 0:
            return np.int64(-1)
        at = _blank(data, at)
        if data[at] != (44 if field < fields - 1 else 125):
            return np.int64(-1)
    at = _blank(data, at + 1)
    return at + 1 if data[at] == 10 else np.int64(-1)


@Kernel
def objects(data: U8, at: int, known: Known, found: Found) -> Any:
    """Read objects with exactly these fields in this order, one a line, until the cells are full or one is different.

    The data ends with a line feed: no byte of a line is looked at before it is known that the one before is none.
    Returns (lines read, byte after them).
    """
    rows = len(found.cells.kinds)
    row = 0
    while row < rows and at < len(data):
        before = found.used[0]
        after = _object(data, at, row, known, found)
        if after < 0:
            found.used[0] = before
            break
        at = after
        row += 1
    return row, at
