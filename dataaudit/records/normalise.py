"""Normalised text for comparing: NFC(casefold(NFC(text))), White_Space runs to one space, stripped.

White_Space is the Unicode property (PropList.txt). Strings whose only changes are ASCII ones (letters, spaces) take a
path over the whole batch in numpy, accents, quotes, emoji and ideographs included; the others go one by one.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.forms import RUNS, hard_codes

_SEPARATORS = re.compile("[\x1c-\x1f]")  # str.split() takes these for spaces, the property does not


WINDOW = 1 << 18
"""Bytes folded together: what stays in the processor's cache, and little beside a long text."""

_SPACE = np.uint8(32)
_ASCII_SPACES = b"\t\n\x0b\x0c\r "


def normalise_text(text: str) -> str:
    """The normalised form of one string."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    if _SEPARATORS.search(folded):
        return RUNS.sub(" ", folded).strip(" ")
    return " ".join(folded.split())


def flat_bytes(values: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """The bytes of all strings end to end, and the offsets of each ((n + 1,), starting at 0). No copy of the text."""
    n = len(values)
    if n == 0:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    buffers = values.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[values.offset : values.offset + n + 1]
    if buffers[2] is None:
        return np.empty(0, np.uint8), np.zeros(n + 1, np.int64)
    data = np.frombuffer(buffers[2], np.uint8)[int(offsets[0]) : int(offsets[-1])]
    return data, offsets - offsets[0]


def from_flat(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> pa.LargeStringArray:
    """Inverse of `flat_bytes`."""
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))


def strings_with(positions: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The strings (ascending, unique) that hold the given byte positions."""
    return np.unique(np.searchsorted(offsets, positions, side="right") - 1)


def _normalise_ascii(
    data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    # A space is dropped where it opens a string, follows a space, or opens the run that ends a string.
    starts = offsets[:-1][np.diff(offsets) > 0]
    edges = np.union1d(starts, _last_runs(data, offsets))
    out = np.empty_like(data)
    gone = np.zeros(len(offsets), np.int64)
    length, spaced = 0, False
    for at in range(0, len(data), WINDOW):
        folded, space = _fold(data[at : at + WINDOW])
        drop = np.empty_like(space)
        drop[1:] = space[:-1]
        drop[0] = spaced
        first, last = np.searchsorted(edges, (at, at + WINDOW))
        drop[edges[first:last] - at] = True
        drop &= space
        spaced = bool(space[-1])
        places = np.flatnonzero(drop)
        if len(places):
            folded = folded[~drop]
            first, last = np.searchsorted(offsets, (at, at + WINDOW), side="right")
            gone[first:last] += np.searchsorted(places, offsets[first:last] - at)
            gone[last:] += len(places)
        out[length : length + len(folded)] = folded
        length += len(folded)
    return out[:length], offsets - gone


def _fold(data: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """The bytes with ASCII letters in lower case and ASCII white space as spaces; which of them are spaces."""
    capital = (data - np.uint8(ord("A"))) < 26
    folded = data | (capital.view(np.uint8) << np.uint8(5))
    other = (data - np.uint8(9)) < 5
    space = data == _SPACE
    if other.any():
        space |= other
        folded[other] = _SPACE
    return folded, space


def _last_runs(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where the run of spaces starts that ends a string, of those that end with one."""
    full = np.flatnonzero(np.diff(offsets) > 0)
    last = data[offsets[full + 1] - 1]
    ending = full[(last == _SPACE) | ((last - np.uint8(9)) < 5)]
    found = []
    for start, end in zip(offsets[ending].tolist(), offsets[ending + 1].tolist(), strict=True):
        found.append(start + len(data[start:end].tobytes().rstrip(_ASCII_SPACES)))
    return np.asarray(found, np.int64)


def _hard_strings(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The strings that hold a hard code point (ASCII ones are none)."""
    found = []
    at = 0
    while at < len(data):
        end = min(at + WINDOW, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end += 1
        piece = data[at:end]
        codes = np.frombuffer(piece.tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
        hard = np.flatnonzero(hard_codes(codes))
        if len(hard):
            found.append(strings_with(at + np.flatnonzero((piece & 0xC0) != 0x80)[hard], offsets))
        at = end
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)


def _high(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return np.flatnonzero(data >= 128)


def normalise(values: pa.LargeStringArray) -> pa.LargeStringArray:
    """The normalised form of every string of an array without nulls."""
    data, offsets = flat_bytes(values)
    if len(data) == 0:
        return values
    high = [at + found for at in range(0, len(data), WINDOW) if len(found := _high(data[at : at + WINDOW]))]
    other = strings_with(np.concatenate(high), offsets) if high else np.empty(0, np.int64)
    if len(other):
        other = other[_hard_strings(*flat_bytes(values.take(pa.array(other))))]
    if len(other) == 0:
        return from_flat(*_normalise_ascii(data, offsets))
    texts = values.take(pa.array(other)).to_pylist()
    hard = pa.array([normalise_text(text) for text in texts], pa.large_string())
    mask = np.ones(len(values), np.bool_)
    mask[other] = False
    easy = from_flat(*_normalise_ascii(*flat_bytes(values.filter(pa.array(mask)))))
    place = np.empty(len(values), np.int64)
    place[mask] = np.arange(len(easy))
    place[other] = len(easy) + np.arange(len(hard))
    return pa.concat_arrays([easy, hard]).take(pa.array(place))
