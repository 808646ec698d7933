"""Brackets and quotes of JSON text, found in large blocks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

_QUOTE, _BACKSLASH, _FEED = 0x22, 0x5C, 0x0A
_CASE = 0x20
_OPEN, _CLOSE = 0x7B, 0x7D
"""The square brackets differ from the curly ones in one bit, `_CASE`."""

_LOOK_BACK = 8
"""Backslashes before a quote that are counted for all quotes at once."""


class Brackets:
    """Finds brackets outside strings. Holds the state between blocks: depth, inside a string, after a backslash."""

    def __init__(self) -> None:
        self.depth = 0
        self.in_string = False
        self.quotes = 0
        """Quotes of the last block that open or close a string."""
        self._escape = False

    def feed(self, data: bytes) -> tuple[Places, npt.NDArray[np.bool_], Places]:
        """Places of the brackets in the next block, whether each opens, and the depth after each."""
        array = np.frombuffer(data, np.uint8)
        quotes = self._real(data, array, np.flatnonzero(array == _QUOTE))
        self.quotes = len(quotes)
        folded = array | _CASE
        places = np.flatnonzero((folded == _OPEN) | (folded == _CLOSE))
        if len(quotes) or self.in_string:
            before = np.searchsorted(quotes, places)
            places = places[(before & 1) == self.in_string]
            self.in_string ^= bool(len(quotes) & 1)
        opens = folded[places] == _OPEN
        depths = self.depth + np.cumsum(np.where(opens, 1, -1))
        if len(depths):
            self.depth = int(depths[-1])
        return places, opens, depths

    def _real(self, data: bytes, array: npt.NDArray[np.uint8], quotes: Places) -> Places:
        """The quotes that open or close a string: those with an even number of backslashes before them."""
        escape, self._escape = self._escape, _ends_in_escape(data, self._escape)
        if len(quotes) == 0 or (not escape and b"\\" not in data):
            return quotes
        # Index -1 wraps to the last byte; what is true of the first quote of a block by that is put right below.
        after = np.flatnonzero(array[quotes - 1] == _BACKSLASH)
        if escape and quotes[0] == 0 and not (len(after) and after[0] == 0):
            after = np.concatenate(([0], after))
        if len(after) == 0:
            return quotes
        places = quotes[after]
        runs = np.zeros(len(after), np.int64)
        left = np.arange(len(after))
        for back in range(1, _LOOK_BACK + 1):
            at = places[left] - back
            left = left[(at >= 0) & (array[at] == _BACKSLASH)]
            if len(left) == 0:
                break
            runs[left] = back
        for i in left.tolist():
            runs[i] = _run_before(data, int(places[i]))
        if escape:
            runs[runs == places] += 1  # the run goes back into the block before
        real = np.ones(len(quotes), np.bool_)
        real[after[(runs & 1) == 1]] = False
        return quotes[real]


def _run_before(data: bytes, at: int) -> int:
    """Backslashes right before a place."""
    width = 64
    while True:
        piece = data[max(at - width, 0) : at]
        run = len(piece) - len(piece.rstrip(b"\\"))
        if run < len(piece) or width >= at:
            return run
        width *= 8


def _ends_in_escape(data: bytes, before: bool) -> bool:
    if not data.endswith(b"\\"):
        return before and not data
    run = _run_before(data, len(data))
    return bool((run + (before and run == len(data))) & 1)


def line_feeds(data: bytes) -> Places:
    """Places of the line feeds."""
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _FEED)
