"""Where a text can be cut so that the words of its parts are its words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dataaudit.records.characters import BLOCK_BITS, BREAK, SINGLE, characters

WINDOW = 4 << 20
"""Bytes of a window; more only where one word is longer."""
_SEARCH = 4096
"""Bytes at the end of a window in which a place to cut is looked for first."""
_MOST = 1 << 18
"""Bytes searched together: a place to cut takes arrays of some twenty bytes for each."""

Bytes = npt.NDArray[np.uint8]


def windows(data: Bytes, size: int | None = None) -> Iterator[Bytes]:
    """A text, given as UTF-8, in parts of about `size` bytes: the words of these, end to end, are its words.

    A part ends after a character that parts words, or before one that is a word by itself.
    """
    at, size = 0, size or WINDOW
    while at < len(data):
        end = _cut(data, at, size)
        yield data[at:end]
        at = end


def _cut(data: Bytes, at: int, size: int) -> int:
    stop = at + size
    while stop < len(data):
        last, reach = _start(data, stop), min(_SEARCH, size)
        while last > at:
            first = _start(data, max(at, last - reach))
            found = _last_place(data, first, last)
            if found > at:
                return found
            last, reach = first, min(reach * 2, _MOST)
        stop += stop - at
    return len(data)


def _start(data: Bytes, at: int) -> int:
    """The first byte, going back from `at`, at which a code point begins."""
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _last_place(data: Bytes, first: int, last: int) -> int:
    """The last place to cut between two bytes at which code points begin, or -1."""
    codes = np.frombuffer(data[first:last].tobytes().decode("utf-8").encode("utf-32-le"), np.int32)
    kind = characters(np.unique(codes >> BLOCK_BITS).tolist()).kind[codes]
    begins = np.append(np.flatnonzero((data[first:last] & 0xC0) != 0x80), last - first)
    places = np.concatenate([begins[1:][kind == BREAK][-1:], begins[:-1][kind == SINGLE][-1:]])
    return first + int(places.max()) if len(places) else -1
