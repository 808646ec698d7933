"""What follows a question that was found: its answer, its choices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import Found, Strings, joined, ranges
from dataaudit.benchmarks.index import LATER, Index
from dataaudit.benchmarks.manifest import salted, upper
from dataaudit.records.compiling import compiled
from dataaudit.records.record_words import StoredWords
from dataaudit.records.words import I64, U64, shingles_of

CLOSE = 8
"""Words behind the question in which an answer that many items share still tells something."""
WORDS = 1 << 21
"""Words looked through together."""


def maybe_answered(index: Index, strings: Strings, found: Found) -> npt.NDArray[np.bool_]:
    """Which may have their answer or choices near; of the others nothing is there."""
    from dataaudit.benchmarks import answers_kernel

    if isinstance(strings.words, StoredWords) or not compiled(0, answers_kernel.seen):
        return np.ones(len(found), np.bool_)
    return answers_kernel.any_near(index, strings, strings.words, found)


def with_answers(index: Index, strings: Strings, found: Found) -> Found:
    """The same, told of each whether its answer, and how many of its choices, are in the words that follow, and whether
    that tells anything.
    """
    cost = index.reach[found.items].astype(np.int64) * (1 + _later(strings, found))
    totals = np.cumsum(cost)
    parts, first = [], 0
    while first < len(found):
        before = int(totals[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(totals, before + WORDS, "right")))
        part = found.take(np.arange(first, last))
        reach = index.reach[part.items].astype(np.int64)
        answers, choices, telling = _nearby(index, strings, part, reach)
        # What many items share tells something right behind the question: "60 % of 30? 18".
        left = np.flatnonzero((answers > 0) & (telling == 0))
        telling[left] = _nearby(index, strings, part.take(left), np.minimum(reach[left], CLOSE))[0]
        parts.append(replace(part, answers=answers, choices=choices, telling=telling))
        first = last
    return joined(parts) if parts else found


def _later(strings: Strings, found: Found) -> I64:
    """How many later strings of its record are looked into for each found item."""
    after = np.searchsorted(strings.records, strings.records[found.strings], "right") - found.strings - 1
    later: I64 = np.minimum(after, LATER)
    return later


def _nearby(index: Index, strings: Strings, found: Found, reach: I64) -> tuple[I64, I64, I64]:
    """Per found item: is its answer, and how many of its choices are, in the words after it, so many at most, or in
    those of later strings; and does that tell anything?
    """
    n = len(found)
    begin = index.answer_starts[found.items].astype(np.int64)
    counts = index.answer_starts[found.items + 1].astype(np.int64) - begin
    which = np.repeat(begin, counts) + ranges(counts)
    owner = np.repeat(np.arange(n), counts)
    if len(which) == 0:
        return np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    places, pieces, owners = _after(strings, found, reach)
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
        there[mine] = _are_in(wanted, seen)
    part = owner * 256 + index.answer_parts[which]
    parts, place = np.unique(part, return_inverse=True)
    full = 2 * np.bincount(place, there, len(parts)) >= np.bincount(place, minlength=len(parts))
    rare = 2 * np.bincount(place, index.telling(which), len(parts)) >= np.bincount(place)
    owned, number = np.divmod(parts, 256)
    answers, choices = _per_item(owned, full & (number == 0), n), _per_item(owned, full & (number > 0), n)
    full &= rare
    told = (_per_item(owned, full & (number == 0), n) > 0) | (_per_item(owned, full & (number > 0), n) > 1)
    return answers, choices, told.astype(np.int64)


def _per_item(items: I64, which: npt.NDArray[np.bool_], n: int) -> I64:
    return np.bincount(items, which, n).astype(np.int64)


def _are_in(few: U64, many: U64) -> npt.NDArray[np.bool_]:
    """`np.isin`, which would sort the many."""
    distinct, place = np.unique(few, return_inverse=True)
    there = np.zeros(len(distinct), np.bool_)
    at = np.minimum(np.searchsorted(distinct, many), len(distinct) - 1)
    there[at[distinct[at] == many]] = True
    return there[place]


def _after(strings: Strings, found: Found, reach: I64) -> tuple[I64, I64, I64]:
    """Words after each found question: places of words, where each piece starts ((m + 1,)), and its owner (m,)."""
    start = strings.starts[found.strings] + found.last + 1
    end = np.minimum(strings.starts[found.strings + 1], start + reach)
    later = _later(strings, found)
    more = np.repeat(found.strings + 1, later) + ranges(later)
    owners = np.concatenate([np.arange(len(found)), np.repeat(np.arange(len(found)), later)])
    start = np.concatenate([start, strings.starts[more]])
    end = np.concatenate(
        [end, np.minimum(strings.starts[more + 1], strings.starts[more] + np.repeat(reach, later))]
    )
    size = np.maximum(0, end - start)
    return np.repeat(start, size) + ranges(size), np.concatenate([[0], np.cumsum(size)]), owners
