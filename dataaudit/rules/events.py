"""The bytes of an array of strings, and what match events say about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]

MAX_BLOCK_BYTES = 1 << 30
"""Bytes of one scan; Hyperscan takes lengths of 32 bits, and match offsets must stay inside them."""
WINDOW = 1 << 16
"""Bytes of a long string looked at together."""


class Text(NamedTuple):
    """The bytes of an Arrow array of strings: `offsets[i]:offsets[i + 1]` of `data` is string `i`."""

    data: pa.Buffer
    offsets: Ints

    def decode(self, i: int) -> str:
        """String `i`."""
        return str(memoryview(self.data)[self.offsets[i] : self.offsets[i + 1]], "utf-8")


class Spots(NamedTuple):
    """Where pieces of patterns are."""

    strings: Ints
    kinds: Ints
    """What was found, by its place among the kinds of the matcher."""
    ends: Ints
    """Byte behind the end, from the start of the data."""


NOWHERE = Spots(*np.empty((3, 0), np.int64))


class FloodError(Exception):
    """A scan was stopped since it reported more events than allowed. `ids` say of what those were."""

    def __init__(self, ids: Ints) -> None:
        super().__init__("too many match events")
        self.ids = ids


def places(text: Text, string: int, ends: Sequence[int]) -> list[int]:
    """How many code points of a string begin before each of these bytes (of the whole data, ascending)."""
    begin, stop = int(text.offsets[string]), int(text.offsets[string + 1])
    if len(ends) * (stop - begin) <= WINDOW:
        view = memoryview(text.data)
        return [len(str(view[begin:end], "utf-8", "replace")) for end in ends]
    data = np.frombuffer(text.data, np.uint8, stop - begin, begin)
    found: list[int] = []
    at = count = 0
    for end in ends:
        for start in range(at, end - begin, WINDOW):
            piece = data[start : min(start + WINDOW, end - begin)]
            count += int(np.count_nonzero((piece & 0xC0) != 0x80))
        at = end - begin
        found.append(count)
    return found


class Events(NamedTuple):
    """What points to strings: one entry per match event, or per string and rule that is to be matched anyway."""

    strings: Ints
    patterns: Ints
    """Place of the pattern in the matcher; of the first one of the rule where all of it is to be matched."""
    ends: Ints
    """Byte behind the end of the event, from the start of the data; -1: the rule is to be matched anyway."""
    kinds: Ints
    """What it is of, by its place among the kinds of the matcher; -1 likewise."""

    def at(self, which: npt.NDArray[np.integer | np.bool_]) -> Events:
        """Some of them."""
        return Events(*(column[which] for column in self))


def starts_of(keys: Ints) -> Ints:
    """Where runs of equal keys begin, and the number of keys."""
    inner = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    return np.concatenate([[0], inner, [len(keys)]]).astype(np.int64)


def text_of(values: pa.LargeStringArray) -> Text:
    """The bytes of an array. Raises ValueError where it holds nulls."""
    if not pa.types.is_large_string(values.type):
        values = values.cast(pa.large_string())
    if values.null_count:
        raise ValueError("strings to match must not be null")
    _, raw, data = values.buffers()
    offsets = np.frombuffer(raw, np.int64, len(values) + 1, values.offset * 8)
    return Text(data if data is not None else pa.py_buffer(b""), offsets)


def blocks(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of strings of at most `MAX_BLOCK_BYTES` each; a longer string is a range of its own."""
    first, n = 0, len(offsets) - 1
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + MAX_BLOCK_BYTES, side="right")) - 1
        last = min(n, max(last, first + 1))
        yield first, last
        first = last
