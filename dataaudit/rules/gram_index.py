"""Grams of many patterns, ready to be looked for together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from dataaudit.rules import fold, gram_kernel
from dataaudit.rules.events import FloodError, Ints, Spots, Text
from dataaudit.rules.fold_kernel import SLACK, U64, Folding, Room
from dataaudit.rules.gram_kernel import EDGE, Found, Table
from dataaudit.rules.gram_windows import SHORT_WINDOW, WINDOW, windows_of
from dataaudit.rules.reach import WORDY
from dataaudit.rules.spread import Spread

MAX_WITHIN = 64
"""Characters from the start of a match beyond which a gram is looked for everywhere."""
ROOM = 1 << 13
"""Units of text that are folded, and looked at, together: what fits the first cache of a processor with the tables."""
SLOT_BITS = range(15, 21)
"""Bits of a slot."""
SPARSE_BITS = 8
"""There are 2 ** 8 times as many slots as windows, as far as that goes."""
BUCKET_BITS = 13
"""Bits of a bucket, the upper ones of a slot."""


class Sought(NamedTuple):
    """A gram, and what finding it is an event of."""

    units: bytes
    kind: int
    within: int | None
    """Characters from the start of a string, of what may precede a match there not counted, within which it must end,
    white space not counted either; None: it may be anywhere."""


def within_start(lead: Spread) -> int | None:
    """Characters from its start within which a gram of a match ends; None: that is far, or not known.

    White space without limit may be longer than it was counted, but is one unit; words that are longer are many.
    """
    if lead.most is None or lead.runs & 1 << WORDY or lead.most > MAX_WITHIN:
        return None
    return lead.most


class GramIndex:
    """Grams to look for.

    Args:
        grams: All of them.
    """

    def __init__(self, grams: Sequence[Sought]) -> None:
        self._folding = Folding(fold.UNITS, fold.LEADS, fold.WIDE)
        self._table = _table(grams)
        self._reach = max((one.within for one in grams if one.within is not None), default=0)

    def scan(self, text: Text, first: int, last: int, limit: int) -> Spots:
        """Where the grams are in the strings `first` to `last`.

        Raises:
            FloodError: There were more than `limit` events.
        """
        data = np.frombuffer(text.data, np.uint8)
        out = Found(*np.empty((3, limit), np.int64))
        found = gram_kernel.find(
            data, text.offsets, first, last, self._folding, self._table, self._reach, _room(), out
        )
        if found > limit:
            raise FloodError(out.kinds)
        return Spots(out.strings[:found], out.kinds[:found], out.ends[:found])


def _room() -> Room:
    units = ROOM + SLACK
    words, keys = np.empty(units // 8, np.uint64), np.empty(units + 1, np.uint64)
    marks, hits = np.empty((2 * units, 3), np.int64), np.empty((units + 1, 3), np.int64)
    near, seen = np.empty((len(words), 2), np.int64), np.empty(2 * len(words) + 1, np.int64)
    return Room(words.view(np.uint8), words, marks, near, seen, hits, keys)


class _Entry(NamedTuple):
    """A window of a gram."""

    key: int
    gram: int
    offset: int


def _table(grams: Sequence[Sought]) -> Table:
    found = list(_entries(grams))
    long = _Slots([entry for entry, short in found if not short], grams)
    short = _Slots([entry for entry, short in found if short], grams)
    buckets = np.concatenate([long.buckets, short.buckets + (1 << BUCKET_BITS)])
    order = np.argsort(buckets, kind="stable")
    every = [*long.entries, *short.entries]
    entries = [every[at] for at in order.tolist()]
    begins = np.cumsum([0, *(len(one.units) for one in grams)]).tolist()
    facts = [
        (grams[gram].kind, grams[gram].within is not None, offset, begins[gram], begins[gram + 1])
        for _, gram, offset in entries
    ]
    return Table(
        np.asarray([*long.shifts, *short.shifts], np.uint64),
        long.bits,
        short.bits,
        np.searchsorted(buckets[order], np.arange((2 << BUCKET_BITS) + 1)).astype(np.int64),
        1 << BUCKET_BITS,
        np.asarray([entry.key for entry in entries], np.uint64),
        np.asarray(facts, np.int64).reshape(-1, 5),
        np.frombuffer(b"".join(one.units for one in grams), np.uint8),
    )


class _Slots:
    """Windows by their slots."""

    def __init__(self, entries: Sequence[_Entry], grams: Sequence[Sought]) -> None:
        bits = min(max(len(entries).bit_length() + SPARSE_BITS, SLOT_BITS[0]), SLOT_BITS[-1])
        keys = np.asarray([entry.key for entry in entries], np.uint64)
        with np.errstate(over="ignore"):
            slots: Ints = gram_kernel.slot_of.function(keys, np.uint64(64 - bits)).astype(np.int64)
        filled = np.zeros((2, 1 << bits), np.uint8)
        filled[0, slots[np.asarray([grams[entry.gram].within is None for entry in entries], np.bool_)]] = 1
        filled[1, slots] = 1
        self.entries = entries
        self.shifts = 64 - bits, bits - BUCKET_BITS
        self.bits: U64 = np.packbits(filled, axis=1, bitorder="little").view(np.uint64)
        self.buckets = slots >> self.shifts[1]


def _entries(grams: Sequence[Sought]) -> Iterator[tuple[_Entry, bool]]:
    """The windows of grams, each with whether it is short; one that holds a unit of unknown value once for each value
    that it can have, as far as that counts."""
    for number, gram in enumerate(grams):
        windows = windows_of(gram.units)
        for offset in windows.offsets:
            if windows.short:
                yield from ((_Entry(key, number, offset), True) for key in _short_keys(gram.units, offset))
            else:
                key = int.from_bytes(gram.units[offset : offset + WINDOW], "little")
                yield _Entry(key, number, offset), False


def _short_keys(units: bytes, offset: int) -> Iterator[int]:
    known: list[Iterable[int]] = [[unit] for unit in units[max(offset, 0) : offset + SHORT_WINDOW]]
    unknown: list[Iterable[int]] = [range(EDGE + 1)]
    whole = (unknown if offset < 0 else []) + known
    whole += unknown * (SHORT_WINDOW - len(whole))
    for first, second, third, last in product(*whole):
        yield first & EDGE | second << 8 | third << 16 | (last & EDGE) << 24
