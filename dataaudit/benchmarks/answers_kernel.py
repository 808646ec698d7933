"""Which questions found have nothing of their answer or choices near: most of the short ones in ordinary text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import Found, Strings
from dataaudit.benchmarks.index import LATER, Index
from dataaudit.benchmarks.manifest import SALT, SHINGLE
from dataaudit.records.compiled import Kernel
from dataaudit.records.kernels import mix
from dataaudit.records.words import I64, SHINGLE_BASE, U64

_ONE, _LAST_BIT, _HALF = (np.uint64(x) for x in (1, 63, 32))


class _Text(NamedTuple):
    """`Strings`, and what is found in them."""

    words: U64
    starts: I64
    records: I64
    strings: I64
    items: I64
    last: I64


class _Answers(NamedTuple):
    """Columns of an index."""

    starts: npt.NDArray[np.uint32]
    hashes: npt.NDArray[np.uint32]
    sizes: npt.NDArray[np.uint8]
    reach: npt.NDArray[np.uint16]


@Kernel
def _holds(text: U64, begin: int, end: int, index: _Answers, marks: U64) -> bool:
    """Does any shingle of a text stand among the answers from `begin` to `end`? `marks` has a bit of each of these."""
    for at in range(len(text)):
        total = np.uint64(0)
        power = np.uint64(1)
        for size in range(1, min(SHINGLE, len(text) - at) + 1):
            total += text[at + size - 1] * power
            power *= SHINGLE_BASE
            key = mix(mix(total) ^ SALT) >> _HALF
            if (marks[key >> np.uint64(26)] >> (key >> np.uint64(20) & _LAST_BIT)) & _ONE:
                for place in range(begin, end):
                    if np.uint64(index.hashes[place]) == key and index.sizes[place] == size:
                        return True
    return False


@Kernel
def seen(text: _Text, index: _Answers, marks: U64, out: npt.NDArray[np.uint8]) -> None:
    """Tell of each question found whether any of its answers is near. `marks` (64,) is written over."""
    for found in range(len(text.items)):
        item, string = text.items[found], text.strings[found]
        begin, end = np.int64(index.starts[item]), np.int64(index.starts[item + 1])
        reach = np.int64(index.reach[item])
        marks[:] = np.uint64(0)
        for place in range(begin, end):
            key = np.uint64(index.hashes[place])
            marks[key >> np.uint64(26)] |= _ONE << (key >> np.uint64(20) & _LAST_BIT)
        out[found] = 0
        for later in range(string, min(string + LATER + 1, len(text.records))):
            if text.records[later] != text.records[string]:
                break
            first = text.starts[later]
            if later == string:
                first += text.last[found] + 1
            last = min(text.starts[later + 1], first + reach)
            if first < last and _holds(text.words[first:last], begin, end, index, marks):
                out[found] = 1
                break


def any_near(index: Index, strings: Strings, words: U64, found: Found) -> npt.NDArray[np.bool_]:
    """Of which questions found anything of an answer or a choice is where `answers.with_answers` looks for it."""
    out = np.empty(len(found), np.uint8)
    text = _Text(words, strings.starts, strings.records, found.strings, found.items, found.last)
    answers = _Answers(index.answer_starts, index.answer_hashes, index.answer_sizes, index.reach)
    seen(text, answers, np.empty(64, np.uint64), out)
    return out.view(np.bool_)
