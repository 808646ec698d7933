"""The parts of a string in which a match of a pattern with a place may begin."""

from __future__ import annotations

from dataaudit.records.compiled import Kernel
from dataaudit.rules.match_kernel import Bytes, before
from dataaudit.rules.opcodes import ANYWHERE, AT_START, LAST_LINE
from dataaudit.rules.tree import LINE_FEED

_BLOCK = 32
"""Bytes that are searched for a line feed together."""


@Kernel
def _is_space(data: Bytes, at: int) -> tuple[bool, int]:
    """Is the character at a byte one that `str.isspace` takes, and the byte after it."""
    byte = data[at]
    if byte < 0x80:
        return byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31, at + 1
    after = at + 1
    while after < len(data) and data[after] & 0xC0 == 0x80:
        after += 1
    second = data[at + 1]
    if byte == 0xC2:
        return second in (0x85, 0xA0), after
    if byte == 0xE1:
        return second == 0x9A and data[at + 2] == 0x80, after
    if byte == 0xE2:
        third = data[at + 2]
        if second == 0x80:
            return third <= 0x8A or third in (0xA8, 0xA9, 0xAF), after
        return second == 0x81 and third == 0x9F, after
    return byte == 0xE3 and second == 0x80 and data[at + 2] == 0x80, after


@Kernel
def _is_lead(data: Bytes, at: int) -> tuple[bool, int]:
    """May the character at a byte stand before the start of a string (`places`), and the byte after it."""
    space, after = _is_space(data, at)
    byte = data[at]
    if space:
        return True, after
    if byte < 0x80:
        return byte in (34, 35, 39, 40, 42, 45, 62, 91, 95, 96, 126), after
    second = data[at + 1]
    if byte == 0xC2:
        return second in (0xAB, 0xBB), after
    if byte == 0xE2 and second == 0x80:
        return data[at + 2] in (0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xB9, 0xBA), after
    if byte == 0xE3 and second == 0x80:
        return data[at + 2] in (0x8C, 0x8E), after
    return byte == 0xEF and second == 0xBB and data[at + 2] == 0xBF, after


@Kernel
def line_start(data: Bytes, begin: int, at: int) -> int:
    """Where the line begins in which a byte follows; `begin`, where that is no later."""
    while at - begin >= _BLOCK:
        block = data[at - _BLOCK : at]
        found = False
        for i in range(_BLOCK):  # to the end, so that the compiler makes it a few steps over vectors
            found |= block[i] == LINE_FEED
        if found:
            break
        at -= _BLOCK
    while at > begin and data[at - 1] != LINE_FEED:
        at -= 1
    return at


@Kernel
def region(data: Bytes, begin: int, end: int, place: int) -> tuple[int, int]:
    """The first and the last byte of a string at which a match may begin in a place."""
    if place == ANYWHERE:
        return begin, end
    if place == AT_START:
        at = begin
        while at < end:
            lead, after = _is_lead(data, at)
            if not lead:
                break
            at = after
        return begin, at
    at = end
    while at > begin:
        earlier = before(data, at)
        if not _is_space(data, earlier)[0]:
            break
        at = earlier
    start = line_start(data, begin, at)
    if place == LAST_LINE:
        return start, end
    while start > begin:
        above = line_start(data, begin, start - 1)
        at = above
        blank = True
        while at < start - 1 and blank:
            blank, at = _is_space(data, at)
        if blank:
            break
        start = above
    return start, end
