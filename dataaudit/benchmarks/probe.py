"""The sieve: which places of a text could begin a shingle of an index. What passes is looked up in the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.index import SHINGLE, salted
from dataaudit.records.record_words import StoredWords
from dataaudit.records.words import I64, U64, compiled, plain_shingles

DENSITY = 32
"""Bits per entry, before rounding up to a power of two: at most one chance place in 32 passes."""
LEAST, MOST = 16, 28
"""Bounds on the logarithm of the number of bits: 8 KB, 32 MB."""


class Hits(NamedTuple):
    """What passed, in order of the text."""

    places: I64
    """Words at which a shingle begins that may be in an index."""
    keys: U64
    """Its salted hash."""
    shorts: I64
    """Words at which a short question may begin."""


class Filter:
    """Two bit tables addressed by upper bits of salted hashes: of shingles, and of starts of short questions."""

    def __init__(self, grams: Sequence[npt.NDArray[np.uint32]], prefixes: U64) -> None:
        upper = [one.astype(np.uint64) << np.uint64(32) for one in grams]
        self.bits, self.shift = _table(upper)
        self.short_bits, self.short_shift = _table([prefixes])
        self.shorts = len(prefixes) > 0


def _table(keys: Sequence[U64]) -> tuple[npt.NDArray[np.uint8], int]:
    entries = sum(len(one) for one in keys)
    width = min(MOST, max(LEAST, (DENSITY * max(1, entries) - 1).bit_length()))
    flags = np.zeros(1 << width, np.bool_)
    for one in keys:
        flags[one >> np.uint64(64 - width)] = True
    return np.packbits(flags, bitorder="little"), 64 - width


STRETCH = 1 << 20
"""Words of a file that are held together."""


def probe(words: U64 | StoredWords, starts: I64, sieve: Filter) -> Hits:
    """The places of texts whose words are `words[starts[i]:starts[i + 1]]` that pass the sieve."""
    if isinstance(words, StoredWords):
        return _probe_stored(words, starts, sieve)
    return _probe_held(words, starts, sieve)


def _probe_stored(words: StoredWords, starts: I64, sieve: Filter) -> Hits:
    """A stretch at a time: what begins in it, with the words after it that belong to a shingle."""
    found = []
    for first in range(0, len(words), STRETCH):
        last = min(first + STRETCH + SHINGLE - 1, len(words))
        low, high = np.searchsorted(starts, (first, last), "right")
        bounds = np.concatenate([[first], starts[low:high], [last]]) - first
        hits = _probe_held(words[first:last], bounds, sieve)
        mine, shorts = hits.places < STRETCH, hits.shorts < STRETCH
        found.append(Hits(hits.places[mine] + first, hits.keys[mine], hits.shorts[shorts] + first))
    if not found:
        return _probe_held(np.empty(0, np.uint64), starts, sieve)
    return Hits(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _probe_held(words: U64, starts: I64, sieve: Filter) -> Hits:
    if compiled(len(words) * 4):
        from dataaudit.benchmarks.probe_kernel import run

        return run(words, starts, sieve)
    return plain_probe(words, starts, sieve)


def plain_probe(words: U64, starts: I64, sieve: Filter) -> Hits:
    """`probe` in numpy."""
    keys, places = _shingles(words, starts, SHINGLE)
    at = _passing(keys, sieve.bits, sieve.shift)
    shorts = np.zeros(0, np.int64)
    if sieve.shorts:
        pairs, begins = _shingles(words, starts, 2)
        shorts = begins[_passing(pairs, sieve.short_bits, sieve.short_shift)]
    return Hits(places[at], keys[at], shorts)


def _shingles(words: U64, starts: I64, size: int) -> tuple[U64, I64]:
    made = plain_shingles(words, starts, size)
    counts = np.diff(made.starts)
    places = np.arange(len(made.hashes)) + np.repeat(starts[:-1] - made.starts[:-1], counts)
    return salted(made.hashes), places


def _passing(keys: U64, bits: npt.NDArray[np.uint8], shift: int) -> npt.NDArray[Any]:
    slot = keys >> np.uint64(shift)
    return np.flatnonzero((bits[slot >> np.uint64(3)] >> (slot & np.uint64(7)).astype(np.uint8)) & 1)
