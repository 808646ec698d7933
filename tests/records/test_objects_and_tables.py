"""A record means the same whether it comes as JSON or as a row of a table."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.checks.duplicate_keys import RECORD, compared
from dataaudit.checks.duplicates import VARIANTS, Variant
from dataaudit.records.extracted import Extracted
from dataaudit.records.objects import extract_objects
from dataaudit.records.tables import class_names, extract_table, table_layout
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Place, make_batch

FILE = FileRef(0, "x", "x", "jsonl")
Records = list[dict[str, Any]]

TEXT = st.one_of(st.sampled_from(["", " ", "a", "A", "a ", "é", "e\u0301", "b\u00a0b"]), st.text(max_size=3))
MAYBE = st.one_of(TEXT, TEXT, st.none())
SAID = st.one_of(
    MAYBE,
    st.sampled_from(["\n\nHuman: a\n\nAssistant: b", "Human: a\n\nAssistant:", "Assistant: é\n\nHuman: "]),
)
NAMES = st.sampled_from(["user", "assistant", "system", "tool", "gpt", "someone", " User"])


def turns(role: str = "role", content: str = "content") -> st.SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries({role: NAMES, content: MAYBE}), min_size=1, max_size=3)


def fixed(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


def turns_type(role: str = "role", content: str = "content") -> pa.DataType:
    return pa.list_(pa.struct([(role, pa.string()), (content, pa.string())]))


STRING, LIST = pa.string(), pa.list_(pa.string())
TURN = pa.struct(
    [(name, STRING) for name in ("role", "content", "thinking", "lang", "body")] + [("weight", pa.int8())]
)
PART = pa.struct([("type", STRING), ("text", STRING)])
CALLS = pa.list_(
    pa.struct([("id", STRING), ("function", pa.struct([("name", STRING), ("arguments", STRING)]))])
)
META = pa.struct([("a", pa.int64()), ("tags", LIST), ("deep", pa.struct([("f", pa.float64())]))])
META_VALUES = st.one_of(
    st.none(),
    fixed(
        a=st.one_of(st.none(), st.integers(0, 2)),
        tags=st.one_of(st.none(), st.lists(MAYBE, max_size=2)),
        deep=st.one_of(st.none(), fixed(f=st.sampled_from([0.0, -0.0, 1.0, 0.5, None]))),
    ),
)

SHAPES: dict[str, tuple[pa.Schema, st.SearchStrategy[dict[str, Any]]]] = {
    "text": (pa.schema([("text", STRING), ("id", pa.int64())]), fixed(text=MAYBE, id=st.integers(0, 1))),
    "labelled": (
        pa.schema([("text", STRING), ("label", pa.int64()), ("topic", STRING)]),
        fixed(text=TEXT, label=st.integers(-1, 1), topic=MAYBE),
    ),
    "boolean": (
        pa.schema([("sentence", STRING), ("label", pa.bool_())]),
        fixed(sentence=TEXT, label=st.booleans()),
    ),
    "messages": (
        pa.schema([("system", STRING), ("messages", turns_type()), ("meta", META)]),
        fixed(system=MAYBE, messages=turns(), meta=META_VALUES),
    ),
    "conversations": (
        pa.schema([("conversations", turns_type("from", "value"))]),
        fixed(conversations=turns("from", "value")),
    ),
    "instruction": (
        pa.schema([("instruction", STRING), ("input", STRING), ("output", STRING)]),
        fixed(instruction=MAYBE, input=MAYBE, output=MAYBE),
    ),
    "choices": (
        pa.schema([("question", STRING), ("choices", LIST), ("answer", STRING)]),
        fixed(question=TEXT, choices=st.lists(MAYBE, max_size=3), answer=TEXT),
    ),
    "preference": (
        pa.schema([("prompt", STRING), ("chosen", STRING), ("rejected", STRING), ("score", pa.float64())]),
        fixed(prompt=TEXT, chosen=SAID, rejected=SAID, score=st.sampled_from([1.0, 2.5, -0.0, 0.0])),
    ),
    "preference-chats": (
        pa.schema([("prompt", STRING), ("chosen", turns_type()), ("rejected", turns_type())]),
        fixed(prompt=TEXT, chosen=turns(), rejected=turns()),
    ),
    "parts": (
        pa.schema(
            [
                (
                    "messages",
                    pa.list_(
                        pa.struct([("role", STRING), ("content", pa.list_(PART)), ("tool_calls", CALLS)])
                    ),
                )
            ]
        ),
        fixed(
            messages=st.lists(
                fixed(
                    role=NAMES,
                    content=st.one_of(
                        st.none(),
                        st.lists(fixed(type=st.sampled_from(["text", "image"]), text=MAYBE), max_size=2),
                    ),
                    tool_calls=st.one_of(
                        st.none(),
                        st.lists(fixed(id=TEXT, function=fixed(name=TEXT, arguments=MAYBE)), max_size=2),
                    ),
                ),
                min_size=1,
                max_size=3,
            )
        ),
    ),
    "thoughts": (
        pa.schema([("messages", pa.list_(TURN))]),
        fixed(
            messages=st.lists(
                fixed(
                    role=NAMES,
                    content=MAYBE,
                    thinking=MAYBE,
                    lang=MAYBE,
                    body=MAYBE,
                    weight=st.integers(0, 1),
                ),
                min_size=1,
                max_size=3,
            )
        ),
    ),
    "columns": (
        pa.schema([("conversations", pa.struct([("from", LIST), ("value", LIST)]))]),
        fixed(
            conversations=st.lists(st.tuples(NAMES, MAYBE), min_size=1, max_size=3).map(
                lambda said: {"from": [who for who, _ in said], "value": [what for _, what in said]}
            )
        ),
    ),
    "strings": (
        pa.schema([("messages", STRING), ("text", STRING)]),
        fixed(messages=st.one_of(SAID, turns().map(json.dumps)), text=TEXT),
    ),
    "preference-strings": (
        pa.schema([("chosen", STRING), ("rejected", STRING)]),
        fixed(
            chosen=st.one_of(SAID, turns().map(json.dumps)), rejected=st.one_of(TEXT, turns().map(json.dumps))
        ),
    ),
    "history": (
        pa.schema([("instruction", STRING), ("output", STRING), ("history", pa.list_(LIST))]),
        fixed(
            instruction=TEXT,
            output=TEXT,
            history=st.lists(st.lists(TEXT, min_size=2, max_size=3), max_size=2),
        ),
    ),
    "chat-pair": (
        pa.schema([("prompt", turns_type()), ("completion", turns_type())]),
        fixed(prompt=turns(), completion=turns()),
    ),
    "unknown": (
        pa.schema([("foo", STRING), ("bar", STRING), ("tags", LIST), ("meta", META)]),
        fixed(foo=MAYBE, bar=MAYBE, tags=st.lists(MAYBE, max_size=2), meta=META_VALUES),
    ),
    "none": (pa.schema([("n", pa.int64()), ("x", pa.float64())]), fixed(n=st.integers(0, 1), x=st.just(1.5))),
}


def both(shape: str, records: Records) -> tuple[Extracted, Extracted]:
    schema, _ = SHAPES[shape]
    table = pa.RecordBatch.from_pylist(records, schema=schema)
    return extract_objects(records, ()), extract_table(table, table_layout(schema, ()), class_names(schema))


def strings(found: Extracted) -> dict[str, list[tuple[Any, ...]]]:
    """Role → (record, place, full path, index, text), in order."""
    return {
        role: sorted(
            (int(one.rows[i]), int(one.ordinals[i]), one.path_of(i), int(one.index[i]), one.values[i].as_py())
            for i in range(len(one))
        )
        for role, one in found.roles.items()
        if len(one)
    }


def turns_of(found: Extracted) -> list[tuple[int, int]]:
    return (
        []
        if found.turns is None
        else list(zip(found.turns.rows.tolist(), found.turns.roles.tolist(), strict=True))
    )


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_roles_turns_and_layouts_agree(shape: str, data: st.DataObject):
    records = data.draw(st.lists(SHAPES[shape][1], min_size=1, max_size=6))
    objects, table = both(shape, records)
    assert strings(objects) == strings(table)
    assert turns_of(objects) == turns_of(table)
    assert objects.expects_response.tolist() == table.expects_response.tolist()
    if shape not in ("none", "unknown"):
        assert objects.layouts == table.layouts
        assert objects.readable.tolist() == table.readable.tolist()


def batch_of(found: Extracted, count: int) -> Batch:
    rows = np.arange(count, dtype=np.int64)
    return make_batch(FILE, rows, None, found, Place(0, 0, (count, 0), (0, count), 0))


def groups(batch: Batch, variant: Variant) -> list[list[int]]:
    """Records with equal keys, as the duplicates check forms them; those with none together."""
    key_of: dict[int, tuple[int, ...]] = {}
    for found in compared(batch, [variant.scope], variant.normalised):
        lanes = zip(*(lane.tolist() for lane in found.keys), strict=True)
        key_of.update(zip(found.records.tolist(), lanes, strict=True))
    by_key: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i in range(len(batch)):
        by_key[key_of.get(i, ())].append(i)
    return sorted(by_key.values())


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_duplicate_groups_agree(shape: str, data: st.DataObject):
    pool = data.draw(st.lists(SHAPES[shape][1], min_size=1, max_size=5))
    records = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=8))
    objects, table = (batch_of(found, len(records)) for found in both(shape, records))
    for variant in VARIANTS:
        assert groups(objects, variant) == groups(table, variant), variant


def without_nulls(value: Any) -> Any:
    """What a table can tell apart: no null fields, no empty structs or lists."""
    if isinstance(value, dict):
        return {k: kept for k, v in value.items() if (kept := without_nulls(v)) is not None} or None
    if isinstance(value, list):
        kept = [without_nulls(one) for one in value]
        while kept and kept[-1] is None:
            kept.pop()
        return kept or None
    return value


def in_key_order(value: Any) -> Any:
    """The value with the keys of every object sorted: their order says nothing."""
    if isinstance(value, dict):
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whole_records_are_equal_exactly_when_their_values_are(shape: str, data: st.DataObject):
    pool = data.draw(st.lists(SHAPES[shape][1], min_size=1, max_size=5))
    records = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=8))
    by_value: dict[str, list[int]] = defaultdict(list)
    for i, record in enumerate(records):
        plain = without_nulls(record) or {}
        by_value[repr(in_key_order(plain)).replace("-0.0", "0.0")].append(i)
    for found in both(shape, records):
        assert groups(batch_of(found, len(records)), Variant(RECORD, False)) == sorted(by_value.values())


SAME = [
    ({"foo": "1", "bar": "2"}, {"bar": "2", "foo": "1"}),
    ({"text": "a", "label": "x", "topic": "y"}, {"topic": "y", "label": "x", "text": "a"}),
    ({"system": None, "prompt": "a", "response": "b"}, {"prompt": "a", "response": "b"}),
    ({"text": "a", "n": 1}, {"text": "a", "n": 1.0}),
    (
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"arguments": {"a": "x", "b": "y"}}}]}
            ]
        },
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"function": {"arguments": {"b": "y", "a": "x"}}}]}
            ]
        },
    ),
    ({"text": "a", "x": {"k": None}}, {"text": "a"}),
    ({"text": "a", "x": {"k": 1, "j": 2}}, {"text": "a", "x": {"j": 2, "k": 1}}),
    (
        {"messages": [{"role": "user", "content": "x", "name": None}]},
        {"messages": [{"role": "user", "content": "x"}]},
    ),
    ({"messages": [{"role": "user", "content": None}]}, {"messages": [{"role": "user"}]}),
    ({"messages": [{"role": "user", "tool_calls": []}]}, {"messages": [{"role": "user"}]}),
]
DIFFERENT = [
    ({"foo": "x", "bar": None}, {"foo": None, "bar": "x"}),
    ({"text": "a", "label": "x", "topic": None}, {"text": "a", "label": None, "topic": "x"}),
    ({"prompt": "a", "response": "b"}, {"prompt": "b", "response": "a"}),
    ({"instruction": "a", "input": "b", "output": "c"}, {"instruction": "b", "input": "a", "output": "c"}),
    ({"text": "a", "x": "1"}, {"text": "a", "x": 1}),
    ({"text": "a", "x": [1]}, {"text": "a", "x": {"0": 1}}),
    ({"text": "a", "x": "[1]"}, {"text": "a", "x": [1]}),
    ({"messages": [{"role": "user", "content": "x"}]}, {"messages": [{"role": "human", "content": "x"}]}),
    ({"text": "a", "x": "y"}, {"text": "a", "y": "x"}),
    ({"choices": ["a", "b"], "question": "q"}, {"choices": ["b", "a"], "question": "q"}),
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_equal_records(a: dict[str, Any], b: dict[str, Any]):
    batch = batch_of(extract_objects([a, b], ()), 2)
    assert groups(batch, Variant(RECORD, False)) == [[0, 1]]
    assert groups(batch, Variant("", False)) == [[0, 1]]


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_records(a: dict[str, Any], b: dict[str, Any]):
    batch = batch_of(extract_objects([a, b], ()), 2)
    assert groups(batch, Variant(RECORD, False)) == [[0], [1]]


def test_nested_nulls_slices_and_odd_list_types_read_the_same():
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    said = [
        [{"role": "user", "content": "a"}, None, {"role": "assistant", "content": "b"}],
        None,
        [],
        [{"role": "user", "content": None}],
        [{"role": "tool", "content": "c"}],
    ]
    plain = pa.array(said, pa.list_(turn))
    expected = strings(extract_objects([{"messages": one} for one in said[1:]], ()))
    for column in (plain, plain.cast(pa.large_list(turn))):
        table = pa.RecordBatch.from_arrays([column], names=["messages"]).slice(1)
        found = extract_table(table, table_layout(table.schema, ()), {})
        assert [one[0::2] for one in strings(found).get("tool", [])] == [
            one[0::2] for one in expected.get("tool", [])
        ]
        assert turns_of(found) == turns_of(extract_objects([{"messages": one or []} for one in said[1:]], ()))


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.string(), 2),
        pa.list_view(pa.string()),
    ],
)
def test_lists_of_strings_of_every_type(kind: pa.DataType):
    values = [["a", "b"], None, ["c", None], ["", "d"]]
    table = pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["text"]).slice(1)
    found = strings(extract_table(table, table_layout(table.schema, ()), {}))["text"]
    assert [(row, path, text) for row, _, path, _, text in found] == [
        (1, "text[0]", "c"), (2, "text[0]", ""), (2, "text[1]", "d")
    ]  # fmt: skip


def test_null_lists_that_cover_values_hide_and_leak_nothing():
    """A null list may have elements behind it in memory: they are not part of the row."""
    offsets, values = pa.array([0, 2, 3], pa.int32()), pa.array(["x", "y", "z"])
    column = pa.ListArray.from_arrays(offsets, values, mask=pa.array([True, False]))
    table = pa.RecordBatch.from_arrays([column], names=["text"])
    found = strings(extract_table(table, table_layout(table.schema, ()), {}))["text"]
    assert [(row, path, text) for row, _, path, _, text in found] == [(1, "text[0]", "z")]


def test_dictionary_and_view_strings_are_text():
    for column in (
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.array(["a", None, "a"], pa.string_view()),
    ):
        table = pa.RecordBatch.from_arrays([column, pa.array([1, 2, 3])], names=["text", "id"])
        found = extract_table(table, table_layout(table.schema, ()), {})
        assert [(row, text) for row, _, _, _, text in strings(found)["text"]] == [(0, "a"), (2, "a")]


HIDING = [
    {"messages": [{"content": "a"}, {"role": "user", "content": "needle"}]},
    {"messages": [None, {"role": "user", "content": "needle"}]},
    {"text": ["a", None, "needle"]},
    {"choices": [None, "needle"], "question": "q", "answer": "a"},
    {"messages": [{"role": None, "content": "needle"}]},
    {"conversations": [{"from": "user", "text": "x", "value": "needle"}]},
    {"Messages": [{"Role": "user", "role": "user", "content": "needle"}]},
]


@pytest.mark.parametrize("record", HIDING)
def test_no_text_hides_behind_an_odd_first_element(record: dict[str, Any]):
    found = strings(extract_objects([record], ()))
    assert "needle" in [one[-1] for values in found.values() for one in values]


def test_class_labels_are_read_by_name_and_missing_ones_not_at_all():
    metadata = {
        "huggingface": '{"info": {"features": {"answer": {"names": ["A", "B"], "_type": "ClassLabel"}}}}'
    }
    schema = pa.schema([("question", pa.string()), ("answer", pa.int64())], metadata=metadata)
    rows = [{"question": "q", "answer": one} for one in (0, 1, -1, 2, None)]
    table = pa.RecordBatch.from_pylist(rows, schema=schema)
    found = extract_table(table, table_layout(schema, ()), class_names(schema))
    assert [(row, text) for row, _, _, _, text in strings(found)["label"]] == [(0, "A"), (1, "B")]
    assert found.label_names == (("answer", ("A", "B")),)
    assert len(found.roles["prompt"]) == 5


@pytest.mark.parametrize(
    ("record", "roles"),
    [
        ({"prompt": "p", "response_a": "a", "response_b": "b"}, {"prompt": ["p"], "response": ["a", "b"]}),
        ({"input": "p", "output_1": "a", "output_2": "b"}, {"prompt": ["p"], "response": ["a", "b"]}),
        ({"history": "p", "human_ref_A": "a", "human_ref_B": "b"}, {"prompt": ["p"], "response": ["a", "b"]}),
        (
            {
                "instruction": "p",
                "completions": [{"response": "a", "score": 1}, {"response": "b", "score": 2}],
            },
            {"prompt": ["p"], "response": ["a", "b"]},
        ),
        ({"question": "p", "answers": {"text": ["a", "b"]}}, {"prompt": ["p"], "response": ["a", "b"]}),
        ({"inputs": "p", "targets": "a"}, {"prompt": ["p"], "response": ["a"]}),
        ({"document": "d", "summary": "s"}, {"text": ["d"], "response": ["s"]}),
    ],
)
def test_several_responses_and_summaries_are_read(
    record: dict[str, Any], roles: dict[str, list[str]]
) -> None:
    """The same from lines and from a table: a response nobody reads is where contamination hides."""
    table = pa.Table.from_pylist([record])
    from_table = extract_table(table, table_layout(table.schema, ()), {})
    for found in (extract_objects([record], ()), from_table):
        assert {
            role: sorted(strings.values.to_pylist()) for role, strings in found.roles.items() if len(strings)
        } == roles
