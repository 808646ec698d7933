"""Shapes that chats come in: typed parts, tool calls, dialogues in one string, preference pairs, translations."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

import dataaudit
from dataaudit.records.dialogue import split_dialogue
from dataaudit.records.extracted import Extracted
from dataaudit.records.objects import extract_objects
from dataaudit.records.tables import extract_table, table_layout


def strings(found: Extracted) -> set[tuple[str, int, int, str, int, str]]:
    """(role, record, ordinal, full path, start in the field, text) of every string."""
    return {
        (role, int(s.rows[i]), int(s.ordinals[i]), s.path_of(i), int(s.starts[i]), s.values[i].as_py())
        for role, s in found.roles.items()
        for i in range(len(s))
    }


def from_table(records: list[dict[str, Any]]) -> Extracted:
    batch = pa.Table.from_pylist(records).combine_chunks().to_batches()[0]
    return extract_table(batch, table_layout(batch.schema, ()), {})


PARTS = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "See this."}, {"type": "image_url", "text": None}],
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I see."}, {"type": "text", "text": "A cat."}],
        },
    ]
}
CALLS = {
    "messages": [
        {"role": "user", "content": "How warm is it?", "tool_calls": None},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "t", "arguments": '{"q": "Graz"}'}}
            ],
        },
        {"role": "tool", "content": "21", "tool_calls": None},
        {"role": "assistant", "content": "It is 21 degrees.", "tool_calls": None},
    ]
}
PAIR = {
    "chosen": "\n\nHuman: Hello\n\nAssistant: Good day.\n\nHuman: Bye\n\nAssistant: Goodbye.",
    "rejected": "\n\nHuman: Hello\n\nAssistant: What?",
}


@pytest.mark.parametrize("record", [PARTS, CALLS, PAIR], ids=["parts", "calls", "pair"])
def test_tables_and_objects_give_the_same_strings(record: dict[str, Any]) -> None:
    found, other = extract_objects([record, record], ()), from_table([record, record])
    assert strings(found) == strings(other)
    assert found.skipped == other.skipped
    assert found.turns is not None and other.turns is not None
    assert found.turns.roles.tolist() == other.turns.roles.tolist()


def test_typed_parts_are_read_and_others_counted() -> None:
    found = extract_objects([PARTS], ())
    assert found.roles["response"].values.to_pylist() == ["I see.", "A cat."]
    assert [found.roles["response"].path_of(i) for i in range(2)] == [
        "messages[1].content[0].text",
        "messages[1].content[1].text",
    ]
    assert found.skipped == (("image_url", 1),)
    assert len(set(found.roles["response"].ordinals.tolist())) == 2


def test_arguments_of_tool_calls_are_searched_under_the_role_tool() -> None:
    found = extract_objects([CALLS], ())
    paths = [found.roles["tool"].path_of(i) for i in range(2)]
    assert sorted(paths) == ["messages[1].tool_calls[0].function.arguments", "messages[2].content"]


def test_a_call_without_content_is_a_response(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps(CALLS) + "\n")
    report = dataaudit.scan(path)
    assert report.finding("structure:no-response") is None
    assert report.finding("structure:turn-order") is None


def test_labels_of_a_dialogue_are_structure() -> None:
    found = extract_objects([PAIR], ())
    assert found.layouts == (("preference", 1),)
    assert found.roles["prompt"].values.to_pylist() == ["Hello", "Bye", "Hello"]
    assert found.roles["response"].values.to_pylist() == ["Good day.", "Goodbye.", "What?"]
    for role in ("prompt", "response"):
        held = found.roles[role]
        for i in range(len(held)):
            text, start = held.values[i].as_py(), int(held.starts[i])
            assert PAIR[held.path_of(i)][start : start + len(text)] == text


def test_a_string_that_is_no_dialogue_stays_whole() -> None:
    record = {"prompt": "Say hi.", "chosen": "Hi! Human: is a word.", "rejected": "No."}
    found = extract_objects([record], ())
    assert found.roles["response"].values.to_pylist() == ["Hi! Human: is a word.", "No."]
    assert split_dialogue("Well\n\nHuman: not at the start") == []


def test_spans_of_a_dialogue_are_those_of_the_field(tmp_path: Path) -> None:
    record = {
        "chosen": "\n\nHuman: Hi\n\nAssistant: As an AI assistant, I wave.",
        "rejected": "\n\nHuman: Hi",
    }
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(record) + "\n")
    finding = dataaudit.scan(path).finding("self-as-an-ai-assistant")
    assert finding is not None
    (example,) = finding.examples
    assert example.path == "chosen" and example.span is not None
    assert record["chosen"][slice(*example.span)] == "As an AI assistant"


def test_responses_may_go_on_from_a_prompt_elsewhere(tmp_path: Path) -> None:
    said = [{"role": "assistant", "content": "Yes."}]
    pair = {"prompt": [{"role": "user", "content": "Well?"}], "chosen": said, "rejected": said}
    chat = {"messages": said}
    for record, wrong in ((pair, 0), (chat, 1)):
        path = tmp_path / "chats.jsonl"
        path.write_text(json.dumps(record) + "\n")
        finding = dataaudit.scan(path).finding("structure:turn-order")
        assert (0 if finding is None else finding.rows) == wrong


def test_both_sides_of_a_pair_are_chats_of_their_own(tmp_path: Path) -> None:
    turns = [{"role": role, "content": role} for role in ("system", "user", "assistant")]
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"chosen": turns, "rejected": turns}) + "\n")
    assert dataaudit.scan(path).finding("structure:turn-order") is None


def test_translations_are_texts() -> None:
    record = {"id": 1, "translation": {"de": "Guten Tag", "en": "Good day"}}
    for found in (extract_objects([record], ()), from_table([record])):
        assert found.layouts == (("translation", 1),)
        assert found.roles["text"].values.to_pylist() == ["Guten Tag", "Good day"]


def test_token_ids_alone_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "ids.jsonl"
    path.write_text('{"input_ids": [1, 2, 3], "attention_mask": [1, 1, 1]}\n')
    report = dataaudit.scan(path)
    assert report.status == "incomplete"
    assert "token ids (input_ids, attention_mask)" in report.sources[0].notes[0]


def test_hh_rlhf_is_read_turn_by_turn(real_data: Path) -> None:
    path = real_data / "preference/hh_harmless_base_test.jsonl.gz"
    report = dataaudit.scan(path)
    (source,) = report.sources
    assert (source.rows, source.layout) == (2312, "preference")
    assert source.roles == {"prompt": "chosen, rejected", "response": "chosen, rejected"}
    with gzip.open(path) as lines:
        records = [orjson.loads(line) for line in lines]
    assert sum(len(one["chosen"]) > len(one["rejected"]) for one in records) == 1025
    found = extract_objects(records, ())
    for role, label in (("prompt", "Human:"), ("response", "Assistant:")):
        held = found.roles[role].values.to_pylist()
        assert not any(text.lstrip().startswith(label) for text in held)
