"""The compiled matcher: runs programs (`program`) over the bytes of a batch, near what the prefilter reported."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.rules.match_kernel import DONT_KNOW, I32, I64, Bytes, before, match
from dataaudit.rules.opcodes import ANYWHERE, AT_START, LAST_LINE, LINE_START

STEPS = 100_000
"""Steps of matching for one pattern in one string; what takes more is left to `regex`, which has a clock."""
NO, FOUND, ASK = 0, 1, 2
"""A pattern does not match a string; it does; `regex` must be asked."""
RUNS = (8, 40)
FAR = -1
"""In place of a lead: a match may begin anywhere before."""
MANY = 256
"""Events of a pattern in a string that are put in order one by one."""
MARK_BYTES = 1 << 16
"""Code points are counted from marks this far apart."""

_SPACE_RUN, _WORD_RUN = 1, 2
_MOST_BYTES = 4
"""Bytes of a code point."""
_LINE_FEED = 10


class Programs(NamedTuple):
    """All patterns, end to end."""

    code: I32
    """(n, 5)."""
    entry: I64
    """Per pattern its first instruction; -1: it has no program."""
    begins: Bytes
    """(patterns, 256): may a match begin with this byte?"""
    places: I64
    """Per pattern the place at which its matches must begin."""
    sets: Bytes
    """(sets, slots)."""
    firsts: Bytes
    """(tables, 256): can a way go on with this byte?"""


class Leads(NamedTuple):
    """Per kind of event how far before its end a match begins."""

    patterns: I64
    fewest: I64
    """In code points."""
    most: I64
    runs: I64
    """Bits: runs of white space, of what words are made of, were counted at their usual length."""


class Scratch(NamedTuple):
    """Room to work in."""

    stack: I64
    """(`DEPTH`, 4)."""
    budget: I64
    """(1,)."""
    lows: I64
    """(`MANY`,), as `highs`."""
    highs: I64
    marks: I64
    """One per `MARK_BYTES` of the longest string, and one more."""
    regions: I64
    """(places, 3): per place the string that was asked for last, and its region."""


class Ranges(NamedTuple):
    """Matches found."""

    groups: I64
    begins: I64
    """In bytes, from the start of the data."""
    ends: I64
    spans: I64
    """(n, 2): in code points, from the start of the string."""


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
def _line_start(data: Bytes, begin: int, at: int) -> int:
    while at > begin and data[at - 1] != 10:
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


@Kernel
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


@Kernel
def _points(data: Bytes, begin: int, end: int) -> Any:
    """Code points that begin in a stretch."""
    piece = data[begin:end]
    count: Any = 0
    for i in range(len(piece)):  # an index known not to be negative lets the loop take many bytes at a time
        count += np.int64(piece[i] & 0xC0 != 0x80)
    return count


@Kernel
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


@Kernel
def confirm(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917
    data: Bytes,
    offsets: I64,
    strings: I64,
    kinds: I64,
    ends: I64,
    starts: I64,
    leads: Leads,
    programs: Programs,
    scratch: Scratch,
    verdicts: I64,
    out: Ranges,
) -> int:
    """Judge groups of events; those of group i are `starts[i]:starts[i + 1]`, of one pattern in one string, their ends
    ascending. Fills `verdicts`, one per group, and `out`; returns the number of matches."""
    stack, budget, marks = scratch.stack, scratch.budget, scratch.marks
    lows, highs = scratch.lows, scratch.highs
    found = 0
    marked_string = -1
    marked = 0
    regions = scratch.regions
    for place in range(len(regions)):
        regions[place, 0] = -1
    for group in range(len(starts) - 1):
        event, stop = starts[group], starts[group + 1]
        string = strings[event]
        pattern = leads.patterns[max(kinds[event], 0)]
        pc = programs.entry[pattern]
        if kinds[event] < 0 or pc < 0 or leads.most[kinds[event]] == FAR:
            verdicts[group] = ASK
            continue
        begin, end = offsets[string], offsets[string + 1]
        place = programs.places[pattern]
        if regions[place, 0] != string:
            regions[place, 0] = string
            regions[place, 1], regions[place, 2] = region(data, begin, end, place)
        first, last = regions[place, 1], regions[place, 2]
        one_kind = kinds[event] == kinds[stop - 1]
        for at in range(event + 1, stop):
            one_kind = one_kind and kinds[at] == kinds[event]
        if not one_kind and stop - event > MANY:
            verdicts[group] = ASK
            continue
        at_line = programs.code[pc, 0] == LINE_START
        verdict = NO
        budget[0] = STEPS
        free = first
        so_far = found
        n = 0
        if not one_kind:  # pieces at different depths of the pattern: in order of where matches may begin
            for at in range(event, stop):
                low, high, ask = _reach(data, begin, end, ends[at], leads, kinds[at], first, last)
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
                at = ends[event + number]
                low, high, ask = _reach(data, begin, end, at, leads, kinds[event], first, last)
                if ask:
                    verdict = ASK
                    break
            else:
                low, high = lows[number], highs[number]
            at = max(low, free)
            while at <= min(high, last):
                if at >= end:
                    break
                if programs.begins[pattern, data[at]] and (
                    not at_line or at == begin or data[at - 1] == _LINE_FEED
                ):
                    after = match(
                        data, begin, end, at, pc, programs.code, programs.sets, programs.firsts, stack, budget
                    )
                    if after == DONT_KNOW:
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
            found = so_far
        elif found > so_far:
            if string != marked_string:
                marked_string, marked = string, 0
            for at in range(so_far, found):
                out.spans[at, 0], marked = _place(data, begin, out.begins[at], marks, marked)
                out.spans[at, 1] = out.spans[at, 0] + _points(data, out.begins[at], out.ends[at])
        verdicts[group] = verdict
    return found


@Kernel
def _reach(  # noqa: PLR0913, PLR0917
    data: Bytes, begin: int, end: int, at: int, leads: Leads, kind: int, first: int, last: int
) -> tuple[int, int, bool]:
    """The first and the last byte at which a match can begin that holds an event; must `regex` be asked?"""
    if at < end and data[at] & 0xC0 == 0x80:
        return 0, -1, False  # amid a character: the event at its end is reported as well
    if at <= first or (leads.runs[kind] == 0 and at - _MOST_BYTES * leads.most[kind] > last):
        return 0, -1, False  # no match that begins where it must can hold it
    tail = at
    back = 0
    high = begin - 1
    while back < leads.most[kind] and at > begin:
        at = before(data, at)
        back += 1
        if back == leads.fewest[kind]:
            high = at
    low = at
    if high < low:
        return low, high, False
    ask = leads.runs[kind] != 0 and _long_run(
        data, low if low == begin else before(data, low), tail, leads.runs[kind]
    )
    return low, high, ask
