"""Benchmark leakage from the outside: an index is built, a scan finds its items, a gate fails on them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from check_support import scan, write

import dataaudit
from dataaudit.api.benchmarks import Described, build, show
from dataaudit.benchmarks.shipped import shipped
from dataaudit.checks import finding_kinds
from dataaudit.checks.base import CheckOptions
from dataaudit.errors import BenchmarkError, UsageError
from dataaudit.report.words import next_steps
from dataaudit.rules.load import load_packs
from dataaudit.rules.select import matches

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
    source = write(tmp_path / "short", {"items.jsonl": [{"q": "4 + 3 =", "a": "7"}, {"q": "Why?", "a": ""}]})
    with pytest.raises(BenchmarkError, match="none of the 2 items could ever be found"):
        build(str(source), str(tmp_path / "x"), Described("x"), ("question=q", "answer=a"))
    before = (source / "items.jsonl").read_bytes()
    with pytest.raises(BenchmarkError, match="no benchmark index, so it is not written over"):
        build(str(source), str(source / "items.jsonl"), Described("x"), ("question=q",))
    assert (source / "items.jsonl").read_bytes() == before


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
    assert QUESTION in (out / "quarantine" / "a.jsonl").read_text()
    (reasons,) = (json.loads(line) for line in (out / "quarantine" / "a.jsonl.reasons.jsonl").open())
    note = "item x1 of otters-test: 100 % of the question, without its answer"
    span = [8, 8 + len(QUESTION) - 1]
    assert reasons["reasons"] == [{"id": drop, "path": "text", "span": span, "note": note}]
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
    assert notes == {
        0: "item 0 of x: 100 % of the question, with its answer",
        1: "item 0 of x: 100 % of the question, with its choices",
    }


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


def test_a_place_in_a_chat_is_named_by_turn_and_code_points(tmp_path: Path, index: str):
    said = f"Schöner 😀 Tag. {QUESTION.upper()}"
    chat = [
        {"role": "user", "content": "Ask me."},
        {"role": "assistant", "content": said},
        {"role": "user", "content": "Seven of them!"},
    ]
    write(tmp_path / "in", {"a.jsonl": [{"messages": chat}, {"messages": chat[:2]}]})
    rows = tmp_path / "rows.parquet"
    report = dataaudit.scan(
        tmp_path / "in", benchmarks=("none", index), select=("leakage",), output=(f"rows={rows}",)
    )
    assert report.findings[0].by_role == {"response": 2}
    table = pq.read_table(rows).sort_by("row").to_pylist()
    found = [one for one in table if one["finding"] == "leakage"]
    assert [(one["row"], one["role"], one["path"]) for one in found] == [
        (0, "response", "messages[1].content"),
        (1, "response", "messages[1].content"),
    ]
    assert {said[one["start"] : one["end"]] for one in found} == {QUESTION.upper().removesuffix("?")}
    assert [one["note"].partition(", ")[2] for one in found] == ["with its answer", "without its answer"]


def test_what_the_training_split_holds_is_no_leak(tmp_path: Path):
    template = (
        "If a red tram leaves the old depot at nine and every stop takes it two minutes more, when is it"
    )
    items = [
        {"q": f"{template} at the harbour behind the third bridge?", "a": "ten"},
        {"q": QUESTION, "a": "Seven of them"},
        {
            "q": "How many loaves does the baker of the small village sell when it rains on a market day?",
            "a": "forty",
        },
    ]
    train = [
        {"q": f"{template} in front of our museum?", "a": "noon"},
        {"q": f"{QUESTION} Say why.", "a": "Seven"},
    ]
    benchmark = write(
        tmp_path / "benchmark", {"test.jsonl": items, "train.jsonl": train, "other.jsonl": [{"x": "y"}]}
    )
    out, columns = str(tmp_path / "x.benchmark"), ("question=q", "answer=a")
    plain = build(str(benchmark / "test.jsonl"), out, Described("x"), columns)
    rows = [{"text": one["q"]} for one in (*items, *train)]
    assert (plain.known_train, plain.counts.get("known-train")) == ("", None)
    assert scan(tmp_path, {"a.jsonl": rows}, benchmarks=("none", out)).findings[0].rows == 5
    made = build(
        str(benchmark / "test.jsonl"), out, Described("x"), columns, (str(benchmark / "train.jsonl"),)
    )
    assert (made.known_train, made.counts["known-train"]) == ("train.jsonl", 2)
    assert show(out).counts == made.counts
    report = scan(tmp_path, {"a.jsonl": rows}, benchmarks=("none", out), select=("leakage",))
    assert {one.row for one in report.findings[0].examples} == {0, 2}
    for known, said in (
        ("other.jsonl", "same --columns"),
        ("test.jsonl", "every item"),
        ("none.jsonl", "none.jsonl"),
    ):
        with pytest.raises((BenchmarkError, UsageError), match=rf"^[^\n]*{said}[^\n]*$"):
            build(str(benchmark / "test.jsonl"), out, Described("x"), columns, (str(benchmark / known),))
    assert show(out).counts == made.counts, "a failed build leaves the index as it was"


def test_an_index_is_the_same_to_the_byte_whenever_it_is_built(tmp_path: Path, index: str):
    again = tmp_path / "again.benchmark"
    source = str(tmp_path / "benchmark" / "items.jsonl")
    for _ in range(2):
        build(source, str(again), Described("otters", "test"), ("question=q", "answer=a", "id=n"))
        assert again.read_bytes() == Path(index).read_bytes()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("一辆马车装着十一箱李子每箱比空车重四公斤她必须卸下多少箱", "三箱"),
        ("รถเข็นบรรทุกลูกพลัมสิบเอ็ดลังแต่ละลังหนักกว่ารถเปล่าสี่กิโลกรัม", "สามลัง"),
        ("كم عدد القوارب الصغيرة التي تحتاجها تسعة عشر ثعلبا لعبور البحيرة الكبيرة قبل الغروب", "سبعة"),
    ],
)  # fmt: skip
def test_items_in_scripts_of_their_own(tmp_path: Path, question: str, answer: str):
    source = write(tmp_path / "benchmark", {"items.jsonl": [{"q": question, "a": answer}]})
    index = str(tmp_path / "x.benchmark")
    build(str(source), index, Described("x"), ("question=q", "answer=a"))
    rows = [{"text": f"— {question}? {answer}!"}, {"text": question[: len(question) // 3]}, {"text": answer}]
    report = scan(tmp_path, {"a.jsonl": rows}, benchmarks=("none", index), select=("leakage",))
    (example,) = report.findings[0].examples
    assert (example.row, example.note) == (0, "item 0 of x: 100 % of the question, with its answer")
    assert rows[0]["text"][slice(*example.span or ())] == question


def test_a_question_that_others_ask_too_needs_its_answer(tmp_path: Path):
    boilerplate = "Which one of the following statements is"
    asked = f"{boilerplate} true:"
    items = [{"q": asked, "a": f"Otters of kind {one} sleep"} for one in ("seven", "nine")]
    items += [{"q": f"{boilerplate} {chr(97 + one) * 5}?", "a": "x"} for one in range(26)]
    items += [{"q": f"{boilerplate} {chr(97 + one) * 6}?", "a": "x"} for one in range(26)]
    source = write(tmp_path / "benchmark", {"items.jsonl": items})
    index = str(tmp_path / "x.benchmark")
    build(str(source), index, Described("x"), ("question=q", "answer=a"))
    rows = [{"text": f"{asked} whales sing"}, {"text": f"{asked} Otters of kind nine sleep"}]
    report = scan(tmp_path, {"a.jsonl": rows}, benchmarks=("none", index), select=("leakage",))
    assert [(one.row, one.note) for one in report.findings[0].examples] == [
        (1, "item 1 of x: 100 % of the question, with its answer")
    ]


def test_missing_indexes_are_said_and_no_gate_passes_over_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dataaudit.benchmarks.shipped.shipped", lambda: ())
    rows = {"a.jsonl": [{"text": QUESTION}]}
    report = scan(tmp_path, rows, max_count=("leakage=0",))
    assert [one for one in report.notes if "leakage was not looked for" in one]
    assert report.status == "not-evaluated"
    for options in ({"benchmarks": ("none",)}, {"ignore": ("leakage",)}):
        assert not [one for one in scan(tmp_path, rows, **options).notes if "leakage" in one]


def test_the_report_says_what_is_missed_and_suggests_one_drop(tmp_path: Path, index: str):
    report = scan(tmp_path, {"a.jsonl": [{"text": QUESTION}]}, benchmarks=(index,))
    assert "that a model rephrased" in report.findings[0].message
    (clean,) = [one.command for one in next_steps(report) if "clean" in one.command]
    assert clean.endswith(" --drop leakage")
    assert report.options["benchmarks"] == [index]


def test_what_stands_beside_an_answer_is_none(tmp_path: Path):
    """How an answer was reached is no part of it: the index is that of question and answer alone."""
    question = "How many otters live in the lake behind the old mill at the end of summer"
    made = []
    for name, more in (
        ("alone", {}),
        ("beside", {"solution": "Count the tails by the reeds.", "rationale": "Guess."}),
    ):
        rows = [{"question": f"{question} {i}?", "answer": f"number {i} of them", **more} for i in range(5)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        out = tmp_path / f"{name}.index"
        build(str(tmp_path / f"{name}.jsonl"), str(out), Described("otters", source="made"), ())
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_a_check_alone_reads_no_packs(tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch):
    """Nor may a rule be missed by that: none is named by what is a check or a finding, but for one that needs rules."""
    rules, kinds = load_packs(), finding_kinds(CheckOptions())
    names = {name for kind in kinds for name in (kind.id, kind.check) if kind.check != "synthetic-share"}
    assert not [(name, rule.id) for name in names for rule in rules if matches(name, rule)]
    monkeypatch.setattr("dataaudit.api.plan.load_packs", lambda extra: pytest.fail("packs were read"))
    rows = {"a.jsonl": [{"text": QUESTION}]}
    only = {
        "benchmarks": ("none", index),
        "select": ("leakage", "exact-duplicates"),
        "ignore": ("near-duplicates",),
    }
    assert scan(tmp_path, rows, **only, max_count=("leakage=0",)).status == "fail"
    for more in (
        {"select": ("default",)},
        {"select": ("leakage", "synthetic-share")},
        {"ignore": ("mispelled",)},
        {"max_count": ("mispelled=0",)},
    ):
        with pytest.raises(pytest.fail.Exception, match="packs were read"):
            scan(tmp_path, rows, **{**only, **more})


def test_a_benchmark_with_a_line_that_cannot_be_read_is_refused(tmp_path: Path):
    source = tmp_path / "items.jsonl"
    source.write_text(json.dumps(ITEMS[0]) + "\n\n{broken\n")
    with pytest.raises(
        BenchmarkError, match=r"^items.jsonl: line 3: invalid-json; an index of what is left would miss it$"
    ):
        build(str(source), str(tmp_path / "x"), Described("x"), ("question=q",))
    assert not (tmp_path / "x").exists()
