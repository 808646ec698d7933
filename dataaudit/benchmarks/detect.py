"""Find benchmark items in the texts of records. What counts as found stands in `windows`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dataaudit.benchmarks.answers import maybe_answered, with_answers
from dataaudit.benchmarks.found import Found, Strings, first_of_each, joined, ranges
from dataaudit.benchmarks.index import PUBLIC, SHORT, Index
from dataaudit.benchmarks.likely import Likely
from dataaudit.benchmarks.manifest import SHINGLE, salted
from dataaudit.benchmarks.probe import Filter, Hits, probe
from dataaudit.benchmarks.windows import ALL, CERTAIN_WORDS, MIDDLE_WORDS, best_windows, enough
from dataaudit.records.words import I64, plain_shingles

SHORTS = 1 << 16
"""Places at which a short question may begin that are looked at together."""

NO_HASH = np.zeros(0, np.uint64)


class Detector:
    """Indexes, ready to be searched for."""

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = tuple(indexes)
        self.filter = Filter(
            [one.grams for one in indexes],
            np.concatenate([NO_HASH, *(one.short_prefixes for one in indexes)]),
            np.concatenate([NO_HASH, *(one.short_hashes for one in indexes)]),
        )
        self.likely = tuple(map(Likely, indexes))

    def find(self, strings: Strings) -> list[Found]:
        """What is found, per index: of every item in a string its fullest place, the first of equals."""
        hits = probe(strings.words, strings.starts, self.filter)
        return [_find(one, strings, hits) for one in self.likely]


def _find(likely: Likely, strings: Strings, hits: Hits) -> Found:
    index = likely.index
    windows = best_windows(index, strings, *likely.take(strings, hits))
    parts = [_accepted(index, strings, windows.take(np.flatnonzero(enough(index, windows))))]
    if len(index.short_hashes):
        for first in range(0, len(hits.shorts), SHORTS):
            found = _accepted(index, strings, _short(index, strings, hits.shorts[first : first + SHORTS]))
            parts.append(_fullest(found))
    return _fullest(joined(parts)) if len(parts) > 1 else parts[0]


def _fullest(found: Found) -> Found:
    return first_of_each(found, found.first, -found.cover, -found.kinds)


def _accepted(index: Index, strings: Strings, found: Found) -> Found:
    """Those whose answer is near, where one is asked for, and of which more is there than a training split holds."""
    if len(found) == 0:
        return found
    flags = index.flags[found.items]
    covered = index.covered[found.items].astype(np.int64)
    few = (covered < MIDDLE_WORDS) & ((found.cover + 1) * covered < 1000 * CERTAIN_WORDS)
    doubtful = ((flags & PUBLIC) > 0) | few
    alone = (found.share >= ALL) & ((flags & SHORT) == 0) | ~doubtful
    may = found.share > index.floors[found.items]
    may &= alone | maybe_answered(index, strings, found)
    found, alone = found.take(may), alone[may]
    found = with_answers(index, strings, found)
    return found.take((found.telling > 0) | alone)


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
        which = np.repeat(low, counts) + ranges(counts)
        hit = np.repeat(at, counts)
        right_size = index.short_sizes[which] == size
        found.append((hit[right_size], index.short_items[which[right_size]].astype(np.int64), size))
    at = np.concatenate([one[0] for one in found])
    item = np.concatenate([one[1] for one in found])
    sizes = np.concatenate([np.full(len(one[0]), one[2]) for one in found])
    # The first place in a string stands for them all but where the answer decides, so all are kept.
    first = places[at] - strings.starts[string[at]]
    zero = np.zeros(len(at), np.int64)
    return Found(string[at], item, first, first + sizes - 1, zero + 1000, zero + 1000, zero, zero, zero, zero)
