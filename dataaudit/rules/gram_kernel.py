"""The search for grams: one pass over the bytes of a batch for any number of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.rules.confirm_kernel import region
from dataaudit.rules.fold import BLANK, LOOK
from dataaudit.rules.grams import SHORT_TAIL, TAIL
from dataaudit.rules.match_kernel import I64, Bytes
from dataaudit.rules.opcodes import AT_START

U64 = npt.NDArray[np.uint64]

SLOT_BITS = 17
"""Bits of a slot. A bit of each fits the first cache of a processor."""
SHORT_SLOT_BITS = 19
"""The same, of the last units of short grams, which take more slots; here it is the second cache."""
BUCKET_BITS = 12
"""Bits of a bucket, the upper ones of a slot."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Spreads words over slots: 2 ** 64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4)."""

_SHIFT, _SHORT_SHIFT = np.uint64(64 - SLOT_BITS), np.uint64(64 - SHORT_SLOT_BITS)
_TO_TAIL = np.uint64(64 - 8 * SHORT_TAIL)
_TO_BUCKET, _SHORT_TO_BUCKET = np.uint64(SLOT_BITS - BUCKET_BITS), np.uint64(SHORT_SLOT_BITS - BUCKET_BITS)
_BUCKETS = np.uint64(1 << BUCKET_BITS)
_CELL, _BIT = np.uint64(6), np.uint64(63)
_NONE, _ONE, _EIGHT = np.uint64(0), np.uint64(1), np.uint64(8)
_BLANK, _LOOK, _UNIT = np.uint64(BLANK), np.uint64(LOOK), np.uint64(0xFF)


class Table(NamedTuple):
    """Grams to look for together, by the slots of their last units."""

    slots: U64
    """(2, …): a bit per slot of eight units, is it that of a gram; first of grams that may be anywhere, then of all."""
    short_slots: U64
    """The same, of the last `SHORT_TAIL` units, for grams of fewer than eight."""
    starts: I64
    """Those of bucket i are `starts[i]:starts[i + 1]`; the short ones have buckets of their own, behind the others."""
    words: U64
    """(n, 2): the last eight units of each, the last one lowest, and the bits of them that count."""
    facts: I64
    """(n, 4): what finding it is an event of, whether that is so only near the start of a string, and where in `units`
    those before the last eight are."""
    units: Bytes


class Units(NamedTuple):
    """How text is folded (`fold`)."""

    plain: Bytes
    wide: Bytes


class Places(NamedTuple):
    """Room for places that may be ends of grams."""

    seen: U64
    """Two each: the byte behind it, and the last eight units there."""
    owners: I64
    """Twice the string, and 1 where it is near the start of it."""


class Found(NamedTuple):
    """Room for events."""

    strings: I64
    kinds: I64
    ends: I64
    """The byte behind the end, from the start of the data."""


@Kernel
def slot_of(word: Any) -> Any:
    """The slot of eight units."""
    return (word * FACTOR) >> _SHIFT


@Kernel
def short_slot_of(word: Any) -> Any:
    """The slot of the last `SHORT_TAIL` units of a word."""
    return ((word << _TO_TAIL) * FACTOR) >> _SHORT_SHIFT


@Kernel
def _wide(data: Bytes, at: int, end: int, wide: Bytes) -> tuple[Any, int]:
    """The unit of a character of two or three bytes whose first one is before `at`, and the byte behind it; the first
    byte alone where it has none of its own."""
    first = np.int64(data[at - 1])
    size = 1 if first < 0xE0 else 2
    if at + size <= end:
        code = first & (0x1F if size == 1 else 0x0F)
        for i in range(size):
            code = code << 6 | (np.int64(data[at + i]) & 0x3F)
        if code < len(wide) and wide[code] > 0:
            return np.int64(wide[code]), at + size
    return first, at


@Kernel
def _stand_before(
    data: Bytes, begin: int, at: int, units: Bytes, first: int, last: int, plain: Bytes
) -> bool:
    """Do the units from `first` to `last` stand before the last eight that end at a byte, in a string that begins at
    `begin`? May say yes where there are characters that are not ASCII."""
    wanted = last + TAIL
    while wanted > first:
        if at <= begin:
            return False
        at -= 1
        if data[at] >= 0x80:
            return True
        unit = plain[data[at]]
        wanted -= 1
        if wanted < last and units[wanted] != unit:
            return False
        while unit == BLANK and at > begin and data[at - 1] <= BLANK and plain[data[at - 1]] == BLANK:
            at -= 1
        if unit == BLANK and at > begin and data[at - 1] >= 0x80:
            return True
    return True


@Kernel
def _events(  # noqa: PLR0913, PLR0917
    data: Bytes, offsets: I64, plain: Bytes, table: Table, places: Places, n: int, out: Found, found: int
) -> int:
    """Add the grams that end at the first `n` places as events; the number of events there are then."""
    starts, words, facts = table.starts, table.words, table.facts
    for at in range(n):
        word, owner, end = places.seen[2 * at + 1], places.owners[at], np.int64(places.seen[2 * at])
        for is_short in range(2):
            if is_short:
                slot = short_slot_of(word)
                bucket, cell = (slot >> _SHORT_TO_BUCKET) + _BUCKETS, table.short_slots[1, slot >> _CELL]
            else:
                slot = slot_of(word)
                bucket, cell = slot >> _TO_BUCKET, table.slots[1, slot >> _CELL]
            if not cell >> (slot & _BIT) & _ONE:
                continue
            for entry in range(starts[bucket], starts[bucket + _ONE]):
                if word & words[entry, 1] != words[entry, 0] or facts[entry, 1] > owner & 1:
                    continue
                first, last = facts[entry, 2], facts[entry, 3]
                if first < last and not _stand_before(
                    data, offsets[owner >> 1], end, table.units, first, last, plain
                ):
                    continue
                if found < len(out.ends):
                    out.strings[found], out.kinds[found], out.ends[found] = owner >> 1, facts[entry, 0], end
                found += 1
    return found


@Kernel
def _behind(data: Bytes, at: int, end: int, characters: int) -> int:
    """A byte of a string that is at least so many characters behind another, white space not counted."""
    stop = min(end, at + characters)
    while at < stop:
        if data[at] <= BLANK or data[at] >= 0x80:
            stop = min(end, stop + 1)
        at += 1
    return stop


@Kernel
def _sift(  # noqa: PLR0913, PLR0917
    piece: Bytes, behind: int, word: Any, plain: Bytes, slots: U64, short_slots: U64, seen: U64, n: int
) -> tuple[int, Any, Any]:
    """Go through a piece of a string, up to a character that may have a unit of its own, and write down places that may
    be ends of grams, from number `n` on. Byte 0 of the piece is followed by byte `behind` of the data.

    Returns the bytes gone through, the last eight units, and the number of places.
    """
    # Numbers without a sign, so that no index is looked at for being below zero.
    count, at, last = np.uint64(2 * n), np.uint64(behind), word & _UNIT
    for i in range(len(piece)):
        unit = np.uint64(plain[piece[i]])
        if unit == _LOOK:
            return i, word, np.int64(count) // 2
        # Of blanks in a row the first one counts. That is asked of the units: to ask `word` is to wait for it.
        word = word if (unit == _BLANK) & (last == _BLANK) else word << _EIGHT | unit
        last = unit
        slot, short_slot = slot_of(word), short_slot_of(word)
        # Written at each place and kept at few: to ask first takes longer.
        seen[count], seen[count + _ONE] = at + np.uint64(i), word
        here = slots[slot >> _CELL] >> (slot & _BIT)
        here |= short_slots[short_slot >> _CELL] >> (short_slot & _BIT)
        count += (here & _ONE) << _ONE
    return len(piece), word, np.int64(count) // 2


@Kernel
def find(  # noqa: PLR0913, PLR0917
    data: Bytes,
    offsets: I64,
    first: int,
    last: int,
    units: Units,
    table: Table,
    reach: int,
    places: Places,
    out: Found,
) -> Any:
    """Find grams in the strings `first` to `last`; those of matches at the start only in the first `reach` characters
    behind where such a match may begin, white space not counted.

    Returns the number of events, strings and ends ascending; more than there is room for where it runs out.
    """
    plain, seen, owners = units.plain, places.seen, places.owners
    room = len(owners)
    found = n = 0
    for string in range(first, last):
        begin, end = offsets[string], offsets[string + 1]
        near = begin
        if reach > 0:
            near = _behind(data, region(data, begin, end, AT_START)[1], end, reach)
        at, word = begin, _NONE
        while at < end:
            is_near = at < near
            which = np.int64(is_near)
            # One place more than there are bytes: the last one is written down whether it counts or not.
            stop = min(near if is_near else end, at + room - n - 1)
            so_far = n
            gone, word, n = _sift(
                data[at:stop], at + 1, word, plain, table.slots[which], table.short_slots[which], seen, n
            )
            at += gone
            if at < stop:
                unit, at = _wide(data, at + 1, end, units.wide)
                word = word if unit == BLANK and word & _UNIT == _BLANK else word << _EIGHT | np.uint64(unit)
                seen[2 * n], seen[2 * n + 1] = np.uint64(at), word
                n += 1
            for place in range(so_far, n):
                owners[place] = 2 * string + which
            if n > room // 2:
                found = _events(data, offsets, plain, table, places, n, out, found)
                n = 0
                if found > len(out.ends):
                    return found
    return _events(data, offsets, plain, table, places, n, out, found)
