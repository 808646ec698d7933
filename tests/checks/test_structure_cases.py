"""The structural tests, case by case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from check_support import batch, scan
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.checks import structure_texts
from dataaudit.checks.lengths import LengthHistogram, bucket_of, floor_of
from dataaudit.checks.structure_tests import TESTS, lengths_of

LETTER = {"s": "system", "u": "user", "a": "assistant", "t": "tool", "x": "narrator", "f": "function_call"}


def chat(turns: str) -> list[dict[str, Any]]:
    return [{"role": LETTER[one], "content": f"{one}{i}"} for i, one in enumerate(turns)]


def fails(test: str, *records: dict[str, Any]) -> list[int]:
    return [spot.record for spot in TESTS[test](batch(*records)).spots]


GOOD_ORDERS = [
    "ua",
    "uaua",
    "u",
    "sua",
    "ssua",
    "uatatua"[:4],
    "uata",
    "uatta",
    "uataua",
    "suatatata",
    "x",
    "xuxax",
    "s",
    "uau",
    "",
]
BAD_ORDERS = {
    "a": "a response turn comes first",
    "au": "a response turn comes first",
    "t": "a tool turn comes first",
    "uu": "a prompt turn comes after prompt",
    "uaa": "a response turn comes after response",
    "usa": "a system turn comes after prompt",
    "uas": "a system turn comes after response",
    "ut": "a tool turn comes after prompt",
    "uatu": "a prompt turn comes after tool",
    "sa": "a response turn comes after system",
    "uxu": "a prompt turn comes after prompt",
}


@pytest.mark.parametrize("turns", GOOD_ORDERS)
def test_chats_in_order(turns: str):
    assert fails("turn-order", {"messages": chat(turns)}) == []


@pytest.mark.parametrize(("turns", "note"), BAD_ORDERS.items())
def test_chats_out_of_order(turns: str, note: str):
    tested = TESTS["turn-order"](
        batch({"messages": chat("ua")}, {"messages": chat(turns)}, {"messages": chat("ua")})
    )
    assert [(spot.record, spot.note) for spot in tested.spots] == [(1, note)]
    assert tested.of == 3


PAIRS = [
    ({"prompt": "p", "chosen": chat("a"), "rejected": chat("a")}, True),
    ({"prompt": "p", "chosen": chat("ua"), "rejected": chat("ua")}, True),
    ({"prompt": "p", "chosen": chat("sua"), "rejected": chat("sua")}, True),
    ({"chosen": chat("uaua"), "rejected": chat("uaua")}, True),
    ({"prompt": chat("u"), "chosen": chat("a"), "rejected": chat("a")}, True),
    ({"prompt": chat("su"), "completion": chat("a")}, True),
    ({"prompt": chat("u"), "completion": chat("ata")}, True),
    ({"chosen": chat("ua"), "rejected": chat("uu")}, False),
    ({"chosen": chat("uu"), "rejected": chat("ua")}, False),
    ({"chosen": chat("a"), "rejected": chat("a")}, False),
    ({"prompt": chat("u"), "completion": chat("aa")}, False),
    ({"prompt": "p", "chosen": chat("t"), "rejected": chat("a")}, False),
]


@pytest.mark.parametrize(("record", "good"), PAIRS)
def test_chats_of_pairs_are_looked_at_one_by_one(record: dict[str, Any], good: bool):
    assert fails("turn-order", record) == ([] if good else [0])


def test_chats_of_a_shape_other_than_the_first_are_looked_at_too():
    records = [
        {"messages": chat("ua")},
        {"text": "x"},
        {"id": 1, "messages": chat("uu")},
        {"messages": chat("a"), "id": 2},
    ]
    assert fails("turn-order", *records) == [2, 3]


CALL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def said(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": content, **more}]}


RESPONSES = [
    (said("x"), True),
    (said(None, tool_calls=CALL), True),
    (said("", tool_calls=CALL), True),
    (said(None, function_call={"name": "f", "arguments": "{}"}), True),
    (said(None), False),
    (said(""), False),
    (said(" \n\u00a0"), False),
    (said(None, tool_calls=[]), False),
    (said(None, tool_calls=None), False),
    (said(None, function_call={"name": None}), False),
    ({"messages": [{"role": "user", "content": "q"}]}, False),
    ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, True),
    ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "  "}]}, False),
    ({"prompt": "q", "response": "a"}, True),
    ({"prompt": "q", "response": None}, False),
    ({"prompt": "q", "response": "\t"}, False),
    ({"instruction": "q", "input": "", "output": ""}, False),
    ({"prompt": "q", "chosen": "a", "rejected": ""}, True),
]


@pytest.mark.parametrize(("record", "answered"), RESPONSES)
def test_responses(record: dict[str, Any], answered: bool):
    tested = TESTS["no-response"](batch(record))
    assert tested.of == 1
    assert [spot.record for spot in tested.spots] == ([] if answered else [0])


def test_a_response_is_not_asked_for_where_there_is_no_place_or_no_prompt():
    for record in ({"text": "a"}, {"foo": "a"}, {"prompt": "a"}):
        assert TESTS["no-response"](batch(record)).of == 0
    assert fails("no-response", {"prompt": "", "response": None}) == [], "that is an empty row, said once"


def test_tool_calls_in_tables_are_responses_too(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    import dataaudit

    said_in = [said("x"), said(None, tool_calls=CALL), said(None), said("", tool_calls=CALL)]
    rows = [
        {"messages": [{**turn, "tool_calls": turn.get("tool_calls")} for turn in one["messages"]]}
        for one in said_in
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = dataaudit.scan(tmp_path / "a.parquet", jobs=1, reference=True).finding("structure:no-response")
    assert [example.row for example in found.examples] == [2]


EMPTY = [
    ({"text": ""}, True),
    ({"text": None}, True),
    ({"text": " \u2003\n"}, True),
    ({"text": "a"}, False),
    ({"messages": []}, True),
    ({"messages": [{"role": "user", "content": ""}]}, True),
    ({"messages": [{"role": "user", "content": " "}, {"role": "narrator", "content": "x"}]}, False),
    ({"prompt": "", "response": "a"}, False),
    ({"text": "\ufeff"}, False),
    ({"text": "\u200b"}, False),
    ({"foo": "", "bar": ""}, True),
]


@pytest.mark.parametrize(("record", "empty"), EMPTY)
def test_empty_texts(record: dict[str, Any], empty: bool):
    assert fails("empty-text", record) == ([0] if empty else [])


def test_records_without_a_place_for_text_are_not_called_empty():
    assert TESTS["empty-text"](batch({"n": 1}, {}, {"text": ""})).of == 1


def test_unknown_turn_roles():
    records = [
        {"messages": chat("ua")},
        {"messages": chat("uxa")},
        {"messages": [{"role": None, "content": "a"}]},
        {"text": "a"},
    ]
    tested = TESTS["unknown-turn-role"](batch(*records))
    assert ([spot.record for spot in tested.spots], tested.of) == ([1, 2], 3)


CHARACTERS = [
    ("control-character", "\x00", True),
    ("control-character", "a\x07", True),
    ("control-character", "\x1b[31m", True),
    ("control-character", "é\x7f", True),
    ("control-character", "日\x85", True),
    ("control-character", "\x9f", True),
    ("control-character", "\t\r\n", False),
    ("control-character", "\u00a0", False),
    ("control-character", "\u0100\u0180", False),
    ("control-character", "", False),
    ("replacement-character", "\ufffd", True),
    ("replacement-character", "x\ufffdy", True),
    ("replacement-character", "\uffff\ufffc\u0fbf", False),
    ("replacement-character", "ï¿½", False),
]


@pytest.mark.parametrize(("test", "text", "hit"), CHARACTERS)
@pytest.mark.parametrize("around", ["", "ä😀"])
@pytest.mark.parametrize("loops", [False, True])
def test_characters(
    test: str, text: str, hit: bool, around: str, loops: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(structure_texts, "compiled", lambda _nbytes, _kernel: loops)
    value = around + text + around
    tested = TESTS[test](batch({"text": "before"}, {"text": value}, {"text": "after"}))
    assert [spot.record for spot in tested.spots] == ([1] if hit else [])
    if hit:
        (spot,) = tested.spots
        assert spot.span is not None
        start, end = spot.span
        assert spot.note == f"U+{ord(value[start]):04X}"
        assert end == start + 1
        assert spot.text is not None
        assert spot.mark is not None
        assert spot.text[spot.mark[0] : spot.mark[1]] == value[start]


@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize(("test", "text", "hit"), CHARACTERS)
def test_characters_across_windows(
    test: str, text: str, hit: bool, window: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(structure_texts, "WINDOW", window)
    for before in ("", "a", "ab", "ä"):
        assert bool(fails(test, {"text": f"{before}{text}b"})) == hit


ODD = st.text(
    st.sampled_from(
        "a \t\n\r\x00\x0b\x1f\x7f\x80\x9f\xa0\xc2\u1680\u200b\u2028\u3000\ufeff\ufffc\ufffd\uffff😀"
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ODD, min_size=1), st.sampled_from([1, 40, 300]), st.integers(0, 1))
def test_the_compiled_form_says_the_same_of_texts(texts: list[str], times: int, head: int):
    values = pa.array([text * times for text in texts], pa.large_string()).slice(head)
    found = []
    for loops in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(structure_texts, "compiled", lambda _nbytes, _kernel, loops=loops: loops)
            found.append([one.tolist() for one in structure_texts.looked_at(values)])
    assert found[0] == found[1]
    assert found[0][1] == [len(text) * times for text in texts[head:]]


@pytest.mark.parametrize("loops", [False, True])
def test_a_character_cut_in_two_between_strings_is_none(loops: bool, monkeypatch: pytest.MonkeyPatch):
    """The last bytes of one string and the first of the next lie side by side in memory."""
    monkeypatch.setattr(structure_texts, "compiled", lambda _nbytes, _kernel: loops)
    values = ["x\u00c2", "\u0080y", "\u0fef", "\u00bf\u00bd", "\u2ef0\u00c2"]
    assert fails("replacement-character", *[{"text": one} for one in values]) == []
    assert fails("control-character", *[{"text": one} for one in values]) == [1]


def test_the_first_string_of_a_record_is_shown():
    (spot,) = TESTS["control-character"](batch({"prompt": "a\x01", "response": "\x02"})).spots
    assert (spot.path, spot.role, spot.note) == ("prompt", "prompt", "U+0001")


def test_duplicate_keys_are_told_by_the_reader(tmp_path: Path):
    report = scan(
        tmp_path,
        {"a.jsonl": [{"text": "a"}, b'{"text": "b", "text": "c"}', b'{"text": "d", "m": {"k": 1, "k": 2}}']},
    )
    found = report.finding("structure:duplicate-key")
    assert (found.rows, found.of) == (2, 3)
    assert [(one.row, one.line) for one in found.examples] == [(1, 2), (2, 3)]


def test_lengths_count_characters_of_text_roles_only():
    records = [
        {"prompt": "ab", "response": "é😀"},
        {"text": "abc", "label": "long label"},
        {"messages": chat("ua")},
        {"n": 1},
    ]
    assert lengths_of(batch(*records)).tolist() == [4, 3, 4, 0]


def test_buckets_are_monotone_and_their_floors_are_their_first_lengths():
    import numpy as np

    lengths = np.asarray([*range(5000), 2**31, 2**40 + 1], np.int64)
    buckets = bucket_of(lengths).tolist()
    assert buckets == sorted(buckets)
    assert bucket_of(np.arange(16)).tolist() == list(range(16))
    for length, bucket in zip(lengths.tolist(), buckets, strict=True):
        assert floor_of(bucket) <= length < floor_of(bucket + 1)
        assert floor_of(bucket + 1) - floor_of(bucket) <= max(1, length / 16 + 1)


def test_outlying_lengths_are_counted_exactly(tmp_path: Path):
    texts = ["x" * n for n in (*range(90, 130), 5000, 1)]
    found = scan(tmp_path, {"a.jsonl": [{"text": t} for t in texts]}).finding("structure:length-outlier")
    fence = found.details
    assert found.rows == sum(not fence["low"] <= len(t) <= fence["high"] for t in texts) == 2
    assert (fence["above"], fence["below"]) == (1, 1)
    assert {one.row for one in found.examples} >= {40, 41}


def test_uniform_lengths_and_few_rows_have_no_outliers(tmp_path: Path):
    uniform = [{"text": f"{i:05d}"} for i in range(200)]
    few = [{"text": "x" * n} for n in (1, 1, 1, 10_000)]
    assert scan(tmp_path / "a", {"a.jsonl": uniform}).finding("structure:length-outlier") is None
    assert scan(tmp_path / "b", {"a.jsonl": few}).finding("structure:length-outlier") is None


def test_a_histogram_merges_to_the_histogram_of_all():
    import numpy as np

    a, b, whole = LengthHistogram(), LengthHistogram(), LengthHistogram()
    lengths = np.arange(1000, dtype=np.int64) ** 2
    a.add(lengths[::3])
    b.add(lengths[1::3])
    b.add(lengths[2::3])
    a.merge(b)
    whole.add(lengths)
    assert a.counts == whole.counts
    assert (a.rows, a.fence()) == (1000, whole.fence())
