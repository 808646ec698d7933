"""Text as the search for grams sees it: one unit for characters that a rule would rarely tell apart.

Each character becomes one unit of a byte, or the bytes of its UTF-8: case, digits and the forms of quotation marks are
laid together, white space is one blank, and a run of blanks is one. What two strings have in common they have in common
folded, so a search for folded pieces misses nothing; it may only find too much.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_uppercase, digits

import numpy as np
import numpy.typing as npt

from dataaudit.rules.tree import SPACES

BLANK = 32

_ASCII_BLANKS = (*range(9, 14), *range(28, 33))
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
# What `regex` takes for equal to an ASCII letter when case is ignored: dotted and dotless i, the Kelvin sign, long s.
_LETTERS = {0x130: "i", 0x131: "i", 0x212A: "k", 0x17F: "s"}
_OTHER = {code: ord(unit) for code, unit in (_QUOTES | _LETTERS).items()} | dict.fromkeys(SPACES, BLANK)


def _unit(byte: int) -> int:
    if byte in _ASCII_BLANKS:
        return BLANK
    char = chr(byte)
    if char in ascii_uppercase:
        return ord(char.lower())
    if char in digits:
        return ord("0")
    return byte


_PLAIN = [_unit(byte) for byte in range(256)]

UNITS: npt.NDArray[np.uint8] = np.asarray(_PLAIN, np.uint8)
"""(256,): the unit of a byte."""
LEADS: npt.NDArray[np.uint8] = np.zeros(256, np.uint8)
"""(256,): 1 where a byte begins a character that may have a unit of its own, by `WIDE`."""
LEADS[[chr(code).encode()[0] for code in _OTHER]] = 1
WIDE: npt.NDArray[np.uint8] = np.zeros(max(_OTHER) + 1, np.uint8)
"""The unit of a character that is not ASCII, by code point; 0, and from its end on: its bytes as they are."""
WIDE[list(_OTHER)] = list(_OTHER.values())


def units(code: int) -> bytes:
    """A character, folded."""
    if code in _OTHER:
        return bytes((_OTHER[code],))
    return bytes(_PLAIN[byte] for byte in chr(code).encode("utf-8", "surrogatepass"))


def joined(parts: Iterable[bytes]) -> bytes:
    """Folded pieces, one after the other."""
    whole = b""
    for part in parts:
        whole += part[1:] if whole.endswith(b" ") and part.startswith(b" ") else part
    return whole
