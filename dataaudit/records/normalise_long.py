"""Long texts normalised a window at a time: the same bytes as `normalise_text` gives, in little memory.

Windows are cut where nothing on one side bears on the other: before an ASCII space, or between two code points that
normalising leaves alone and that do not compose with a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from dataaudit.records.compiling import compiled
from dataaudit.records.forms import hard_codes
from dataaudit.records.hashing import Keys, digest_lanes, string_keys
from dataaudit.records.normalise import flat_bytes, normalise, normalise_text

LONG = 8 << 20
"""Bytes of a text from which on it is normalised in windows."""
WINDOW = 1 << 20
"""Bytes of a window; more only where a text has no place to cut."""
_SEARCH = 4096
"""Bytes at the end of a window in which a place to cut is looked for first."""

Bytes = npt.NDArray[np.uint8]


def normalised_keys(values: pa.LargeStringArray) -> Keys:
    """`string_keys` of the normalised forms; those of long strings are never held."""
    data, offsets = flat_bytes(values)
    lengths = np.diff(offsets)
    long = lengths >= LONG
    if not long.any():
        return _short_keys(values)
    hi, lo = np.zeros(len(values), np.uint64), np.zeros(len(values), np.uint64)
    short = np.flatnonzero(~long)
    hi[short], lo[short] = _short_keys(values.take(pa.array(short)))
    for i in np.flatnonzero(long).tolist():
        state = xxhash.xxh3_128()
        for piece in normalised_pieces(data[offsets[i] : offsets[i + 1]]):
            state.update(piece)
        hi[i], lo[i] = digest_lanes(state.intdigest())
    return Keys(hi, lo)


def _short_keys(values: pa.LargeStringArray) -> Keys:
    from dataaudit.records.normalise_kernel import normalised, write_all

    if not compiled(
        len(flat_bytes(values)[0]) >> 4, write_all
    ):  # numpy is not so much slower here as elsewhere
        return string_keys(normalise(values))
    easy, hard = normalised(values)
    keys = string_keys(easy)
    if len(hard) == 0:
        return keys
    texts = values.take(pa.array(hard)).to_pylist()
    own = string_keys(pa.array([normalise_text(text) for text in texts], pa.large_string()))
    hi, lo = keys.hi.copy(), keys.lo.copy()
    hi[hard], lo[hard] = own
    return Keys(hi, lo)


def normalised_pieces(data: Bytes, window: int = WINDOW) -> Iterator[bytes]:
    """The normalised form of one text, given as UTF-8, piece by piece."""
    at, first, apart = 0, True, False
    while at < len(data):
        end, spaced = _cut(data, at, window)
        piece = normalise_text(data[at:end].tobytes().decode("utf-8"))
        if piece:
            yield (b" " if apart and not first else b"") + piece.encode("utf-8")
            first, apart = False, False
        at, apart = end, apart or spaced


def _cut(data: Bytes, at: int, window: int) -> tuple[int, bool]:
    """Where a window that begins at `at` ends, and whether what follows is set apart from it by white space."""
    stop = at + window
    while stop < len(data):
        last, reach = stop, min(_SEARCH, window)
        while last > at:
            first = _start(data, max(at, last - reach))
            found = _last_place(data, first, _start(data, last))
            if found is not None and found[0] > at:
                return found
            last, reach = first, reach * 2
        stop += stop - at
    return len(data), False


def _start(data: Bytes, at: int) -> int:
    """The first byte, going back from `at`, at which a code point begins."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _last_place(data: Bytes, first: int, last: int) -> tuple[int, bool] | None:
    """The last place to cut between two bytes at which code points begin."""
    codes = np.frombuffer(data[first:last].tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
    if len(codes) == 0:
        return None
    easy = ~hard_codes(codes)
    # An ASCII space is easy to normalise, but what is left of runs of them depends on both sides.
    space = np.isin(codes, np.frombuffer(b"\t\n\x0b\x0c\r ", np.uint8))
    other = space | ((codes >= 0x1C) & (codes <= 0x1F))
    fits = np.zeros(len(codes), np.bool_)
    fits[1:] = (easy & ~other)[1:] & (easy & ~other)[:-1]
    places = np.flatnonzero(fits | space)
    if len(places) == 0:
        return None
    place = int(places[-1])
    begins = np.flatnonzero((data[first:last] & 0xC0) != 0x80)
    return first + int(begins[place]), bool(space[place])
