"""The sieve before a lookup in the index: what it lets through, and that nothing is lost in it."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.benchmarks import detect, probe, probe_kernel, windows
from dataaudit.benchmarks.build import Item, columns_of
from dataaudit.benchmarks.detect import Detector
from dataaudit.benchmarks.found import Found, Strings
from dataaudit.benchmarks.index import Index, from_batch, to_batch
from dataaudit.benchmarks.likely import Likely, plain_take
from dataaudit.benchmarks.manifest import VERSION, Manifest, salted, upper
from dataaudit.benchmarks.manifest import settings as of_hashes
from dataaudit.benchmarks.probe import Filter, Hits
from dataaudit.records.words import Words, plain_shingles, words_of

WORDS = ("river", "otter", "harbour", "seven", "reeds", "的", "字", "é", "1", "tails")
NUMBERS = random.Random(11)
ITEMS = [
    Item(f"i{n}", " ".join(NUMBERS.choices(WORDS, k=size)), ("seven", "reeds"), "seven otter")
    for n, size in enumerate([2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 12, 14, 20, 26, 40] * 3)
]


def made(items: list[Item], name: str) -> Index:
    manifest = Manifest(VERSION, of_hashes(), name, "", "", "", {}, "0")
    return from_batch(to_batch(manifest, columns_of(items)))


INDEXES = (made(ITEMS[::2], "even"), made(ITEMS[1::2], "odd"), made([], "empty"), made(ITEMS[-3:], "long"))
PIECES = st.one_of(
    st.sampled_from(
        [*WORDS, *(item.question for item in ITEMS), *(f"{item.question} seven" for item in ITEMS)]
    ),
    st.text(max_size=9),
)
TEXTS = st.lists(st.lists(PIECES, max_size=12).map(" ".join), max_size=8)


def words_in(texts: list[str]) -> Words:
    return words_of(pa.array(texts, pa.large_string()))


def everywhere(words: np.ndarray, starts: np.ndarray, sieve: Filter) -> Hits:
    """Every place: what a search without a sieve looks up."""
    shingles = plain_shingles(words, starts, 5)
    counts = np.diff(shingles.starts)
    places = np.arange(len(shingles.hashes)) + np.repeat(starts[:-1] - shingles.starts[:-1], counts)
    pairs = np.concatenate([np.arange(a, b - 1) for a, b in pairwise(starts.tolist())] or [places])
    return Hits(places, upper(salted(shingles.hashes)), pairs.astype(np.int64))


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_nothing_is_lost_in_the_sieve(texts: list[str]) -> None:
    words = words_in(texts)
    strings = Strings(words.hashes, words.starts, np.arange(len(texts)) // 2)
    detector = Detector(INDEXES)
    fast = detector.find(strings)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(detect, "probe", everywhere)
        patched.setattr(Likely, "take", lambda _self, strings, hits: plain_take(strings, hits))
        patched.setattr(
            detect, "maybe_answered", lambda _index, _strings, found: np.ones(len(found), np.bool_)
        )
        whole = detector.find(strings)
    for one, other in zip(fast, whole, strict=True):
        for name in Found.__dataclass_fields__:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.sampled_from([1, 3, 5, 64, 1 << 17]))
def test_the_compiled_sieve_agrees_with_numpy(texts: list[str], piece: int) -> None:
    words = words_in(texts).hashes
    sieve = Detector(INDEXES).filter
    plain = probe.plain_probe(words, sieve)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(probe_kernel, "PIECE", piece)
        fast = probe_kernel.run(words, sieve)
    for one, other in zip(plain, fast, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_hits_that_come_to_nothing_are_let_go_of(texts: list[str]) -> None:
    """Those that are kept are some of those there are, and the windows found in them are the same."""
    words = words_in([*texts, " ".join(texts)])
    strings = Strings(words.hashes, words.starts, np.arange(len(texts) + 1))
    detector = Detector(INDEXES)
    hits = probe.probe(strings.words, strings.starts, detector.filter)
    for likely in detector.likely:
        every, some = plain_take(strings, hits), likely.take(strings, hits)
        assert set(some[0].tolist()) <= set(every[0].tolist())
        whole = windows.best_windows(likely.index, strings, *every)
        found = windows.best_windows(likely.index, strings, *some)
        whole, found = (one.take(windows.enough(likely.index, one)) for one in (whole, found))
        for name in Found.__dataclass_fields__:
            assert np.array_equal(getattr(whole, name), getattr(found, name)), name


def test_of_text_of_no_item_no_hit_is_kept() -> None:
    question = next(item.question for item in ITEMS if len(item.question.split()) == 40)
    words = words_in([f"{' '.join(question.split()[at : at + 6])} and more" for at in range(30)])
    strings = Strings(words.hashes, words.starts, np.arange(30))
    detector = Detector(INDEXES)
    hits = probe.probe(strings.words, strings.starts, detector.filter)
    assert len(hits.places) >= 60
    assert sum(len(one.take(strings, hits)[0]) for one in detector.likely) == 0


@pytest.mark.parametrize("stretch", [1, 3, 4, 5, 50, 333])
def test_a_long_text_is_sieved_in_stretches(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    texts = ["", " ".join(item.question for item in ITEMS), "a b", ITEMS[0].question, "", ITEMS[-1].question]
    words = words_in(texts)
    sieve = Detector(INDEXES).filter
    whole = probe.probe(words.hashes, words.starts, sieve)
    assert len(whole.places) > 100
    assert len(whole.shorts) > 5
    monkeypatch.setattr(probe, "STRETCH", stretch)
    pieces = probe.probe(words.hashes, words.starts, sieve)
    assert all(np.array_equal(one, other) for one, other in zip(whole, pieces, strict=True))


def test_little_of_what_is_in_no_index_passes() -> None:
    """The bound of `DENSITY`: with the least room a table can have, one chance shingle in a hundred at most."""
    random_ = np.random.default_rng(3)
    entries = (1 << 20) // probe.DENSITY
    grams = np.sort(random_.integers(0, 1 << 32, entries, np.uint32))
    sieve = Filter([grams], np.empty(0, np.uint64), np.empty(0, np.uint64))
    assert sieve.blocks.nbytes * 8 == 1 << 20
    words = random_.integers(0, 1 << 63, 400_000).astype(np.uint64)
    assert len(probe.plain_probe(words, sieve).places) < 0.01 * len(words)
