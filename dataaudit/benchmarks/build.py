"""From benchmark items to an index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.benchmarks.index import PUBLIC, SHORT, UNSEEN
from dataaudit.benchmarks.manifest import COMMON, SHINGLE, salted, upper
from dataaudit.records.words import I64, U64, Words, shingles_of, words_of

SHORT_WORDS = 8
"""A question of fewer words must be there whole, and its answer near it: so few words recur by chance. So must one in
which fewer lie in shingles that are no boilerplate, where others ask them too ("Which of the following is true?")."""
SKETCH = 8
"""Shingles kept of an answer or choice: those of smallest hash. Enough to tell half of them from none."""
NEAR = 50
"""Words after a question in which its answer is looked for, beyond twice the length of answer and choices."""
REACH_MOST = 2_000
"""Bound on that, in words."""
SHORT_BYTES = 10
"""Bytes of letters and digits that a question of fewer words than a shingle must have: "4 + 3 =" stands anywhere."""
QUOTED = re.compile(r'(?<!")"(?!")[^"]{60,}"(?!")|“[^“”]{60,}”|«[^«»]{60,}»|„[^„“”]{60,}[“”]')
"""A quotation of at least 60 characters, about a dozen words; three quotation marks in a row open a docstring."""
CODE = re.compile(r"^\s*(?:def|class|function|func|fn|public|static|int|void)\s+\w+.*[({:]", re.MULTILINE)
"""A line that opens a function or class in one of the languages that benchmarks are written in."""
STUB_WORDS = 30
"""Words below which a question with such a line is a code stub: everyone's is_palindrome looks the same."""
PASSAGE_WORDS = 40
"""Words from which a question can hold a passage that it shares with others."""
LEVELS = 255
"""Steps of a weight."""


class Item(msgspec.Struct, frozen=True):
    """One item of a benchmark. Choices without the answer are fine, and so is an answer without choices."""

    id: str
    question: str
    choices: tuple[str, ...] = ()
    answer: str = ""


def columns_of(items: Sequence[Item], public: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The columns of an index (see `index.TYPES`) of items with distinct ids; `public` are ids known as public text."""
    words = words_of(pa.array([item.question for item in items], pa.large_string()), spans=True)
    counts = np.diff(words.starts)
    shingles = shingles_of(words.hashes, words.starts, SHINGLE)
    owner = np.repeat(np.arange(len(items)), np.diff(shingles.starts))
    keys = upper(salted(shingles.hashes))
    weight = _shingle_weights(words.hashes, words.starts, shingles.starts)
    pairs, first = np.unique(
        (keys.astype(np.uint64) << np.uint64(32)) | owner.astype(np.uint64), return_index=True
    )
    gram, item, weight = (
        (pairs >> np.uint64(32)).astype(np.uint32),
        (pairs & np.uint64(0xFFFFFFFF)),
        weight[first],
    )
    _, place, shared = np.unique(gram, return_inverse=True, return_counts=True)
    sharing = shared[place]
    bare = _bare(words, shingles.starts)[first]
    kept = (sharing <= COMMON) & ~bare & ~_of_passages(item.astype(np.int64), sharing, counts)
    gram, item, weight, sharing = gram[kept], item[kept].astype(np.uint32), weight[kept], sharing[kept]
    weights = _levels(weight / np.sqrt(sharing))
    totals = np.bincount(item, weights, len(items)).astype(np.uint32)
    covered = _covered(keys, owner, gram, item, shingles.starts, len(items))
    flags = np.zeros(len(items), np.uint8)
    own = np.bincount(item, sharing == 1, len(items))
    short = (counts < SHORT_WORDS) | ((covered < SHORT_WORDS) & (own == 0))
    flags[short] |= SHORT
    known = np.asarray([item.id in public or _is_quoted(item.question) for item in items], np.bool_)
    stub = np.asarray([CODE.search(item.question) is not None for item in items], np.bool_) & (
        counts < STUB_WORDS
    )
    flags[known | stub] |= PUBLIC
    answers = _answers(items)
    reach = np.minimum(REACH_MOST, NEAR + 2 * answers.pop("words"))
    answered = np.diff(answers["answer_starts"].astype(np.int64)) > 0
    small = counts < SHINGLE
    length = np.asarray(
        [sum(one.isalnum() * len(one.encode()) for one in item.question) for item in items], np.int64
    )
    small_unseen = (counts < 2) | (length < SHORT_BYTES)
    unseen = np.where(small, small_unseen, totals == 0) | (short & ~answered)
    flags[unseen] |= UNSEEN
    shorts = _shorts(words.hashes, words.starts, small & ~unseen)
    return {
        "grams": gram,
        "gram_items": item,
        "gram_weights": weights.astype(np.uint8),
        "ids": [item.id for item in items],
        "words": counts.astype(np.uint32),
        "covered": covered,
        "totals": totals,
        "floors": np.zeros(len(items), np.uint16),
        "reach": reach.astype(np.uint16),
        "flags": flags,
        **shorts,
        **answers,
    }


def _bare(words: Words, shingle_starts: I64) -> npt.NDArray[np.bool_]:
    """Which shingles are digits and single letters alone: in any table of numbers some five stand in the same order."""
    small = np.concatenate([[0], np.cumsum(words.ends - words.begins == 1)])
    at = _places(words.starts, shingle_starts)
    return np.asarray(small[at + SHINGLE] - small[at] == SHINGLE, np.bool_)


def _places(starts: I64, shingle_starts: I64) -> I64:
    """The word at which each shingle begins."""
    counts = np.diff(shingle_starts)
    return np.arange(shingle_starts[-1]) + np.repeat(starts[:-1] - shingle_starts[:-1], counts)


def _of_passages(item: I64, sharing: I64, words: I64) -> npt.NDArray[np.bool_]:
    """Which shingles of items are of a passage that several items ask about: it is evidence for none of them.

    A long item is taken to hold a passage where most of its shingles are shared and some are its own.
    """
    n = len(words)
    own = np.bincount(item, sharing == 1, n)
    passage = (words >= PASSAGE_WORDS) & (own >= SHINGLE) & (np.bincount(item, sharing > 1, n) > own)
    return passage[item] & (sharing > 1)


def _shingle_weights(words: U64, starts: I64, shingle_starts: I64) -> npt.NDArray[np.float64]:
    """How much each shingle says of its item: the mean over its words of log(items / items that have the word)."""
    n = len(starts) - 1
    owner = np.repeat(np.arange(n), np.diff(starts))
    _, word = np.unique(words, return_inverse=True)
    in_items = np.bincount(np.unique(np.stack([word, owner]), axis=1)[0])
    rarity = np.log((n + 1) / (in_items[word] + 0.5)) if len(word) else np.zeros(0)
    sums = np.concatenate([[0.0], np.cumsum(rarity)])
    at = _places(starts, shingle_starts)
    mean: npt.NDArray[np.float64] = (sums[at + SHINGLE] - sums[at]) / SHINGLE
    return mean


def _levels(weight: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Weights as whole numbers from 1 to `LEVELS`."""
    top = float(weight.max(initial=0.0))
    if top <= 0:
        return np.ones(len(weight), np.int64)
    return np.clip(np.rint(weight / top * LEVELS), 1, LEVELS).astype(np.int64)


def _covered(
    keys: npt.NDArray[np.uint32],
    owner: I64,
    gram: npt.NDArray[np.uint32],
    item: npt.NDArray[np.uint32],
    starts: I64,
    n: int,
) -> npt.NDArray[np.uint32]:
    """Words of each question that indexed shingles cover."""
    indexed = np.isin(
        (keys.astype(np.uint64) << np.uint64(32)) | owner.astype(np.uint64),
        (gram.astype(np.uint64) << np.uint64(32)) | item.astype(np.uint64),
    )
    at = np.flatnonzero(indexed)
    mine = owner[at]
    step = np.full(len(at), SHINGLE)
    same = mine[1:] == mine[:-1]
    step[1:][same] = np.minimum(SHINGLE, np.diff(at))[same]
    return np.bincount(mine, step, n).astype(np.uint32)


def _is_quoted(question: str) -> bool:
    """Is most of a question a quotation?"""
    return 2 * sum(len(one) for one in QUOTED.findall(question)) > len(question)


def _shorts(words: U64, starts: I64, wanted: npt.NDArray[np.bool_]) -> dict[str, Any]:
    prefixes, hashes, sizes, owners = [], [], [], []
    for size in range(2, SHINGLE):
        mine = np.flatnonzero((np.diff(starts) == size) & wanted)
        at = starts[mine]
        block = words[at[:, None] + np.arange(size)].reshape(-1) if len(at) else words[:0]
        wholes = np.arange(len(at) + 1) * size
        pairs = words[at[:, None] + np.arange(2)].reshape(-1) if len(at) else words[:0]
        prefixes.append(salted(shingles_of(pairs, np.arange(len(at) + 1) * 2, 2).hashes))
        hashes.append(salted(shingles_of(block, wholes, size).hashes))
        sizes.append(np.full(len(at), size, np.uint8))
        owners.append(mine.astype(np.uint32))
    columns = [np.concatenate(one) for one in (prefixes, hashes, sizes, owners)]
    order = np.lexsort((columns[3], columns[1]))
    names = ("short_prefixes", "short_hashes", "short_sizes", "short_items")
    return {name: one[order] for name, one in zip(names, columns, strict=True)}


def _answers(items: Sequence[Item]) -> dict[str, Any]:
    """Sketches of the answers and choices."""
    texts, owner, part = [], [], []
    for i, item in enumerate(items):
        for number, text in enumerate((item.answer, *item.choices)):
            texts.append(text)
            owner.append(i)
            part.append(min(number, 255))
    words = words_of(pa.array(texts, pa.large_string()))
    counts = np.diff(words.starts)
    owners = np.asarray(owner, np.int64)
    found: list[tuple[npt.NDArray[Any], ...]] = []
    for size in range(1, SHINGLE + 1):
        mine = np.flatnonzero(counts == size) if size < SHINGLE else np.flatnonzero(counts >= size)
        for at in mine.tolist():
            piece = words.hashes[words.starts[at] : words.starts[at + 1]]
            keys = np.unique(upper(salted(shingles_of(piece, np.asarray([0, len(piece)]), size).hashes)))[
                :SKETCH
            ]
            found.append(
                (np.full(len(keys), owners[at]), np.full(len(keys), part[at]), np.full(len(keys), size), keys)
            )
    columns = [
        np.concatenate([one[i] for one in found]) if found else np.zeros(0, np.int64) for i in range(4)
    ]
    order = np.lexsort((columns[3], columns[1], columns[0]))
    owned, numbers, sizes, hashes = (one[order] for one in columns)
    return {
        "answer_starts": np.searchsorted(owned, np.arange(len(items) + 1)).astype(np.uint32),
        "answer_hashes": hashes.astype(np.uint32),
        "answer_sizes": sizes.astype(np.uint8),
        "answer_parts": numbers.astype(np.uint8),
        "words": np.bincount(owners, counts, len(items)).astype(np.int64),
    }


def distinct(items: Sequence[Item]) -> tuple[list[Item], int, int]:
    """Items with a question, each question with its answer once; and how many were empty, and how many repeated."""
    seen: set[tuple[str, tuple[str, ...], str]] = set()
    kept: list[Item] = []
    empty = duplicates = 0
    for item in items:
        key = (item.question.strip(), tuple(sorted(item.choices)), item.answer.strip())
        if not key[0]:
            empty += 1
        elif key in seen:
            duplicates += 1
        else:
            seen.add(key)
            kept.append(item)
    return kept, empty, duplicates
