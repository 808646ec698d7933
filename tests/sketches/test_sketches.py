"""Mergeable states against the plain thing they stand for: spilled or not, in any order, through their bytes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.errors import IncompleteError
from dataaudit.records.findings import Example
from dataaudit.records.types import FileRef
from dataaudit.sketches import spill_order
from dataaudit.sketches.counter import RANGES, SpillCounter
from dataaudit.sketches.counts import EXAMPLES, FindingCounts
from dataaudit.sketches.sample import BottomK
from dataaudit.sketches.side_by_side import side_by_side
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**64 - 1), st.integers(0, 3)), max_size=12)
MANY = st.lists(ROWS, min_size=1, max_size=5)


def fill(spill: Spill, rows: list[tuple[int, int, int]]) -> Spill:
    spill.add(
        np.asarray([part for part, _, _ in rows], np.int64),
        np.asarray([(a, b) for _, a, b in rows], np.uint64).reshape(-1, 2),
    )
    return spill


def content(spill: Spill) -> Counter[tuple[int, int, int]]:
    return Counter((part, *map(int, row)) for part in spill.partitions() for row in spill.read(part))


@settings(max_examples=80, deadline=None)
@given(pieces=MANY, flush=st.sampled_from([0, 30, 100, 1 << 20]), order=st.randoms(), trips=st.booleans())
def test_a_spill_is_the_multiset_of_its_rows(pieces, flush: int, order, trips: bool):
    with Workspace() as work:
        spills = [fill(Spill(work, 2, flush_bytes=flush), rows) for rows in pieces]
        order.shuffle(spills)
        if trips:
            spills = [Spill.from_bytes(one.to_bytes(), work, flush_bytes=flush) for one in spills]
        first, *others = spills
        for other in others:
            first.merge(other)
        expected = Counter(row for rows in pieces for row in rows)
        assert content(first) == expected
        assert first.sizes() == dict(sorted(Counter(row[0] for row in expected.elements()).items()))


@settings(max_examples=60, deadline=None)
@given(
    pieces=MANY,
    flush=st.sampled_from([0, 60, 1 << 20]),
    first=st.integers(0, 5),
    last=st.integers(0, 5),
    most=st.integers(1, 9),
)
def test_chunks_are_whole_partitions_in_order_and_all_of_them(
    pieces, flush: int, first: int, last: int, most: int
):
    with Workspace() as work:
        spill = Spill(work, 2, flush_bytes=flush)
        for rows in pieces:
            fill(spill, rows)
        stretches = list(spill.stretches(first, last, most))
        assert [*sum(stretches, ())] == sorted(sum(stretches, ()))
        chunks = [[tuple(map(int, row)) for row in spill.read(*one)] for one in stretches]
        wanted = [row for rows in pieces for row in rows if first <= row[0] <= last]
        assert Counter(row for chunk in chunks for row in chunk) == Counter(row[1:] for row in wanted)
        sizes = spill.sizes()
        for chunk in chunks:
            assert len(chunk) <= most or len(chunk) in sizes.values(), (
                "more than asked for only in one partition"
            )
        in_range = spill.read(first, last) if first <= last else np.empty((0, 2))
        assert Counter(tuple(map(int, row)) for row in in_range) == Counter(row[1:] for row in wanted)


@settings(max_examples=80, deadline=None)
@given(MANY, st.sampled_from([0, 60, 1 << 20]), st.sets(st.integers(0, 2), min_size=1), st.integers(1, 6))
def test_rows_of_one_lower_half_are_read_together(pieces, flush: int, uppers: set[int], most: int):
    placed = [[(part % 3 << 32 | part // 3, a, part // 3) for part, a, _ in rows] for rows in pieces]
    expected = [row for rows in placed for row in rows if row[0] >> 32 in uppers]
    with Workspace() as work:
        spill = Spill(work, 2, flush_bytes=flush)
        for rows in placed:
            fill(spill, rows)
        assert spill.uppers() == sorted({row[0] >> 32 for rows in placed for row in rows})
        stretches = list(spill.lowers(sorted(uppers), most))
        chunks = [
            [tuple(map(int, row)) for row in spill.read_together(sorted(uppers), *one)] for one in stretches
        ]
    assert Counter(row for one in chunks for row in one) == Counter(row[1:] for row in expected)
    assert all(len(one) <= most or len({lower for _, lower in one}) == 1 for one in chunks)
    for lower in (0, 1):
        mine = Counter(row[1:] for row in expected if row[2] == lower)
        assert not mine or any(mine <= Counter(one) for one in chunks)


def test_what_is_spilled_lies_in_the_workspace_and_goes_with_it():
    with Workspace() as work:
        spill = fill(Spill(work, 2, flush_bytes=0), [(0, 1, 2)])
        root = work.root
        assert len(list(root.iterdir())) == 1
        assert content(spill) == Counter([(0, 1, 2)])
    assert not root.exists()


def test_many_rows_are_sent_by_the_name_of_their_file():
    with Workspace() as work:
        spill = Spill(work, 2)
        many = np.arange(400_000, dtype=np.uint64).reshape(-1, 2)
        spill.add(np.zeros(len(many), np.int64), many)
        sent = spill.to_bytes()
        assert len(sent) < 1_000
        assert np.array_equal(np.sort(Spill.from_bytes(sent, work).read(0), axis=0), many)


def test_a_workspace_of_another_process_is_left_alone(tmp_path: Path):
    shared = tmp_path / "shared"
    shared.mkdir()
    with Workspace(root=shared) as work:
        work.new_file("x").write_bytes(b"1")
    assert len(list(shared.iterdir())) == 1


def test_a_workspace_is_made_on_first_use_below_its_parent(tmp_path: Path):
    parent = tmp_path / "not" / "yet"
    with Workspace(parent) as work:
        assert not parent.exists()
        assert work.root.parent == parent
        assert work.new_file("a") != work.new_file("a")
    assert list(parent.iterdir()) == []


def test_a_work_directory_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IncompleteError, match="file"), Workspace(tmp_path / "file" / "work") as work:
        assert work.root


COUNTS = st.dictionaries(st.text(alphabet="ab\x1fé", max_size=4), st.integers(1, 5), max_size=8)


@settings(max_examples=80, deadline=None)
@given(
    pieces=st.lists(COUNTS, min_size=1, max_size=5),
    distinct=st.sampled_from([0, 1, 3, 100]),
    order=st.randoms(),
    trips=st.booleans(),
)
def test_a_counter_counts(pieces: list[dict[str, int]], distinct: int, order, trips: bool):
    expected: Counter[str] = Counter()
    with Workspace() as work:
        counters = []
        for counts in pieces:
            counter = SpillCounter(work, distinct=distinct)
            counter.add(counts)
            expected.update(counts)
            counters.append(counter)
        order.shuffle(counters)
        if trips:
            counters = [SpillCounter.from_bytes(one.to_bytes(), work, distinct=distinct) for one in counters]
        first, *others = counters
        for other in others:
            first.merge(other)
        ranges = list(first.ranges())
    assert len(ranges) == RANGES
    seen: Counter[str] = Counter()
    for one in ranges:
        assert list(one) == sorted(one)
        assert not seen.keys() & one.keys()
        seen.update(one)
    assert seen == expected
    # Keys with the same last part (a label in several splits) must come together: they are one class.
    home: dict[str, int] = {}
    for i, one in enumerate(ranges):
        for key in one:
            assert home.setdefault(key.rpartition("\x1f")[2], i) == i


IDS = st.lists(st.integers(0, 2**64 - 1), max_size=30, unique=True)


@settings(max_examples=80, deadline=None)
@given(ids=IDS, k=st.integers(0, 6), cuts=st.lists(st.integers(0, 30), max_size=3), order=st.randoms())
def test_a_sample_is_the_same_for_every_order_and_cut(ids: list[int], k: int, cuts: list[int], order):
    def sample(pieces: list[list[int]]) -> BottomK[str]:
        into: BottomK[str] = BottomK(k)
        for piece in pieces:
            other: BottomK[str] = BottomK(k)
            other.offer(np.asarray(piece, np.uint64), lambda i, piece=piece: str(piece[i]))
            into.merge(other)
        return into

    whole = sample([ids])
    shuffled = ids.copy()
    order.shuffle(shuffled)
    edges = [0, *sorted(min(cut, len(ids)) for cut in cuts), len(ids)]
    parts = [shuffled[a:b] for a, b in pairwise(edges)]
    assert sample(parts).items == whole.items
    assert len(whole.items) == min(k, len(ids))
    assert [int(one) for one in whole.values()] == sorted(int(one) for one in whole.values())


def test_items_are_made_for_rows_that_enter_only():
    made: list[int] = []
    sample: BottomK[int] = BottomK(3)

    def make(i: int) -> int:
        made.append(i)
        return i

    sample.offer(np.arange(10_000, dtype=np.uint64), make)
    assert len(made) == 3


def test_ties_go_to_the_smaller_row_and_a_row_enters_once():
    sample: BottomK[str] = BottomK(2)
    for row in (9, 4, 7, 4):
        sample.add(0, row, lambda row=row: f"row {row}")
    assert [(row, item) for _, row, item in sample.items] == [(4, "row 4"), (7, "row 7")]


def test_a_sample_is_spread_over_the_rows():
    sample: BottomK[int] = BottomK(200)
    sample.offer(np.arange(10_000, dtype=np.uint64), lambda i: i)
    rows = [row for _, row, _ in sample.items]
    assert 60 < sum(row < 5000 for row in rows) < 140


def test_counts_of_a_finding_merge():
    files = [
        FileRef(0, "a", "a", "jsonl", "train"),
        FileRef(1, "b", "b", "jsonl"),
        FileRef(2, "c", "c", "jsonl", "train"),
    ]
    one, two = FindingCounts(), FindingCounts()
    one.add_rows(files[0], 2)
    one.add_rows(files[1], 0)
    two.add_rows(files[0], 1)
    two.add_rows(files[2], 5)
    one.by_role, two.by_role = {"text": 1}, {"text": 2, "prompt": 1}
    one.matches, two.matches = 3, 4
    one.sample.add(5, 1, lambda: Example("a", 1))
    two.sample.add(4, 2, lambda: Example("c", 2))
    one.merge(two)
    assert (one.rows, one.matches) == (8, 7)
    assert one.by_source(files) == {"a": 3, "c": 5}
    assert one.by_split(files) == {"train": 8}
    assert one.by_role == {"text": 3, "prompt": 1}
    assert [example.row for example in one.sample.values()] == [1, 2]
    assert FindingCounts().sample.items == [], "defaults are not shared"
    assert one.sample.k == EXAMPLES


PARTS = st.sampled_from(
    [-1, 0, 1, 255, 256, 1 << 32, (1 << 32) + 63, 3 << 32, 255 << 32, 256 << 32, 1 << 40, 1 << 62]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(PARTS, min_size=1) | st.lists(st.integers(0, 3), min_size=1), st.booleans(), st.integers(1, 5)
)
def test_rows_are_read_by_partition_whatever_its_number(parts: list[int], loops: bool, at_once: int):
    rows = np.arange(len(parts), dtype=np.uint64)[:, None]
    with Workspace() as work, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill_order, "compiled", lambda _nbytes, _kernel: loops)
        spill = Spill(work, 1)
        for at in range(0, len(parts), at_once):
            spill.add(np.asarray(parts[at : at + at_once], np.int64), rows[at : at + at_once])
        for part in set(parts):
            assert spill.read(part).ravel().tolist() == [i for i, one in enumerate(parts) if one == part]


KEYS = st.sampled_from([0, 1, 1 << 58, 5 << 58, (1 << 64) - 1])


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([0, 3, 250, 255, 300]),
    keys=st.lists(st.tuples(KEYS, KEYS, KEYS), min_size=1, max_size=8),
    rest=st.integers(0, 2),
    loops=st.booleans(),
    flush=st.sampled_from([0, 100, 1 << 20]),
    trip=st.booleans(),
)
def test_keyed_rows_are_read_by_kind_and_range(
    kind: int, keys: list[tuple[int, int, int]], rest: int, loops: bool, flush: int, trip: bool
):
    table = np.asarray(keys, np.uint64)
    others = np.arange(len(keys) * rest, dtype=np.uint64).reshape(len(keys), rest)
    with Workspace() as work, pytest.MonkeyPatch.context() as patch:
        patch.setattr(spill_order, "compiled", lambda _nbytes, _kernel: loops)
        spill = Spill(work, 1 + rest, flush_bytes=flush)
        spill.add_keys(kind, table[:1], others[:1])
        spill.add(np.asarray([7]), np.zeros((1, 1 + rest), np.uint64))
        spill.add_keys(kind, table[1:], others[1:])
        if trip:
            spill = Spill.from_bytes(spill.to_bytes(), work)
        expected: dict[int, list[list[int]]] = {7: [[0] * (1 + rest)]}
        for row, mine in zip(keys, others.tolist(), strict=True):
            for column, key in enumerate(row):
                expected.setdefault((kind + column << 32) + (key >> 58), []).append([key, *mine])
        assert {part: sorted(spill.read(part).tolist()) for part in spill.partitions()} == {
            part: sorted(rows) for part, rows in expected.items()
        }


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_order_and_few_wait(threads: int):
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item * item

    results = side_by_side(work, range(20), threads)
    assert next(results) == 0
    assert len(begun) <= threads + 1
    assert list(results) == [item * item for item in range(1, 20)]
    results = side_by_side(work, range(1000), threads)
    next(results)
    del begun[:]
    results.close()
    assert len(begun) <= threads, "what nobody waits for is not begun"
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda item: 1 // item, [1, 0, 1], threads))


def test_rows_are_read_by_several_threads(tmp_path: Path):
    with Workspace(tmp_path) as work:
        spill = Spill(work, 2, flush_bytes=1000)
        for at in range(50):
            spill.add(np.arange(40) % 4, np.full((40, 2), at, np.uint64))
        spill = Spill.from_bytes(spill.to_bytes(), work)
        parts = [part % 4 for part in range(400)]
        for rows in side_by_side(spill.read, parts, 4):
            assert np.array_equal(np.sort(rows[:, 0]), np.repeat(np.arange(50, dtype=np.uint64), 10))
        spill.remove()
        assert list(work.root.iterdir()) == []
