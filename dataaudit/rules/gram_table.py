"""The table by which grams are looked for: of each gram those windows that are rarest in the text at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.rules import fold, gram_kernel
from dataaudit.rules.events import Ints, Text
from dataaudit.rules.fold_kernel import U64
from dataaudit.rules.gram_kernel import EARLIER, EDGE, SHARP_BITS, SPAN, Table
from dataaudit.rules.gram_windows import LONG, STEP, UNIT_BITS, WINDOW, first_offsets

SLOT_BITS = range(15, 21)
"""Bits of a slot."""
SPARSE_BITS = 8
"""There are 2 ** 8 times as many slots as windows, as far as that goes."""
BUCKET_BITS = 13
"""Bits of a bucket, the upper ones of a slot."""
SAMPLE_BYTES = 1 << 18
"""Bytes of text in which windows are counted."""
SAMPLE_PIECES = 8
"""They are taken from so many places."""
PRIOR_WINDOWS = 1 << 14
"""Windows of a sample that an estimate from letters alone is worth."""

Bytes = npt.NDArray[np.uint8]

_COUNT_BITS = 18
"""Bits of a slot by which windows are counted."""


class Sought(NamedTuple):
    """A gram, and what finding it is an event of."""

    units: bytes
    kind: int
    within: int | None
    """Characters from the start of a string, of what may precede a match there not counted, within which it must end,
    white space not counted either; None: it may be anywhere."""


class Grams:
    """Grams to look for, each once with all that it is an event of.

    Args:
        sought: All of them.
    """

    def __init__(self, sought: Sequence[Sought]) -> None:
        kinds: dict[tuple[bytes, bool], list[int]] = {}
        for one in sought:
            kinds.setdefault((one.units, one.within is not None), []).append(one.kind)
        self._grams = [gram for gram, _ in kinds]
        self._near = np.asarray([near for _, near in kinds], np.bool_)
        self._kinds = np.asarray([kind for every in kinds.values() for kind in every], np.int64)
        self._kind_starts = _starts([len(every) for every in kinds.values()])
        # Zeros between them: a window that reaches over an end holds some.
        self._units = np.frombuffer(b"".join(gram + b"\0" * SPAN for gram in self._grams), np.uint8)
        self._begins = _starts([len(gram) + SPAN for gram in self._grams])
        self._sizes = np.asarray([len(gram) for gram in self._grams], np.int64)
        self._words = _words(self._units, SPAN)
        self._prior = _prior(self._units)

    def table(self, text: Text, first: int, last: int) -> Table:
        """The table for text like that of the strings `first` to `last`."""
        grams, keys, offsets = self._windows(_counts(_sample(text, first, last)))
        bits = min(max(len(grams).bit_length() + SPARSE_BITS, SLOT_BITS[0]), SLOT_BITS[-1])
        slots = _slots(keys, bits)
        filled = np.zeros((2, 1 << bits), np.uint8)
        filled[0, slots[~self._near[grams]]] = 1
        filled[1, slots] = 1
        to_bucket = bits - BUCKET_BITS
        order = np.argsort(slots, kind="stable")
        buckets = slots[order] >> to_bucket
        starts = np.searchsorted(buckets, np.arange((1 << BUCKET_BITS) + 1))
        common, sharp = self._sharp(grams[order], offsets[order], buckets)
        return Table(
            np.asarray([64 - bits, to_bucket], np.uint64),
            np.packbits(filled, axis=1, bitorder="little").view(np.uint64),
            starts.astype(np.int32),
            common,
            sharp,
            self._entries(grams[order], offsets[order]),
            self._kinds,
            self._kind_starts,
            self._units,
        )

    def _sharp(self, grams: Ints, offsets: Ints, buckets: Ints) -> tuple[U64, U64]:
        """What is said of the text around the windows of grams (`Table.common`, `Table.sharp`)."""
        words, masks = np.zeros((2, len(grams)), np.uint64)
        for i in range(SPAN):
            at = offsets - EARLIER + i
            inside = (at >= 0) & (at < self._sizes[grams])
            unit = self._units[np.where(inside, self._begins[grams] + at, 0)]
            words |= np.where(inside, unit, 0).astype(np.uint64) << np.uint64(8 * i)
            masks |= np.where(inside, 0xFF, 0).astype(np.uint64) << np.uint64(8 * i)
        common = np.full(1 << BUCKET_BITS, _ONES)
        np.bitwise_and.at(common, buckets, masks)
        filled = np.zeros(1 << SHARP_BITS, np.uint8)
        filled[_slots(words & common[buckets], SHARP_BITS)] = 1
        return common, np.packbits(filled, bitorder="little").view(np.uint64)

    def _entries(self, grams: Ints, offsets: Ints) -> Ints:
        sizes, begins = self._sizes[grams], self._begins[grams]
        masks = _ONES >> (8 * (SPAN - np.minimum(sizes, SPAN))).astype(np.uint64)
        head, tail = self._words[begins] & masks, self._words[begins + np.maximum(sizes - SPAN, 0)] & masks
        words = [one.view(np.int64) for one in (head, tail, masks)]
        columns = [*words, offsets, sizes, self._near[grams].astype(np.int64), grams, begins]
        return np.ascontiguousarray(np.column_stack(columns))

    def _windows(self, counts: Ints) -> tuple[Ints, U64, Ints]:
        """Of each gram the rarest windows: its number, what counts of the window, and where in the gram it begins. One
        that holds a unit of unknown value comes once for each value that it can have, as far as that counts."""
        total = int(counts.sum())
        seen = counts[_slots(gram_kernel.key_of.function(self._words), _COUNT_BITS)]
        chance = (seen + PRIOR_WINDOWS * self._prior) / (total + PRIOR_WINDOWS)
        pair = chance[:-1] + chance[1:]
        long = np.flatnonzero(self._sizes >= LONG)
        lengths = self._sizes[long] - LONG + 1
        of_gram = np.repeat(np.arange(len(long)), lengths)
        places = np.arange(len(of_gram)) - np.repeat(_starts(lengths)[:-1], lengths)
        chances = pair[self._begins[long][of_gram] + places]
        order = np.lexsort((places, chances, of_gram))
        best = places[order[_starts(lengths)[:-1]]]
        grams, offsets = np.repeat(long, STEP), (best[:, None] + np.arange(STEP)).ravel()
        keys = gram_kernel.key_of.function(self._words[self._begins[grams] + offsets])
        few = [
            (gram, key, at)
            for gram in np.flatnonzero(self._sizes < LONG).tolist()
            for key, at in self._short(gram)
        ]
        return (
            np.concatenate([grams, np.asarray([gram for gram, _, _ in few], np.int64)]),
            np.concatenate([keys, np.asarray([key for _, key, _ in few], np.uint64)]),
            np.concatenate([offsets, np.asarray([at for _, _, at in few], np.int64)]),
        )

    def _short(self, number: int) -> Iterator[tuple[int, int]]:
        gram = self._grams[number]
        first = first_offsets(len(gram))[0]
        for at in range(first, first + STEP):
            yield from ((key, at) for key in _keys(gram, at))


_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


def _starts(sizes: Sequence[int] | Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _words(units: Bytes, size: int) -> U64:
    """So many units from each place on, the first one lowest; behind the end there are zeros."""
    padded = np.concatenate([units, np.zeros(size, np.uint8)]).astype(np.uint64)
    words = np.zeros(len(units), np.uint64)
    for i in range(size):
        words |= padded[i : i + len(units)] << np.uint64(8 * i)
    return words


def _slots(keys: U64, bits: int) -> Ints:
    with np.errstate(over="ignore"):
        slots: Ints = gram_kernel.slot_of.function(keys, np.uint64(64 - bits)).astype(np.int64)
    return slots


def _prior(units: Bytes) -> npt.NDArray[np.float64]:
    """Chance of the window at each place, by how rare its units are."""
    bits = np.concatenate([[0.0], np.cumsum(np.asarray(UNIT_BITS)[units])])
    ends = np.minimum(np.arange(len(units)) + WINDOW, len(units))
    chances: npt.NDArray[np.float64] = 2.0 ** (bits[:-1] - bits[ends])
    return chances


def _sample(text: Text, first: int, last: int) -> Bytes:
    """Some of the bytes of strings."""
    begin, end = int(text.offsets[first]), int(text.offsets[last])
    data = np.frombuffer(text.data, np.uint8)[begin:end]
    if len(data) <= SAMPLE_BYTES:
        return data
    size = SAMPLE_BYTES // SAMPLE_PIECES
    return np.concatenate(
        [data[at : at + size] for at in range(0, len(data) - size, len(data) // SAMPLE_PIECES)]
    )


def _counts(data: Bytes) -> Ints:
    """How often the windows of a slot begin in a text, nearly: characters of several bytes are taken as they are."""
    units = fold.UNITS[data]
    blank = units == fold.BLANK
    units = np.delete(units, 1 + np.flatnonzero(blank[1:] & blank[:-1]))
    slots = _slots(gram_kernel.key_of.function(_words(units, WINDOW)), _COUNT_BITS)
    return np.bincount(slots, minlength=1 << _COUNT_BITS)


def _keys(units: bytes, offset: int) -> Iterator[int]:
    known: list[Iterable[int]] = [[unit] for unit in units[max(offset, 0) : offset + WINDOW]]
    unknown: list[Iterable[int]] = [range(EDGE + 1)]
    whole = (unknown if offset < 0 else []) + known
    whole += unknown * (WINDOW - len(whole))
    for first, second, third, last in product(*whole):
        yield first & EDGE | second << 8 | third << 16 | (last & EDGE) << 24
