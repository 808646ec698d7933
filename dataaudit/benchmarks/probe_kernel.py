"""The compiled form of `probe`. Import this only to use it: loading numba takes a quarter of a second."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.index import SALT, SHINGLE
from dataaudit.benchmarks.probe import Filter, Hits
from dataaudit.records.kernels import compile_, mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64

_LAST = np.uint64(1)
with np.errstate(over="ignore"):
    for _ in range(SHINGLE - 1):
        _LAST = _LAST * SHINGLE_BASE
_UNDO = np.uint64(pow(int(SHINGLE_BASE), -1, 1 << 64))
_ONE, _THREE, _SEVEN = np.uint64(1), np.uint64(3), np.uint64(7)


PIECE = 1 << 20
"""Places looked at in one go: a text of any length takes buffers of 24 MB."""


@compile_
def _probe(  # noqa: PLR0913, PLR0917
    words: U64,
    pieces: I64,
    bits: npt.NDArray[np.uint8],
    shift: np.uint64,
    short_bits: npt.NDArray[np.uint8],
    short_shift: np.uint64,
    shorts: bool,
    places: I64,
    keys: U64,
    begins: I64,
) -> tuple[int, int]:
    found = short_found = 0
    for i in range(len(pieces)):
        first, end, last = pieces[i, 0], pieces[i, 1], pieces[i, 2]
        if shorts:
            for at in range(first, min(last, end - 1)):
                slot = mix(mix(words[at] + words[at + 1] * SHINGLE_BASE) ^ SALT) >> short_shift
                begins[short_found] = at
                short_found += int((short_bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)
        last = min(last, end - SHINGLE + 1)
        if last <= first:
            continue
        total = np.uint64(0)
        for k in range(SHINGLE - 1, -1, -1):
            total = total * SHINGLE_BASE + words[first + k]
        at = first
        while True:
            key = mix(mix(total) ^ SALT)
            slot = key >> shift
            # Written always and counted where it passes: no branch to guess wrong.
            places[found] = at
            keys[found] = key
            found += int((bits[slot >> _THREE] >> (slot & _SEVEN)) & _ONE)
            if at + 1 >= last:
                break
            total = (total - words[at]) * _UNDO + words[at + SHINGLE] * _LAST
            at += 1
    return found, short_found


def _pieces(starts: I64) -> Iterator[I64]:
    """(n, 3) at a time: first place, end of the string, end of the places looked at; at most `PIECE` places each."""
    first, end = starts[:-1], starts[1:]
    last = end
    if len(first) and int((end - first).max()) > PIECE:
        parts = np.maximum(1, -(-(end - first) // PIECE))
        number = np.arange(int(parts.sum())) - np.repeat(np.cumsum(parts) - parts, parts)
        first, end = np.repeat(first, parts) + number * PIECE, np.repeat(end, parts)
        last = np.minimum(first + PIECE, end)
    done = 0
    totals = np.cumsum(last - first)
    while done < len(first):
        until = max(
            done + 1, int(np.searchsorted(totals, (totals[done - 1] if done else 0) + PIECE, "right"))
        )
        yield np.stack([first[done:until], end[done:until], last[done:until]], axis=1)
        done = until


def run(words: U64, starts: I64, sieve: Filter) -> Hits:
    """`probe.probe`, compiled."""
    size = min(PIECE, len(words)) + 1
    places, begins = (np.empty(size, np.int64) for _ in range(2))
    keys = np.empty(size, np.uint64)
    parts = [Hits(places[:0], keys[:0], begins[:0])]
    for pieces in _pieces(starts):
        found, short_found = _probe(
            words, pieces, sieve.bits, np.uint64(sieve.shift), sieve.short_bits, np.uint64(sieve.short_shift),
            sieve.shorts, places, keys, begins,
        )  # fmt: skip
        parts.append(Hits(places[:found].copy(), keys[:found].copy(), begins[:short_found].copy()))
    return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))
