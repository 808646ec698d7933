"""Exact duplicates and split leakage: who is kept, what counts as equal, where the home split is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from check_support import scan, write
from hypothesis import given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.checks.duplicate_groups import extras, leaks
from dataaudit.records.normalise import normalise_text
from dataaudit.records.types import FileRef, pack_row

DUPLICATES = ("exact-duplicates", "split-leakage")


def text(*values: Any) -> list[dict[str, Any]]:
    return [{"text": value, "n": i} for i, value in enumerate(values)]


def found(report: Any) -> dict[str, int]:
    return {one.id: one.rows for one in report.findings}


def test_the_smallest_row_id_is_kept_and_the_others_name_it(tmp_path: Path):
    files = {"b.jsonl": text("x", "y", "x"), "a.jsonl": text("z", "x", "y", "y")}
    report = scan(tmp_path, files, select=DUPLICATES)
    finding = report.finding("exact-duplicates")
    assert (finding.rows, finding.of) == (4, 7)
    assert [(one.file, one.row, one.twin) for one in finding.examples] == [
        ("a.jsonl", 3, ("a.jsonl", 2)),
        ("b.jsonl", 0, ("a.jsonl", 1)),
        ("b.jsonl", 1, ("a.jsonl", 2)),
        ("b.jsonl", 2, ("a.jsonl", 1)),
    ]
    assert finding.by_source == {"a.jsonl": 1, "b.jsonl": 3}
    assert finding.details["groups"] == 2
    assert finding.details["largest"] == [
        {"size": 3, "file": "a.jsonl", "row": 1}, {"size": 3, "file": "a.jsonl", "row": 2}
    ]  # fmt: skip
    assert [one.text for one in finding.examples] == ["y", "x", "y", "x"]


def test_the_order_of_arguments_decides_who_is_kept(tmp_path: Path):
    folder = write(tmp_path, {"a.jsonl": text("x"), "b.jsonl": text("x")})
    report = dataaudit.scan(
        [folder / "b.jsonl", folder / "a.jsonl"], jobs=1, reference=True, select=DUPLICATES
    )
    (example,) = report.finding("exact-duplicates").examples
    assert (example.file, example.twin) == ("a.jsonl", ("b.jsonl", 0))


def test_lines_of_examples_count_blank_and_malformed_ones(tmp_path: Path):
    report = scan(tmp_path, {"a.jsonl": [{"text": "x"}, b"", b"{", b" ", {"text": "x"}]}, select=DUPLICATES)
    (example,) = report.finding("exact-duplicates").examples
    assert (example.row, example.line) == (2, 5)


CASES = [
    # records, findings with their rows
    (text("a", "a"), {"exact-duplicates": 1, "exact-duplicates:text": 1, ":normalised": 1, ":text:normalised": 1}),
    (text("a", "A "), {":normalised": 1, ":text:normalised": 1}),
    (text("a", "b"), {}),
    (text("İ", "i\u0307"), {":normalised": 1, ":text:normalised": 1}),
    ([{"text": "a", "id": 1}] * 2,
     {"exact-duplicates": 1, ":record": 1, ":text": 1, ":normalised": 1, ":record:normalised": 1,
     ":text:normalised": 1}),
    ([{"text": "a", "url": "U"}, {"text": "A", "url": "u "}],
     {":normalised": 1, ":record:normalised": 1, ":text:normalised": 1}),
    ([{"text": "a", "label": "x"}, {"text": "a", "label": "y"}], {":text": 1, ":text:normalised": 1}),
    ([{"prompt": "a", "response": "b"}, {"prompt": "a", "response": "c"}], {":prompt": 1, ":prompt:normalised": 1}),
    ([{"prompt": "a", "response": "b"}, {"prompt": "b", "response": "a"}], {}),
    ([{"instruction": "a", "input": "b", "output": "x"}, {"instruction": "b", "input": "a", "output": "y"}], {}),
    ([{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
      {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}]}],
     {":prompt": 1, ":prompt:normalised": 1}),
    ([{"prompt": "a", "response": None}, {"prompt": "b", "response": None}], {}),
    ([{"n": 1}, {"n": 1}], {":record": 1, ":record:normalised": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), CASES)
def test_what_counts_as_equal(records: list[dict[str, Any]], expected: dict[str, int], tmp_path: Path):
    full = {
        name if name.startswith("exact") else f"exact-duplicates{name}": n for name, n in expected.items()
    }
    assert found(scan(tmp_path, {"a.jsonl": records}, select=DUPLICATES)) == full


def test_rows_that_hold_more_are_compared_with_those_that_hold_nothing_else(tmp_path: Path):
    """Of the first file all ways of comparing see the same, of the others they do not."""
    files = {
        "a.jsonl": [{"text": "a"}, {"text": "b"}, {"text": "B"}],
        "b.jsonl": [{"text": "a", "label": "x"}, {"text": "b", "n": 1}, {"text": None, "label": "x"}],
        "c.jsonl": [{"prompt": "a", "response": "b"}, {"text": "a", "label": "x", "n": 2}, {"text": "b"}],
    }
    assert found(scan(tmp_path, files, select=DUPLICATES)) == {
        "exact-duplicates": 3,
        "exact-duplicates:normalised": 4,
        "exact-duplicates:record": 1,
        "exact-duplicates:record:normalised": 2,
        "exact-duplicates:text": 4,
        "exact-duplicates:text:normalised": 5,
    }


def test_equal_rows_are_found_across_formats(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    write(tmp_path, {"a.jsonl": [{"messages": chat}]})
    schema = pa.schema(
        [
            ("system", pa.string()),
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ]
    )
    pq.write_table(
        pa.Table.from_pylist([{"system": None, "messages": chat}], schema=schema), tmp_path / "b.parquet"
    )
    report = dataaudit.scan(tmp_path, jobs=1, reference=True, select=DUPLICATES)
    assert report.finding("exact-duplicates").rows == 1


def test_leakage_counts_the_row_of_the_later_split(tmp_path: Path):
    files = {
        "test.jsonl": text("x", "y", "t", "t"),
        "train.jsonl": text("x", "x", "z"),
        "validation.jsonl": text("y", "x", "v"),
        "other.jsonl": text("z", "v"),
    }
    report = scan(tmp_path, files, select=("split-leakage", "exact-duplicates"))
    leak = report.finding("split-leakage")
    # x: home is train, leaks once into validation and once into test; y: home is validation, leaks into test.
    assert (leak.rows, leak.by_split) == (3, {"test": 2, "validation": 1})
    assert sorted((one.file, one.row, one.twin) for one in leak.examples) == [
        ("test.jsonl", 0, ("train.jsonl", 0)),
        ("test.jsonl", 1, ("validation.jsonl", 0)),
        ("validation.jsonl", 1, ("train.jsonl", 0)),
    ]
    assert leak.details["groups"] == 2
    assert report.finding("exact-duplicates").rows == 7


def test_one_split_has_no_leakage_and_it_is_not_evaluated(tmp_path: Path):
    report = scan(
        tmp_path, {"train.jsonl": text("x", "x"), "more.jsonl": text("x")}, select=("split-leakage",)
    )
    assert report.findings == ()
    assert not any(one.id.startswith("split-leakage") for one in report.evaluated)


def test_leakage_of_a_prompt_alone(tmp_path: Path):
    files = {
        "train.jsonl": [{"prompt": "q", "response": "a"}],
        "test.jsonl": [{"prompt": "Q", "response": "b"}, {"prompt": "q", "response": "c"}],
    }
    report = scan(tmp_path, files, select=("split-leakage",))
    assert found(report) == {"split-leakage:prompt": 1, "split-leakage:prompt:normalised": 2}


VALUES = st.sampled_from(["a", "A", "a ", "b", "é", "e\u0301", "", "c"])


@settings(max_examples=60, deadline=None)
@given(files=st.lists(st.tuples(st.sampled_from([None, "train", "test", "validation", "x"]), st.lists(VALUES,
max_size=6)),
                      min_size=1, max_size=4), normalised=st.booleans())  # fmt: skip
def test_extras_and_leaks_are_those_of_a_plain_count(
    files: list[tuple[str | None, list[str]]], normalised: bool
):
    import numpy as np
    import pyarrow as pa

    from dataaudit.records.hashing import string_keys

    refs = [FileRef(i, str(i), str(i), "jsonl", split) for i, (split, _) in enumerate(files)]
    rows = [(pack_row(i, n), value) for i, (_, values) in enumerate(files) for n, value in enumerate(values)]
    form = normalise_text if normalised else str
    groups: dict[str, list[int]] = defaultdict(list)
    for row, value in rows:
        groups[form(value)].append(row)
    keys = string_keys(pa.array([form(value) for _, value in rows], pa.large_string()))
    ids = np.asarray([row for row, _ in rows], np.uint64)
    table = np.stack([keys.hi, keys.lo, ids], axis=1)[::-1]

    got = extras(table)
    expected = {row: members[0] for members in groups.values() for row in members[1:]}
    assert dict(zip(got.rows.tolist(), got.twins.tolist(), strict=True)) == expected
    assert sorted(got.sizes.tolist()) == sorted(len(m) for m in groups.values() if len(m) > 1)

    order = {"train": 0, "validation": 1, "test": 2, "x": 3}
    away: dict[int, int] = {}
    for members in groups.values():
        placed = [(order[split], row) for row in members if (split := files[row >> 40][0]) is not None]
        if placed:
            home = min(placed)
            away.update({row: home[1] for place, row in placed if place > home[0]})
    got = leaks(table, refs)
    assert dict(zip(got.rows.tolist(), got.twins.tolist(), strict=True)) == away
