"""The search for grams: one pass over the strings of a batch for any number of them.

Text is folded (`fold_kernel`), and then looked at only at every second unit: of the windows of a gram that begin at
two neighbouring units of it, one begins at such a place wherever the gram stands. A table of bits says whether a window
may be one of a gram; what is written down then is compared with whole grams.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.rules.fold_kernel import SEPARATOR, U64, Filled, Folding, Room, fill, make_way
from dataaudit.rules.gram_windows import STEP
from dataaudit.rules.match_kernel import I64, Bytes

EDGE = 0x1F
"""The bits that count of the first and the last unit of a short window, so that a window that holds one unit of unknown
value is only so many."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Spreads words over slots: 2 ** 64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4)."""
BEFORE = 32
"""Units that are kept before the first place to look at: those of a gram before its window, in whole words."""

_AHEAD = 32
"""Units behind the last place to look at: those of a gram from its window on."""
_SHORT_KEY = np.uint64(EDGE << 24 | 0xFFFF00 | EDGE)
_CELL, _BIT, _ONE = np.uint64(6), np.uint64(63), np.uint64(1)
_TWO, _FOUR, _SIX = np.uint64(16), np.uint64(32), np.uint64(48)
"""Bits of so many units."""


class Table(NamedTuple):
    """Windows of grams to look for together."""

    shifts: U64
    """(4,): what is left of a hash is a slot; what is left of a slot is a bucket; the same of short windows."""
    slots: U64
    """(2, …): a bit per slot, is it that of a window; first of grams that may be anywhere, then of all."""
    short_slots: U64
    starts: I64
    """Windows of bucket i are `starts[i]:starts[i + 1]`; short ones have buckets of their own, behind the others."""
    short_first: int
    """The first bucket of those."""
    keys: U64
    """(n,): what counts of the units of each window, the first one lowest."""
    facts: I64
    """(n, 5): what finding the gram is an event of, whether that is so only near the start of a string, where in it the
    window begins, and where in `units` the gram is."""
    units: Bytes


class Found(NamedTuple):
    """Room for events."""

    strings: I64
    kinds: I64
    ends: I64
    """The byte behind the end, from the start of the data."""


@Kernel
def slot_of(key: Any, shift: Any) -> Any:
    """The slot of a window."""
    return (key * FACTOR) >> shift


@Kernel
def short_key(units: Any) -> Any:
    """What counts of the first four units of a word."""
    return units & _SHORT_KEY


@Kernel
def _bit(slots: U64, slot: Any) -> Any:
    """A number whose lowest bit is that of a slot."""
    return slots[slot >> _CELL] >> (slot & _BIT)


@Kernel
def _long(units: Any, slots: U64, shift: Any) -> Any:
    """The bit of the window that begins with a word."""
    return _bit(slots, slot_of(units, shift))


@Kernel
def _short(units: Any, slots: U64, shift: Any) -> Any:
    """The bit of the short window that does."""
    return _bit(slots, slot_of(short_key(units), shift))


@Kernel
def _sift(  # noqa: PLR0913, PLR0917
    words: U64, shifts: U64, slots: U64, short_slots: U64, seen: I64, n: int, first: int, near: int
) -> Any:
    """Go through words but for the last, the first of which is number `first`, and write down those in which windows
    begin that may be those of grams, from number `n` on. Returns the number of those."""
    shift, short_shift = shifts[0], shifts[2]
    count = np.uint64(n)
    word = words[0]
    for i in range(len(words) - 1):
        after = words[i + 1]
        second, third = word >> _TWO | after << _SIX, word >> _FOUR | after << _FOUR
        fourth = word >> _SIX | after << _TWO
        long = _long(word, slots, shift) | _long(second, slots, shift)
        long |= _long(third, slots, shift) | _long(fourth, slots, shift)
        short = _short(word, short_slots, short_shift) | _short(second, short_slots, short_shift)
        short |= _short(third, short_slots, short_shift) | _short(fourth, short_slots, short_shift)
        # Written at each word and kept at few: to ask first takes longer.
        place = 4 * (first + i) + near
        seen[count] = place
        count += long & _ONE
        seen[count] = place + 2
        count += short & _ONE
        word = after
    return np.int64(count)


@Kernel
def _sifted(room: Room, stretches: int, word: int, stop: int, table: Table) -> int:
    """Write down the words up to one in which a window begins that may be one of a gram; four times each, two
    more where it is a short one, and one more where it is near the start of a string. Returns the number of them."""
    n = at = 0
    while word < stop:
        while at < stretches and room.near[at, 1] <= 8 * word:
            at += 1
        near: Any = 0
        until = stop
        if at < stretches:
            first, last = room.near[at, 0] >> 3, (room.near[at, 1] + 7) >> 3
            near = np.int64(first <= word)
            until = min(stop, last if near else first)
        piece = room.words[word : until + 1]
        n = _sift(piece, table.shifts, table.slots[near], table.short_slots[near], room.seen, n, word, near)
        word = until
    return n


@Kernel
def _hits(room: Room, seen: int, table: Table) -> Any:
    """Write down the windows in the words seen that may be those of grams. Returns the number of them."""
    shifts, hits = table.shifts, room.hits
    n: Any = 0
    for number in range(seen):
        near, short, at = room.seen[number] & 1, room.seen[number] >> 1 & 1, room.seen[number] >> 2
        slots = table.short_slots[near] if short else table.slots[near]
        shift, to_bucket = shifts[2 * short], shifts[2 * short + 1]
        first = table.short_first * short
        word, after = room.words[at], room.words[at + 1]
        for turn in range(4):
            key = short_key(word) if short else word
            slot = slot_of(key, shift)
            room.keys[n] = key
            hits[n, 0], hits[n, 1], hits[n, 2] = (
                8 * at + STEP * turn,
                first + np.int64(slot >> to_bucket),
                near,
            )
            n += np.int64(_bit(slots, slot) & _ONE)
            word, after = word >> _TWO | after << _SIX, after >> _TWO
    return n


@Kernel
def _stands(units: Bytes, at: int, grams: Bytes, first: int, last: int) -> bool:
    """Does a gram stand at a unit?"""
    for i in range(last - first):  # noqa: SIM110 -- `all` is not compiled
        if units[np.uint64(at + i)] != grams[np.uint64(first + i)]:
            return False
    return True


@Kernel
def _events(room: Room, hits: int, marks: int, table: Table, out: Found, found: int) -> int:
    """Add the grams that have windows among the hits as events; the number of events there are then."""
    facts, places = table.facts, room.marks
    mark = 0
    for hit in range(hits):
        key, unit, bucket, which = room.keys[hit], room.hits[hit, 0], room.hits[hit, 1], room.hits[hit, 2]
        for entry in range(table.starts[bucket], table.starts[bucket + 1]):
            if table.keys[entry] != key or facts[entry, 1] > which:
                continue
            begin, first, last = unit - facts[entry, 2], facts[entry, 3], facts[entry, 4]
            if not _stands(room.units, begin, table.units, first, last):
                continue
            if found < len(out.ends):
                end = begin + last - first
                # The last mark that is not behind the end.
                while mark + 1 < marks and places[mark + 1, 0] <= end:
                    mark += 1
                while places[mark, 0] > end:
                    mark -= 1
                out.strings[found], out.kinds[found] = places[mark, 2], facts[entry, 0]
                out.ends[found] = places[mark, 1] + end - places[mark, 0]
            found += 1
    return found


@Kernel
def find(  # noqa: PLR0913, PLR0917
    data: Bytes,
    offsets: I64,
    first: int,
    last: int,
    folding: Folding,
    table: Table,
    reach: int,
    room: Room,
    out: Found,
) -> Any:
    """Find grams in the strings `first` to `last`; those of matches at the start only about the first `reach`
    characters behind where such a match may begin, white space not counted.

    Returns the number of events; more than there is room for where it runs out.
    """
    found = 0
    for i in range(BEFORE):
        room.units[i] = SEPARATOR
    filled = Filled(first, offsets[first], BEFORE, 0, 0)
    word = BEFORE // 8
    while True:
        filled = fill(data, offsets, last, reach, folding, room, filled)
        through = filled.string >= last
        if through:
            for i in range(filled.units, filled.units + _AHEAD):
                room.units[i] = SEPARATOR
            stop = (filled.units + 7) // 8
        else:
            stop = (filled.units - _AHEAD) // 8
        seen = _sifted(room, filled.near, word, stop, table)
        found = _events(room, _hits(room, seen, table), filled.marks, table, out, found)
        if through or found > len(out.ends):
            return found
        word = BEFORE // 8
        filled = make_way(room, filled, stop - word)
