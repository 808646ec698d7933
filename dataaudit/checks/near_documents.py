"""The text of every record of a batch as shingles: its role strings in order, labels left out."""

from __future__ import annotations

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


class _Pieces(NamedTuple):
    """The strings of a batch, in the order of its records and of the strings in them."""

    rows: I64
    starts: I64
    counts: I64
    """The words of a string are `words[starts[i]:starts[i] + counts[i]]`."""
    words: U64
    keys: U64
    """Of the normalised string; 0 for a blank one."""


def _pieces(batch: Batch) -> _Pieces | None:
    import pyarrow as pa

    blank = string_keys(pa.array([""], pa.large_string())).hi[0]
    rows, ordinals, starts, counts, words, keys = [], [], [], [], [], []
    base = 0
    for role in TEXT_ROLES:
        strings = batch.roles.get(role)
        if strings is None or len(strings) == 0:
            continue
        mine = batch.words(role)
        rows.append(strings.rows)
        ordinals.append(strings.ordinals)
        starts.append(mine.starts[:-1] + base)
        counts.append(np.diff(mine.starts))
        words.append(mine.hashes)
        key = batch.string_keys(role, normalised=True).hi
        keys.append(np.where(key == blank, np.uint64(0), key))
        base += len(mine.hashes)
    if not rows:
        return None
    row = np.concatenate(rows)
    order = np.lexsort((np.concatenate(ordinals), row))
    return _Pieces(
        row[order],
        np.concatenate(starts)[order],
        np.concatenate(counts)[order],
        np.concatenate(words),
        np.concatenate(keys)[order],
    )


def documents(batch: Batch, size: int) -> Documents:
    """The documents of a batch, in shingles of `size` words.

    A text of fewer words is one shingle: the hash of its strings after case and white space are folded, so that
    punctuation counts where there is little else. A record of blank strings is no document.
    """
    empty = np.empty(0, np.uint64)
    pieces = _pieces(batch) if len(batch) else None
    if pieces is None or not (told := pieces.keys != 0).any():
        return Documents(empty, empty, np.zeros(1, np.int64))
    rows, at = np.unique(pieces.rows[told], return_index=True)
    counts, keys = pieces.counts[told], pieces.keys[told]
    into = np.cumsum(counts) - counts
    words = pieces.words[np.arange(int(counts.sum())) + np.repeat(pieces.starts[told] - into, counts)]
    starts = np.append(into[at], len(words))
    found = shingles_of(words, starts, size)
    place = np.arange(len(keys)) - np.repeat(at, np.diff(np.append(at, len(keys))))
    whole = mix64(np.add.reduceat(mix64(keys + place.astype(np.uint64)), at))
    short = np.flatnonzero(np.diff(starts) < size)
    hashes = np.insert(found.hashes, found.starts[short], whole[short])
    sizes = np.maximum(np.diff(found.starts), 1)
    ids = batch.rows[rows].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
    return Documents(ids, hashes, np.concatenate([[0], np.cumsum(sizes)]))
