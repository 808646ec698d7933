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
from dataaudit.rules.match_kernel import I32, I64, Bytes

SPAN = 8
"""Units of a word: what is compared of a gram at once."""
EDGE = 0x1F
"""The bits that count of the first and the last unit of a window, so that a window that holds one unit of unknown value
is only so many."""
EARLIER = 2
"""Units before a window that are looked at with it: with those behind it a word."""
SHARP_BITS = 17
"""There are some twenty times as many of these bits as windows."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Spreads words over slots: 2 ** 64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4)."""
BEFORE = 32
"""Units that are kept before the first place to look at: those of a gram before its window, in whole words."""

_AHEAD = 32
"""Units behind the last place to look at: those of a gram from its window on."""
_KEY = np.uint64(EDGE << 24 | 0xFFFF00 | EDGE)
_CELL, _BIT, _ONE = np.uint64(6), np.uint64(63), np.uint64(1)
_THREE, _SEVEN = np.uint64(3), np.uint64(7)
_TWO, _FOUR, _SIX = np.uint64(16), np.uint64(32), np.uint64(48)
"""Bits of so many units."""


class Table(NamedTuple):
    """Windows of grams to look for together."""

    shifts: U64
    """(2,): what is left of a hash is a slot; what is left of a slot is a bucket."""
    slots: U64
    """(2, …): a bit per slot, is it that of a window; first of grams that may be anywhere, then of all."""
    starts: I32
    """Windows of bucket i are `starts[i]:starts[i + 1]`."""
    common: U64
    """Of each bucket, which bits of the eight units from `EARLIER` before a window on all its grams have."""
    sharp: U64
    """2 ** `SHARP_BITS` bits: is it that of what a gram has of those?"""
    entries: I64
    """(n, 8), the columns those of `Entry`: one line of a processor's cache for each window."""
    kinds: I64
    kind_starts: I64
    """Finding gram i is an event of each of `kinds[kind_starts[i]:kind_starts[i + 1]]`."""
    units: Bytes


class Entry(NamedTuple):
    """What is known of a window."""

    head: int
    """The first units of its gram in a word, the first one lowest."""
    tail: int
    """The last ones, the last one highest; of a short gram the first ones again."""
    mask: int
    """The bits of these that are the gram's."""
    back: int
    """Where in the gram the window begins."""
    size: int
    """Units of the gram."""
    near: int
    """Is it looked for only near the start of a string?"""
    gram: int
    place: int
    """Where in `Table.units` the gram begins."""


class Found(NamedTuple):
    """Room for events."""

    strings: I64
    kinds: I64
    ends: I64
    """The byte behind the end, from the start of the data."""


_HEAD, _TAIL, _MASK, _BACK, _SIZE, _NEAR, _GRAM, _PLACE = range(len(Entry._fields))


@Kernel
def slot_of(key: Any, shift: Any) -> Any:
    """The slot of a window."""
    return (key * FACTOR) >> shift


@Kernel
def key_of(units: Any) -> Any:
    """What counts of the window that a word begins with."""
    return units & _KEY


@Kernel
def _bit(slots: U64, slot: Any) -> Any:
    """A number whose lowest bit is that of a slot."""
    return slots[slot >> _CELL] >> (slot & _BIT)


@Kernel
def _may_be(units: Any, slots: U64, shift: Any) -> Any:
    """The bit of the window that begins with a word."""
    return _bit(slots, slot_of(key_of(units), shift))


@Kernel
def _sift(words: U64, shift: Any, slots: U64, seen: I64, n: int, first: int, near: int) -> Any:
    """Go through words but for the last, the first of which is number `first`, and write down those in which windows
    begin that may be those of grams, from number `n` on. Returns the number of those."""
    count = np.uint64(n)
    word = words[0]
    for i in range(len(words) - 1):
        after = words[i + 1]
        second, third = word >> _TWO, word >> _FOUR
        fourth = word >> _SIX | after << _TWO
        found = _may_be(word, slots, shift) | _may_be(second, slots, shift)
        found |= _may_be(third, slots, shift) | _may_be(fourth, slots, shift)
        # Written at each word and kept at few: to ask first takes longer.
        seen[count] = 2 * (first + i) + near
        count += found & _ONE
        word = after
    return np.int64(count)


@Kernel
def _sifted(room: Room, stretches: int, word: int, stop: int, table: Table) -> int:
    """Write down the words up to one in which a window begins that may be one of a gram; twice each, and one more where
    it is near the start of a string. Returns the number of them."""
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
        n = _sift(piece, table.shifts[0], table.slots[near], room.seen, n, word, near)
        word = until
    return n


@Kernel
def _hits(room: Room, seen: int, table: Table) -> Any:
    """Write down the windows in the words seen that may be those of grams. Returns the number of them."""
    shift, to_bucket, hits = table.shifts[0], table.shifts[1], room.hits
    n: Any = 0
    for number in range(seen):
        near, at = room.seen[number] & 1, room.seen[number] >> 1
        slots = table.slots[near]
        word, after = room.words[at], room.words[at + 1]
        for turn in range(4):
            slot = slot_of(key_of(word), shift)
            hits[n, 0], hits[n, 1], hits[n, 2] = 8 * at + STEP * turn, np.int64(slot >> to_bucket), near
            n += np.int64(_bit(slots, slot) & _ONE)
            word, after = word >> _TWO | after << _SIX, after >> _TWO
    return n


@Kernel
def _word_at(words: U64, unit: Any) -> Any:
    """Eight units from one on."""
    at, shift = np.uint64(unit) >> _THREE, (np.uint64(unit) & _SEVEN) << _THREE
    # In two steps, as nothing is shifted by all its bits.
    return np.int64(words[at] >> shift | words[at + _ONE] << _ONE << (_BIT - shift))


@Kernel
def _sharpened(room: Room, hits: int, table: Table) -> Any:
    """Of the windows that may be those of grams keep those around which text is as around one. Returns their number."""
    shift = np.uint64(64 - SHARP_BITS)
    n: Any = 0
    for hit in range(hits):
        unit, bucket, near = room.hits[hit, 0], room.hits[hit, 1], room.hits[hit, 2]
        around = np.uint64(_word_at(room.words, unit - EARLIER)) & table.common[bucket]
        room.hits[n, 0], room.hits[n, 1], room.hits[n, 2] = unit, bucket, near
        n += np.int64(_bit(table.sharp, slot_of(around, shift)) & _ONE)
    return n


@Kernel
def _stands(room: Room, begin: int, entry: I64, units: Bytes) -> bool:
    """Does the gram of an entry stand at a unit?"""
    size = entry[_SIZE]
    head = entry[_HEAD] ^ _word_at(room.words, begin)
    tail = entry[_TAIL] ^ _word_at(room.words, begin + max(size - SPAN, 0))
    if (head | tail) & entry[_MASK] != 0:
        return False
    for i in range(SPAN, size - SPAN):
        if room.units[np.uint64(begin + i)] != units[np.uint64(entry[_PLACE] + i)]:
            return False
    return True


@Kernel
def _events(data: Bytes, room: Room, hits: int, marks: int, table: Table, out: Found, found: int) -> int:
    """Add the grams that have windows among the hits as events; the number of events there are then."""
    places, entries, starts = room.marks, table.entries, table.starts
    mark = 0
    for hit in range(hits):
        unit, bucket, which = room.hits[hit, 0], room.hits[hit, 1], room.hits[hit, 2]
        for number in range(starts[bucket], starts[bucket + 1]):
            entry = entries[number]
            begin = unit - entry[_BACK]
            if not _stands(room, begin, entry, table.units) or entry[_NEAR] > which:
                continue
            end = begin + entry[_SIZE]
            # The last mark that is not behind the end.
            while mark + 1 < marks and places[mark + 1, 0] <= end:
                mark += 1
            while places[mark, 0] > end:
                mark -= 1
            byte = places[mark, 1] + end - places[mark, 0]
            while (
                byte < len(data) and data[byte] & 0xC0 == 0x80
            ):  # the end of the character, of which it has the start
                byte += 1
            gram = entry[_GRAM]
            for kind in range(table.kind_starts[gram], table.kind_starts[gram + 1]):
                if found < len(out.ends):
                    out.strings[found], out.kinds[found] = places[mark, 2], table.kinds[kind]
                    out.ends[found] = byte
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
        hits = _sharpened(room, _hits(room, seen, table), table)
        found = _events(data, room, hits, filled.marks, table, out, found)
        if through or found > len(out.ends):
            return found
        word = BEFORE // 8
        filled = make_way(room, filled, stop - word)
