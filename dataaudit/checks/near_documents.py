"""The text of every record of a batch as shingles: its role strings in order, labels left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.hashing import mix64, string_keys
from dataaudit.records.normalise import flat_bytes
from dataaudit.records.normalise_long import normalised_keys
from dataaudit.records.record_words import RecordWords, Scratch, StoredWords
from dataaudit.records.types import TEXT_ROLES, Batch, pack_row
from dataaudit.records.words import I64, U64, shingles_of


class Documents(NamedTuple):
    """Records that hold any text, ascending by row id, and their shingles. None is without a shingle."""

    row_ids: U64
    hashes: U64
    starts: I64
    """(n + 1,)."""
    nbytes: I64
    """Bytes of the text of each, in UTF-8."""


class LongDocument(NamedTuple):
    """A record with more shingles than should be held at once."""

    row_id: int
    shingles: Callable[[], Iterator[U64]]
    """Its shingles in order, a stretch at a time."""
    nbytes: int
    """Bytes of its text, in UTF-8."""


WINDOW = 1 << 20
"""Words that are made into shingles together."""


def documents(
    batch: Batch, size: int, work: Scratch, role: str | None = None
) -> Iterator[Documents | LongDocument]:
    """The documents of a batch, in shingles of `size` words, some at a time, or a long one by itself.

    They are made of the strings of all text roles, or of those of one.

    A text of fewer words is one shingle: the hash of its strings after case and white space are folded, so that
    punctuation counts where there is little else. A record of blank strings is no document.
    """
    if role is not None:
        batch = replace(batch, roles={role: batch.roles[role]} if role in batch.roles else {})
    laid = batch.record_words(work) if len(batch) else None
    if laid is None:
        return
    records, at = np.unique(laid.records, return_index=True)
    starts = laid.starts[np.append(at, len(laid.records))]
    sizes = np.diff(starts)
    wholes = _wholes(batch, laid, np.repeat(sizes < size, np.diff(np.append(at, len(laid.records)))))
    nbytes = np.add.reduceat(_bytes(batch, laid), at)
    told = np.flatnonzero((sizes >= size) | np.isin(records, wholes.records))
    records, sizes, starts = records[told], sizes[told], starts[np.append(told, len(at))]
    nbytes = nbytes[told]
    whole = np.zeros(len(records), np.uint64)
    whole[np.searchsorted(records, wholes.records)] = wholes.hashes
    ids = batch.rows[records].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
    for first, last in _windows(sizes):
        begin, end = int(starts[first]), int(starts[last])
        if sizes[first] > WINDOW:
            shingles = _stretches(laid.words, begin, end, size)
            yield LongDocument(int(ids[first]), shingles, int(nbytes[first]))
            continue
        hashes, bounds = shingles_of(laid.words[begin:end], starts[first : last + 1] - begin, size)
        short = sizes[first:last] < size
        if short.any():
            # Apart from the others, into whose shingles they would have to be copied.
            mine = first + np.flatnonzero(short)
            yield Documents(ids[mine], whole[mine], np.arange(len(mine) + 1), nbytes[mine])
        if len(hashes):
            mine = first + np.flatnonzero(~short)
            yield Documents(ids[mine], hashes, np.append(bounds[:-1][~short], bounds[-1]), nbytes[mine])


def _bytes(batch: Batch, laid: RecordWords) -> I64:
    """Bytes of each string."""
    sizes = np.zeros(len(laid.records), np.int64)
    for code in np.unique(laid.roles).tolist():
        mine = laid.roles == code
        offsets = flat_bytes(batch.roles[TEXT_ROLES[code]].values)[1]
        sizes[mine] = np.diff(offsets)[laid.at[mine]]
    return sizes


class _Wholes(NamedTuple):
    """Short records as one shingle each: those that are not blank, by their index in the batch, ascending."""

    records: I64
    hashes: U64


def _wholes(batch: Batch, laid: RecordWords, short: npt.NDArray[np.bool_]) -> _Wholes:
    """The hashes of the records whose strings are `short`, of their normalised strings that are not blank."""
    import pyarrow as pa

    keys = np.zeros(len(short), np.uint64)
    for code in np.unique(laid.roles[short]).tolist():
        mine = np.flatnonzero(short & (laid.roles == code))
        texts = batch.roles[TEXT_ROLES[code]].values.take(pa.array(laid.at[mine]))
        keys[mine] = normalised_keys(texts).hi
    told = np.flatnonzero(short)
    told = told[keys[told] != string_keys(pa.array([""], pa.large_string())).hi[0]]
    if len(told) == 0:
        return _Wholes(told, np.empty(0, np.uint64))
    records, at, counts = np.unique(laid.records[told], return_index=True, return_counts=True)
    place = np.arange(len(told)) - np.repeat(at, counts)
    return _Wholes(records, mix64(np.add.reduceat(mix64(keys[told] + place.astype(np.uint64)), at)))


def _stretches(words: U64 | StoredWords, first: int, last: int, size: int) -> Callable[[], Iterator[U64]]:
    def shingles() -> Iterator[U64]:
        for at in range(first, last - size + 1, WINDOW):
            stretch = words[at : min(at + WINDOW + size - 1, last)]
            yield shingles_of(stretch, np.asarray([0, len(stretch)]), size).hashes

    return shingles


def _windows(sizes: I64) -> Iterator[tuple[int, int]]:
    """Ranges of documents of at most WINDOW words together; a longer one stands alone."""
    totals = np.cumsum(sizes)
    first = done = 0
    while first < len(sizes):
        last = max(first + 1, int(np.searchsorted(totals, done + WINDOW, "right")))
        yield first, last
        first, done = last, int(totals[last - 1])
