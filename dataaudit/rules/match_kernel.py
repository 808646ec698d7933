"""The compiled matcher's core: a program run at one place of a string."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.rules.opcodes import (
    ATOMIC,
    ATOMIC_END,
    BOUNDARY,
    GREEDY,
    IDEOGRAPHIC,
    IDEOGRAPHIC_END,
    JUMP,
    LATIN,
    LAZY,
    LINE_END,
    LINE_START,
    LOOK,
    LOOK_END,
    LOOK_NOT,
    LOOK_NOT_END,
    MATCH,
    ODD,
    POSSESSIVE,
    REST,
    SET,
    SET_BACK,
    SIGNS,
    SIGNS_END,
    SPLIT,
    STRING_END,
    STRING_LINE_END,
    STRING_START,
    UNKNOWN,
    WORD_END,
    WORD_START,
)

Bytes = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

DEPTH = 2_048
"""Ways kept open at a time."""
FAIL, DONT_KNOW = -1, -2
"""There is no match at a place; only `regex` can tell."""

# Kinds of entries on the stack.
_WAY, _FEWER, _MORE, _FEWER_BACK, _LOOKS, _LOOKS_NOT, _ATOM = range(7)


@Kernel
def _is(sets: Bytes, number: int, data: Bytes, at: int) -> tuple[Any, int]:
    """Is the character at a byte of a set (0, 1, `UNKNOWN`), and the byte after it."""
    byte: Any = np.int64(data[at])
    if byte < 0x80:
        return np.int64(sets[number, byte]), at + 1
    second = np.int64(data[at + 1]) & 0x3F
    if byte < 0xE0:
        code, after = (byte & 0x1F) << 6 | second, at + 2
    else:
        third = np.int64(data[at + 2]) & 0x3F
        if byte < 0xF0:
            code, after = (byte & 0x0F) << 12 | second << 6 | third, at + 3
        else:
            code, after = 0x10000, at + 4
    slot: Any = REST
    if code < LATIN:
        slot = code
    elif SIGNS <= code < SIGNS_END:
        slot = code - SIGNS + LATIN
    elif IDEOGRAPHIC <= code < IDEOGRAPHIC_END:
        slot = code - IDEOGRAPHIC + LATIN + (SIGNS_END - SIGNS)
    elif code in (0x1680, 0x180E):
        slot = ODD
    return np.int64(sets[number, slot]), after


@Kernel
def before(data: Bytes, at: int) -> int:
    """The first byte of the character before a byte."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@Kernel
def match(  # noqa: PLR0911, PLR0912, PLR0913, PLR0915, PLR0917
    data: Bytes,
    begin: int,
    end: int,
    at: int,
    pc: int,
    code: I32,
    sets: Bytes,
    firsts: Bytes,
    stack: I64,
    budget: I64,
) -> int:
    """The end of the match of a program at a place of a string; `FAIL`, `DONT_KNOW`."""
    top = 0
    look = -1  # the entry of the innermost look-around or atomic group
    while True:
        budget[0] -= 1
        if budget[0] < 0 or top + 2 >= DEPTH:
            return DONT_KNOW
        what = code[pc, 0]
        ok = True
        if what == SET:
            stop = pc + code[pc, 2]
            while pc < stop:
                if at >= end:
                    ok = False
                    break
                if data[at] < 0x80:
                    if sets[code[pc, 1], data[at]] == 0:
                        ok = False
                        break
                    at += 1
                else:
                    member, at = _is(sets, code[pc, 1], data, at)
                    if member == UNKNOWN:
                        return DONT_KNOW
                    if member == 0:
                        ok = False
                        break
                pc += 1
        elif what == MATCH:
            return at
        elif what == SPLIT:
            one, other = code[pc, 3], code[pc, 4]
            if at < end and one >= 0 and firsts[one, data[at]] == 0:
                pc = code[pc, 2]
            else:
                if at >= end or other < 0 or firsts[other, data[at]] != 0:
                    stack[top, 0], stack[top, 1], stack[top, 2] = _WAY, code[pc, 2], at
                    top += 1
                pc = code[pc, 1]
        elif what == JUMP:
            pc = code[pc, 1]
        elif what in (GREEDY, POSSESSIVE, LAZY):
            low, high = code[pc, 2], code[pc, 3]
            count = 0
            least = at
            limit = low if what == LAZY else high
            while (limit < 0 or count < limit) and at < end:
                member, after = _is(sets, code[pc, 1], data, at)
                if member == UNKNOWN:
                    return DONT_KNOW
                if member == 0:
                    break
                at = after
                count += 1
                if count == low:
                    least = at
            budget[0] -= count >> 2
            if count < low:
                ok = False
            elif what == LAZY:
                if high != low:
                    stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = _MORE, pc, at, low
                    top += 1
                pc += 1
            else:
                if what == GREEDY and at > least:
                    stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = _FEWER, pc, at, least
                    top += 1
                pc += 1
        elif what in (BOUNDARY, WORD_START, WORD_END):
            left: Any = np.int64(0)
            right: Any = np.int64(0)
            if at > begin:
                left, _ = _is(sets, code[pc, 1], data, before(data, at))
            if at < end:
                right, _ = _is(sets, code[pc, 1], data, at)
            if UNKNOWN in (left, right):
                return DONT_KNOW
            if what == BOUNDARY:
                ok = (left != right) == (code[pc, 2] == 1)
            elif what == WORD_START:
                ok = left == 0 and right == 1
            else:
                ok = left == 1 and right == 0
            pc += 1
        elif what == LINE_START:
            ok = at == begin or data[at - 1] == 10
            pc += 1
        elif what == LINE_END:
            ok = at == end or data[at] == 10
            pc += 1
        elif what == STRING_START:
            ok = at == begin
            pc += 1
        elif what == STRING_END:
            ok = at == end
            pc += 1
        elif what == STRING_LINE_END:
            ok = at == end or (at == end - 1 and data[at] == 10)
            pc += 1
        elif what in (LOOK, LOOK_NOT, ATOMIC):
            kind = _LOOKS if what == LOOK else _LOOKS_NOT if what == LOOK_NOT else _ATOM
            stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = kind, code[pc, 1], at, look
            look = top
            top += 1
            pc += 1
        elif what == LOOK_END:
            pc, at = stack[look, 1], stack[look, 2]
            top, look = look, stack[look, 3]
        elif what == ATOMIC_END:
            pc += 1
            top, look = look, stack[look, 3]
        elif what == LOOK_NOT_END:
            top, look = look, stack[look, 3]
            ok = False
        elif what == SET_BACK:
            if at <= begin:
                ok = False
            else:
                at = before(data, at)
                member, _ = _is(sets, code[pc, 1], data, at)
                if member == UNKNOWN:
                    return DONT_KNOW
                ok = member == 1
                pc += 1
        else:  # GREEDY_BACK
            low, high = code[pc, 2], code[pc, 3]
            count = 0
            least = at
            while (high < 0 or count < high) and at > begin:
                earlier = before(data, at)
                member, _ = _is(sets, code[pc, 1], data, earlier)
                if member == UNKNOWN:
                    return DONT_KNOW
                if member == 0:
                    break
                at = earlier
                count += 1
                if count == low:
                    least = at
            budget[0] -= count >> 2
            ok = count >= low
            if ok and at < least:
                stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = _FEWER_BACK, pc + 1, at, least
                top += 1
            pc += 1
        while not ok:
            if top == 0:
                return FAIL
            top -= 1
            kind = stack[top, 0]
            if kind == _WAY:
                pc, at = stack[top, 1], stack[top, 2]
                ok = True
            elif kind == _FEWER:
                pc, at, least = stack[top, 1], stack[top, 2], stack[top, 3]
                table = code[pc, 4]
                while at > least:  # back to where what follows can begin
                    at = before(data, at)
                    if table < 0 or firsts[table, data[at]] != 0:
                        ok = True
                        break
                if ok and at > least:
                    stack[top, 2] = at
                    top += 1
                pc += 1
            elif kind == _FEWER_BACK:
                _, at = _is(sets, 0, data, stack[top, 2])
                pc = stack[top, 1]
                if at < stack[top, 3]:
                    stack[top, 2] = at
                    top += 1
                ok = True
            elif kind == _MORE:
                pc, at, count = stack[top, 1], stack[top, 2], stack[top, 3]
                table, high = code[pc, 4], code[pc, 3]
                while at < end and (high < 0 or count < high):  # on to where what follows can begin
                    member, at = _is(sets, code[pc, 1], data, at)
                    if member == UNKNOWN:
                        return DONT_KNOW
                    if member == 0:
                        break
                    count += 1
                    if at >= end or table < 0 or firsts[table, data[at]] != 0:
                        ok = True
                        break
                if ok:
                    stack[top, 2], stack[top, 3] = at, count
                    top += 1
                pc += 1
            elif kind == _LOOKS_NOT:
                pc, at, look = stack[top, 1], stack[top, 2], stack[top, 3]
                ok = True
            else:  # _LOOKS, _ATOM: nothing in it matched
                look = stack[top, 3]
