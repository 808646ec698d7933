"""Pieces of many patterns as one Hyperscan database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from dataaudit.rules import database
from dataaudit.rules.events import FloodError, Ints, Spots, Text


class RefusedError(Exception):
    """Hyperscan takes some expressions not even by themselves: `kinds` says of which kinds they are, and why; where it
    is empty they are too much together."""

    def __init__(self, kinds: Mapping[int, str], reason: str) -> None:
        super().__init__(reason)
        self.kinds = kinds


class Expressions:
    """Expressions to look for.

    Args:
        pieces: Each with what finding it is an event of; equal ones may be of several kinds.

    Raises:
        RefusedError: Hyperscan refuses them.
    """

    def __init__(self, pieces: Iterable[tuple[bytes, int]]) -> None:
        by_piece: dict[bytes, list[int]] = {}
        for piece, kind in pieces:
            by_piece.setdefault(piece, []).append(kind)
        try:
            self._database = database.compile_database(list(by_piece))
        except ValueError as error:
            refused = {
                kind: why
                for piece, kinds in by_piece.items()
                if (why := database.refusal(piece)) is not None
                for kind in kinds
            }
            raise RefusedError(refused, str(error)) from None
        self._kinds = np.asarray([kind for kinds in by_piece.values() for kind in kinds], np.int64)
        self._starts = np.cumsum([0, *map(len, by_piece.values())])
        """`kinds[starts[i]:starts[i + 1]]` is what events of expression `i` can be of."""

    def scan(self, text: Text, first: int, last: int, limit: int) -> Spots:
        """Where they are in the strings `first` to `last`.

        Raises:
            FloodError: There were more than `limit` events.
        """
        begin, end = int(text.offsets[first]), int(text.offsets[last])
        try:
            ids, ends = self._database.scan(text.data.slice(begin, end - begin), limit)
        except FloodError as flood:
            raise FloodError(self._spread(flood.ids)[1]) from None
        # A match lies in the string of its last byte; one that began in another string is not confirmed.
        ends = ends + begin
        at = np.searchsorted(text.offsets, ends - 1, side="right").astype(np.int64) - 1
        which, kinds = self._spread(ids)
        return Spots(at[which], kinds, ends[which])

    def _spread(self, ids: Ints) -> tuple[Ints, Ints]:
        """Events of expressions as events of kinds: of each the place of the former, and the kind."""
        counts = np.diff(self._starts)[ids]
        shift = np.cumsum(counts) - counts - self._starts[ids]
        which = np.repeat(np.arange(len(ids)), counts)
        return which, self._kinds[np.arange(len(which)) - shift[which]]
