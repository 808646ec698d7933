"""The text of every record of a batch as shingles: its role strings in order, labels left out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.hashing import mix64, string_keys
from dataaudit.records.normalise import normalise
from dataaudit.records.types import TEXT_ROLES, Batch, pack_row
from dataaudit.records.words import I64, U64, shingles_of


class Documents(NamedTuple):
    """Records that hold any text, ascending by row id, and their shingles. None is without a shingle."""

    row_ids: U64
    hashes: U64
    starts: I64
    """(n + 1,)."""


WINDOW = 1 << 20
"""Words of a batch that are made into shingles together, more only for one longer document."""


class _Pieces(NamedTuple):
    """The strings of a batch in the order of its records and of the strings in them."""

    rows: I64
    words: list[U64]
    """Of each string."""
    role: I64
    """Index of its role in `TEXT_ROLES`."""
    place: I64
    """Its place among the strings of that role."""


def _pieces(batch: Batch) -> _Pieces | None:
    rows, ordinals, roles, places = [], [], [], []
    words: list[U64] = []
    for code, role in enumerate(TEXT_ROLES):
        strings = batch.roles.get(role)
        if strings is None or len(strings) == 0:
            continue
        hashes, starts = batch.words(role)[:2]
        bounds = starts.tolist()
        words += [hashes[a:b] for a, b in pairwise(bounds)]
        rows.append(strings.rows)
        ordinals.append(strings.ordinals)
        roles.append(np.full(len(strings), code))
        places.append(np.arange(len(strings)))
    if not rows:
        return None
    row, role_of, place = map(np.concatenate, (rows, roles, places))
    order = np.lexsort((np.concatenate(ordinals), row))
    return _Pieces(row[order], [words[i] for i in order.tolist()], role_of[order], place[order])


class _Wholes(NamedTuple):
    """Short records as one shingle each: those that are not blank, by their index in the batch, ascending."""

    rows: I64
    hashes: U64


def _wholes(batch: Batch, pieces: _Pieces, short: npt.NDArray[np.bool_]) -> _Wholes:
    """The hashes of the records whose strings are `short`, of their normalised strings that are not blank."""
    import pyarrow as pa

    key = np.empty(len(pieces.rows), np.uint64)
    for code in np.unique(pieces.role[short]).tolist():
        mine = np.flatnonzero(short & (pieces.role == code))
        strings = batch.roles[TEXT_ROLES[code]].values.take(pa.array(pieces.place[mine]))
        key[mine] = string_keys(normalise(strings)).hi
    told = np.flatnonzero(short)
    told = told[key[told] != string_keys(pa.array([""], pa.large_string())).hi[0]]
    if len(told) == 0:
        return _Wholes(told, np.empty(0, np.uint64))
    rows, at, counts = np.unique(pieces.rows[told], return_index=True, return_counts=True)
    place = np.arange(len(told)) - np.repeat(at, counts)
    return _Wholes(rows, mix64(np.add.reduceat(mix64(key[told] + place.astype(np.uint64)), at)))


def documents(batch: Batch, size: int) -> Iterator[Documents]:
    """The documents of a batch, in shingles of `size` words, some at a time.

    A text of fewer words is one shingle: the hash of its strings after case and white space are folded, so that
    punctuation counts where there is little else. A record of blank strings is no document.
    """
    pieces = _pieces(batch) if len(batch) else None
    if pieces is None:
        return
    rows, at, count = np.unique(pieces.rows, return_index=True, return_counts=True)
    sizes = np.add.reduceat(np.asarray([len(one) for one in pieces.words]), at)
    wholes = _wholes(batch, pieces, np.repeat(sizes < size, count))
    told = (sizes >= size) | np.isin(rows, wholes.rows)
    rows, at, ends, sizes = rows[told], at[told], (at + count)[told], sizes[told]
    whole = np.zeros(len(rows), np.uint64)
    whole[np.searchsorted(rows, wholes.rows)] = wholes.hashes
    ids = batch.rows[rows].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
    for first, last in _windows(sizes):
        words = np.concatenate(pieces.words[at[first] : ends[last - 1]])  # blank ones between have none
        starts = np.concatenate([[0], np.cumsum(sizes[first:last])])
        hashes, bounds = shingles_of(words, starts, size, over=True)
        short = np.flatnonzero(sizes[first:last] < size)
        if len(short):
            hashes = np.insert(hashes, bounds[short], whole[first:last][short])
            bounds = np.concatenate([[0], np.cumsum(np.maximum(np.diff(bounds), 1))])
        yield Documents(ids[first:last], hashes, bounds)


def _windows(sizes: I64) -> Iterator[tuple[int, int]]:
    """Ranges of documents of at most WINDOW words together; a longer one stands alone."""
    totals = np.cumsum(sizes)
    first = done = 0
    while first < len(sizes):
        last = max(first + 1, int(np.searchsorted(totals, done + WINDOW, "right")))
        yield first, last
        first, done = last, int(totals[last - 1])
