"""What is searched and what is found: strings as words, and items of a benchmark in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.record_words import StoredWords
from dataaudit.records.words import I64, U64

QUESTION, CHOICES, ANSWER = 1, 2, 3
"""What of an item is there: its question alone, with two or more of its choices, with its answer."""


class Strings(NamedTuple):
    """Strings as words, those of a record next to each other in order."""

    words: U64 | StoredWords
    starts: I64
    """(n + 1,): the words of string i are `words[starts[i]:starts[i + 1]]`."""
    records: I64
    """(n,), ascending."""


@dataclass(frozen=True)
class Found:
    """Items of one benchmark found in strings. All arrays of one length, ordered by string, then item."""

    strings: I64
    items: I64
    first: I64
    """First word of the string that belongs to it."""
    last: I64
    """Last such word."""
    share: I64
    """Per mille of the weight of the question that is there."""
    cover: I64
    """Per mille of its words that lie in shingles found, of those that lie in shingles of the index."""
    own: I64
    """Per mille of the weight of those shingles that no other item has; 0 where it has none of its own."""
    answers: I64
    """Is the answer near: 0 or 1."""
    choices: I64
    """Choices near."""
    telling: I64
    """Is its answer near, or are two of its choices, where what few items share counts alone: 0 or 1."""

    def take(self, at: npt.NDArray[Any]) -> Found:
        """Some of them."""
        return Found(*(getattr(self, name)[at] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.strings)

    @property
    def kinds(self) -> I64:
        """Of each `QUESTION`, `CHOICES` or `ANSWER`."""
        return np.where(self.choices > 1, CHOICES, np.where(self.answers > 0, ANSWER, QUESTION))


NONE = Found(*np.zeros((10, 0), np.int64))


def joined(parts: Sequence[Found]) -> Found:
    """All of several, ordered."""
    if len(parts) == 1:
        return parts[0]
    names = Found.__dataclass_fields__
    both = Found(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))
    return both.take(np.lexsort((both.first, both.items, both.strings)))


def first_of_each(found: Found, *keys: I64) -> Found:
    """Of every item in a string one: that with the smallest keys, the last key compared first."""
    order = np.lexsort((*keys, found.items, found.strings))
    strings, items = found.strings[order], found.items[order]
    opens = np.ones(len(order), np.bool_)
    opens[1:] = (strings[1:] != strings[:-1]) | (items[1:] != items[:-1])
    return found.take(order[opens])


def ranges(counts: npt.NDArray[Any]) -> I64:
    """0, 1, … below each count, end to end."""
    counts = counts.astype(np.int64)
    places: I64 = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return places
