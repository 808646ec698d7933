"""The compiled matcher: runs programs (`program`) over the bytes of a batch, near what the prefilter reported."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.rules.match_kernel import DONT_KNOW, I32, I64, Bytes, match
from dataaudit.rules.opcodes import LINE_START
from dataaudit.rules.place_kernel import region
from dataaudit.rules.reach_kernel import FAR, Leads, reach
from dataaudit.rules.tree import LINE_FEED

STEPS = 100_000
"""Steps of matching for one pattern in one string; what takes more is left to `regex`, which has a clock."""
NO, FOUND, ASK = 0, 1, 2
"""A pattern does not match a string; it does; `regex` must be asked."""
MANY = 256
"""Events of a pattern in a string that are put in order one by one."""
MARK_BYTES = 1 << 16
"""Code points are counted from marks this far apart."""


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
def _next(data: Bytes, begin: int, at: int, last: int, begins: Bytes, at_line: bool) -> int:
    """The next byte up to the last one at which a match may begin; -1: there is none."""
    while at <= last:
        if at_line and at > begin and data[at - 1] != LINE_FEED:
            at += 1
        elif begins[data[at]] and data[at] & 0xC0 != 0x80:
            return at
        else:
            at += 1
    return -1


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
    ascending. Fills `verdicts`, one per group, and `out`; returns the number of matches. `regex` is to be asked about a
    group for whose matches there is no room."""
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
        begins = programs.begins[pattern]
        verdict = NO
        budget[0] = STEPS
        free = first
        so_far = found
        n = 0
        if not one_kind:  # pieces at different depths of the pattern: in order of where matches may begin
            for at in range(event, stop):
                low, high, ask = reach(data, begin, end, ends[at], leads, kinds[at], first, last)
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
                low, high, ask = reach(data, begin, end, at, leads, kinds[event], first, last)
                if ask:
                    verdict = ASK
                    break
            else:
                low, high = lows[number], highs[number]
            high = min(high, last)
            at = _next(data, begin, max(low, free), min(high, end - 1), begins, at_line)
            while at >= 0:
                after = match(
                    data, begin, end, at, pc, programs.code, programs.sets, programs.firsts, stack, budget
                )
                if after == DONT_KNOW:
                    verdict = ASK
                    break
                if after > at:
                    if found == len(out.groups):
                        verdict = ASK
                        break
                    out.groups[found], out.begins[found], out.ends[found] = group, at, after
                    found += 1
                    verdict = FOUND
                    free = after
                else:
                    after = at + 1
                at = _next(data, begin, after, min(high, end - 1), begins, at_line)
            free = max(free, high + 1)
        if verdict == ASK:
            found = so_far
        elif found > so_far:
            if string != marked_string:
                marked_string, marked = string, 0
            for at in range(so_far, found):
                if at > so_far and out.begins[at] - out.ends[at - 1] < MARK_BYTES:
                    between = _points(data, out.ends[at - 1], out.begins[at])
                    out.spans[at, 0] = out.spans[at - 1, 1] + between
                else:
                    out.spans[at, 0], marked = _place(data, begin, out.begins[at], marks, marked)
                out.spans[at, 1] = out.spans[at, 0] + _points(data, out.begins[at], out.ends[at])
        verdicts[group] = verdict
    return found
