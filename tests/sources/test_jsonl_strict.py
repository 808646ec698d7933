"""The JSONL reader against an independent one that goes line by line and takes its time."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from source_support import Read, read_file

from dataaudit.sources import json_reasons, jsonl, linecount
from dataaudit.sources.discover import discover
from dataaudit.sources.jsonl import BOM

TIMES = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


class _RefusedError(ValueError):
    pass


def _refuse(constant: str) -> Any:
    raise _RefusedError(constant)


def _all(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for k, v in value.items() for x in (k, *_all(v))]
    if isinstance(value, list):
        return [x for v in value for x in _all(v)]
    return [value]


def judge(line: bytes) -> tuple[str | None, Any, bool]:  # noqa: PLR0911 - one return per reason
    """(reason, record, does it name a key twice) of a line, by the standard library."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid-utf8", None, False
    if "\x00" in text:
        return "nul-byte", None, False
    twice = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice |= len({key for key, _ in items}) < len(items)
        return dict(items)

    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=pairs)
    except RecursionError:
        return "too-deep", None, False
    except ValueError:
        return "invalid-json", None, False
    leaves = _all(value)
    if any(isinstance(one, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in one) for one in leaves):
        return "lone-surrogate", None, False
    if any(isinstance(one, float) and math.isinf(one) for one in leaves):
        return "invalid-json", None, False
    if not isinstance(value, dict):
        return "not-an-object", None, False
    return None, value, twice


def slow(data: bytes) -> Read:
    """What the definition says of a file."""
    found = Read()
    offset = len(BOM) if data.startswith(BOM) else 0
    lines = data[offset:].split(b"\n")
    row = 0
    for number, line in enumerate(lines if lines[-1] else lines[:-1], start=1):
        if line.strip(b" \t\r"):
            reason, record, twice = judge(line)
            if reason is None:
                found.rows.append((row, number))
                text = record.get("text")
                found.texts[row] = [text] if isinstance(text, str) else []
                found.twice += [row] if twice else []
            else:
                found.malformed.append((row, number, offset, len(line), reason))
            row += 1
        offset += len(line) + 1
    return found


GOOD = [
    b'{"text": "a"}',
    b'{"text": "\\ud83d\\ude00\\\\\\""}',
    b'{"text": "\xc3\xa9", "n": [1, {"k": null}]}',
    b"{}",
]
BAD = [
    b'{"text": "a"', b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', b'{"text": "\\ud800"}',
    b'{"text": "\\ude00\\ud83d"}',
    b'{"text": "a\x00"}', b'{"text": "\\u0000"}', b'{"text": NaN}', b'{"n": -Infinity}', b'{"n": 1e400}', b"[1]", b"1",
    b"null", b'"{}"', b'{"text": "a"}{"text": "b"}', b"{'text': 1}", b'{"text": "\t"}', b'{"text": "a",}', b'{"n": 01}',
    b'{"n": 1e400, "text": "\\ud83d\\ude00"}', b"\x0c", b"\xef\xbb\xbf", BOM + b'{"text": "a"}', b'{"text": "\x7f"}',
]  # fmt: skip
TWICE = [
    b'{"text": "a", "text": "b"}', b'{"a": {"k": 1, "k": 1}}', b'{"a": [{"k": 1}, {"k": 1, "k": "x"}], "text": "a"}',
    b'{"\\u0061": 1, "a": 2}', b'{"a\\\\": "\\\\\\"", "a\\\\": 1}',
]  # fmt: skip
EDITS = [b"", b'"', b"\\", b"\xc3", b"}", b",", b":"]
BLANK = [b"", b" ", b"\t \r", b"\r"]

LINES = st.one_of(
    *[st.sampled_from(pool) for pool in (GOOD, GOOD, BAD, TWICE, BLANK)],
    st.sampled_from(GOOD).map(lambda line: line + b"\r"),
    st.sampled_from(GOOD).map(lambda line: b" " + line + b"\t"),
    st.tuples(st.sampled_from(GOOD + TWICE), st.integers(0, 20), st.sampled_from(EDITS)).map(
        lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + 1 :]
    ),
    st.text(alphabet='{}[]",:\\u0d8 ae1.-', max_size=12).map(str.encode),
    st.dictionaries(st.text(max_size=2), st.one_of(st.text(max_size=3), st.integers(-5, 5), st.none()), max_size=2).map(
        lambda one: json.dumps(one, ensure_ascii=False).encode()
    ),
)  # fmt: skip
FILES = st.tuples(
    st.sampled_from((b"", b"", BOM)), st.lists(LINES, max_size=12), st.sampled_from((b"", b"\n"))
).map(lambda one: one[0] + b"\n".join(one[1]) + one[2])


def assert_same(found: Read, expected: Read) -> None:
    assert found.rows == expected.rows
    assert found.malformed == expected.malformed
    assert found.twice == expected.twice
    assert found.texts == expected.texts


@TIMES
@given(data=FILES, block=st.integers(1, 40), target=st.integers(1, 60), size=st.integers(1, 9))
@example(data=b"\n" + BOM + b"\n" + b'{"text": "a"}\n', block=1, target=1, size=1)
@example(data=BOM, block=1, target=1, size=1)
@example(data=BOM + b"\n\n" + b"{}", block=2, target=2, size=1)
def test_every_cut_of_a_file_is_read_as_line_by_line(data: bytes, block: int, target: int, size: int):
    columns = (("text", "text"),)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "data.jsonl"
        path.write_bytes(data)
        # What begins like an array of objects or a printed object is a JSON document, whatever its name.
        assume(discover([str(path)]).files[0].format == "jsonl")
        expected = slow(data)
        assert_same(read_file(path, overrides=columns), expected)
        patch.setattr(jsonl, "BLOCK", block)
        patch.setattr(linecount, "COUNT_BYTES", block)
        patch.setattr(json_reasons, "WINDOW", block)
        patch.setattr(json_reasons, "LONG", 4 * block)
        assert_same(read_file(path, overrides=columns, target=target, batch_rows=size), expected)


@pytest.mark.parametrize("line", GOOD + BAD + TWICE)
def test_every_odd_line_alone(line: bytes, tmp_path: Path):
    path = tmp_path / "data.jsonl"
    for data in (line, line + b"\n", b'{"text": "before"}\n' + line + b'\r\n{"text": "after"}'):
        path.write_bytes(data)
        assert_same(read_file(path, overrides=(("text", "text"),)), slow(data))


def test_rows_lines_and_offsets_in_a_file_with_everything(tmp_path: Path):
    data = BOM + b'\r\n{"text": "0"}\r\n\n \t\n{bad\r\n[]\n{"text": "3"}\n\n{"text": "4"'
    path = tmp_path / "data.jsonl"
    path.write_bytes(data)
    found = read_file(path)
    assert found.rows == [(0, 2), (3, 7)]
    assert [(row, line, reason) for row, line, _, _, reason in found.malformed] == [
        (1, 5, "invalid-json"), (2, 6, "not-an-object"), (4, 9, "invalid-json")
    ]  # fmt: skip
    for _, line, offset, length, _ in found.malformed:
        assert offset is not None
        assert data[offset : offset + length] == data.split(b"\n")[line - 1]
    assert found.nbytes == len(data)


@pytest.mark.parametrize(
    "depth", [1, 100, 252, 253, 254, 255, 256, 500, 1000, 1023, 1024, 1025, 20_000, 200_000]
)
def test_nesting_of_every_depth_is_read_or_malformed(depth: int, tmp_path: Path):
    import dataaudit

    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"text": "x", "a": ' + b"[" * depth + b"]" * depth + b'}\n{"text": "y"}\n')
    found = read_file(path)
    reasons = [one[-1] for one in found.malformed]
    assert reasons == ([] if depth < 250 else reasons and ["too-deep"])
    assert len(found.rows) + len(reasons) == 2
    if depth < 250:
        assert len(found.rows) == 2
    report = dataaudit.scan(path, jobs=1, reference=True, select=("duplicates", "structure"))
    assert (report.rows, report.malformed) == (2, len(reasons))


def test_a_key_first_seen_late_is_read(tmp_path: Path):
    """Readers that infer a schema from the first rows lose it."""
    lines = [b'{"text": "a"}\n'] * 20_000 + [b'{"text": "a", "response": "x", "prompt": "late"}\n']
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"".join(lines))
    found = read_file(path)
    assert found.texts[20_000] == ["late", "x"]
    assert len(found.rows) == 20_001


def test_a_value_that_changes_its_type_late_is_read(tmp_path: Path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"text": 1}\n' * 5000 + b'{"text": "now text"}\n' + b'{"text": ["a", "b"]}\n')
    found = read_file(path)
    assert (found.texts[5000], found.texts[5001], found.texts[0]) == (["now text"], ["a", "b"], [])


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_line_longer_than_a_block(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jsonl, "BLOCK", 1000)
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'{"text": "a"}\n' * size + b'{"text": "' + b"x" * 5000 + b'"}\n{"text": "b"}')
    found = read_file(path, target=700)
    assert [len(found.texts[row][0]) for row in (size, size + 1)] == [5000, 1]
    assert found.rows == [(i, i + 1) for i in range(size + 2)]


def test_json_test_suite(real_data: Path, tmp_path: Path):
    """Every file of it as one line, where it holds no line feed: y_ must be read, n_ refused."""
    tried = 0
    for path in sorted((real_data / "formats/JSONTestSuite").rglob("*.json")):
        data = path.read_bytes()
        if b"\n" in data.strip() or not data.strip(b" \t\r\n"):
            continue
        line = b'{"text": "t", "v": ' + data.strip(b" \t\r\n") + b"}"
        if path.name.startswith("n_") and judge(data)[0] in (None, "not-an-object"):
            continue  # the wrapping made it another document
        one = tmp_path / "one.jsonl"
        one.write_bytes(line + b"\n")
        found = read_file(one)
        assert len(found.rows) + len(found.malformed) == 1, path.name
        if path.name.startswith("y_"):
            assert found.texts == {0: ["t"]}, path.name
        elif path.name.startswith("n_") and judge(line)[0] is not None:
            assert found.malformed, path.name
        tried += 1
    assert tried > 250
