"""The compiled matcher: runs programs (`program`) over the bytes of a batch, near what the prefilter reported.

Import this only to use it: loading numba takes a quarter of a second, compiling on a machine's first run some seconds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.kernels import compile_
from dataaudit.rules import opcodes
from dataaudit.rules.opcodes import (
    ANYWHERE,
    AT_START,
    ATOMIC,
    ATOMIC_END,
    BOUNDARY,
    GREEDY,
    GREEDY_BACK,
    IDEOGRAPHIC,
    IDEOGRAPHIC_END,
    JUMP,
    LAST_LINE,
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

STEPS = 100_000
"""Steps of matching for one pattern in one string; what takes more is left to `regex`, which has a clock."""
DEPTH = 2_048
"""Ways kept open at a time."""
NO, FOUND, ASK = 0, 1, 2
"""A pattern does not match a string; it does; `regex` must be asked."""
RUNS = (8, 40)
MANY = 256
"""Events of a pattern in a string that are put in order one by one."""
MARK_BYTES = 1 << 16
"""Code points are counted from marks this far apart."""

_FAIL, _DONT_KNOW = -1, -2
_SPACE_RUN, _WORD_RUN = 1, 2

# Kinds of entries on the stack.
_WAY, _FEWER, _MORE, _FEWER_BACK, _LOOKS, _LOOKS_NOT, _ATOM = range(7)


class Programs(NamedTuple):
    """All patterns, end to end."""

    code: I32
    """(n, 4)."""
    entry: I64
    """Per pattern its first instruction; -1: it has no program."""
    firsts: Bytes
    """(patterns, 256): may a match begin with this byte?"""
    places: I64
    """Per pattern the place at which its matches must begin."""
    sets: Bytes
    """(sets, slots)."""


class Leads(NamedTuple):
    """Per kind of event how far before its end a match begins."""

    patterns: I64
    fewest: I64
    """In code points."""
    most: I64
    runs: I64
    """Bits: runs of white space, of what words are made of, were counted at their usual length."""


class Ranges(NamedTuple):
    """Matches found."""

    groups: I64
    begins: I64
    """In bytes, from the start of the data."""
    ends: I64
    spans: I64
    """(n, 2): in code points, from the start of the string."""


@compile_
def _is(sets: Bytes, number: int, data: Bytes, at: int) -> tuple[int, int]:
    """Is the character at a byte of a set (0, 1, `UNKNOWN`), and the byte after it."""
    byte = np.int64(data[at])
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
    if code < LATIN:
        slot = code
    elif SIGNS <= code < SIGNS_END:
        slot = code - SIGNS + LATIN
    elif IDEOGRAPHIC <= code < IDEOGRAPHIC_END:
        slot = code - IDEOGRAPHIC + LATIN + (SIGNS_END - SIGNS)
    elif code in (0x1680, 0x180E):
        slot = ODD
    else:
        slot = REST
    return np.int64(sets[number, slot]), after


@compile_
def _before(data: Bytes, at: int) -> int:
    """The first byte of the character before a byte."""
    at -= 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@compile_
def _try(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917
    data: Bytes, begin: int, end: int, at: int, pc: int, code: I32, sets: Bytes, stack: I64, budget: I64
) -> int:
    """The end of the match at a place of a string; `_FAIL`, `_DONT_KNOW`."""
    top = 0
    look = -1  # the entry of the innermost look-around or atomic group
    while True:
        budget[0] -= 1
        if budget[0] < 0 or top + 2 >= DEPTH:
            return _DONT_KNOW
        what = code[pc, 0]
        ok = True
        if what == SET:
            if at >= end:
                ok = False
            else:
                member, at = _is(sets, code[pc, 1], data, at)
                if member == UNKNOWN:
                    return _DONT_KNOW
                ok = member == 1
                pc += 1
        elif what == MATCH:
            return at
        elif what == SPLIT:
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
                    return _DONT_KNOW
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
                    stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = _FEWER, pc + 1, at, least
                    top += 1
                pc += 1
        elif what in (BOUNDARY, WORD_START, WORD_END):
            left = right = np.int64(0)
            if at > begin:
                left, _ = _is(sets, code[pc, 1], data, _before(data, at))
            if at < end:
                right, _ = _is(sets, code[pc, 1], data, at)
            if UNKNOWN in (left, right):
                return _DONT_KNOW
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
                at = _before(data, at)
                member, _ = _is(sets, code[pc, 1], data, at)
                if member == UNKNOWN:
                    return _DONT_KNOW
                ok = member == 1
                pc += 1
        else:  # GREEDY_BACK
            low, high = code[pc, 2], code[pc, 3]
            count = 0
            least = at
            while (high < 0 or count < high) and at > begin:
                before = _before(data, at)
                member, _ = _is(sets, code[pc, 1], data, before)
                if member == UNKNOWN:
                    return _DONT_KNOW
                if member == 0:
                    break
                at = before
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
                return _FAIL
            top -= 1
            kind = stack[top, 0]
            if kind == _WAY:
                pc, at = stack[top, 1], stack[top, 2]
                ok = True
            elif kind == _FEWER:
                at = _before(data, stack[top, 2])
                pc = stack[top, 1]
                if at > stack[top, 3]:
                    stack[top, 2] = at
                    top += 1
                ok = True
            elif kind == _FEWER_BACK:
                _, at = _is(sets, 0, data, stack[top, 2])
                pc = stack[top, 1]
                if at < stack[top, 3]:
                    stack[top, 2] = at
                    top += 1
                ok = True
            elif kind == _MORE:
                pc, at = stack[top, 1], stack[top, 2]
                if at < end:
                    member, after = _is(sets, code[pc, 1], data, at)
                    if member == UNKNOWN:
                        return _DONT_KNOW
                    if member == 1:
                        at = after
                        count = stack[top, 3] + 1
                        if code[pc, 3] < 0 or count < code[pc, 3]:
                            stack[top, 2], stack[top, 3] = at, count
                            top += 1
                        pc += 1
                        ok = True
            elif kind == _LOOKS_NOT:
                pc, at, look = stack[top, 1], stack[top, 2], stack[top, 3]
                ok = True
            else:  # _LOOKS, _ATOM: nothing in it matched
                look = stack[top, 3]


@compile_
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


@compile_
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


@compile_
def _line_start(data: Bytes, begin: int, at: int) -> int:
    while at > begin and data[at - 1] != 10:
        at -= 1
    return at


@compile_
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
        before = _before(data, at)
        if not _is_space(data, before)[0]:
            break
        at = before
    start = _line_start(data, begin, at)
    if place == LAST_LINE:
        return start, end
    while start > begin:
        above = _line_start(data, begin, start - 1)
        at = above
        blank = True
        while at < start - 1 and blank:
            blank, at = _is_space(data, at)
        if blank:
            break
        start = above
    return start, end


@compile_
def _long_run(data: Bytes, begin: int, end: int, runs: int) -> bool:
    """Is there a run in a stretch that is longer than it was counted? May say yes where there is none."""
    spaces = wordy = 0
    for at in range(begin, end):
        byte = data[at]
        if byte < 0x80:
            space = byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31
            word = 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte in (39, 45, 95)
        else:  # white space or a letter: counted as both, a byte at a time
            space = word = True
        spaces = spaces + 1 if space else 0
        wordy = wordy + 1 if word else 0
        if (runs & _SPACE_RUN and spaces > RUNS[0]) or (runs & _WORD_RUN and wordy > RUNS[1]):
            return True
    return False


@compile_
def _points(data: Bytes, begin: int, end: int) -> int:
    """Code points that begin in a stretch."""
    count = 0
    for at in range(begin, end):
        count += np.int64(data[at] & 0xC0 != 0x80)
    return count


@compile_
def _place(data: Bytes, begin: int, at: int, marks: I64, marked: int) -> tuple[int, int]:
    """Code points of a string before a byte, and how many marks are known by now."""
    number = (at - begin) // MARK_BYTES
    while marked < number:
        first = begin + marked * MARK_BYTES
        so_far = marks[marked - 1] if marked else 0
        marks[marked] = so_far + _points(data, first, first + MARK_BYTES)
        marked += 1
    so_far = marks[number - 1] if number else 0
    return so_far + _points(data, begin + number * MARK_BYTES, at), marked


@compile_
def confirm(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917
    data: Bytes,
    offsets: I64,
    strings: I64,
    kinds: I64,
    ends: I64,
    starts: I64,
    leads: Leads,
    programs: Programs,
    marks: I64,
    verdicts: I64,
    out: Ranges,
) -> int:
    """Judge groups of events; those of group i are `starts[i]:starts[i + 1]`, of one pattern in one string, their ends
    ascending. Fills `verdicts`, one per group, and `out`; returns the number of matches."""
    stack = np.empty((DEPTH, 4), np.int64)
    budget = np.empty(1, np.int64)
    lows = np.empty(MANY, np.int64)
    highs = np.empty(MANY, np.int64)
    found = 0
    known_string = marked_string = -1
    known_place = -1
    marked = 0
    first = last = 0
    for group in range(len(starts) - 1):
        event, stop = starts[group], starts[group + 1]
        string = strings[event]
        pattern = leads.patterns[max(kinds[event], 0)]
        pc = programs.entry[pattern]
        if kinds[event] < 0 or pc < 0:
            verdicts[group] = ASK
            continue
        begin, end = offsets[string], offsets[string + 1]
        if string != known_string or programs.places[pattern] != known_place:
            known_string, known_place = string, programs.places[pattern]
            first, last = region(data, begin, end, known_place)
        one_kind = kinds[event] == kinds[stop - 1]
        for at in range(event + 1, stop):
            one_kind = one_kind and kinds[at] == kinds[event]
        if not one_kind and stop - event > MANY:
            verdicts[group] = ASK
            continue
        verdict = NO
        budget[0] = STEPS
        free = first
        before = found
        n = 0
        if not one_kind:  # pieces at different depths of the pattern: in order of where matches may begin
            for at in range(event, stop):
                low, high, ask = _reach(data, begin, end, ends[at], leads, kinds[at], last)
                if ask:
                    verdict = ASK
                    break
                if high < low:
                    continue
                slot = n
                while slot > 0 and lows[slot - 1] > low:
                    lows[slot], highs[slot] = lows[slot - 1], highs[slot - 1]
                    slot -= 1
                lows[slot], highs[slot] = low, high
                n += 1
        else:
            n = stop - event
        for number in range(n):
            if verdict == ASK:
                break
            if one_kind:
                low, high, ask = _reach(data, begin, end, ends[event + number], leads, kinds[event], last)
                if ask:
                    verdict = ASK
                    break
            else:
                low, high = lows[number], highs[number]
            at = max(low, free)
            while at <= min(high, last):
                if at >= end:
                    break
                if programs.firsts[pattern, data[at]]:
                    after = _try(data, begin, end, at, pc, programs.code, programs.sets, stack, budget)
                    if after == _DONT_KNOW:
                        verdict = ASK
                        break
                    if after > at:
                        out.groups[found], out.begins[found], out.ends[found] = group, at, after
                        found += 1
                        verdict = FOUND
                        at = after
                        continue
                at += 1
                while at < end and data[at] & 0xC0 == 0x80:
                    at += 1
            free = max(free, at)
        if verdict == ASK:
            found = before
        elif found > before:
            if string != marked_string:
                marked_string, marked = string, 0
            for at in range(before, found):
                out.spans[at, 0], marked = _place(data, begin, out.begins[at], marks, marked)
                out.spans[at, 1], marked = _place(data, begin, out.ends[at], marks, marked)
        verdicts[group] = verdict
    return found


@compile_
def _reach(  # noqa: PLR0913, PLR0917
    data: Bytes, begin: int, end: int, at: int, leads: Leads, kind: int, last: int
) -> tuple[int, int, bool]:
    """The first and the last byte at which a match can begin that holds an event; must `regex` be asked?"""
    if at < end and data[at] & 0xC0 == 0x80:
        return 0, -1, False  # amid a character: the event at its end is reported as well
    tail = at
    back = 0
    high = begin - 1
    while back < leads.most[kind] and at > begin:
        at = _before(data, at)
        back += 1
        if back == leads.fewest[kind]:
            high = at
    low = at
    if high < low or low > last:
        return low, high, False
    ask = leads.runs[kind] != 0 and _long_run(
        data, low if low == begin else _before(data, low), tail, leads.runs[kind]
    )
    return low, high, ask


assert opcodes.SLOTS == REST + 1
