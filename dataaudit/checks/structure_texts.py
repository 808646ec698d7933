"""What structure asks of every string of a batch: is it blank, how long is it, where is its first odd character?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.records.compiling import compiled
from dataaudit.records.normalise import flat_bytes, strings_with
from dataaudit.records.types import Batch

I64 = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
SHARED = "structure-texts"
"""Name of what the tests of a batch share, by role."""


class Texts(NamedTuple):
    """Of each string of a role."""

    shown: npt.NDArray[np.bool_]
    """Is it more than white space?"""
    characters: I64
    control: I64
    """Byte of the first C0 (but tab, line feed, carriage return), DEL or C1 character; -1 where there is none."""
    replacement: I64
    """Byte of the first U+FFFD, or -1."""


def texts_of(batch: Batch, role: str) -> Texts:
    """The strings of a role, looked at once per batch."""
    known: dict[str, Texts] = batch.shared.setdefault(SHARED, {})
    if role not in known:
        known[role] = looked_at(batch.roles[role].values)
    return known[role]


def looked_at(values: pa.LargeStringArray) -> Texts:
    """What there is to say of strings."""
    from dataaudit.records.text_kernel import PIECE, look

    data, offsets = flat_bytes(values)
    if compiled(len(data) >> 4, look):
        shown, places = np.empty(len(values), np.bool_), np.empty((len(values), 3), np.int64)
        look(data, offsets, np.empty(-(-len(data) // PIECE), np.uint8), shown, places)
        characters, control, replacement = places.T
    else:
        shown, characters = (
            np.zeros(len(values), np.bool_),
            pc.utf8_length(values).to_numpy().astype(np.int64),
        )
        control, replacement = (_first(find, data, offsets) for find in (_control, _replacement))
    doubtful = np.flatnonzero(~shown)
    if len(doubtful):
        trimmed = pc.utf8_trim_whitespace(values.take(pa.array(doubtful)))
        shown[doubtful] = pc.not_equal(pc.binary_length(trimmed), 0).to_numpy(zero_copy_only=False)
    return Texts(shown, characters, control, replacement)


Find = Callable[[Bytes, int], I64]
"""Places in a window (of so many bytes) of the data, which may go on by two bytes."""

WINDOW = 1 << 18
"""Bytes looked at together: what stays in the processor's cache, and little beside a long text."""


def _replacement(data: Bytes, size: int) -> I64:
    lead = np.flatnonzero(data[: min(size, max(len(data) - 2, 0))] == 0xEF)
    followed = (data[lead + 1] == 0xBF) & (data[lead + 2] == 0xBD)
    return np.asarray(lead[followed], np.int64)


def _control(data: Bytes, size: int) -> I64:
    own = data[:size]
    low = np.flatnonzero(own < 0x20)
    low = low[~_USUAL[own[low]]]
    lead = np.flatnonzero(data[: min(size, max(len(data) - 1, 0))] == 0xC2)
    high = lead[(data[lead + 1] >= 0x80) & (data[lead + 1] <= 0x9F)]
    return np.sort(np.concatenate((low, np.flatnonzero(own == 0x7F), high)))


_USUAL = np.isin(np.arange(256), (9, 10, 13))


def _first(find: Find, data: Bytes, offsets: I64) -> I64:
    """Per string the first place that is found in it, or -1."""
    found = [at + find(data[at : at + WINDOW + 2], WINDOW) for at in range(0, len(data), WINDOW)]
    positions = np.concatenate([np.empty(0, np.int64), *found])
    first = np.full(len(offsets) - 1, -1, np.int64)
    holding = strings_with(positions, offsets)
    first[holding] = positions[np.searchsorted(positions, offsets[holding])] - offsets[holding]
    return first
