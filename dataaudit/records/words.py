"""Text as words, and words as 64-bit hashes: what near-duplicates and leakage compare.

A word is a run of letters, marks, digits and underscores; in scripts that put no spaces between words every character
is one, with its marks. Case and compatibility forms are folded (see `characters`), everything else parts words and is
not compared. A **shingle** is n words in a row.

    hash of a word     mix64(sum of c[i] * WORD_BASE**i) over its folded code points, modulo 2**64
    hash of a shingle  mix64(sum of w[i] * SHINGLE_BASE**i) over the hashes of its words, modulo 2**64

There are two implementations of the same sums: numpy here, for inputs too small to be worth loading a compiler, and
`kernels`, compiled by numba, which release the GIL. They agree to the bit, on every processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.characters import BLOCK_BITS, BREAK, MARK, NOTHING, SINGLE, Characters, characters
from dataaudit.records.compiling import compiled
from dataaudit.records.hashing import mix64
from dataaudit.records.normalise import flat_bytes

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

WORD_BASE = np.uint64(0xD1342543DE82EF95)
"""Multiplier of a 64-bit linear congruential generator that passes the spectral test (Steele & Vigna, 2021)."""
SHINGLE_BASE = np.uint64(0xAF251AF3B0F025B5)
"""Another of theirs."""

PLAIN_BYTES = 1 << 18
"""Text of which numpy makes words together: its arrays take some forty bytes for each of the text."""


class Words(NamedTuple):
    """The words of n strings, end to end."""

    hashes: U64
    """One per word, in order."""
    starts: I64
    """(n + 1,): the words of string i are `hashes[starts[i]:starts[i + 1]]`."""
    begins: I64
    """Byte of its string at which each word begins; empty unless asked for."""
    ends: I64
    """Byte of its string after each word; empty unless asked for."""


def words_of(values: pa.LargeStringArray, *, spans: bool = False, order: I64 | None = None) -> Words:
    """The words of every string of an array without nulls; with `spans` also where they lie.

    `order` holds the place of every string once: the order in which to take them, if not their own.
    """
    data, offsets = flat_bytes(values)
    from dataaudit.records import kernels

    if compiled(len(data), kernels.split):
        return kernels.words(data, offsets, spans, order)
    if order is not None:
        data, offsets = flat_bytes(values.take(pa.array(order)))
    parts = [plain_words(data[a:b], at - a, spans) for a, b, at in _pieces(offsets)]
    counts = [np.diff(one.starts) for one in parts]
    return Words(
        np.concatenate([np.empty(0, np.uint64), *(one.hashes for one in parts)]),
        np.cumsum(np.concatenate([np.zeros(1, np.int64), *counts])),
        *(np.concatenate([np.empty(0, np.int64), *(one[i] for one in parts)]) for i in (2, 3)),
    )


def _pieces(offsets: I64) -> Iterator[tuple[int, int, I64]]:
    """Strings that numpy takes together: their first byte, the byte behind them, and their offsets."""
    first = 0
    while first < len(offsets) - 1:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + PLAIN_BYTES, "right")) - 1)
        yield int(offsets[first]), int(offsets[last]), offsets[first : last + 1]
        first = last


def plain_words(data: npt.NDArray[np.uint8], offsets: I64, spans: bool) -> Words:
    """`words_of` in numpy. `data` is UTF-8, `offsets` (n + 1,) begin at 0."""
    first = np.flatnonzero((data & 0xC0) != 0x80)  # byte of each code point
    codes = np.frombuffer(data.tobytes().decode("utf-8").encode("utf-32-le"), np.int32)
    table = characters(np.unique(codes >> BLOCK_BITS).tolist())
    kind = table.kind[codes]
    there = np.flatnonzero(kind != NOTHING)
    first, codes, kind = first[there], codes[there], kind[there]
    string = (
        np.searchsorted(offsets, first, "right") - 1
    )  # empty strings share an offset: the last one owns it
    opens = _opens(kind, string)
    inside = np.flatnonzero(kind != BREAK)
    opens = opens[inside]
    width = _utf8_width(codes[inside])
    lengths, folded = _unfold(table.fold[codes[inside]], table)
    at_word = np.flatnonzero(opens)
    at_code = np.concatenate([[0], np.cumsum(lengths)])[at_word]
    hashes = sums(folded, at_code, WORD_BASE)
    owner = string[inside][at_word]
    starts = np.searchsorted(owner, np.arange(len(offsets)))
    if not spans:
        nothing = np.empty(0, np.int64)
        return Words(hashes, starts, nothing, nothing)
    at = first[inside]
    last = np.append(at_word[1:], len(inside))[: len(at_word)] - 1
    base = offsets[owner]
    return Words(hashes, starts, at[at_word] - base, at[last] + width[last] - base)


def _opens(kind: npt.NDArray[np.uint8], string: I64) -> npt.NDArray[np.bool_]:
    """Which code points open a word, ignored ones left out."""
    n = len(kind)
    here = np.arange(n)
    apart = np.ones(n, np.bool_)  # nothing before it that it could belong to
    apart[1:] = (string[1:] != string[:-1]) | (kind[:-1] == BREAK)
    # A mark is of the kind of its base; marks without one make a word that others may join.
    base = np.maximum.accumulate(np.where((kind != MARK) | apart, here, 0))
    alone = kind[base] == SINGLE
    after_single = np.zeros(n, np.bool_)
    after_single[1:] = alone[:-1]
    joined = np.where(kind == MARK, ~apart, ~apart & ~after_single & (kind != SINGLE))
    opens: npt.NDArray[np.bool_] = ~joined & (kind != BREAK)
    return opens


def _utf8_width(codes: npt.NDArray[np.int32]) -> I64:
    return 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)


def _unfold(fold: npt.NDArray[np.int32], table: Characters) -> tuple[I64, npt.NDArray[np.int32]]:
    """Per code point how many it is folded to, and those, end to end."""
    lengths = np.ones(len(fold), np.int64)
    several = np.flatnonzero(fold < 0)
    if len(several) == 0:
        return lengths, fold
    entry = -fold[several]
    lengths[several] = table.starts[entry + 1] - table.starts[entry]
    out = np.repeat(fold, lengths)
    spread = np.flatnonzero(out < 0)
    entry = -out[spread]
    starts = np.cumsum(lengths) - lengths
    within = spread - np.repeat(starts, lengths)[spread]
    out[spread] = table.several[table.starts[entry] + within]
    return lengths, out


def sums(values: npt.NDArray[np.integer], starts: I64, base: np.uint64) -> U64:
    """mix64(sum of values[start + i] * base**i) over each stretch; they cover `values` from the first start on."""
    if len(starts) == 0:
        return np.empty(0, np.uint64)
    lengths = np.diff(np.append(starts, len(values)))
    power = np.cumprod(np.full(int(lengths.max()), base)) * inverse(base)
    place = np.arange(len(values)) - np.repeat(starts, lengths)
    return mix64(np.add.reduceat(values.astype(np.uint64) * power[place], starts))


def inverse(base: np.uint64) -> np.uint64:
    """The inverse of an odd number modulo 2**64."""
    return np.uint64(pow(int(base), -1, 1 << 64))


class Shingles(NamedTuple):
    """The shingles of n texts, end to end, in the order of the text, repeated ones repeated."""

    hashes: U64
    starts: I64
    """(n + 1,): those of text i are `hashes[starts[i]:starts[i + 1]]`; none if it has fewer words than a shingle."""


def shingles_of(words: U64, starts: I64, size: int, *, over: bool = False) -> Shingles:
    """The shingles of `size` words of texts whose words are `words[starts[i]:starts[i + 1]]`.

    With `over` they may take the place of the words, which are then lost.
    """
    from dataaudit.records import kernels

    if compiled(len(words) * 4, kernels.shingle):  # four bytes a word, so that this alone decides nothing
        return kernels.shingles(words, starts, size, over=over)
    return plain_shingles(words, starts, size)


def plain_shingles(words: U64, starts: I64, size: int) -> Shingles:
    """`shingles_of` in numpy."""
    counts = np.maximum(np.diff(starts) - (size - 1), 0)
    into = np.concatenate([[0], np.cumsum(counts)])
    at = np.arange(into[-1]) + np.repeat(starts[:-1] - into[:-1], counts)
    total = np.zeros(len(at), np.uint64)
    factor = np.uint64(1)
    with np.errstate(over="ignore"):
        for i in range(size):
            total += words[at + i] * factor
            factor = factor * SHINGLE_BASE
    return Shingles(mix64(total), into)
