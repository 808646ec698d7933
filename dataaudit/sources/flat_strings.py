"""The compiled loops over JSON strings: where they end, how long they are, and their text with escapes resolved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.block_kernel import BLOCK, FirstOf
from dataaudit.records.compiled import Kernel

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

NULL, STRING, ESCAPED, INTEGER, TRUTH, FLOAT, LIST = range(7)
"""Kinds of a cell; ESCAPED is a string with a backslash in it, LIST a list of turns."""

_ESCAPES = np.zeros(256, np.uint8)
"""What stands for itself or a control character after a backslash; 0: nothing does."""
_ESCAPES[list(b'"\\/bfnrt')] = list(b'"\\/\b\f\n\r\t')


class Cells(NamedTuple):
    """What is known of every value, by line and field; or of every turn, by turn and field."""

    begins: I32
    """First byte of what is in the quotes, or of the number; of a list its first turn."""
    ends: I32
    """The byte, or the turn, after the last."""
    sizes: I32
    """Bytes of a string when its escapes are resolved."""
    kinds: U8


def room(lines: int, fields: int) -> Cells:
    """Cells to be filled."""
    shape = (lines, fields)
    begins, ends, sizes = (np.empty(shape, np.int32) for _ in range(3))
    return Cells(begins, ends, sizes, np.empty(shape, np.uint8))


@Kernel
def _hex(data: U8, at: int) -> Any:
    """The number in four hexadecimal digits, or -1."""
    value = np.int64(0)
    for i in range(4):
        c = np.int64(data[at + i])
        if 48 <= c <= 57:
            value = value * 16 + (c - 48)
        elif 97 <= (c | 32) <= 102:
            value = value * 16 + ((c | 32) - 87)
        else:
            return np.int64(-1)
    return value


@Kernel
def _escape(data: U8, at: int) -> Any:  # noqa: PLR0911 - one line per kind
    """(bytes of the escape at a backslash, bytes it stands for); (0, 0) where it stands for no character."""
    c = data[at + 1]
    if c != 117:
        return np.int64(2 if _ESCAPES[c] else 0), np.int64(1)
    code = _hex(data, at + 2)
    if code < 0 or 0xDC00 <= code <= 0xDFFF:
        return np.int64(0), np.int64(0)
    if code < 0x80:
        return np.int64(6), np.int64(1)
    if code < 0x800:
        return np.int64(6), np.int64(2)
    if code < 0xD800 or code > 0xDFFF:
        return np.int64(6), np.int64(3)
    if data[at + 6] != 92 or data[at + 7] != 117:
        return np.int64(0), np.int64(0)
    low = _hex(data, at + 8)
    if low < 0xDC00 or low > 0xDFFF:
        return np.int64(0), np.int64(0)
    return np.int64(12), np.int64(4)


_plain = FirstOf(
    lambda ask, block: ask.either(ask.equal(block, 34), ask.equal(block, 92), ask.within(block, 0, 32))
)
"""How many bytes of a block there are before a quote, a backslash or a control character."""


@Kernel
def string_at(data: U8, at: int) -> Any:
    """(byte of the closing quote, size, has escapes) of a string from its first byte; -1 where it is none."""
    begin = at
    saved = np.int64(0)
    most = len(data) - BLOCK
    while True:
        while at <= most:
            good = _plain(data, at)
            if good < BLOCK:
                at += good
                break
            at += BLOCK
        c = data[at]
        if c == 34:
            return at, at - begin - saved, saved > 0
        if c == 92:
            taken, given = _escape(data, at)
            if taken == 0:
                return np.int64(-1), np.int64(0), False
            saved += taken - given
            at += taken
        elif c < 32:
            return np.int64(-1), np.int64(0), False
        else:
            at += 1


@Kernel
def _encode(code: int, out: U8, to: int) -> Any:
    """Write a code point as UTF-8; the place after it."""
    if code < 0x80:
        out[to] = code
        return to + 1
    if code < 0x800:
        out[to] = 0xC0 | code >> 6
        out[to + 1] = 0x80 | code & 0x3F
        return to + 2
    if code < 0x10000:
        out[to] = 0xE0 | code >> 12
        out[to + 1] = 0x80 | code >> 6 & 0x3F
        out[to + 2] = 0x80 | code & 0x3F
        return to + 3
    out[to] = 0xF0 | code >> 18
    out[to + 1] = 0x80 | code >> 12 & 0x3F
    out[to + 2] = 0x80 | code >> 6 & 0x3F
    out[to + 3] = 0x80 | code & 0x3F
    return to + 4


_copy = FirstOf(lambda ask, block: ask.equal(block, 92), copies=True)
"""Copy a block; how many of its bytes there are before a backslash."""


@Kernel
def _resolve(data: U8, at: int, end: int, out: U8, to: int) -> None:
    """Copy a string with its escapes resolved."""
    most = len(data) - BLOCK
    while at < end:
        if at <= most:
            # Bytes behind the end are written over by the next string, or there is room for them.
            good = min(_copy(data, at, out, to), end - at)
            at += good
            to += good
            if good == BLOCK or at == end:
                continue
        c = data[at]
        if c != 92:
            out[to] = c
            at += 1
            to += 1
        elif data[at + 1] != 117:
            out[to] = _ESCAPES[data[at + 1]]
            at += 2
            to += 1
        else:
            code = _hex(data, at + 2)
            at += 6
            if 0xD800 <= code <= 0xDBFF:
                code = 0x10000 + ((code - 0xD800) << 10) + (_hex(data, at + 2) - 0xDC00)
                at += 6
            to = _encode(code, out, to)


@Kernel
def gather(data: U8, cells: Cells, field: int, rows: I64, offsets: I64, out: U8) -> None:
    """Copy the strings of a field of these rows to their offsets, which ascend, escapes resolved. There must be room
    for a block behind the last one."""
    for i in range(len(rows)):
        row = rows[i]
        begin, end, to = int(cells.begins[row, field]), int(cells.ends[row, field]), int(offsets[i])
        if cells.kinds[row, field] == ESCAPED:
            _resolve(data, begin, end, out, to)
        else:
            for k in range(end - begin):
                out[to + k] = data[begin + k]
