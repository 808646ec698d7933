"""Events put in the order in which they are judged: by string, pattern and place."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.rules.events import Events, Ints, Spots, Text
from dataaudit.rules.match_kernel import I64, Bytes


class Patterns(NamedTuple):
    """What is known of patterns."""

    of_kind: I64
    """The pattern of each kind of event."""
    limits: I64
    """Per pattern the bytes from the start of a string that begins with plain text, beyond which no event is of use."""
    plain: Bytes
    """(256,): is a string that begins with this byte plain text from there on?"""


class Room(NamedTuple):
    """Room to work in."""

    heads: I64
    """Per pattern its first event in the string at hand; -1, as at first: it has none."""
    tails: I64
    """Per pattern its last one."""
    here: I64
    """The patterns that have any."""
    after: I64
    """Per event the next one of its pattern in its string, or -1."""


class Arranged(NamedTuple):
    """Room for events in order, and for where those of a pattern in a string begin."""

    strings: I64
    patterns: I64
    ends: I64
    kinds: I64
    starts: I64


@Kernel
def _emit(spots: Spots, event: int, room: Room, out: Arranged, pattern: int, n: int) -> Any:
    """Write the events of a pattern in a string by their ends, of equal ones the first first. Returns the number of
    events by then."""
    first = n
    while event >= 0:
        slot = n
        while slot > first and out.ends[slot - 1] > spots.ends[event]:  # they are nearly in order
            out.ends[slot], out.kinds[slot] = out.ends[slot - 1], out.kinds[slot - 1]
            slot -= 1
        out.ends[slot], out.kinds[slot] = spots.ends[event], spots.kinds[event]
        out.strings[n], out.patterns[n] = spots.strings[event], pattern
        n += 1
        event = room.after[event]
    return n


@Kernel
def arrange(data: Bytes, offsets: I64, spots: Spots, patterns: Patterns, room: Room, out: Arranged) -> Any:
    """Put events in order that are in order of their strings, without those too far behind the start of a string for a
    match that must begin there. Returns the number of events, and of patterns in strings."""
    n: Any = 0
    groups: Any = 0
    at = 0
    while at < len(spots.strings):
        string = spots.strings[at]
        begin = offsets[string]
        count = 0
        while at < len(spots.strings) and spots.strings[at] == string:
            pattern = patterns.of_kind[spots.kinds[at]]
            near = spots.ends[at] - begin <= patterns.limits[pattern]
            # What may stand before the start (quotation marks, brackets …) is no plain text.
            if near or not patterns.plain[data[begin]]:
                if room.heads[pattern] < 0:
                    room.heads[pattern] = at
                    slot = count
                    while slot > 0 and room.here[slot - 1] > pattern:
                        room.here[slot] = room.here[slot - 1]
                        slot -= 1
                    room.here[slot] = pattern
                    count += 1
                else:
                    room.after[room.tails[pattern]] = at
                room.tails[pattern] = at
                room.after[at] = -1
            at += 1
        for slot in range(count):
            pattern = room.here[slot]
            out.starts[groups] = n
            groups += 1
            n = _emit(spots, room.heads[pattern], room, out, pattern, n)
            room.heads[pattern] = -1
    out.starts[groups] = n
    return np.int64(n), np.int64(groups)


def arranged(text: Text, spots: Spots, patterns: Patterns) -> tuple[Events, Ints]:
    """Those events in order, and where those of a pattern in a string begin, with the number of events at last."""
    n, number = len(spots.strings), len(patterns.limits)
    if (spots.strings[1:] < spots.strings[:-1]).any():  # found by several searches
        order = np.argsort(spots.strings, kind="stable")
        spots = Spots(*(column[order] for column in spots))
    tails, here = np.empty((2, number), np.int64)
    room = Room(np.full(number, -1, np.int64), tails, here, np.empty(n, np.int64))
    strings, of, ends, kinds = np.empty((4, n), np.int64)
    out = Arranged(strings, of, ends, kinds, np.empty(n + 1, np.int64))
    found, groups = arrange(np.frombuffer(text.data, np.uint8), text.offsets, spots, patterns, room, out)
    events = Events(out.strings[:found], out.patterns[:found], out.ends[:found], out.kinds[:found])
    return events, out.starts[: groups + 1]
