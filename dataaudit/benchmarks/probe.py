"""The sieve: which places of a text could begin a shingle of an index. What passes is looked up in the index.

Nearly every place of ordinary text begins nothing, so the table it is tried on is small enough for the processor's
cache: a Bloom filter in which a shingle sets `MARKS` bits of one 64-bit block (Putze, Sanders & Singler, 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.manifest import SHINGLE, salted, sums_of, upper
from dataaudit.records.compiling import compiled
from dataaudit.records.hashing import unmix64
from dataaudit.records.record_words import StoredWords
from dataaudit.records.words import I64, U64, plain_shingles

U32 = npt.NDArray[np.uint32]

DENSITY = 16
"""Bits per shingle, before rounding up to a power of two. With five bits set of each, one chance place in a hundred
passes at most, in ordinary text one in three hundred; for the shipped indexes the table has 1 MB."""
SHORT_DENSITY = 256
"""Bits per short question: nearly all text that gets there begins like one ("what is"), and few are looked at."""
LEAST, MOST = 16, 28
"""Bounds on the logarithm of the number of bits: 8 KB, 32 MB."""
MARKS = (58, 52, 46, 40, 34)
"""Where in the product of a key and `SPREAD` the places of its bits begin, six bits each."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio, odd: the high bits of a product with it depend on all bits of a key (Knuth)."""
STRETCH = 1 << 20
"""Words that are looked at together: those of a long text are held in a file."""


class Hits(NamedTuple):
    """What passed, in order of the text."""

    places: I64
    """Words at which a shingle begins that may be in an index; it may reach into the next text."""
    keys: U32
    """What an index keeps of its hash."""
    shorts: I64
    """Words at which a short question may begin, two of its words at least in one text."""


class Bits(NamedTuple):
    """A table of bits."""

    width: int
    """Upper bits of a number that choose its bit."""
    table: npt.NDArray[np.uint8]


class Filter:
    """Tables addressed by upper bits: of salted hashes of shingles; of the sums behind those of the first two words of
    short questions, and of these questions, for sums are at hand before anything is mixed."""

    def __init__(self, grams: Sequence[U32], prefixes: U64, shorts: U64) -> None:
        self.width = _width(DENSITY * sum(len(one) for one in grams)) - 6
        self.blocks = np.zeros(1 << self.width, np.uint64)
        for one in grams:
            self._mark(one)
        self.pairs = _bits(prefixes, _width(DENSITY * len(prefixes)))
        self.shorts = _bits(shorts, _width(SHORT_DENSITY * len(shorts)))
        self.any_short = len(shorts) > 0

    def _mark(self, grams: U32) -> None:
        """Set the bits of shingles, ascending as an index has them: those of a block stand together."""
        for first in range(0, len(grams), STRETCH):
            keys = grams[first : first + STRETCH].astype(np.uint64)
            block = keys >> np.uint64(32 - self.width)
            opens = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
            self.blocks[block[opens]] |= np.bitwise_or.reduceat(marks(keys), opens)


def _bits(hashes: U64, width: int) -> Bits:
    """A bit for the sum behind each hash, by its upper bits."""
    flags = np.zeros(1 << width, np.bool_)
    flags[sums_of(hashes) >> np.uint64(64 - width)] = True
    return Bits(width, np.packbits(flags, bitorder="little"))


def _width(bits: int) -> int:
    return min(MOST, max(LEAST, (max(1, bits) - 1).bit_length()))


def marks(keys: U64) -> U64:
    """The bits that keys (what an index keeps of a hash) set in their blocks."""
    product = keys * SPREAD
    made = np.zeros(len(keys), np.uint64)
    for at in MARKS:
        made |= np.uint64(1) << (product >> np.uint64(at) & np.uint64(63))
    return made


def probe(words: U64 | StoredWords, starts: I64, sieve: Filter) -> Hits:
    """The places of texts whose words are `words[starts[i]:starts[i + 1]]` that pass the sieve.

    The words are looked at as if they were one text: so little passes that what crosses texts is told apart after.
    """
    from dataaudit.benchmarks import probe_kernel

    # Four bytes a word, so that this alone decides nothing.
    run = probe_kernel.run if compiled(len(words) * 4, probe_kernel.passing) else plain_probe
    found = [Hits(np.empty(0, np.int64), np.empty(0, np.uint32), np.empty(0, np.int64))]
    for first in range(0, len(words), STRETCH):
        # What begins in this stretch, with the words after it that belong to it.
        hits = run(words[first : first + STRETCH + SHINGLE - 1], sieve)
        mine, shorts = hits.places < STRETCH, hits.shorts < STRETCH
        found.append(Hits(hits.places[mine] + first, hits.keys[mine], hits.shorts[shorts] + first))
    places, keys, begins = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Hits(places, keys, begins[inside(starts, begins, 2)])


def inside(starts: I64, places: I64, size: int) -> npt.NDArray[np.bool_]:
    """At which places do so many words belong to one text?"""
    within: npt.NDArray[np.bool_] = places + size <= starts[np.searchsorted(starts, places, "right")]
    return within


def plain_probe(words: U64, sieve: Filter) -> Hits:
    """Which places of one text pass, in numpy."""
    keys = upper(salted(plain_shingles(words, np.asarray([0, len(words)]), SHINGLE).hashes))
    wide = keys.astype(np.uint64)
    bits = marks(wide)
    places = np.flatnonzero(sieve.blocks[wide >> np.uint64(32 - sieve.width)] & bits == bits)
    return Hits(places, keys[places], _plain_shorts(words, sieve))


def _plain_shorts(words: U64, sieve: Filter) -> I64:
    """Where two words pass as the first of a question, and the two to four that begin there as a whole one."""
    if not sieve.any_short:
        return np.empty(0, np.int64)
    begins = _passing(words, 2, sieve.pairs)
    whole = [_passing(words, size, sieve.shorts) for size in range(2, SHINGLE)]
    return np.intersect1d(begins, np.concatenate(whole))


def _passing(words: U64, size: int, bits: Bits) -> I64:
    sums = unmix64(plain_shingles(words, np.asarray([0, len(words)]), size).hashes)
    slot = sums >> np.uint64(64 - bits.width)
    return np.flatnonzero(bits.table[slot >> np.uint64(3)] >> (slot & np.uint64(7)).astype(np.uint8) & 1)
