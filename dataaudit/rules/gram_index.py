"""Grams of many patterns, looked for together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dataaudit.rules import fold, gram_kernel
from dataaudit.rules.events import FloodError, Spots, Text
from dataaudit.rules.fold_kernel import SLACK, Folding, Room
from dataaudit.rules.gram_kernel import Found, Table
from dataaudit.rules.gram_table import Grams, Sought
from dataaudit.rules.reach import WORDY
from dataaudit.rules.spread import Spread

MAX_WITHIN = 64
"""Characters from the start of a match beyond which a gram is looked for everywhere."""
ROOM = 1 << 13
"""Units of text that are folded, and looked at, together: what fits the first cache of a processor with the tables."""
RENEW_BYTES = 1 << 28
"""Bytes searched after which windows are chosen anew, for text changes from file to file."""


def within_start(lead: Spread) -> int | None:
    """Characters from its start within which a gram of a match ends; None: that is far, or not known.

    White space without limit may be longer than it was counted, but is one unit; words that are longer are many.
    """
    if lead.most is None or lead.runs & 1 << WORDY or lead.most > MAX_WITHIN:
        return None
    return lead.most


class GramIndex:
    """Grams to look for.

    Args:
        sought: All of them.
    """

    def __init__(self, sought: Sequence[Sought]) -> None:
        self._folding = Folding(fold.UNITS, fold.LEADS, fold.WIDE)
        self._grams = Grams(sought)
        self._reach = max((one.within for one in sought if one.within is not None), default=0)
        self._table: Table | None = None
        self._searched = 0
        """Bytes since the table was made."""

    def scan(self, text: Text, first: int, last: int, limit: int) -> Spots:
        """Where the grams are in the strings `first` to `last`.

        Raises:
            FloodError: There were more than `limit` events.
        """
        if self._table is None or self._searched > RENEW_BYTES:
            self._table, self._searched = self._grams.table(text, first, last), 0
        self._searched += int(text.offsets[last] - text.offsets[first])
        data = np.frombuffer(text.data, np.uint8)
        out = Found(*np.empty((3, limit), np.int64))
        found = gram_kernel.find(
            data, text.offsets, first, last, self._folding, self._table, self._reach, _room(), out
        )
        if found > limit:
            raise FloodError(out.kinds)
        return Spots(out.strings[:found], out.kinds[:found], out.ends[:found])


def _room() -> Room:
    units = ROOM + SLACK
    words = np.empty(units // 8, np.uint64)
    marks, hits = np.empty((2 * units, 3), np.int64), np.empty((units + 1, 3), np.int64)
    near, seen = np.empty((len(words), 2), np.int64), np.empty(len(words) + 1, np.int64)
    return Room(words.view(np.uint8), words, marks, near, seen, hits)
