"""The compiled forms of `words` and `shingles`."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.ascii_kernel import Bytes, ascii_until
from dataaudit.records.characters import BLOCK_BITS, BREAK, JOINS, NOTHING, SINGLE, characters
from dataaudit.records.compiled import Kernel, WideKernel
from dataaudit.records.words import I64, SHINGLE_BASE, U64, WORD_BASE, Shingles, Words, inverse

PIECE = 1024
"""Bytes of plain text split together: what is kept of each byte fits the processor's first cache."""


class _Room(NamedTuple):
    """What is known of a piece of plain text (PIECE + 1,), written over by the next."""

    sums: U64
    edges: I64


class _Tables(NamedTuple):
    ascii: Bytes
    """Folded code point, or 0 for what parts words."""
    powers: U64
    """WORD_BASE ** i, i up to PIECE."""
    undo: U64
    """Their inverses."""
    kind: npt.NDArray[np.uint8]
    fold: npt.NDArray[np.int32]
    several: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    known: npt.NDArray[np.bool_]


@Kernel
def mix(x: np.uint64) -> np.uint64:
    """`hashing.mix64` of one number."""
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@Kernel
def decode(data: Bytes, at: int) -> Any:
    """The code point at a byte that is not ASCII (valid UTF-8), and the byte after it."""
    first = np.int64(data[at])
    second = np.int64(data[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, at + 2
    third = np.int64(data[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, at + 3
    return (first & 0x07) << 18 | second << 12 | third << 6 | np.int64(data[at + 3]) & 0x3F, at + 4


@Kernel
def _edges(piece: Bytes, table: _Tables, room: _Room) -> Any:
    """Where words begin and end in ASCII text, and the sum of the folded code points before, each times its power.

    Returns how many edges there are; one more is written for the end. Both are written at every byte and counted where
    a word begins or ends: no branch to guess wrong.
    """
    sums, edges = room.sums, room.edges
    total = np.uint64(0)
    count: Any = 0
    inside = np.int64(0)
    for k in range(len(piece)):
        code = np.int64(table.ascii[piece[k]])
        here = np.int64(code != 0)
        sums[count] = total
        edges[count] = k
        count += here ^ inside
        inside = here
        total += np.uint64(code) * table.powers[k]
    sums[count] = total
    edges[count] = len(piece)
    return count


@Kernel
def _by_character(data: Bytes, span: tuple[int, int, int], word: int, table: _Tables, out: Words) -> Any:
    """Words of a string from a byte on at which none is open, up to its end or to where plain text goes on.

    `span` is where the string begins, the byte to start at, and the end. Returns where it stopped and the number of
    words so far; or a negative code point whose block is not in the tables yet.
    """
    origin, at, end = span
    spans = len(out.begins) > 0
    total = np.uint64(0)
    power = np.uint64(1)
    state: Any = BREAK  # what the open word is: none, one that letters join, or a single character
    closes = at
    while at < end:
        here = at
        byte = data[at]
        if byte < 0x80:
            folded = np.int32(table.ascii[byte])
            kind: Any = JOINS if folded != 0 else BREAK
            at += 1
        else:
            point, at = decode(data, at)
            if not table.known[point >> BLOCK_BITS]:
                return -point, word
            kind = np.int64(table.kind[point])
            folded = table.fold[point]
            if kind == NOTHING:
                continue
        if state != BREAK and (kind in (BREAK, SINGLE) or (kind == JOINS and state == SINGLE)):
            out.hashes[word] = mix(total)
            if spans:
                out.ends[word] = closes - origin
            word += 1
            state = BREAK
        if kind == BREAK:
            if byte < 0x80 and at < end and data[at] < 0x80:
                return at, word
            continue
        if state == BREAK:
            if spans:
                out.begins[word] = here - origin
            total = np.uint64(0)
            power = np.uint64(1)
            state = SINGLE if kind == SINGLE else JOINS
        if folded >= 0:
            total += np.uint64(folded) * power
            power *= WORD_BASE
        else:
            for k in range(table.starts[-folded], table.starts[1 - folded]):
                total += np.uint64(table.several[k]) * power
                power *= WORD_BASE
        closes = at
    if state != BREAK:
        out.hashes[word] = mix(total)
        if spans:
            out.ends[word] = closes - origin
        word += 1
    return at, word


@Kernel
def split(data: Bytes, offsets: I64, order: I64, table: _Tables, out: Words, room: _Room) -> Any:
    """Fill `out` (begins and ends unless empty) with the words of strings in this order.

    Returns -1, or a code point whose block is not in the tables yet.
    """
    spans = len(out.begins) > 0
    sums, edges = room.sums, room.edges
    word = 0
    for i in range(len(order)):
        out.starts[i] = word
        origin = offsets[order[i]]
        at, end = origin, offsets[order[i] + 1]
        while at < end:
            stop = ascii_until(data, at, min(at + PIECE, end))
            count = _edges(data[at:stop], table, room)
            closed = (count + 1 if stop == end else count) >> 1
            for k in range(closed):
                first, last = edges[2 * k], edges[2 * k + 1]
                out.hashes[word + k] = mix((sums[2 * k + 1] - sums[2 * k]) * table.undo[first])
                if spans:
                    out.begins[word + k] = at + first - origin
                    out.ends[word + k] = at + last - origin
            word += closed
            if stop == end:
                break
            # A word that may go on is taken again, from where it begins.
            resume = at + edges[count - 1] if count & 1 else stop
            if data[stop] >= 0x80 or resume == at:
                resume, word = _by_character(data, (origin, resume, end), word, table, out)
                if resume < 0:
                    return -resume
            at = resume
    out.starts[len(order)] = word
    return -1


def _ascii() -> Bytes:
    table = characters()
    return np.where(table.kind[:0x80] == BREAK, 0, table.fold[:0x80]).astype(np.uint8)


def _powers(base: np.uint64) -> U64:
    return np.cumprod(np.concatenate([[np.uint64(1)], np.full(PIECE - 1, base)]))


@cache
def _plain() -> tuple[Bytes, U64, U64]:
    return _ascii(), _powers(WORD_BASE), _powers(inverse(WORD_BASE))


def words(data: Bytes, offsets: I64, spans: bool, order: I64 | None = None) -> Words:
    """`words.words_of`, compiled."""
    table = characters()
    if order is None:
        order = np.arange(len(offsets) - 1)
    most = len(data) // 2 + len(offsets)  # a word takes a byte and what parts it from the next another
    begins, ends = (np.empty(most if spans else 0, np.int64) for _ in range(2))
    out = Words(np.empty(most, np.uint64), np.empty(len(offsets), np.int64), begins, ends)
    room = _Room(np.empty(PIECE + 1, np.uint64), np.empty(PIECE + 1, np.int64))
    while True:
        tables = _Tables(*_plain(), table.kind, table.fold, table.several, table.starts, table.known)
        missing = int(split(data, offsets, order, tables, out, room))
        if missing < 0:
            break
        table = characters([missing >> BLOCK_BITS])
    # Shrunk where they are: of a long text a copy is larger than the text.
    for made in (out.hashes, begins, ends):
        made.resize(min(len(made), int(out.starts[-1])), refcheck=False)
    return out


@WideKernel
def shingle(words: U64, starts: I64, into: I64, size: int, out: U64, room: U64) -> None:
    """Write the shingles of each text to `out[into[i]:]`; `room` is written over."""
    most = len(room)
    for i in range(len(starts) - 1):
        count = into[i + 1] - into[i]
        # Sums from the words, not from the sum before, so that the compiler makes the loops some over vectors. And read
        # before their place is written: `out` may be `words`.
        for first in range(0, count, most):
            here = min(most, count - first)
            factor = np.uint64(1)
            for step in range(size):
                begin = starts[i] + first + step
                some = words[begin : begin + here]
                if step == 0:
                    for k in range(here):
                        room[k] = some[k]
                else:
                    for k in range(here):
                        room[k] += some[k] * factor
                factor *= SHINGLE_BASE
            begin = into[i] + first
            made = out[begin : begin + here]
            for k in range(here):
                made[k] = mix(room[k])


def shingles(words: U64, starts: I64, size: int, *, over: bool = False) -> Shingles:
    """`words.shingles_of`, compiled."""
    into = np.concatenate([[0], np.cumsum(np.maximum(np.diff(starts) - (size - 1), 0))])
    # A shingle is never put behind the first word it is made of.
    out = words[: int(into[-1])] if over else np.empty(int(into[-1]), np.uint64)
    shingle(words, starts, into, size, out, np.empty(PIECE // 2, np.uint64))
    return Shingles(out, into)
