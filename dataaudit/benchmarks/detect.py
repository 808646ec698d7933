"""Find benchmark items in the texts of records.

What counts as found, with shares of the weight of the item's indexed shingles (`index.SHINGLE` words each):

    25 words or more    WHOLE of the weight; or PART of it while COVERED of the words lie in found shingles
    13 to 24 words      HALF of the weight, or the same
    8 to 12 words       WHOLE: a few shingles recur by chance more easily
    fewer               ALL, and the answer or a choice in the words that follow
    public text         ALL, or as above and the answer or a choice in the words that follow

All shingles must lie in one string, within WINDOW words and one and a half times the length of the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.index import PUBLIC, SHINGLE, SHORT, Index, salted, upper
from dataaudit.benchmarks.probe import Filter, probe
from dataaudit.records.record_words import StoredWords
from dataaudit.records.words import I64, U64, plain_shingles, shingles_of

WHOLE, HALF, PART, COVERED, ALL = 600, 500, 300, 700, 950
"""Limits per mille. Measured on the benchmarks of the shipped indexes (docs/leakage.md): an item with one word in
twelve replaced keeps .58 of its weight and .92 of its words, one with a tenth of its words replaced at random .59 and
.83. Of items of 13 words and more, unrelated texts hold at most .49 of both; what more a training split holds of an
item is its floor (`build`)."""
LONG_WORDS, MIDDLE_WORDS = 25, 13
WINDOW = 20

U32 = npt.NDArray[np.uint32]


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
    answers: I64
    """Is the answer near: 0 or 1."""
    choices: I64
    """Choices near."""

    def take(self, at: npt.NDArray[Any]) -> Found:
        """Some of them."""
        return Found(*(getattr(self, name)[at] for name in self.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.strings)


class Detector:
    """Indexes, ready to be searched for."""

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = tuple(indexes)
        self.filter = Filter(
            [one.grams for one in indexes],
            np.concatenate([np.zeros(0, np.uint64), *(i.short_prefixes for i in indexes)]),
        )

    def find(self, strings: Strings) -> list[Found]:
        """What is found, per index."""
        hits = probe(strings.words, strings.starts, self.filter)
        keys = upper(hits.keys)
        return [self._find(one, strings, hits.places, keys, hits.shorts) for one in self.indexes]

    def _find(self, index: Index, strings: Strings, places: I64, keys: U32, shorts: I64) -> Found:
        found = _long(index, strings, places, keys)
        if len(index.short_hashes) and len(shorts):
            found = _joined(found, _short(index, strings, shorts))
        if len(found) == 0:
            return found
        answers, choices = _nearby(index, strings, found)
        flags, words = index.flags[found.items], index.words[found.items]
        near = (answers > 0) | (choices > 0)
        lenient = near | (found.share >= ALL)
        accept = np.where((flags & SHORT) > 0, near, np.where((flags & PUBLIC) > 0, lenient, words > 0))
        accept &= found.share > index.floors[found.items]
        keep = np.flatnonzero(accept)
        return replace(found, answers=answers, choices=choices).take(keep)


def _long(index: Index, strings: Strings, places: I64, keys: U32) -> Found:
    """Items by their shingles. `places` are the words at which shingles with these keys begin."""
    low = np.searchsorted(index.grams, keys, "left")
    # Of what passed the sieve most is there by chance, or for another index: one look tells.
    at = (
        np.flatnonzero(index.grams[np.minimum(low, len(index.grams) - 1)] == keys)
        if len(index.grams)
        else low[:0]
    )
    low = low[at]
    counts = np.searchsorted(index.grams, keys[at], "right") - low
    pair = np.repeat(low, counts) + _ranges(counts)
    place = np.repeat(places[at], counts)
    item = index.gram_items[pair].astype(np.int64)
    string = np.searchsorted(strings.starts, place, "right") - 1
    group = string * len(index) + item
    order = np.argsort(group, kind="stable")
    group, pair, place = group[order], pair[order], place[order]
    opens = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))[: len(group)]
    sums = np.add.reduceat(index.gram_weights[pair].astype(np.int64), opens) if len(opens) else opens
    item = group[opens] % len(index)
    worth = np.flatnonzero(1000 * sums >= _least(index, item) * index.totals[item].astype(np.int64))
    ends = np.append(opens[1:], len(group))
    size = ends[worth] - opens[worth]
    inside = np.repeat(opens[worth], size) + _ranges(size)
    return _windows(index, strings, group[opens[worth]], np.cumsum(size) - size, pair[inside], place[inside])


def _least(index: Index, item: I64) -> I64:
    """The share below which an item is certainly not found."""
    words, flags = index.covered[item], index.flags[item]
    return np.where((flags & SHORT) > 0, ALL, np.where(words < MIDDLE_WORDS, WHOLE, PART))


def _windows(index: Index, strings: Strings, groups: I64, opens: I64, pair: I64, place: I64) -> Found:
    """The best window of every group of hits, where it is good enough."""
    ends = np.append(opens[1:], len(pair))[: len(opens)]
    item, string = groups % len(index), groups // len(index)
    width = index.words[item].astype(np.int64) * 3 // 2 + WINDOW
    spread = np.flatnonzero(place[ends - 1] - place[opens] > width) if len(opens) else opens
    best_first, best_end = opens.copy(), ends.copy()
    for g in spread.tolist():
        a, b = _best_window(
            index.gram_weights, pair[opens[g] : ends[g]], place[opens[g] : ends[g]], int(width[g])
        )
        best_first[g], best_end[g] = opens[g] + a, opens[g] + b
    size = best_end - best_first
    inside = np.repeat(best_first, size) + _ranges(size)
    owner = np.repeat(np.arange(len(groups)), size)
    pair, place = pair[inside], place[inside]
    distinct = np.unique(np.stack([owner, pair]), axis=1) if len(pair) else np.zeros((2, 0), np.int64)
    weight = np.bincount(distinct[0], index.gram_weights[distinct[1]], len(groups)).astype(np.int64)
    step = np.full(len(place), SHINGLE)
    same = owner[1:] == owner[:-1]
    step[1:][same] = np.minimum(SHINGLE, np.diff(place))[same]
    covered = np.bincount(owner, step, len(groups)).astype(np.int64)
    share = 1000 * weight // np.maximum(1, index.totals[item].astype(np.int64))
    cover = 1000 * covered // np.maximum(1, index.covered[item].astype(np.int64))
    words, flags = index.covered[item], index.flags[item]
    limit = np.where((words >= MIDDLE_WORDS) & (words < LONG_WORDS), HALF, WHOLE)
    limit = np.where((flags & SHORT) > 0, ALL, limit)
    keep = np.flatnonzero((share >= limit) | ((words >= MIDDLE_WORDS) & (share >= PART) & (cover >= COVERED)))
    base = strings.starts[string]
    cut = np.cumsum(size)
    first = place[cut - size][keep] - base[keep] if len(keep) else keep
    last = place[cut - 1][keep] - base[keep] + SHINGLE - 1 if len(keep) else keep
    zero = np.zeros(len(keep), np.int64)
    return Found(
        string[keep], item[keep], first, last, share[keep], np.minimum(1000, cover[keep]), zero, zero
    )


def _best_window(weights: npt.NDArray[np.uint8], pair: I64, place: I64, width: int) -> tuple[int, int]:
    """The stretch of hits within `width` words whose distinct shingles weigh most; the first of equals."""
    held: dict[int, int] = {}
    best, bounds, total, left = -1, (0, 0), 0, 0
    pairs, places = pair.tolist(), place.tolist()
    for right, (one, at) in enumerate(zip(pairs, places, strict=True)):
        held[one] = held.get(one, 0) + 1
        if held[one] == 1:
            total += int(weights[one])
        while at - places[left] > width:
            old = pairs[left]
            held[old] -= 1
            if held[old] == 0:
                total -= int(weights[old])
            left += 1
        if total > best:
            best, bounds = total, (left, right + 1)
    return bounds


def _short(index: Index, strings: Strings, places: I64) -> Found:
    """Items of two to four words, whole. `places` are words at which one may begin."""
    string = np.searchsorted(strings.starts, places, "right") - 1
    left = strings.starts[string + 1] - places
    found: list[tuple[I64, I64, int]] = []
    for size in range(2, SHINGLE):
        at = np.flatnonzero(left >= size)
        block = strings.words[places[at, None] + np.arange(size)].reshape(-1)
        keys = salted(plain_shingles(block, np.arange(len(at) + 1) * size, size).hashes)
        low = np.searchsorted(index.short_hashes, keys, "left")
        counts = np.searchsorted(index.short_hashes, keys, "right") - low
        which = np.repeat(low, counts) + _ranges(counts)
        hit = np.repeat(at, counts)
        right_size = index.short_sizes[which] == size
        found.append((hit[right_size], index.short_items[which[right_size]].astype(np.int64), size))
    at = np.concatenate([one[0] for one in found])
    item = np.concatenate([one[1] for one in found])
    sizes = np.concatenate([np.full(len(one[0]), one[2]) for one in found])
    # The first place in a string stands for them all but where the answer decides, so all are kept.
    first = places[at] - strings.starts[string[at]]
    zero = np.zeros(len(at), np.int64)
    return Found(string[at], item, first, first + sizes - 1, zero + 1000, zero + 1000, zero, zero)


def _joined(one: Found, other: Found) -> Found:
    names = one.__dataclass_fields__
    both = Found(*(np.concatenate([getattr(one, name), getattr(other, name)]) for name in names))
    return both.take(np.lexsort((both.first, both.items, both.strings)))


def _nearby(index: Index, strings: Strings, found: Found) -> tuple[I64, I64]:
    """Per found item: is its answer, and how many of its choices are, in the words after it or in later strings?"""
    n = len(found)
    begin = index.answer_starts[found.items].astype(np.int64)
    counts = index.answer_starts[found.items + 1].astype(np.int64) - begin
    which = np.repeat(begin, counts) + _ranges(counts)
    owner = np.repeat(np.arange(n), counts)
    if len(which) == 0:
        return np.zeros(n, np.int64), np.zeros(n, np.int64)
    places, pieces, owners = _after(index, strings, found)
    text = strings.words[places]
    there = np.zeros(len(which), np.bool_)
    for size in np.unique(index.answer_sizes[which]).tolist():
        mine = np.flatnonzero(index.answer_sizes[which] == size)
        shingles = shingles_of(text, pieces, size)
        of = np.repeat(owners, np.diff(shingles.starts)).astype(np.uint64) << np.uint64(32)
        seen = of | upper(salted(shingles.hashes)).astype(np.uint64)
        wanted = owner[mine].astype(np.uint64) << np.uint64(32) | index.answer_hashes[which[mine]].astype(
            np.uint64
        )
        there[mine] = np.isin(wanted, seen)
    part = owner * 256 + index.answer_parts[which]
    parts, place = np.unique(part, return_inverse=True)
    full = 2 * np.bincount(place, there, len(parts)) >= np.bincount(place, minlength=len(parts))
    answer = np.bincount(parts // 256, full & (parts % 256 == 0), n).astype(np.int64)
    choices = np.bincount(parts // 256, full & (parts % 256 > 0), n).astype(np.int64)
    return answer, choices


def _after(index: Index, strings: Strings, found: Found) -> tuple[I64, I64, I64]:
    """Words after each found question: places of words, where each piece starts ((m + 1,)), and its owner (m,)."""
    reach = index.reach[found.items].astype(np.int64)
    start = strings.starts[found.strings] + found.last + 1
    end = np.minimum(strings.starts[found.strings + 1], start + reach)
    records = strings.records[found.strings]
    later = np.searchsorted(strings.records, records, "right") - found.strings - 1
    more = np.repeat(found.strings + 1, later) + _ranges(later)
    owners = np.concatenate([np.arange(len(found)), np.repeat(np.arange(len(found)), later)])
    start = np.concatenate([start, strings.starts[more]])
    end = np.concatenate(
        [end, np.minimum(strings.starts[more + 1], strings.starts[more] + np.repeat(reach, later))]
    )
    size = np.maximum(0, end - start)
    return np.repeat(start, size) + _ranges(size), np.concatenate([[0], np.cumsum(size)]), owners


def _ranges(counts: npt.NDArray[Any]) -> I64:
    """0, 1, … below each count, end to end."""
    counts = counts.astype(np.int64)
    places: I64 = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return places
