"""Grams of many patterns, ready to be looked for together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.rules import fold, gram_kernel
from dataaudit.rules.events import FloodError, Ints, Spots, Text
from dataaudit.rules.gram_kernel import BUCKET_BITS, SHORT_SLOT_BITS, SLOT_BITS, Found, Places, Table, Units
from dataaudit.rules.grams import SHORT_TAIL, TAIL
from dataaudit.rules.reach import WORDY
from dataaudit.rules.spread import Spread

MAX_WITHIN = 64
"""Characters from the start of a match beyond which a gram is looked for everywhere."""
PLACES = 1 << 13
"""Places that may be ends of grams, and are looked at together."""
_EVERY_UNIT = sorted({0, *fold.UNITS.tolist()})
"""What may stand before a gram, 0 for the start of a string."""


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
        self._units = Units(fold.UNITS, fold.WIDE)
        self._table = _table(grams)
        self._reach = max((one.within for one in grams if one.within is not None), default=0)

    def scan(self, text: Text, first: int, last: int, limit: int) -> Spots:
        """Where the grams are in the strings `first` to `last`, by string and end.

        Raises:
            FloodError: There were more than `limit` events.
        """
        data = np.frombuffer(text.data, np.uint8)
        places = Places(np.empty(2 * PLACES, np.uint64), np.empty(PLACES, np.int64))
        out = Found(*np.empty((3, limit), np.int64))
        found = gram_kernel.find(
            data,
            text.offsets,
            first,
            last,
            self._units,
            self._table,
            self._reach,
            places,
            out,
        )
        if found > limit:
            raise FloodError(out.kinds)
        return Spots(out.strings[:found], out.kinds[:found], out.ends[:found])


def _table(grams: Sequence[Sought]) -> Table:
    long = [one for one in grams if len(one.units) >= TAIL]
    # A gram shorter than the shortest tail stands behind any unit: once for each.
    short = [
        (one, before << 8 * len(one.units))
        for one in grams
        if len(one.units) < TAIL
        for before in (_EVERY_UNIT if len(one.units) < SHORT_TAIL else (0,))
    ]
    slots, buckets = _slots(long, [0] * len(long), gram_kernel.slot_of, SLOT_BITS)
    short_slots, short_buckets = _slots(
        [one for one, _ in short], [more for _, more in short], gram_kernel.short_slot_of, SHORT_SLOT_BITS
    )
    both = np.concatenate([buckets, short_buckets + (1 << BUCKET_BITS)])
    order = np.argsort(both, kind="stable")
    entries = [*long, *(one for one, _ in short)]
    entries = [entries[at] for at in order.tolist()]
    before = [one.units[:-TAIL] for one in entries]
    at = np.cumsum([0, *map(len, before)])
    only_near = [one.within is not None for one in entries]
    masks = [(1 << 8 * min(TAIL, len(one.units))) - 1 for one in entries]
    return Table(
        slots,
        short_slots,
        np.searchsorted(both[order], np.arange((2 << BUCKET_BITS) + 1)).astype(np.int64),
        np.stack([_words(entries), np.asarray(masks, np.uint64)], axis=1),
        np.stack([[one.kind for one in entries], only_near, at[:-1], at[1:]], axis=1).astype(np.int64),
        np.frombuffer(b"".join(before), np.uint8),
    )


def _words(grams: Sequence[Sought]) -> npt.NDArray[np.uint64]:
    return np.asarray([int.from_bytes(one.units[-TAIL:], "big") for one in grams], np.uint64)


def _slots(
    grams: Sequence[Sought], more: Sequence[int], slot_of: Kernel, slot_bits: int
) -> tuple[npt.NDArray[np.uint64], Ints]:
    """Bits of the slots of grams, to whose units something is added; and the bucket of each."""
    with np.errstate(over="ignore"):
        slots = slot_of.function(_words(grams) | np.asarray(more, np.uint64)).astype(np.int64)
    filled = np.zeros((2, 1 << slot_bits), np.uint8)
    filled[0, slots[[one.within is None for one in grams]]] = 1
    filled[1, slots] = 1
    return np.packbits(filled, axis=1, bitorder="little").view("<u8"), slots >> (slot_bits - BUCKET_BITS)
