"""Benchmark leakage from the outside: an index is built, a scan finds its items, a gate fails on them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from check_support import scan, write

import dataaudit
from dataaudit.api.benchmarks import Described, build, show
from dataaudit.benchmarks.shipped import shipped
from dataaudit.errors import BenchmarkError, UsageError

QUESTION = "How many slow green otters fit into the third narrow boat on the lake if two of them are asleep?"
ITEMS = [{"q": QUESTION, "a": "Seven of them", "n": "x1"}, {"q": "", "a": "", "n": "x2"}]


@pytest.fixture
def index(tmp_path: Path) -> str:
    source = write(tmp_path / "benchmark", {"items.jsonl": ITEMS})
    out = tmp_path / "otters.benchmark"
    made = build(str(source), str(out), Described("otters", "test"), ("question=q", "answer=a", "id=n"))
    assert made.counts["items"] == 1
    assert made.counts["empty"] == 1
    return str(out)


def test_an_item_is_named_with_its_place_and_answer_and_fails_a_gate(tmp_path: Path, index: str):
    rows = [{"text": "Nothing here."}, {"text": f"A page. {QUESTION} Seven of them, they say."}]
    report = scan(
        tmp_path, {"a.jsonl": rows}, benchmarks=("none", index), max_count=("leakage=0",), select=("leakage",)
    )
    assert report.status == "fail"
    found = {one.id: one for one in report.findings}
    assert set(found) == {"leakage", "leakage:otters-test"}
    assert (found["leakage"].rows, found["leakage"].of) == (1, 2)
    assert found["leakage"].details["benchmarks"] == {"otters-test": {"items": 1, "of": 1, "with_answer": 1}}
    (example,) = found["leakage"].examples
    assert (example.row, example.role) == (1, "text")
    assert rows[1]["text"][slice(*example.span or ())] == QUESTION.removesuffix("?")
    assert example.note == "item x1 of otters-test: 100 % of the question, with its answer"


def test_what_cannot_be_meant_is_refused(tmp_path: Path, index: str):
    with pytest.raises(UsageError, match="two indexes are of otters-test"):
        scan(tmp_path, {"a.jsonl": [{"text": "a"}]}, benchmarks=(index, index))
    with pytest.raises(BenchmarkError, match="no such benchmark index"):
        scan(tmp_path, {"a.jsonl": [{"text": "a"}]}, benchmarks=("absent",))
    with pytest.raises(BenchmarkError, match="no item with a question"):
        source = write(tmp_path / "empty", {"items.jsonl": [{"q": "", "a": "1"}]})
        build(str(source), str(tmp_path / "x"), Described("x"), ("question=q",))


def test_a_row_with_items_of_two_benchmarks_counts_once(tmp_path: Path, index: str):
    other = str(tmp_path / "more.benchmark")
    build(str(tmp_path / "benchmark"), other, Described("more"), ("question=q", "answer=a"))
    report = scan(tmp_path, {"a.jsonl": [{"text": QUESTION}, {"text": "b"}]}, benchmarks=(index, other))
    rows = {one.id: one.rows for one in report.findings if one.check == "leakage"}
    assert rows == {"leakage": 1, "leakage:otters-test": 1, "leakage:more": 1}


@pytest.mark.parametrize("drop", ["leakage", "leakage:otters-test"])
def test_clean_drops_the_rows_and_says_which_item(tmp_path: Path, index: str, drop: str):
    rows = [{"text": "Nothing here."}, {"text": f"A page. {QUESTION}"}, {"text": "Nor here."}]
    source, out = write(tmp_path / "data", {"a.jsonl": rows}), tmp_path / "out"
    dataaudit.clean(str(source), out, drop=(drop,), benchmarks=(index,))
    kept = "".join(path.read_text() for path in (out / "kept").rglob("*.jsonl"))
    assert "Nothing here." in kept
    assert "Nor here." in kept
    assert "otters" not in kept
    dropped = "".join(path.read_text() for path in (out / "quarantine").rglob("*") if path.is_file())
    assert QUESTION in dropped
    assert "item x1 of otters-test" in dropped
    assert dataaudit.scan(str(out / "kept"), benchmarks=(index,), select=("leakage",)).findings == ()


CHOICES = ["eleven small otters", "nobody at all", "twelve grey herons"]
FORMS = {
    "place": [{"q": QUESTION, "c": CHOICES, "a": 2}],
    "letter": [{"q": QUESTION, "c": CHOICES, "a": "C"}],
    "text": [{"q": QUESTION, "c": CHOICES, "a": CHOICES[2]}],
    "rows": [{"q": QUESTION, "a": one, "ok": one == CHOICES[2], "n": 0} for one in CHOICES],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_choices_and_the_right_one_are_read_from_every_form(tmp_path: Path, form: str, kind: str):
    source = write(tmp_path / "benchmark", {"items.jsonl": FORMS[form]}) / "items.jsonl"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(FORMS[form]), source.with_suffix(".parquet"))
        source = source.with_suffix(".parquet")
    index = str(tmp_path / "x.benchmark")
    columns = ("question=q", "answer=a", *(("correct=ok", "id=n") if form == "rows" else ("choices=c",)))
    assert build(str(source), index, Described("x"), columns).counts["items"] == 1
    rows = [{"text": f"{QUESTION} {CHOICES[2]}!"}, {"text": f"{QUESTION} {CHOICES[0]}, {CHOICES[1]}"}]
    report = scan(tmp_path / "data", {"a.jsonl": rows}, benchmarks=(index,), select=("leakage",))
    notes = {one.row: one.note for one in report.findings[0].examples}
    assert notes == {0: "item 0 of x: 100 % of the question, with its answer", 1: "item 0 of x: 100 % of the question, with its choices"}


def test_the_shipped_benchmarks_are_looked_for_unless_told_otherwise(tmp_path: Path, index: str):
    assert [show(path).label for path in shipped()] == ["gsm8k-test", "humaneval", "mmlu-test"]
    assert all(show(path).licence == "MIT" for path in shipped())
    assert sum(Path(path).stat().st_size for path in shipped()) < 10_000_000
    rows = {"a.jsonl": [{"text": QUESTION}, {"text": "Nothing here."}]}
    for given, labels in (
        ((), {"gsm8k-test", "humaneval", "mmlu-test"}),
        ((index,), {"gsm8k-test", "humaneval", "mmlu-test", "otters-test"}),
        (("none", index), {"otters-test"}),
        (("none",), set()),
    ):
        report = scan(tmp_path / "data", rows, benchmarks=given)
        said = {one.id.partition(":")[2] for one in report.evaluated if one.id.startswith("leakage:")}
        assert said == labels
        assert any(one.id == "leakage" for one in report.findings) == (index in given)
