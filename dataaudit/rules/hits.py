"""Matches of rules as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.rules.events import Ints, starts_of
from dataaudit.rules.model import Rule

HALF = 31
"""Bits by which one number is put before another, to sort by both as one; no batch has as many strings or records."""


class Matches(msgspec.Struct, frozen=True, eq=False):
    """Where one rule matched in an array of strings."""

    rule: Rule
    strings: Ints
    """(n,) index of the string of each match, ascending."""
    spans: Ints
    """(n, 2) half-open ranges in code points, ascending within a string."""


class Hits(NamedTuple):
    """Matches of any rules, in any order."""

    rules: Ints
    """The place of the rule in the matcher."""
    strings: Ints
    spans: Ints
    """(n, 2)."""

    def at(self, which: npt.NDArray[np.bool_]) -> Hits:
        """Some of them."""
        return Hits(*(column[which] for column in self))


def hits_of(rules: Sequence[int], strings: Sequence[int], spans: Sequence[tuple[int, int]]) -> Hits:
    """Matches from lists."""
    ranges = np.asarray(spans, np.int64).reshape(-1, 2)
    return Hits(np.asarray(rules, np.int64), np.asarray(strings, np.int64), ranges)


NO_HITS = hits_of((), (), ())


def joined_hits(parts: Sequence[Hits]) -> Hits:
    """All of them."""
    return Hits(*map(np.concatenate, zip(*parts, strict=True)))


def apart(hits: Hits) -> npt.NDArray[np.bool_]:
    """Per match: has its rule another in the string that does not overlap it? Those of a rule in a string stand
    together."""
    if not len(hits.rules):
        return np.zeros(0, np.bool_)
    pairs = starts_of(hits.strings * (hits.rules.max() + 1) + hits.rules)
    sizes = np.diff(pairs)
    first_end = np.repeat(np.minimum.reduceat(hits.spans[:, 1], pairs[:-1]), sizes)
    last_start = np.repeat(np.maximum.reduceat(hits.spans[:, 0], pairs[:-1]), sizes)
    found: npt.NDArray[np.bool_] = (first_end <= hits.spans[:, 0]) | (last_start >= hits.spans[:, 1])
    return found


def gathered(rules: Sequence[Rule], parts: Sequence[Hits]) -> list[Matches]:
    """Matches by rule, in order, each span once."""
    hits = joined_hits(parts)
    if not len(hits.rules):
        return []
    pairs = hits.rules << HALF | hits.strings
    start, end = hits.spans.T
    places = (start << HALF | end,) if int(end.max()) < 1 << HALF else (end, start)
    order = np.lexsort((*places, pairs))
    pairs, spans = pairs[order], hits.spans[order]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (pairs[1:] != pairs[:-1]) | (spans[1:] != spans[:-1]).any(axis=1)
    if not new.all():
        pairs, spans = pairs[new], spans[new]
    numbers, strings = pairs >> HALF, pairs & (1 << HALF) - 1
    starts = starts_of(numbers)
    return [
        Matches(rules[int(numbers[first])], strings[first:last].copy(), spans[first:last].copy())
        for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    ]
