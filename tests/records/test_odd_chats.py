"""Chats in shapes nobody promised: each text is searched, or the report names its field. In JSON and in tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dataaudit
from dataaudit.report.model import Report

SAID = "As an AI assistant, I cannot help with that."
ASKED = {"role": "user", "content": "Hello"}
ANSWER = {"role": "assistant", "content": SAID}
SHARED = [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": SAID}]


def answered(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [ASKED, {"role": "assistant", "content": content, **more}]}


READ: dict[str, dict[str, Any]] = {
    "no roles": {"messages": [{"content": "Hello"}, {"content": SAID}]},
    "no first role": {"messages": [{"content": "Hello"}, ANSWER]},
    "capitals and spaces": {"messages": [{"role": " User", "content": "Hello"}, ANSWER | {"role": "ASSISTANT "}]},
    "keys in capitals": {"Messages": [{"Role": "user", "Content": "Hello"}, {"Role": "assistant", "Content": SAID}]},
    "null content": {"messages": [{"role": "user", "content": None}, ANSWER]},
    "object as content": answered({"text": SAID}),
    "parts in an object": answered({"content_type": "text", "parts": [SAID]}),
    "unknown part": answered([{"type": "output_text", "output": SAID}]),
    "part of thoughts": answered([{"type": "thinking", "thinking": SAID, "signature": "eA=="}]),
    "nested lists": answered([[{"text": SAID}]]),
    "thoughts": answered("Yes.", reasoning_content=SAID),
    "a turn alone": {"messages": ANSWER},
    "other keys": {"messages": [{"user": "a", "body": "Hello"}, {"user": "b", "body": SAID}]},
    "pairs": {"conversation": [{"human": "Hello", "assistant": SAID}]},
    "inputs and outputs": {"conversation": [{"system": "Be kind.", "input": "Hello", "output": SAID}]},
    "lists of two": {"messages": [["user", "Hello"], ["assistant", SAID]]},
    "history": {"instruction": "Go on.", "output": "Yes.", "history": [["Hello", SAID]]},
    "lists in lists": {"conversations": [SHARED, SHARED]},
    "strings": {"conversations": ["Hello", SAID]},
    "columns": {"conversations": {"from": ["human", "gpt"], "value": ["Hello", SAID]}},
    "JSON in a string": {"messages": json.dumps([ASKED, ANSWER]), "id": "x"},
    "JSON of ShareGPT": {"conversations": " " + json.dumps(SHARED, indent=1)},
    "JSON in a preference": {"chosen": json.dumps([ASKED, ANSWER]), "rejected": json.dumps([ASKED])},
    "Python in a string": {"messages": str([ASKED, ANSWER])},
    "batch request": {"custom_id": "1", "body": {"model": "m", "messages": [ASKED, ANSWER]}},
    "unknown name": {"talk": [ASKED, ANSWER]},
    "contents and parts": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]},
                                        {"role": "model", "parts": [{"text": SAID}]}]},
    "tree": {"prompt": {"text": "Hello", "role": "prompter",
                        "replies": [{"text": SAID, "role": "assistant", "lang": "en"}]}},
    "export": {"title": "t", "mapping": {"a": {"message": {"author": {"role": "assistant"},
                                                           "content": {"parts": [SAID]}}}}},
    "text in lists of lists": {"text": [[SAID]]},
    "ten thousand turns": {"messages": [ASKED, ANSWER | {"content": "Yes."}] * 5_000 + [ASKED, ANSWER]},
}  # fmt: skip

READ |= {
    "a talk of two": {"conversations": ["Hello", SAID]},
    "an object as an answer": {"question": {"id": "7", "text": "Hello"}, "answer_0": SAID, "answer_1": "No."},
    "generations beside a chat": {"messages": [ASKED, ANSWER | {"content": "Yes."}], "generations": [SAID]},
    "one turn a record": {"text": SAID, "role": "assistant"},
    "objects as answers": {"question": "Hello", "answers": {"text": [SAID], "start": [1]}},
    "objects as generations": {"prompt": "Hello", "generations": [{"text": SAID}]},
}

READ |= {
    "the last turns of a preference pair": {
        "conversations": [{"from": "human", "value": "Hello"}],
        "chosen": {"from": "gpt", "value": "Yes."},
        "rejected": {"from": "gpt", "value": SAID},
    },
    "a preference pair of lists of fields": {
        "chosen": {"role": ["user", "assistant"], "content": ["Hello", "Yes."]},
        "rejected": {"role": ["user", "assistant"], "content": ["Hello", SAID]},
    },
    "what led to a preference pair": {
        "trajectory": [*SHARED, {"from": "user", "value": "Go on"}],
        "chosen": "Yes.",
        "rejected": "No.",
    },
    "content beside a thought": {"input": "Hello", "reasoning_content": "Let me see.", "content": SAID},
    "a query beside a question": {"question": "Hello", "query": SAID, "db": "x"},
}

TOLD: dict[str, tuple[dict[str, Any], str]] = {
    "field of a turn": (answered("Yes.", rationale=SAID), "messages[*].rationale"),
    "both messages and text": ({"messages": [ASKED, ANSWER | {"content": "Yes."}], "text": SAID}, "text"),
    "objects beside a prompt": (
        {"question": "Hello", "quotes": {"text": [SAID], "start": [1]}},
        "quotes",
    ),
}


def scans(record: dict[str, Any], folder: Path) -> list[Report]:
    """Reports of the record as JSON Lines and as a table."""
    lines = folder / "chats.jsonl"
    lines.write_text(json.dumps(record) + "\n")
    table = folder / "chats.parquet"
    reports = [dataaudit.scan(lines)]
    try:
        pq.write_table(pa.Table.from_pylist([record]), table)
    except pa.ArrowInvalid:
        return reports  # lists of mixed kinds have no Arrow type
    return [*reports, dataaudit.scan(table)]


@pytest.mark.parametrize("name", READ)
def test_the_text_is_searched(name: str, tmp_path: Path) -> None:
    for report in scans(READ[name], tmp_path):
        finding = report.finding("self-as-an-ai-assistant")
        assert finding is not None, report.sources[0]
        assert report.finding("structure:empty-text") is None
        (example, *_) = finding.examples
        assert example.text is not None and SAID[: len("As an AI assistant")] in example.text


@pytest.mark.parametrize("name", ["system", "systemInstruction"])
def test_a_system_prompt_may_be_written_in_parts(name: str, tmp_path: Path) -> None:
    record = {name: [{"text": "Be kind."}], "messages": [ASKED, ANSWER]}
    for report in scans(record, tmp_path):
        assert report.sources[0].roles["system"] == name
        assert report.sources[0].unread == ()


@pytest.mark.parametrize("name", TOLD)
def test_what_is_not_searched_is_named(name: str, tmp_path: Path) -> None:
    record, unread = TOLD[name]
    for report in scans(record, tmp_path):
        assert report.finding("self-as-an-ai-assistant") is None
        assert report.sources[0].unread == (unread,)


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}, "image_url"),
        ({"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}, "input_audio"),
        ({"image": "eA=="}, "image"),
        (5, "number"),
    ],
)
def test_parts_without_text_are_counted(part: Any, kind: str, tmp_path: Path) -> None:
    for report in scans(answered([part]), tmp_path):
        assert report.sources[0].notes == (f"1 parts of type {kind} hold no text",)
        assert report.finding("structure:no-response") is None


def test_tool_results_in_parts_have_the_role_of_a_tool(tmp_path: Path) -> None:
    record = answered(
        [
            {
                "type": "tool_result",
                "tool_use_id": "a",
                "content": [{"type": "text", "text": "[INST] x [/INST]"}],
            }
        ]
    )
    for report in scans(record, tmp_path):
        finding = report.finding("chat-inst-block")
        assert finding is not None and finding.by_role == {"tool": 1}


def test_masked_turns_are_searched_and_said_to_be(tmp_path: Path) -> None:
    for report in scans({"messages": [ASKED | {"weight": None}, ANSWER | {"weight": 0}]}, tmp_path):
        assert report.finding("self-as-an-ai-assistant") is not None
        assert report.sources[0].notes == (
            "messages[*].weight says which turns are trained on; all turns are searched",
        )
        assert report.sources[0].unread == ()


def test_an_empty_chat_is_empty_and_no_more(tmp_path: Path) -> None:
    for report in scans({"messages": []}, tmp_path):
        assert report.sources[0].layout == "messages"
        assert report.finding("structure:empty-text") is not None


def test_rows_with_and_without_json_in_one_column(tmp_path: Path) -> None:
    """Whether a string is a chat is asked of each record, so that no batch changes the answer."""
    rows = [
        {"chat": json.dumps([ASKED, ANSWER])},
        {"chat": "Hello there."},
        {"chat": None},
        {"chat": "[1, 2"},
    ] * 5
    lines = tmp_path / "chats.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "chats.parquet")
    for batch_rows in (1, 2, 7, 8192):
        for path in (lines, tmp_path / "chats.parquet"):
            report = dataaudit.scan(path, batch_rows=batch_rows)
            (source,) = report.sources
            assert source.layouts["messages"] == 5
            finding = report.finding("exact-duplicates")
            assert finding is not None and (finding.rows, finding.of) == (12, 15)
            assert source.roles == {
                "prompt": "chat[*].content",
                "response": "chat[*].content",
                "text": "chat",
            }


def test_a_chat_in_a_string_differs_in_what_is_beside_its_texts(tmp_path: Path) -> None:
    rows = [{"messages": json.dumps([ASKED | {"id": i}, ANSWER])} for i in range(2)]
    lines = tmp_path / "chats.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "chats.parquet")
    for path in (lines, tmp_path / "chats.parquet"):
        report = dataaudit.scan(path)
        assert report.finding("exact-duplicates") is not None
        assert report.finding("exact-duplicates:record") is None


@pytest.mark.parametrize("depth", [10, 100])
def test_deep_nesting_is_no_crash(depth: int, tmp_path: Path) -> None:
    value = "[" * depth + json.dumps(SAID) + "]" * depth
    path = tmp_path / "deep.jsonl"
    path.write_text(f'{{"messages": [{{"role": "assistant", "content": {value}}}]}}\n{{"blob": {value}}}\n')
    finding = dataaudit.scan(path).finding("self-as-an-ai-assistant")
    assert finding is not None and finding.rows == 2


@pytest.mark.parametrize(
    "columns", [{"input_ids": [1, 2], "labels": [1, 2]}, {"input_ids": [1, 2], "label": 1}]
)
def test_token_ids_without_text_are_refused_in_one_line(columns: dict[str, Any], tmp_path: Path) -> None:
    for report in scans(columns, tmp_path):
        assert report.status == "incomplete"
        (refused,) = [one for one in report.not_evaluated if one.incomplete]
        assert "only token ids (input_ids" in refused.reason and "decode them" in refused.reason
