"""The text of every record of a batch as shingles: its role strings in order, labels left out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from dataaudit.records.hashing import mix64, string_keys
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
    """The strings of a batch that are not blank, in the order of its records and of the strings in them."""

    rows: I64
    words: list[U64]
    """Of each string."""
    keys: U64
    """Of each string, normalised."""


def _pieces(batch: Batch) -> _Pieces | None:
    import pyarrow as pa

    blank = string_keys(pa.array([""], pa.large_string())).hi[0]
    rows, ordinals, keys = [], [], []
    words: list[U64] = []
    for role in TEXT_ROLES:
        strings = batch.roles.get(role)
        if strings is None or len(strings) == 0:
            continue
        hashes, starts = batch.words(role)[:2]
        bounds = starts.tolist()
        words += [hashes[a:b] for a, b in pairwise(bounds)]
        rows.append(strings.rows)
        ordinals.append(strings.ordinals)
        keys.append(batch.string_keys(role, normalised=True).hi)
    if not rows:
        return None
    row, key = np.concatenate(rows), np.concatenate(keys)
    order = np.lexsort((np.concatenate(ordinals), row))
    order = order[key[order] != blank]
    return _Pieces(row[order], [words[i] for i in order.tolist()], key[order])


def documents(batch: Batch, size: int) -> Iterator[Documents]:
    """The documents of a batch, in shingles of `size` words, some at a time.

    A text of fewer words is one shingle: the hash of its strings after case and white space are folded, so that
    punctuation counts where there is little else. A record of blank strings is no document.
    """
    pieces = _pieces(batch) if len(batch) else None
    if pieces is None or len(pieces.rows) == 0:
        return
    rows, at = np.unique(pieces.rows, return_index=True)
    ends = np.append(at[1:], len(pieces.rows))
    place = np.arange(len(pieces.keys)) - np.repeat(at, ends - at)
    whole = mix64(np.add.reduceat(mix64(pieces.keys + place.astype(np.uint64)), at))
    sizes = np.add.reduceat(np.asarray([len(one) for one in pieces.words]), at)
    ids = batch.rows[rows].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
    for first, last in _windows(sizes):
        words = np.concatenate(pieces.words[at[first] : ends[last - 1]])
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
