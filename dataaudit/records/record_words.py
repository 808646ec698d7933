"""The words of a batch, record by record: in memory, or for long texts in a file.

A text of one-letter words has four bytes of hashes for each of its own, so those of a text of a gigabyte are not for
the memory. They are written to the work directory as they are made, and read again a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Protocol, overload

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.normalise import flat_bytes, from_flat
from dataaudit.records.types import TEXT_ROLES, Batch
from dataaudit.records.word_windows import WINDOW, windows
from dataaudit.records.words import I64, U64, words_of

LONG_BYTES = 32 << 20
"""Bytes of text of a batch from which on its words are kept in a file. Other batches hold a few megabytes."""
BLOCK = 1 << 16
"""Words read together to look up single ones."""


class Scratch(Protocol):
    """The work directory."""

    def new_file(self, stem: str, /) -> Path:
        """A path no other file of the run has."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Around writing a file: says in one line what goes wrong, a full disk for example."""
        ...


class StoredWords:
    """Word hashes in a file; read like an array, by slices or by arrays of places. The file goes with this object."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file = file
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, key: slice) -> U64: ...
    @overload
    def __getitem__(self, key: npt.NDArray[np.integer]) -> U64: ...
    def __getitem__(self, key: slice | npt.NDArray[np.integer]) -> U64:
        if isinstance(key, slice):
            first, last, step = key.indices(self._count)
            assert step == 1
            return self._read(first, max(0, last - first))
        places = key.reshape(-1)
        out = np.empty(len(places), np.uint64)
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        block = ordered // BLOCK
        for part in np.split(np.arange(len(order)), np.flatnonzero(np.diff(block)) + 1) if len(order) else ():
            first = int(block[part[0]]) * BLOCK
            out[order[part]] = self._read(first, min(BLOCK, self._count - first))[ordered[part] - first]
        return out.reshape(key.shape)

    def _read(self, first: int, count: int) -> U64:
        self._file.seek(first * 8)
        return np.fromfile(self._file, np.uint64, count)


class RecordWords(msgspec.Struct, frozen=True):
    """The words of the strings of a batch that are text, those of a record next to each other, in order."""

    words: U64 | StoredWords
    starts: I64
    """(n + 1,): the words of string i are `words[starts[i]:starts[i + 1]]`."""
    records: I64
    """(n,), ascending: the record each string is in."""
    roles: I64
    """Of each string its role, as an index into `TEXT_ROLES`."""
    at: I64
    """Of each string its place among those of its role."""


def record_words(batch: Batch, work: Scratch) -> RecordWords | None:
    """The words of a batch; None where it has no text. Where they are many they go to `work`."""
    mine = [(code, batch.roles[role]) for code, role in enumerate(TEXT_ROLES) if role in batch.roles]
    mine = [(code, one) for code, one in mine if len(one)]
    if not mine:
        return None
    records, ordinals = (
        np.concatenate([getattr(one, name) for _, one in mine]) for name in ("rows", "ordinals")
    )
    roles = np.concatenate([np.full(len(one), code) for code, one in mine])
    at = np.concatenate([np.arange(len(one)) for _, one in mine])
    order = np.lexsort((ordinals, records))
    arrays = [one.values for _, one in mine]
    if sum(int(one.nbytes) for one in arrays) < LONG_BYTES:
        values = arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)
        made = words_of(values, order=order)
        return RecordWords(made.hashes, made.starts, records[order], roles[order], at[order])
    return RecordWords(*_stored(arrays, order, work), records[order], roles[order], at[order])


def _stored(arrays: list[pa.LargeStringArray], order: I64, work: Scratch) -> tuple[StoredWords, I64]:
    path = work.new_file("words")
    counts = np.zeros(len(order), np.int64)
    with work.writing():
        file = path.open("w+b")
        with suppress(OSError):  # where an open file cannot be removed it goes with the work directory
            path.unlink()
        for string, piece in _pieces(arrays, order):
            made = words_of(piece)
            counts[string : string + len(piece)] += np.diff(made.starts)
            if len(made.hashes):
                # `tofile` may lose the end of what a full disk does not take
                file.write(made.hashes.data.cast("B"))
        file.flush()
    starts = np.concatenate([[0], np.cumsum(counts)])
    return StoredWords(file, int(starts[-1])), starts


def _pieces(arrays: list[pa.LargeStringArray], order: I64) -> Iterator[tuple[int, pa.LargeStringArray]]:
    """Strings in this order, some at a time or a part of a long one: the place of the first, and their texts."""
    flat = [flat_bytes(one) for one in arrays]
    firsts = np.concatenate([[0], np.cumsum([len(one) for one in arrays])])
    which = np.searchsorted(firsts, order, "right") - 1
    held: list[npt.NDArray[np.uint8]] = []
    size = 0
    for place, (array, string) in enumerate(zip(which.tolist(), order.tolist(), strict=True)):
        data, offsets = flat[array]
        one = string - int(firsts[array])
        text = data[offsets[one] : offsets[one + 1]]
        if held and size + len(text) > WINDOW:
            yield place - len(held), _array(held)
            held, size = [], 0
        if len(text) > WINDOW:
            for piece in windows(text, WINDOW):
                yield place, _array([piece])
            continue
        held.append(text)
        size += len(text)
    if held:
        yield len(order) - len(held), _array(held)


def _array(texts: list[npt.NDArray[np.uint8]]) -> pa.LargeStringArray:
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in texts])]).astype(np.int64)
    return from_flat(texts[0] if len(texts) == 1 else np.concatenate(texts), offsets)
