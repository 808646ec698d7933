"""How far before an event the match that holds it can begin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.rules.match_kernel import I64, Bytes, before
from dataaudit.rules.place_kernel import line_start
from dataaudit.rules.reach import MAX_RUNS, SPACE_RUN, WORDY
from dataaudit.rules.tree import LINE_FEED

MOST_SPACES, MOST_WORDY = MAX_RUNS
FAR, LINE, WHOLE_PLACE = -1, -2, -3
"""In place of a lead: a match may begin anywhere before the event, which is left to `regex`; it begins where the line
of the event does; it may begin at any byte of its place."""
LONGEST_LINE = 4_096
"""Bytes of a line before an event that are gone back over; what needs more is left to `regex`."""
FARTHEST = 512
"""Characters of runs, beyond what they were counted, that are gone back over; what needs more is left to `regex`."""
_MOST_BYTES = 4
"""Bytes of a code point."""
_SPACES, _WORDS = 1 << SPACE_RUN, 1 << WORDY
"""Bits of `Leads.runs`."""


class Leads(NamedTuple):
    """Per kind of event how far before its end a match begins."""

    patterns: I64
    fewest: I64
    """In code points."""
    most: I64
    """`FAR`, `LINE` and `WHOLE_PLACE` besides."""
    runs: I64
    """Bits: runs of white space, of what words are made of, were counted at their usual length (`reach.MAX_RUNS`)."""


@Kernel
def _may_be_space(byte: Any) -> Any:
    """Is a byte white space, or of a character that may be?"""
    return byte >= 0x80 or byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31


@Kernel
def _may_be_wordy(byte: Any) -> Any:
    """Is a byte of what words are made of, or of a character that may be?"""
    return byte >= 0x80 or 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57 or byte in (39, 45, 95)


@Kernel
def _is_of(byte: Any, run: int) -> Any:
    return _may_be_space(byte) if run == _SPACES else _may_be_wordy(byte)


@Kernel
def _has_run(data: Bytes, begin: int, end: int, run: int, most: int) -> bool:
    """Is there a run of more than so many bytes in a stretch?"""
    # A longer one holds a byte of every `most + 1`.
    for place in range(begin + most, end, most + 1):
        if _is_of(data[place], run):
            low = place
            while low > begin and place - low <= most and _is_of(data[low - 1], run):
                low -= 1
            high = place + 1
            while high < end and high - low <= most and _is_of(data[high], run):
                high += 1
            if high - low > most:
                return True
    return False


@Kernel
def _is_plain(data: Bytes, begin: int, end: int, runs: int) -> bool:
    """Is a stretch ASCII, and without runs that are longer than they were counted?"""
    piece = data[begin:end]
    every = np.uint8(0)
    for i in range(len(piece)):  # an index known not to be negative lets the loop take many bytes at a time
        every = np.uint8(every | piece[i])
    if every >= 0x80:
        return False
    if runs & _SPACES and _has_run(data, begin, end, _SPACES, MOST_SPACES):
        return False
    return not (runs & _WORDS and _has_run(data, begin, end, _WORDS, MOST_WORDY))


@Kernel
def _back(data: Bytes, begin: int, at: int, most: int, runs: int) -> tuple[int, bool]:
    """The byte so many characters before another, those of a run beyond what it was counted left out; and whether that
    is too far to say."""
    # A match holds of a run at least what is counted of it here, so it does not begin further back than this.
    count = free = spaces = wordy = 0
    while at > begin:
        earlier = before(data, at)
        spaces = spaces + 1 if _may_be_space(data[earlier]) else 0
        wordy = wordy + 1 if _may_be_wordy(data[earlier]) else 0
        if (runs & _SPACES and spaces > MOST_SPACES) or (runs & _WORDS and wordy > MOST_WORDY):
            free += 1
            if free > FARTHEST:
                return at, True
        elif count == most:
            break
        else:
            count += 1
        at = earlier
    return at, False


@Kernel
def _farthest(data: Bytes, begin: int, at: int, most: int, runs: int) -> Any:
    """What `_back` gives; by arithmetic where the text is plain. There are more bytes than `most` before."""
    low = at - most
    if _is_plain(data, max(low - 1, begin), at, runs):
        return low, False
    return _back(data, begin, at, most, runs)


@Kernel
def _nearest(data: Bytes, begin: int, at: int, fewest: int) -> int:
    """The byte so many characters before another; -1 where there are fewer."""
    for _ in range(fewest):
        if at <= begin:
            return -1
        at = before(data, at)
    return at


@Kernel
def reach(  # noqa: PLR0913, PLR0917
    data: Bytes, begin: int, end: int, at: int, leads: Leads, kind: int, first: int, last: int
) -> tuple[int, int, bool]:
    """The first and the last byte at which a match can begin that holds an event, as far as that matters for matches
    that begin from `first` to `last`; must `regex` be asked?"""
    if at < end and data[at] & 0xC0 == 0x80:
        return 0, -1, False  # amid a character: the event at its end is reported as well
    fewest, most, runs = leads.fewest[kind], leads.most[kind], leads.runs[kind]
    if most == WHOLE_PLACE:
        return first, last, False
    if most == LINE:
        low = line_start(data, max(begin, at - LONGEST_LINE), at)
        return low, low, low > begin and data[low - 1] != LINE_FEED
    if at <= first or (runs == 0 and at - _MOST_BYTES * most > last):
        return 0, -1, False  # no match that begins where it must can hold it
    high = last if at - _MOST_BYTES * fewest >= last else _nearest(data, begin, at, fewest)
    low, ask = first, False
    if high >= begin and at - first > most:  # there are at least as many bytes as characters
        low, ask = _farthest(data, begin, at, most, runs)
    return low, high, ask
