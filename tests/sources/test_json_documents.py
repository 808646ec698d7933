"""JSON documents: whatever their form, their records are those of the same JSON Lines; what is broken is said."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_support import COMPRESS, files_of, read_file, read_path, write

from dataaudit.engine.rows import RowsAgain
from dataaudit.engine.tally import Tally
from dataaudit.errors import UsageError
from dataaudit.records.types import FileRef, pack_row
from dataaudit.sources import json as source
from dataaudit.sources import json_brackets, json_scan
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.json_scan import Cutter

TEXT = st.text(
    st.one_of(
        st.sampled_from('{}[]",:\\ \n\té"\\'),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
VALUE = st.recursive(
    st.one_of(TEXT, st.none(), st.booleans(), st.integers(-9, 9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
RECORD = st.one_of(
    st.fixed_dictionaries({"prompt": TEXT, "response": TEXT}, optional={"more": VALUE}),
    st.dictionaries(TEXT, VALUE, max_size=3),
)
SPACES = st.text(st.sampled_from(" \t\r\n"), max_size=3)


@st.composite
def arrays(draw: st.DrawFn, records: list[dict[str, Any]]) -> bytes:
    """The records as a JSON array, in one of the ways in which arrays are written."""
    ascii_only = draw(st.booleans())
    style = draw(st.sampled_from(["compact", "spaced", "pretty", "odd"]))
    if style == "compact":
        text = json.dumps(records, ensure_ascii=ascii_only, separators=(",", ":"))
    elif style == "odd":
        parts = [
            json.dumps(one, ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1])))
            for one in records
        ]
        text = ",".join(draw(SPACES) + part + draw(SPACES) for part in parts)
        text = draw(SPACES) + "[" + (text or draw(SPACES)) + "]" + draw(SPACES)
    else:
        text = json.dumps(records, ensure_ascii=ascii_only, indent=2 if style == "pretty" else None)
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


@settings(max_examples=150, deadline=None)
@given(st.lists(RECORD, max_size=6), st.data(), st.sampled_from([1, 2, 3, 7, 31, 1 << 20]), st.integers(1, 4))
def test_an_array_is_read_like_its_lines(
    records: list[dict[str, Any]], data: st.DataObject, block: int, batch_rows: int
) -> None:
    text = data.draw(arrays(records))
    ending = data.draw(st.sampled_from(sorted(COMPRESS)))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK", block)
        path = write(Path(folder) / f"a.json{ending}", text)
        lines = Path(folder) / "b.jsonl"
        lines.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in records))
        whole = read_path(path, batch_rows=batch_rows)
        expected = read_path(lines)
        cut = read_path(path, 5, batch_rows=batch_rows)
    for seen in (whole, cut):
        assert seen.error is None and seen.malformed == []
        assert (seen.rows, seen.strings, seen.layouts) == (len(records), expected.strings, expected.layouts)
        assert seen.lines == whole.lines
    plain = text.removeprefix(b"\xef\xbb\xbf").decode()
    decoder, at = json.JSONDecoder(), plain.find("[") + 1
    for row in range(len(records)):
        while plain[at] in " \t\r\n,":
            at += 1
        assert whole.lines[row] == plain[:at].count("\n") + 1
        at = decoder.raw_decode(plain, at)[1]


@settings(max_examples=300, deadline=None)
@given(st.lists(RECORD, min_size=1, max_size=5), st.data())
def test_a_corrupted_byte_is_never_silent(records: list[dict[str, Any]], data: st.DataObject) -> None:
    text = data.draw(arrays(records))
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.one_of(st.sampled_from(list(b'{}[]",:\\ \n1\x00\xff')), st.integers(0, 255)))
    broken = text[:at] + bytes([byte]) + text[at + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        before = read_file(_ref(Path(folder) / "a.json", text))
        try:
            files = files_of(write(Path(folder) / "b.json", broken))
        except UsageError:
            return  # an object that cannot be data any more is refused by name
        seen = [read_file(file) for file in files]
        after = seen[0]
        reference = _ref(Path(folder) / "b.json", broken)
        one = [(got.rows, got.strings, got.malformed, got.error) for got in [read_file(reference)]]
        for block in (1, 3, 8):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(source, "BLOCK", block)
                got = read_file(reference)
                assert [(got.rows, got.strings, got.malformed, got.error)] == one
    if any(got.error or got.malformed for got in seen):
        return
    # Nothing was said, so the document must be JSON still, and read as the parser reads it.
    value = orjson.loads(broken.removeprefix(b"\xef\xbb\xbf"))
    if isinstance(value, list):
        assert after.rows == len(value)
        changed = [row for row in after.strings if after.strings[row] != before.strings.get(row)]
        assert len(changed) <= 1 or after.rows != before.rows


def _ref(path: Path, data: bytes) -> FileRef:
    path.write_bytes(data)
    return FileRef(0, str(path), path.name, "json", size=len(data))


@pytest.mark.parametrize(
    ("text", "rows", "malformed", "error"),
    [
        ("[]", 0, [], None),
        (" [ \n ] ", 0, [], None),
        ('[{"text": "a"},]', 2, [(1, "invalid-json", 1, 15, 0)], None),
        ('[,{"text": "a"}]', 2, [(0, "invalid-json", 1, 1, 0)], None),
        ('[{"text": "a"},,{"text": "b"}]', 3, [(1, "invalid-json", 1, 15, 0)], None),
        ('[{"text": "a"} {"text": "b"}]', 1, [(0, "invalid-json", 1, 1, 27)], None),
        ('[{"text": "a"}\n,{"text": NaN}]', 2, [(1, "invalid-json", 2, 16, 13)], None),
        ("[{'text': 'a'}]", 1, [(0, "invalid-json", 1, 1, 13)], None),
        ('[{"text": "a"}, {"text": "b",}]', 2, [(1, "invalid-json", 1, 16, 14)], None),
        ('[{"text": "a"}, 1, "x, y", null, [{}]]', 5, 4, None),
        ('[{"text": "a"}, {"text": "\\ud800"}]', 2, [(1, "lone-surrogate", 1, 16, 18)], None),
        ('[{"text": "a"}] x', 1, [], "something follows the end of the array (byte 16, after 1 rows)"),
        ('[{"text": "a"}][]', 1, [], "something follows the end of the array (byte 15, after 1 rows)"),
        ('[{"text": "a"}}', 1, [], "a bracket closes what it did not open (byte 14, after 1 rows)"),
        ('[{"text": "a"},', 1, [], "the document ends before the array is closed (byte 15, after 1 rows)"),
        (
            '[{"text": "a"}, {"te',
            1,
            [],
            "the document ends in the element that begins there (byte 16, after 1 rows)",
        ),
        ('[{"text": "a}, {"text": "b"}]', 0, [], "the document ends in the element that begins there"),
        ("[", 0, [], "the document ends before the array is closed"),
        ('{\n"text": "a"\n}\n{\n"text": "b"}', 2, [], None),
        ('{\n"text": "a"\n}\nx', 1, [], "something stands there that is no object (byte 16, after 1 rows)"),
        ('{\n"text": "a"\n}\n]', 1, [], "a bracket closes what it did not open (byte 16, after 1 rows)"),
        ('{\n"text": "a"\n}\n{\n"te', 1, [], "the document ends in the element that begins there (byte 16"),
    ],
)
def test_what_is_broken_and_where(
    tmp_path: Path, text: str, rows: int, malformed: list[Any] | int, error: str | None
) -> None:
    seen = read_path(write(tmp_path / "a.json", text.encode()))
    assert seen.rows == rows
    if isinstance(malformed, int):
        assert [reason for _, reason, *_ in seen.malformed] == ["not-an-object"] * malformed
    else:
        assert seen.malformed == malformed
    assert seen.error is None if error is None else error in (seen.error or "")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"text": "a"}\n{"text": "b"}\n', "jsonl"),
        ('{"text": "a"}\n', "jsonl"),
        ('{"text": "a"} x\n', "jsonl"),
        ('{"text": "a"}{"text": "b"}', "jsonl"),
        ('{"text": "a"},\n{"text": "b"}\n', "jsonl"),
        ('{"text": "a\n{"text": "b"}\n', "jsonl"),
        ('{"text": {"a": 1}\n{"text": "b"}\n', "jsonl"),
        ("garbage", "jsonl"),
        ('{\n"text": "a"\n}', "json"),
        ('{"text": "a",\n"label": "b"}', "json"),
        ('{"text": "a"\n,"label": "b"}', "json"),
        ('[{"text": "a"}]', "json"),
        ('[\n{"text": "a"},\n{"text": "b"}]', "json"),
        ('[{"text": "a"}]\n[{"text": "b"}]', "json"),
    ],
)
def test_lines_or_document(tmp_path: Path, text: str, kind: str) -> None:
    (file,) = files_of(write(tmp_path / "a.json", text.encode()))
    assert file.format == kind


@pytest.mark.parametrize("name", ["a.data", "a"])
def test_bytes_say_more_than_a_name(tmp_path: Path, name: str) -> None:
    assert read_path(write(tmp_path / name, b'[\n{"text": "a"},\n{"text": "b"}\n]\n')).rows == 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson"])
def test_lines_stay_lines_whatever_they_hold(tmp_path: Path, name: str) -> None:
    for text in (b'["a"]\n["b"]\n', b'[{"text": "a"}]\n[{"text": "b"}]\n'):
        found = read_path(write(tmp_path / name, text))
        assert [reason for _, reason, *_ in found.malformed] == ["not-an-object"] * 2
    broken = read_path(write(tmp_path / name, b'{\n{"text": "b"}\n'))
    assert [reason for _, reason, *_ in broken.malformed] == ["invalid-json"]
    assert broken.rows == 2


@pytest.mark.parametrize("ending", sorted(COMPRESS))
@pytest.mark.parametrize("cut", [0, 1])
def test_compressed_and_cut_short(tmp_path: Path, ending: str, cut: int) -> None:
    rows = [{"text": f"row {random.Random(i).random()}"} for i in range(2000)]
    path = write(tmp_path / f"a.json{ending}", json.dumps(rows, indent=1).encode())
    if cut:
        path.write_bytes(path.read_bytes()[:-20])
    (file,) = files_of(path)
    # Of some codecs nothing can be read of a small file that is cut short; then either reader says so.
    assert file.format == "json" or cut
    seen = read_file(file)
    assert (seen.error is not None) == bool(cut)
    # All of it, where the cut is behind the data.
    assert seen.rows == 2000 if not cut else seen.rows <= 2000


SPLITS = {
    "val": [["hello", "greet"], ["bye", "part"]],
    "oos_test": [["what", "oos"]],
    "train": [["hi", "greet"]],
    "test": [],
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ending", ["", ".zst"])
def test_an_object_of_splits(tmp_path: Path, indent: int | None, ending: str) -> None:
    path = write(tmp_path / f"a.json{ending}", json.dumps(SPLITS, indent=indent).encode())
    files = files_of(path)
    assert [(file.uri, file.split) for file in files] == [
        (f"a.json{ending}#val", "validation"),
        (f"a.json{ending}#oos_test", "oos_test"),
        (f"a.json{ending}#train", "train"),
        (f"a.json{ending}#test", "test"),
    ]
    found = [read_file(file) for file in files]
    assert [one.rows for one in found] == [2, 1, 1, 0]
    assert found[0].strings == {
        0: [("text", "0", "hello"), ("text", "1", "greet")],
        1: [("text", "0", "bye"), ("text", "1", "part")],
    }
    assert not any(one.error or one.malformed for one in found)
    assert [file.uri.partition("#")[2] for file in files_of(path, split="train")] == ["train"]


def test_rows_without_names_at_the_top_are_no_records(tmp_path: Path) -> None:
    seen = read_path(write(tmp_path / "a.json", json.dumps(SPLITS["val"]).encode()))
    assert [reason for _, reason, *_ in seen.malformed] == ["not-an-object"] * 2


def test_keys_that_hold_no_records_are_named(tmp_path: Path) -> None:
    value = {"version": 1, "train": [{"text": "a"}], "labels": ["x"]}
    (file,) = files_of(write(tmp_path / "a.json", json.dumps(value).encode()))
    assert file.split == "train"
    assert read_file(file).notes == {"keys beside the records are not read: version, labels"}


def test_the_only_array_of_objects(tmp_path: Path) -> None:
    value = {"version": "1.1", "data": [{"text": "a"}, {"text": "b"}, [1]]}
    (file,) = files_of(write(tmp_path / "a.json", json.dumps(value, indent=2).encode()))
    seen = read_file(file)
    assert (file.uri, file.split, seen.rows, len(seen.malformed)) == ("a.json#data", None, 3, 1)
    assert "the records are read from under the key data" in seen.notes


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"prompt": "a", "response": "b", "meta": {"x": [{"y": 1}]}},
        {"instruction": "a", "output": "b", "examples": [{"text": "c"}]},
        {"text": ["a", "b"]},
        {"anything": "a"},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_one_object_is_one_record(tmp_path: Path, value: Any, indent: int | None) -> None:
    seen = read_path(write(tmp_path / "a.json", json.dumps(value, indent=indent).encode()))
    assert (seen.rows, len(seen.strings), seen.error) == (1, 1, None)
    assert any("--field examples" in note for note in seen.notes) == ("examples" in value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [{"text": "x"}], "b": [{"text": "y"}], "c": 1}, r"several keys \(a, b\)"),
        ({"columns": ["x", "y"], "data": [["a", "b"]]}, "--field data"),
    ],
)
def test_what_is_ambiguous_is_refused(tmp_path: Path, value: Any, words: str) -> None:
    path = write(tmp_path / "a.json", json.dumps(value).encode())
    with pytest.raises(UsageError, match=words):
        files_of(path)
    write(tmp_path / "b.jsonl", b'{"text": "a"}\n')
    from dataaudit.sources.discover import discover

    found = discover([str(tmp_path)])
    assert [file.uri for file in found.files] == ["b.jsonl"]
    assert [one.uri for one in found.skipped] == ["a.json"]


def test_field(tmp_path: Path) -> None:
    value = {"a.b": {"rows": [{"text": "x"}], "train": [["y", "z"]]}, "other": [{"text": "n"}]}
    path = write(tmp_path / "a.json", json.dumps(value, indent=1).encode())
    (file,) = files_of(path, field="a\\.b.rows")
    assert (file.uri, read_file(file).strings) == ("a.json#a\\.b.rows", {0: [("text", "text", "x")]})
    (file,) = files_of(path, field="a\\.b.train")
    assert (file.split, read_file(file).strings[0][0]) == ("train", ("text", "0", "y"))
    for bad in ("a", "a\\.b", "nowhere", "other.x"):
        with pytest.raises(UsageError, match="no records under"):
            files_of(path, field=bad)
    lines = write(tmp_path / "b.jsonl", b'{"text": "a"}\n')
    with pytest.raises(UsageError, match="--field"):
        files_of(lines, field="rows")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"train": [{"text": "a"}], "test": [{"text": "b"}] x}', "a comma should stand there (byte 51)"),
        (
            '{"train": [{"text": "a"}], "test": [{"text": "b"}]} x',
            "something follows the end of the object (byte 52)",
        ),
        ('{"train": [{"text": "a"}], "test": [{"text": "b"}], }', "a new key should stand there"),
        (
            '{"train": [{"text": "a"}], "test": [{"text": "b"},',
            "the document ends before the array is closed",
        ),
        ('{"train": [{"text": "a"}], "train": [{"text": "b"}]}', "a new key should stand there (byte 27)"),
        ('{"train": [{"text": "a"}]', "the document ends before the object is closed (byte 25)"),
        ('{"train": [{"text": "a"}]]', "a bracket closes what it did not open (byte 25)"),
    ],
)
def test_a_broken_object_of_splits(tmp_path: Path, text: str, words: str) -> None:
    files = files_of(write(tmp_path / "a.json", text.encode()))
    found = [read_file(file) for file in files]
    assert found[0].strings[0] == [("text", "text", "a")]
    assert any(words in (one.error or "") for one in found), [one.error for one in found]


def test_settings_and_logs_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "data.jsonl", b'{"text": "a"}\n')
    write(tmp_path / "one.json", b'{\n"text": "a"\n}')
    for name, value in {
        "dataset_info.json": {"description": "d", "features": {"a": {"dtype": "string"}}, "splits": {}},
        "config.json": {"architectures": ["x"], "hidden_size": 3},
        "log.json": {"epoch": 1, "log_history": [{"loss": 1.5, "step": 1}]},
    }.items():
        write(tmp_path / name, json.dumps(value, indent=2).encode())
        write(tmp_path / f"compact_{name}", json.dumps(value).encode())
    from dataaudit.sources.discover import discover

    found = discover([str(tmp_path)])
    assert [file.uri for file in found.files] == ["data.jsonl", "one.json"]
    assert {one.reason for one in found.skipped} == {"a JSON document without records"}
    assert len(found.skipped) == 6


def test_duplicate_keys_and_empty_objects(tmp_path: Path) -> None:
    seen = read_path(write(tmp_path / "a.json", b'[{}, {"text": "a", "text": "b"}, {"text": "c"}]'))
    assert (seen.rows, seen.remarks) == (3, [("duplicate-key", 1)])


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("block", [64, json_scan.BLOCK])
def test_rows_are_found_again(
    tmp_path: Path, indent: int | None, ending: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BLOCK", block)
    rows = {
        "train": [{"text": f"row {i}"} for i in range(50)],
        "test": [{"text": f"t {i}"} for i in range(9)],
    }
    files = files_of(write(tmp_path / f"a.json{ending}", json.dumps(rows, indent=indent).encode()))
    tally = Tally()
    expected: dict[int, int] = {}
    for file in files:
        seen = read_file(file, 100, batch_rows=7)
        for batch in seen.batches:
            tally.of(file.id).add(batch)
        expected |= {pack_row(file.id, row): line for row, line in seen.lines.items()}
    again = RowsAgain(files, tally, ReadOptions())
    found = again.fetch([pack_row(0, 33), pack_row(0, 0), pack_row(1, 8)])
    assert {row: texts["text"][0][1] for row, texts in found.items()} == {
        pack_row(0, 33): "row 33",
        pack_row(0, 0): "row 0",
        pack_row(1, 8): "t 8",
    }
    assert again.lines_of([*expected]) == [*expected.values()]
    assert again.line_of(pack_row(1, 8)) == expected[pack_row(1, 8)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(['"', "\\", "\\\\", '\\"', "{", "}", "[", "]", "x", "é", " "]), max_size=40),
    st.data(),
)
def test_brackets_do_not_depend_on_blocks(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts).encode()
    expected, depth, inside, escape = [], 0, False, False
    for at, byte in enumerate(text):
        if byte == 0x22 and not escape:
            inside = not inside
        elif byte in b"{}[]" and not inside:
            depth += 1 if byte in b"{[" else -1
            expected.append((at, depth))
        escape = byte == 0x5C and not escape
    scan, found, at = json_brackets.Brackets(), [], 0
    while at < len(text):
        size = data.draw(st.integers(1, 12))
        places, _, depths = scan.feed(text[at : at + size])
        found += [(at + place, deep) for place, deep in zip(places.tolist(), depths.tolist(), strict=True)]
        at += size
    assert (found, scan.in_string) == (expected, inside)


@pytest.mark.parametrize("limit", ["LONGEST", "WIDEST"])
def test_what_never_ends_is_not_held_forever(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_scan, limit, 1000)
    cutter = Cutter(1, closes=b"]")
    opening = b'{"a": "' if limit == "LONGEST" else b"1"
    cutter.feed(opening)
    for _ in range(30):
        if cutter.broken is None:
            cutter.feed(b"1" * 100)
    assert cutter.broken is not None and cutter.broken[0] == 1


@pytest.mark.parametrize(
    "bad",
    [b'[\\"' + b'\\"' * 200_000, b"[" * 200_000, b'["' + b"\\" * 300_000 + b'"]', b"[" + b",:" * 100_000],
)
def test_hostile_bytes_end_soon(tmp_path: Path, bad: bytes) -> None:
    seen = read_path(write(tmp_path / "a.json", bad))
    assert seen.error is not None or seen.malformed
