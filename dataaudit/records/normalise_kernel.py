"""The compiled form of `normalise`: one pass over the bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.ascii_kernel import Bytes, lower
from dataaudit.records.compiled import Kernel
from dataaudit.records.forms import BLOCK_BITS, HARD, UNKNOWN, fill, forms
from dataaudit.records.kernels import decode
from dataaudit.records.normalise import flat_bytes, from_flat
from dataaudit.records.words import I64

BLOCK = 64
"""Bytes that are written together."""

_SPACE = 32
_UNKNOWN, _HARD, _BITS = UNKNOWN, HARD, BLOCK_BITS


def _plain() -> Bytes:
    made = np.arange(128, dtype=np.uint8)
    made[ord("A") : ord("Z") + 1] += 32
    made[9:14] = _SPACE
    return made


PLAIN = _plain()
"""What each ASCII byte becomes."""


class _Made(NamedTuple):
    plain: Bytes
    """Not made, but needed: `PLAIN`."""
    data: Bytes
    offsets: I64
    """(n + 1,)."""
    hard: npt.NDArray[np.bool_]
    """(n,)."""


@Kernel
def _encode(point: int, out: Bytes, at: int) -> int:
    """Write a code point in UTF-8; returns the byte after it."""
    if point < 0x80:  # the Kelvin sign is folded to a plain k
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | point >> 6
    else:
        if point < 0x10000:
            out[at] = 0xE0 | point >> 12
        else:
            out[at] = 0xF0 | point >> 18
            at += 1
            out[at] = 0x80 | point >> 12 & 0x3F
        at += 1
        out[at] = 0x80 | point >> 6 & 0x3F
    out[at + 1] = 0x80 | point & 0x3F
    return at + 2


@Kernel
def _is_space(byte: Any) -> Any:
    return (byte == np.uint8(_SPACE)) | (np.uint8(byte - np.uint8(9)) < np.uint8(5))


@Kernel
def _block(data: Bytes, here: int, out: Bytes, at: int) -> Any:
    """Write a block of bytes, folded. Returns how many of them are right: up to a second space in a row, or what is not
    ASCII. The byte before must be there, and if that is a space, the first one may be none."""
    # Without a branch and all in bytes, so that the compiler makes it a few steps over vectors.
    source, target = np.uint64(here), np.uint64(at)
    good = np.uint8(BLOCK)
    for i in range(BLOCK):
        k = np.uint64(i)
        byte = data[source + k]
        space = _is_space(byte)
        out[target + k] = np.uint8(_SPACE) if space else lower(byte)
        odd = (byte >= np.uint8(0x80)) | (space & _is_space(data[source + k - np.uint64(1)]))
        good = min(good, np.uint8(i) if odd else np.uint8(BLOCK))
    return np.int64(good)


@Kernel
def _one(data: Bytes, begin: int, end: int, form_of: npt.NDArray[np.int32], made: _Made, at: Any) -> Any:
    """Write one string from `at` on. Returns the byte after it, or `HARD`, or -2 - a code point of unknown form."""
    plain, out = made.plain, made.data
    start, here = at, begin
    spaced = np.int64(1)  # nothing yet, or a space last: another one would not be written
    most = len(data) - BLOCK
    while here < end:
        byte = data[here]
        if byte >= 0x80:
            point, here = decode(data, here)
            form: Any = np.int64(form_of[point])
            if form == _UNKNOWN:
                return -2 - point
            if form == _HARD:
                return form
            if form != _SPACE:
                at = _encode(form, out, at)
                spaced = np.int64(0)
            elif spaced == 0:
                out[at] = _SPACE
                at += 1
                spaced = np.int64(1)
        elif spaced == 1 and plain[byte] == _SPACE:
            here += 1
        elif 0 < here <= most:
            good = min(_block(data, here, out, at), end - here)
            here += good
            at += good
            spaced = np.int64(out[at - 1] == _SPACE)
        else:
            out[at] = plain[byte]
            spaced = np.int64(out[at] == _SPACE)
            here += 1
            at += 1
    return at - spaced if at > start else at


@Kernel
def write_all(data: Bytes, offsets: I64, form_of: npt.NDArray[np.int32], made: _Made, first: int) -> Any:
    """Write all strings from `first` on; a hard one is empty and marked.

    Returns the string to go on with and a code point whose form it needs; that is 0 when all are done.
    """
    at = made.offsets[first]
    for i in range(first, len(offsets) - 1):
        end = np.int64(_one(data, offsets[i], offsets[i + 1], form_of, made, at))
        if end < _HARD:
            return i, -2 - end
        if end == _HARD:
            made.hard[i] = True
        else:
            at = end
        made.offsets[i + 1] = at
    return len(offsets) - 1, 0


def normalised(values: pa.LargeStringArray) -> tuple[pa.LargeStringArray, I64]:
    """The normalised forms of strings, of hard ones empty strings instead, and which those are.

    Hard is a string with a code point whose form is `HARD`.
    """
    data, offsets = flat_bytes(values)
    made = _Made(
        PLAIN, np.empty_like(data), np.zeros(len(offsets), np.int64), np.zeros(len(values), np.bool_)
    )
    first, point = 0, -1
    while point:
        first, point = write_all(data, offsets, forms, made, first)
        if point:
            fill(point >> BLOCK_BITS)
    return from_flat(made.data[: made.offsets[-1]], made.offsets), np.flatnonzero(made.hard)
