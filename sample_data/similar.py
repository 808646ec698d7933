"""Which rows of the sample data are near-duplicates, from the definition, every pair compared.

A record is the words of its strings in order, case folded; its shingles are five words in a row, and with fewer words
it is one shingle of its own. Two records are alike where the Jaccard similarity of their sets of shingles is at least
0.8; of all that hang together the first stays.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

SIZE = 5
THRESHOLD = 0.8


def shingles(strings: Sequence[str]) -> set[Hashable]:
    """The set of a record; empty for one without text."""
    words = [word for text in strings for word in re.findall(r"\w+", text.casefold())]
    if len(words) < SIZE:
        whole = tuple(" ".join(text.casefold().split()) for text in strings if text.strip())
        return {whole} if whole else set()
    return {tuple(words[i : i + SIZE]) for i in range(len(words) - SIZE + 1)}


def removable(records: Sequence[Sequence[str]]) -> list[int]:
    """The records that are not the first of those they hang together with, ascending."""
    sets = [shingles(strings) for strings in records]
    first = list(range(len(sets)))
    holders: dict[Hashable, list[int]] = defaultdict(list)
    for i, mine in enumerate(sets):
        shared = Counter(other for one in mine for other in holders[one])
        for other, both in shared.items():
            if both >= THRESHOLD * (len(mine) + len(sets[other]) - both):
                low, high = sorted((first[i], first[other]))
                first = [low if one == high else one for one in first]
        for one in mine:
            holders[one].append(i)
    return [i for i, one in enumerate(first) if one != i]
