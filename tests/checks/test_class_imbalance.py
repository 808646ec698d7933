"""Class imbalance: exact counts, ratios, missing and declared classes, splits that differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from check_support import scan
from hypothesis import given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.checks.label_stats import gather
from dataaudit.sketches.counter import SpillCounter
from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.stats import entropy, jensen_shannon_distance
from dataaudit.sketches.workspace import Workspace


def rows(counts: Mapping[Any, int]) -> list[dict[str, Any]]:
    return [{"text": f"{label} {i}", "label": label} for label, n in counts.items() for i in range(n)]


def labels_of(tmp_path: Path, files: Mapping[str, Mapping[Any, int]]):
    report = scan(
        tmp_path, {name: rows(counts) for name, counts in files.items()}, select=("class-imbalance",)
    )
    return report, report.labels[0]


RATIOS = [
    ({"a": 10, "b": 10}, None),
    ({"a": 100, "b": 10}, None),
    ({"a": 101, "b": 10}, "low"),
    ({"a": 100, "b": 1}, "low"),
    ({"a": 101, "b": 1}, "high"),
    ({"a": 300, "b": 200, "c": 2}, "high"),
]


@pytest.mark.parametrize(("counts", "severity"), RATIOS)
def test_the_ratio_of_the_largest_class_to_the_smallest(
    counts: dict[str, int], severity: str | None, tmp_path: Path
):
    report, info = labels_of(tmp_path, {"data.jsonl": counts})
    finding = report.finding("class-imbalance")
    assert info.counts == counts
    assert info.ratio == max(counts.values()) / min(counts.values())
    assert (None if finding is None else finding.severity) == severity
    if finding is not None:
        assert (finding.value, finding.rows, finding.of) == (info.ratio, None, sum(counts.values()))
        assert (finding.details["largest"], finding.details["smallest"]) == ("a", min(counts, key=counts.get))


def test_a_gate_on_the_ratio_reads_its_value(tmp_path: Path):
    files = {"data.jsonl": rows({"a": 30, "b": 10})}
    assert scan(tmp_path, files, max_count=("class-imbalance=3",)).status == "pass"
    assert scan(tmp_path, files, max_count=("class-imbalance=2",)).status == "fail"


def test_nulls_are_no_class(tmp_path: Path):
    report = scan(
        tmp_path, {"d.jsonl": [*rows({"a": 2, "b": 2}), *({"text": "x", "label": None} for _ in range(50))]}
    )
    info = report.labels[0]
    assert (info.rows, info.classes, info.counts) == (4, 2, {"a": 2, "b": 2})


def test_a_single_class(tmp_path: Path):
    report, info = labels_of(tmp_path, {"data.jsonl": {"only": 7}})
    finding = report.finding("class-imbalance:single-class")
    assert (finding.value, finding.limit, finding.rows, finding.of) == (1.0, 1.0, None, 7)
    assert (info.classes, info.entropy, info.effective_classes) == (1, None, 1.0)
    assert report.finding("class-imbalance") is None


def test_kinds_of_labels_stay_apart_by_their_text_and_no_further(tmp_path: Path):
    report = scan(
        tmp_path,
        {
            "d.jsonl": [
                {"text": str(i), "label": one} for i, one in enumerate([1, "1", True, "true", 0, "x\x1fy"])
            ]
        },
    )
    assert report.labels[0].counts == {"0": 1, "1": 2, "true": 2, "x\x1fy": 1}


def test_classes_declared_but_absent(tmp_path: Path):
    metadata = {
        "huggingface": '{"info": {"features": {"y": {"names": ["no", "yes", "never", "nor"], "_type": "ClassLabel"}}}}'
    }
    schema = pa.schema([("text", pa.string()), ("y", pa.int64())], metadata=metadata)
    for name, values in (("train", [0, 0, 1]), ("test", [1, -1, None])):
        table = pa.Table.from_pylist(
            [{"text": f"{name}{i}", "y": y} for i, y in enumerate(values)], schema=schema
        )
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=1)
    report = dataaudit.scan(tmp_path, jobs=1, reference=True)
    finding = report.finding("class-imbalance:absent-class")
    assert (finding.value, finding.details["classes"]) == (2.0, ["never", "nor"])
    assert report.labels[0].counts == {"no": 2, "yes": 2}
    assert report.labels[0].rows == 4


def test_counts_over_splits_are_those_of_the_classes(tmp_path: Path):
    """Each class once, in whatever splits it lies."""
    files = {
        "train.jsonl": {"a": 6, "b": 3, "c": 1},
        "test.jsonl": {"a": 2, "b": 2},
        "dev.jsonl": {"a": 1, "d": 1},
    }
    report, info = labels_of(tmp_path, files)
    assert info.counts == {"a": 9, "b": 5, "c": 1, "d": 1}
    assert (info.classes, info.ratio, info.rows) == (4, 9.0, 16)
    assert info.by_split == {
        "train": files["train.jsonl"],
        "test": files["test.jsonl"],
        "validation": files["dev.jsonl"],
    }
    assert report.finding("class-imbalance") is None


def test_classes_missing_from_a_split(tmp_path: Path):
    files = {"train.jsonl": {"a": 5, "b": 5, "c": 5}, "test.jsonl": {"a": 5}, "dev.jsonl": {"a": 5, "b": 5}}
    report, _ = labels_of(tmp_path, files)
    finding = report.finding("class-imbalance:missing-in-split")
    assert (finding.value, finding.details["split"]) == (2.0, "test"), "the worst split comes first"
    assert len(finding.details["also"]) == 1
    same = {"train.jsonl": {"a": 5, "b": 5}, "test.jsonl": {"a": 1, "b": 1}}
    report, _ = labels_of(tmp_path / "same", same)
    assert report.finding("class-imbalance:missing-in-split") is None


def test_files_without_a_split_take_no_part_in_comparisons(tmp_path: Path):
    report, info = labels_of(tmp_path, {"train.jsonl": {"a": 5}, "data.jsonl": {"b": 5}})
    assert report.finding("class-imbalance:missing-in-split") is None
    assert (info.by_split, info.split_distance) == ({}, {})
    assert info.counts == {"a": 5, "b": 5}


DISTANCES = [
    ({"a": 10, "b": 10}, {"a": 1, "b": 1}),
    ({"a": 10, "b": 10}, {"a": 10, "b": 30}),
    ({"a": 3, "b": 7}, {"c": 5}),
    ({"a": 1, "b": 2, "c": 3}, {"a": 3, "b": 2, "c": 1}),
    ({f"l{i}": i + 1 for i in range(30)}, {f"l{i}": 31 - i for i in range(5, 35 - 5)}),
]


@pytest.mark.parametrize(("train", "test"), DISTANCES)
def test_the_distance_of_splits_is_that_of_jensen_and_shannon(
    train: dict[str, int], test: dict[str, int], tmp_path: Path
):
    report, info = labels_of(tmp_path, {"train.jsonl": train, "test.jsonl": test})
    expected = jensen_shannon_distance(train, test)
    assert info.split_distance == {"test|train": pytest.approx(expected, abs=1e-9)}
    finding = report.finding("class-imbalance:split-shift")
    assert (finding is not None) == (expected > 0.1)


COUNTS = st.dictionaries(
    st.text(alphabet="abc\x1f", min_size=0, max_size=2), st.integers(1, 9), min_size=1, max_size=6
)


@settings(max_examples=60, deadline=None)
@given(
    splits=st.dictionaries(
        st.sampled_from(["", "train", "test", "validation"]), COUNTS, min_size=1, max_size=4
    ),
    spilled=st.booleans(),
)
def test_figures_are_those_of_the_plain_counts(splits: dict[str, dict[str, int]], spilled: bool):
    total: dict[str, int] = {}
    with Workspace() as work:
        counter = SpillCounter(work, distinct=1 if spilled else 1000)
        for split, counts in splits.items():
            add_counts(total, counts)
            for label, n in counts.items():
                counter.add({f"label\x1f{split}\x1f{label}": n})
        (stats,) = gather(counter, {"label": sum(total.values())}, {"label": ["abc", *total]})
    info, n = stats.info, sum(total.values())
    assert info.counts == total
    assert info.classes == len(total)
    assert info.ratio == max(total.values()) / min(total.values())
    assert info.effective_classes == pytest.approx(math.exp(entropy(total)))
    if len(total) > 1:
        assert info.entropy == pytest.approx(entropy(total) / math.log(len(total)))
    assert stats.absent == ([] if "abc" in total else ["abc"])
    named = {split: counts for split, counts in splits.items() if split}
    assert info.by_split == (named if len(named) > 1 else {})
    for pair, distance in info.split_distance.items():
        a, b = pair.split("|")
        assert distance == pytest.approx(jensen_shannon_distance(named[a], named[b]), abs=1e-9)
    assert len(info.split_distance) == len(named) * (len(named) - 1) // 2
    lacking = {split: len(total) - len(counts) for split, counts in named.items() if len(counts) < len(total)}
    assert stats.missing == (lacking if len(named) > 1 else {})
    assert n == info.rows


def test_more_labels_than_are_held_in_memory_are_counted_exactly():
    with Workspace() as work:
        counter = SpillCounter(work)
        for start in (0, 60_000, 90_000):
            counter.add({f"label\x1ftrain\x1f{i}": 1 for i in range(start, start + 70_000)})
            counter.add({f"label\x1ftest\x1f{i}": 2 for i in range(start, start + 70_000, 2)})
        assert list(work.root.iterdir()), "nothing was spilled"
        (stats,) = gather(counter, {"label": 5}, {})
    expected: dict[int, int] = {}
    for start in (0, 60_000, 90_000):
        add_counts(expected, dict.fromkeys(range(start, start + 70_000), 1))
        add_counts(expected, dict.fromkeys(range(start, start + 70_000, 2), 2))
    assert stats.info.classes == len(expected) == 160_000
    assert stats.info.ratio == max(expected.values()) / min(expected.values())
    assert len(stats.info.counts) == 100, "the most and the least frequent"
    assert stats.info.effective_classes == pytest.approx(
        math.exp(entropy({str(k): v for k, v in expected.items()})), rel=1e-9
    )
    assert stats.missing == {"test": 80_000}


def test_several_label_columns_have_a_figure_each_and_one_finding(tmp_path: Path):
    records = [
        {"text": str(i), "label": "a" if i else "b", "topic": "x" if i % 100 else "y"} for i in range(202)
    ]
    report = scan(tmp_path, {"data.jsonl": records}, select=("class-imbalance",))
    assert [info.path for info in report.labels] == ["label", "topic"]
    found = [one for one in report.findings if one.id == "class-imbalance"]
    assert len(found) == 1
    assert found[0].details["path"] == "label"
    assert len(found[0].details["also"]) == 1
