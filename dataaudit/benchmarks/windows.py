"""Long questions: the stretch of a string that holds most of one.

What counts as found, with shares of the weight of the item's indexed shingles (`index.SHINGLE` words each):

    25 words or more    WHOLE of the weight; or PART of it while COVERED of the words lie in found shingles
    13 to 24 words      HALF of the weight, or the same
    8 to 12 words       ALL; or WHOLE and CERTAIN_WORDS of it or the answer: fewer words recur by chance
    fewer               ALL, and the answer
    public text         ALL; or as above and the answer

The answer means: it, or two of the choices, in the words that follow, where few items share it. Where not ALL of an
item is there, OWN of the weight of the shingles that no other item has must be. All shingles must lie in one string,
within WINDOW words and one and a half times the length of the question.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import NONE, Found, Strings, first_of_each, joined, ranges
from dataaudit.benchmarks.index import SHORT, Index
from dataaudit.benchmarks.manifest import SHINGLE
from dataaudit.records.words import I64

WHOLE, HALF, PART, COVERED, ALL, OWN = 600, 500, 300, 700, 950, 200
"""Limits per mille. Measured on the benchmarks of the shipped indexes (docs/leakage.md): an item with one word in
twelve replaced keeps .58 of its weight and .92 of its words, one with a tenth of its words replaced at random .59 and
.83. Of items of 13 words and more, unrelated texts hold at most .49 of both; what more a training split holds of an
item is its floor (`build`)."""
LONG_WORDS, MIDDLE_WORDS, CERTAIN_WORDS = 25, 13, 10
WINDOW = 20
HITS = 1 << 17
"""Shingles looked at together: a string that repeats a question for megabytes takes time, not memory."""

U32 = npt.NDArray[np.uint32]


def best_windows(index: Index, strings: Strings, places: I64, keys: U32) -> Found:
    """Per string and item the best window; `enough` says whether it is good enough.

    `places` are the words at which shingles with these keys begin.
    """
    if len(index.grams) == 0 or len(places) == 0:
        return NONE
    low = np.searchsorted(index.grams, keys, "left")
    # Of what passed the sieve most is there by chance, or for another index: one look tells.
    at = np.flatnonzero(index.grams[np.minimum(low, len(index.grams) - 1)] == keys)
    low, places = low[at], places[at]
    counts = np.searchsorted(index.grams, keys[at], "right") - low
    order = np.argsort(places)
    low, places, counts = low[order], places[order], counts[order]
    widest = int(width_of(index.words.max(initial=0)))
    parts = []
    for first, last in _stretches(places, widest):
        size = counts[first:last]
        pair = np.repeat(low[first:last], size) + ranges(size)
        parts.append(_of(index, strings, pair, np.repeat(places[first:last], size)))
    if len(parts) == 1:
        return parts[0]
    every = joined(parts)
    return first_of_each(every, every.first, -every.share)


def enough(index: Index, found: Found) -> npt.NDArray[np.bool_]:
    """Which windows hold enough of their item, where no answer is asked for.

    What others have too tells no item from them: of an item's own shingles some are there, or all of it is.
    """
    words = index.covered[found.items]
    limit = np.where((words >= MIDDLE_WORDS) & (words < LONG_WORDS), HALF, WHOLE)
    limit = np.where((index.flags[found.items] & SHORT) > 0, ALL, limit)
    part = (words >= MIDDLE_WORDS) & (found.share >= PART) & (found.cover >= COVERED)
    return ((found.share >= limit) | part) & ((found.own >= OWN) | (found.share >= ALL))


def least_found(index: Index) -> I64:
    """Per item the share of its weight below which no window is `enough`."""
    words = index.covered.astype(np.int64)
    limit = np.where((index.flags & SHORT) > 0, ALL, WHOLE)
    return np.where(words >= MIDDLE_WORDS, PART, limit)


def _stretches(places: I64, widest: int) -> Iterator[tuple[int, int]]:
    """Ranges of places of about `HITS`; every window of `widest` words lies in one of them."""
    size = max(HITS, 4 * (widest + 1))
    first, last = 0, min(size, len(places))
    yield first, last
    while last < len(places):
        first = int(np.searchsorted(places, places[last] - widest, "left"))
        last = min(first + size, len(places))
        yield first, last


def width_of(words: npt.NDArray[np.integer]) -> I64:
    """Words of a string within which a question of so many words is looked for."""
    return np.asarray(words, np.int64) * 3 // 2 + WINDOW


def _of(index: Index, strings: Strings, pair: I64, place: I64) -> Found:
    """The best windows of hits: pairs of shingle and item of the index, and the words at which they begin."""
    item = index.gram_items[pair].astype(np.int64)
    string = np.searchsorted(strings.starts, place, "right") - 1
    group = string * len(index) + item
    order = np.argsort(group, kind="stable")
    group, pair, place = group[order], pair[order], place[order]
    opens = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))[: len(group)]
    sums = np.add.reduceat(index.gram_weights[pair].astype(np.int64), opens) if len(opens) else opens
    item = group[opens] % len(index)
    worth = np.flatnonzero(1000 * sums >= _least(index, item) * index.totals[item].astype(np.int64))
    ends = np.append(opens[1:], len(group))[: len(opens)]
    size = ends[worth] - opens[worth]
    inside = np.repeat(opens[worth], size) + ranges(size)
    return _windows(index, strings, group[opens[worth]], np.cumsum(size) - size, pair[inside], place[inside])


def _least(index: Index, item: I64) -> I64:
    """The share below which an item is certainly not found."""
    words, flags = index.covered[item], index.flags[item]
    return np.where((flags & SHORT) > 0, ALL, np.where(words < MIDDLE_WORDS, WHOLE, PART))


def _windows(index: Index, strings: Strings, groups: I64, opens: I64, pair: I64, place: I64) -> Found:
    """The best window of every group of hits."""
    ends = np.append(opens[1:], len(pair))[: len(opens)]
    item, string = groups % len(index), groups // len(index)
    width = width_of(index.words[item])
    spread = np.flatnonzero(place[ends - 1] - place[opens] > width) if len(opens) else opens
    best_first, best_end = opens.copy(), ends.copy()
    for g in spread.tolist():
        a, b = _best_window(
            index.gram_weights, pair[opens[g] : ends[g]], place[opens[g] : ends[g]], int(width[g])
        )
        best_first[g], best_end[g] = opens[g] + a, opens[g] + b
    size = best_end - best_first
    inside = np.repeat(best_first, size) + ranges(size)
    owner = np.repeat(np.arange(len(groups)), size)
    pair, place = pair[inside], place[inside]
    once, which = np.divmod(np.unique(owner * len(index.grams) + pair), len(index.grams))
    weight = np.bincount(once, index.gram_weights[which], len(groups)).astype(np.int64)
    own = np.bincount(once, index.gram_weights[which] * index.is_own(which), len(groups)).astype(np.int64)
    step = np.full(len(place), SHINGLE)
    same = owner[1:] == owner[:-1]
    step[1:][same] = np.minimum(SHINGLE, np.diff(place))[same]
    covered = np.bincount(owner, step, len(groups)).astype(np.int64)
    share = 1000 * weight // np.maximum(1, index.totals[item].astype(np.int64))
    own = 1000 * own // np.maximum(1, index.own_totals[item].astype(np.int64))
    cover = 1000 * covered // np.maximum(1, index.covered[item].astype(np.int64))
    base = strings.starts[string]
    cut = np.cumsum(size)
    first = place[cut - size] - base if len(cut) else cut
    last = place[cut - 1] - base + SHINGLE - 1 if len(cut) else cut
    zero = np.zeros(len(cut), np.int64)
    return Found(string, item, first, last, share, np.minimum(1000, cover), own, zero, zero, zero)


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
