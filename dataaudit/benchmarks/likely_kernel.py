"""The compiled form of `likely`, which lets go of more than the plain one: the sum over a string decides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import Strings
from dataaudit.benchmarks.likely import ENOUGH, U32, Likely
from dataaudit.benchmarks.manifest import SHINGLE
from dataaudit.benchmarks.probe import Hits
from dataaudit.records.compiled import Kernel
from dataaudit.records.words import I64


class _Tables(NamedTuple):
    """An index, and what `Likely` knows of it."""

    grams: U32
    items: U32
    weights: npt.NDArray[np.uint8]
    worth: I64
    buckets: U32
    shift: int
    widest: int


@Kernel
def _gain(key: int, index: _Tables) -> Any:
    """What a shingle comes to at most, over the items that have it; 0 where none has."""
    bucket = key >> index.shift
    at, end = np.int64(index.buckets[bucket]), np.int64(index.buckets[bucket + 1])
    while at < end and np.int64(index.grams[at]) < key:
        at += 1
    most = np.int64(0)
    while at < end and np.int64(index.grams[at]) == key:
        most = max(most, np.int64(index.weights[at]) * index.worth[np.int64(index.items[at])])
        at += 1
    return most


@Kernel
def promising(places: I64, keys: U32, starts: I64, index: _Tables, gains: I64, kept: I64) -> int:
    """Write to `kept` which hits belong to strings that may hold an item; how many.

    A window of the widest item goes over each string: where what is in it stays below `ENOUGH`, so does every part of
    it for every item. `gains` is written over.
    """
    held = first = left = 0
    total = np.int64(0)
    string = 0
    enough = False
    for hit in range(len(places)):
        at = places[hit]
        if at >= starts[string + 1]:
            if not enough:
                held = first
            first = left = held
            total = np.int64(0)
            enough = False
            while starts[string + 1] <= at:
                string += 1
        if at + SHINGLE > starts[string + 1]:
            continue
        gain = _gain(np.int64(keys[hit]), index)
        if gain == 0:
            continue
        kept[held] = hit
        gains[held] = gain
        held += 1
        total += gain
        while at - places[kept[left]] > index.widest:
            total -= gains[left]
            left += 1
        if total >= ENOUGH:
            enough = True
    return held if enough else first


def take(likely: Likely, strings: Strings, hits: Hits) -> tuple[I64, U32]:
    """`Likely.take`, compiled."""
    index = likely.index
    tables = _Tables(
        index.grams,
        index.gram_items,
        index.gram_weights,
        likely.worth,
        likely.buckets,
        likely.shift,
        likely.widest,
    )
    gains, kept = np.empty((2, len(hits.places)), np.int64)
    count = promising(hits.places, hits.keys, strings.starts, tables, gains, kept)
    return hits.places[kept[:count]], hits.keys[kept[:count]]
