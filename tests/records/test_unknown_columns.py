"""Columns whose names say nothing: those whose strings read as text are searched, the others named with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dataaudit
from dataaudit.api.schema import schema
from dataaudit.records.shapes import TEXT, shape_of_column
from dataaudit.report.model import Report

ROWS = 60
WORDS = ["river", "stone", "garden", "window", "paper", "music", "winter", "summer", "bread", "water"]
SAID = "As an AI assistant, I cannot say."


def words(i: int, count: int = 6) -> str:
    return " ".join(WORDS[(i * 7 + j * (1 + i % 3)) % len(WORDS)] for j in range(count)) + f" {i}"


PASSED: dict[str, tuple[Callable[[int], Any], str]] = {
    "ref": (lambda i: f"doc_{i}", "identifiers"),
    "uuid": (lambda i: str(UUID(int=i * 7919)), "identifiers"),
    "sha": (lambda i: f"{i * 7919:040x}", "identifiers"),
    "file_name": (lambda i: f"images/{i}.jpg", "identifiers"),
    "link": (lambda i: f"https://example.org/{i}?q=a%20b", "addresses"),
    "mail": (lambda i: f"user{i}@example.org", "addresses"),
    "made": (lambda i: f"2024-0{1 + i % 9}-11T10:00:00Z", "dates"),
    "day": (lambda i: f"{1 + i % 28}/3/2021", "dates"),
    "size": (lambda i: f"{i * 37:,}", "numbers"),
    "licence": (lambda i: ("mit", "apache 2.0")[i % 2], "few short values"),
    "marks": (lambda i: [f"t{i}", f"t{i + 1}"], "identifiers"),
}
READ: dict[str, Callable[[int], Any]] = {
    "said": words,
    "heading": lambda i: words(i, 2),
    "city": lambda i: WORDS[i % 10] + "abcdefghij"[i // 10],
    "zh": lambda i: "今天天气很好" + "一二三四五六七八九十"[i % 10],
    "answer_like": lambda i: ("Yes.", "No.")[i % 2],
    "refusal": lambda i: ("I cannot help you", "fine")[i % 2],
    "marked": lambda i: ("<|im_end|>", "fine")[i % 2],
    "once": lambda i: SAID if i == 50 else f"id-{i}",
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(columns: dict[str, Callable[[int], Any]], first: int = 0, count: int = ROWS) -> list[dict[str, Any]]:
    return [{name: make(i) for name, make in columns.items()} for i in range(first, first + count)]


def searched(report: Report, file: int = 0) -> set[str]:
    paths = report.sources[file].roles.get("text", "")
    return {path.partition("[")[0] for path in paths.split(", ") if path}


@pytest.mark.parametrize("name", PASSED)
def test_what_holds_no_text_is_passed_over_with_the_reason(name: str) -> None:
    make, shape = PASSED[name]
    values = [make(i) for i in range(ROWS)]
    assert shape_of_column([one for v in values for one in (v if isinstance(v, list) else [v])]) == shape


@pytest.mark.parametrize("name", READ)
def test_what_may_be_text_is_read(name: str) -> None:
    assert shape_of_column([READ[name](i) for i in range(ROWS)]) == TEXT


@given(st.lists(st.text(alphabet="abcdefghijk lmnopqr,.", min_size=1), min_size=1, max_size=40))
def test_one_text_makes_a_column_one_of_text(values: list[str]) -> None:
    assert shape_of_column([f"id_{i}" for i in range(200)] + [*values, "three plain words"]) == TEXT


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_report_and_schema_say_what_is_read_and_why_the_rest_is_not(ending: str, tmp_path: Path) -> None:
    columns = {name: make for name, (make, _) in PASSED.items()} | READ
    path = write(tmp_path / f"data.{ending}", rows(columns))
    report = dataaudit.scan(path)
    (source,) = report.sources
    assert source.layout == "unknown-columns"
    assert searched(report) == set(READ)
    assert set(source.unread) == set(PASSED)
    assert source.shapes == {name: shape for name, (_, shape) in PASSED.items()}
    assert report.finding("self-as-an-ai-assistant") is not None
    (shown,) = schema(path)
    assert set(shown.unread) == set(PASSED)
    assert shown.shapes == source.shapes


def test_columns_overrides_what_the_strings_say(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", rows({"ref": PASSED["ref"][0], "said": words}))
    report = dataaudit.scan(path, columns=["text=ref"])
    assert report.sources[0].roles == {"text": "ref"}


def test_where_nothing_is_text_everything_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "data.jsonl", rows({name: PASSED[name][0] for name in ("ref", "link")}))
    report = dataaudit.scan(path)
    assert searched(report) == {"ref", "link"}
    assert report.status == "no-gate"


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_shards_are_read_alike(ending: str, tmp_path: Path) -> None:
    """A column that is empty or all of a kind in one shard is a text in all of them, if it is in one."""
    ref = {"ref": PASSED["ref"][0], "said": words}
    for shard in range(4):
        reply = words if shard == 3 else PASSED["licence"][0]
        write(tmp_path / f"part-{shard}.{ending}", rows({**ref, "reply": reply}, shard * ROWS))
    report = dataaudit.scan(tmp_path)
    assert [searched(report, i) for i in range(4)] == [{"said", "reply"}] * 4
    assert report.rates["contamination"].of == 4 * ROWS


def test_a_column_that_comes_late_is_read(tmp_path: Path) -> None:
    made = rows({"ref": PASSED["ref"][0], "said": words}, 0, 3_000)
    made[2_900]["late"] = "x1"
    made[2_901]["late"] = SAID
    report = dataaudit.scan(write(tmp_path / "data.jsonl", made))
    assert searched(report) == {"said", "late"}
    assert report.finding("self-as-an-ai-assistant") is not None


def test_records_without_their_text_have_none(tmp_path: Path) -> None:
    made = rows({"ref": PASSED["ref"][0], "said": words})
    made[5] = {"ref": "doc_5", "said": None}
    report = dataaudit.scan(write(tmp_path / "data.jsonl", made))
    assert report.rates["contamination"].of == ROWS - 1


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_label_that_is_a_text_is_a_response(ending: str, tmp_path: Path) -> None:
    texts = write(tmp_path / f"a.{ending}", rows({"prompt": words, "label": lambda i: words(i + 1)}))
    assert dataaudit.scan(texts).sources[0].roles == {"prompt": "prompt", "response": "label"}
    labels = write(tmp_path / f"b.{ending}", rows({"prompt": words, "label": PASSED["licence"][0]}))
    assert dataaudit.scan(labels).sources[0].roles == {"prompt": "prompt", "label": "label"}


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_turns_in_rows_of_their_own_have_the_role_they_name(ending: str, tmp_path: Path) -> None:
    roles = ("prompter", "assistant", "narrator", None)
    made = [{"text": words(i), "role": roles[i % 4], "lang": "en"} for i in range(ROWS)]
    report = dataaudit.scan(write(tmp_path / f"data.{ending}", made))
    (source,) = report.sources
    assert (source.layout, source.unread) == ("messages", ("lang",))
    assert source.roles == {"prompt": "text", "response": "text", "text": "text"}
    assert not [one.id for one in report.findings if one.id.startswith("structure:")]


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_talk_of_two_claims_nothing_about_the_order_of_turns(ending: str, tmp_path: Path) -> None:
    made = [{"dialog": [words(i), SAID, words(i + 1)]} for i in range(ROWS)]
    report = dataaudit.scan(write(tmp_path / f"data.{ending}", made))
    assert report.sources[0].roles == {"prompt": "dialog[*]", "response": "dialog[*]"}
    finding = report.finding("self-as-an-ai-assistant")
    assert finding is not None and finding.rows == ROWS
    assert not [one.id for one in report.findings if one.id.startswith("structure:turn")]


def test_rows_without_names_have_a_label_where_one_column_is_one(tmp_path: Path) -> None:
    made = [[words(i), ("travel", "weather", "oos")[i % 3]] for i in range(ROWS)]
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"train": made, "test": [["one more text", "oos"]]}))
    report = dataaudit.scan(path)
    for source in report.sources:
        assert (source.layout, source.roles) == ("labelled", {"text": "0", "label": "1"})
        assert source.notes == ("column 1 is read as the label, column 0 as text; name roles with --columns",)
    (info,) = report.labels
    assert info.path == "1"
