"""What structure asks of every string, found in one compiled pass over the bytes of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel

I64 = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

PIECE = 256
"""Bytes looked at together."""
_NO, _YES, _TWO = (np.uint8(one) for one in (0, 1, 2))
_TAB, _AFTER_LINE, _AFTER_RETURN, _OTHERS = (np.uint8(one) for one in (9, 11, 14, 18))
"""Control characters are those below tab, two after line feed, and so many after carriage return."""
_FIRST, _PRINTED = np.uint8(33), np.uint8(94)
"""The first of the printed characters of ASCII, and how many there are."""
_DELETE, _C2, _EF = (np.uint8(one) for one in (0x7F, 0xC2, 0xEF))
"""What begins DEL, the C1 control characters and U+FFFD; the latter two begin others too."""


@Kernel
def first_places(data: Bytes) -> Any:
    """The first control character, and the first U+FFFD, of one string; -1 where there is none."""
    control = np.int64(-1)
    replacement = np.int64(-1)
    for i in range(len(data)):
        byte = data[i]
        if byte < 0x20 or byte == 0x7F:
            found = byte not in (9, 10, 13)
        else:
            found = byte == 0xC2 and data[i + 1] < 0xA0
        if found and control < 0:
            control = np.int64(i)
        if replacement < 0 and byte == 0xEF and data[i + 1] == 0xBF and data[i + 2] == 0xBD:
            replacement = np.int64(i)
    return control, replacement


@Kernel
def _kinds(data: Bytes) -> Any:
    """Is any byte not ASCII (1)? May any be of a control character or of U+FFFD (2)?"""
    high = np.uint8(0)
    odd = np.uint8(0)
    # Numbers of eight bits, and no way out of it, so that the compiler makes it one over vectors.
    for byte in data:
        high = np.uint8(high | byte)
        below = _YES if byte < _TAB else _NO
        between = _YES if np.uint8(byte - _AFTER_LINE) < _TWO else _NO
        above = _YES if np.uint8(byte - _AFTER_RETURN) < _OTHERS else _NO
        delete = _YES if byte == _DELETE else _NO
        lead = _YES if byte == _C2 else _NO
        other = _YES if byte == _EF else _NO
        control = np.uint8(np.uint8(below | between) | np.uint8(above | delete))
        odd = np.uint8(odd | control | np.uint8(lead | other))
    return np.uint8(high >> np.uint8(7) | odd << np.uint8(1))


@Kernel
def look(data: Bytes, offsets: I64, kinds: Bytes, shown: npt.NDArray[np.bool_], places: I64) -> None:
    """Of each string: does it surely show anything, its characters, and its first places.

    Surely means a printed character of ASCII. `places` are (n, 3): characters, then as `first_places` says. `kinds`
    has one entry for each piece of `PIECE` bytes, written over: most strings are told by those of their pieces.
    """
    for k in range(len(kinds)):
        kinds[k] = _kinds(data[k * PIECE : min((k + 1) * PIECE, len(data))])
    for i in range(len(offsets) - 1):
        at, end = offsets[i], offsets[i + 1]
        some = False
        for byte in data[at:end]:
            if np.uint8(byte - _FIRST) < _PRINTED:
                some = True
                break
        shown[i] = some
        kind = np.uint8(0)
        for k in range(at // PIECE, (end + PIECE - 1) // PIECE):
            kind |= kinds[k]
        count = end - at
        if kind & 1:
            for byte in data[at:end]:
                count -= (byte & 0xC0) == 0x80
        places[i, 0] = count
        places[i, 1] = -1
        places[i, 2] = -1
        if kind & 2:
            places[i, 1], places[i, 2] = first_places(data[at:end])
