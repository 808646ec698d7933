"""Redaction: the span is replaced, and nothing else changes, down to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from export_support import clean, reasons
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.export.redact import MARK, CannotRedactError, merge_spans, redact_record, redact_text
from dataaudit.export.verify import verify

TEXT = st.text(
    st.characters(codec=None, exclude_categories=()) | st.sampled_from('"\\/\n\té😀\ud83d\ude00'), max_size=20
)


def test_only_the_bytes_of_the_span_change() -> None:
    raw = b' { "a" : 1.50 , "messages":[ {"content" : "x"},{"content":"caf\\u00e9 \xc3\xa9 \\ud83d\\ude00 \\/ key"} '
    raw += b"]}\r\n"
    # Code points: c a f é space é space 😀 space / space k e y
    assert redact_record(raw, 0, {"messages[1].content": [(7, 8)]}) == raw.replace(
        b"\\ud83d\\ude00", b"[REDACTED]"
    )
    assert redact_record(raw, 0, {"messages[1].content": [(11, 14), (3, 4)]}) == raw.replace(
        b"\\u00e9", b"[REDACTED]"
    ).replace(b"key", b"[REDACTED]")


def test_the_last_of_duplicate_keys_is_the_one_that_readers_see() -> None:
    raw = b'{"t":"secret","t":"also secret","u":{"t":"no"}}'
    assert redact_record(raw, 0, {"t": [(5, 11)]}) == b'{"t":"secret","t":"also [REDACTED]","u":{"t":"no"}}'
    assert redact_record(b'{"\\u0074":"ab"}', 0, {"t": [(0, 1)]}) == b'{"\\u0074":"[REDACTED]b"}'


def test_keys_with_dots_are_quoted_in_paths() -> None:
    assert (
        redact_record(b'{"a.b":{"c[0]":"xy"}}', 0, {r"a\.b.c\[0\]": [(0, 1)]})
        == b'{"a.b":{"c[0]":"[REDACTED]y"}}'
    )


@pytest.mark.parametrize("path", ["b", "a.b", "a[0]", "n", "l[3]", "l[*]", "o.x[0]", "l[1]"])
def test_a_place_that_is_not_there(path: str) -> None:
    raw = b'{"a":"text","n":1,"l":["x", null],"o":{"x":[]}}'
    with pytest.raises(CannotRedactError):
        redact_record(raw, 0, {path: [(0, 1)]})
    with pytest.raises(CannotRedactError):
        redact_record(raw, 0, {"a": [(0, 5)]})


@settings(max_examples=300, deadline=None)
@given(TEXT, TEXT, st.data(), st.booleans())
def test_the_rest_decodes_to_the_same(text: str, other: str, choose: st.DataObject, ascii_only: bool) -> None:
    if not ascii_only:
        text = text.encode("utf-8", "replace").decode()
        other = other.encode("utf-8", "replace").decode()
    value = {"o": other, "m": [{"c": other}, {"c": text, "d": other}], "z": [other]}
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    value = json.loads(raw)
    text = value["m"][1]["c"]
    points = st.integers(0, len(text))
    spans = [
        tuple(sorted(choose.draw(st.tuples(points, points)))) for _ in range(choose.draw(st.integers(1, 3)))
    ]
    done = redact_record(raw, 0, {"m[1].c": spans})
    value["m"][1]["c"] = redact_text(text, spans)
    assert json.loads(done) == value
    assert raw.startswith(done[: done.index(MARK.encode())]) or MARK in other
    keep = [
        text[a:b]
        for (_, a), (b, _) in zip(
            [(0, 0), *merge_spans(spans)], [*merge_spans(spans), (len(text), 0)], strict=True
        )
    ]
    assert value["m"][1]["c"] == MARK.join(keep)


def test_a_row_that_cannot_be_redacted_is_dropped_and_says_why(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_bytes(b'{"t":"secret"}\n{"t":["secret"]}\n{"t":"fine"}\n')
    manifest = clean(
        source, tmp_path / "out", [("a.jsonl", "jsonl", 3)], {}, [(0, 0, "t", (0, 6)), (0, 1, "t", (0, 6))]
    )
    assert (tmp_path / "out/kept/a.jsonl").read_bytes() == b'{"t":"[REDACTED]"}\n{"t":"fine"}\n'
    entry = manifest.inputs[0]
    assert (entry.kept, entry.redacted, entry.quarantined, entry.reasons) == (1, 1, 1, {"secret": 2})
    first, second = reasons(tmp_path / "out", "a.jsonl")
    assert first["action"] == "redact" and first["reasons"] == [{"id": "secret", "path": "t", "span": [0, 6]}]
    assert second["action"] == "drop" and "could not be redacted" in second["reasons"][0]["note"]
    assert verify(tmp_path / "out").problems == ()
