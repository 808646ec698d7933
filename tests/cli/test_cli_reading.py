"""Records in which something could hide: late keys, broken characters, repeated keys, changing types, odd lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import Report, RunCli, ScanJson, by_id, pairs, read_rows, write_lines

LATE = 20_001
"""More rows than fast readers look at before they fix the columns."""
MARKER = "[INST] Say it. [/INST]"


def _hits(report: Report) -> list[tuple[int, int | None]]:
    """(row, line) of the marker; so few that the examples hold all."""
    finding = by_id(report).get("chat-inst-block")
    if finding is None:
        return []
    assert len(finding["examples"]) == finding["rows"]
    return sorted((one["row"], one["line"]) for one in finding["examples"])


def _then(many: Any, last: Any) -> Iterator[Any]:
    for _ in range(LATE):
        yield many
    yield last


@pytest.mark.parametrize(
    ("many", "last", "path"),
    [
        ({"prompt": "Why?"}, {"prompt": "Why?", "response": MARKER}, "response"),
        ({"id": 1}, {"id": 1, "text": MARKER}, "text"),
        (
            {"messages": [{"role": "user"}]},
            {"messages": [{"role": "user", "content": MARKER}]},
            "messages[0].content",
        ),
        (
            {"messages": [{"role": "user", "content": "Why?"}]},
            {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": MARKER}]},
            "messages[1].content",
        ),
        ({"prompt": "Why?", "response": 5}, {"prompt": "Why?", "response": MARKER}, "response"),
        ({"prompt": "Why?", "response": None}, {"prompt": "Why?", "response": MARKER}, "response"),
        ({"prompt": "Why?", "response": {}}, {"prompt": "Why?", "response": MARKER}, "response"),
        ({"prompt": "Why?", "response": "So."}, {"prompt": "Why?", "response": [MARKER]}, "response[0]"),
        ({"text": "So."}, {"prompt": "Why?", "response": MARKER}, "response"),
    ],
    ids=["key", "key-other", "nested", "turn", "number", "null", "object", "list", "layout"],
)
def test_what_comes_late_is_read(
    tmp_path: Path, scan_json: ScanJson, many: Any, last: Any, path: str
) -> None:
    write_lines(tmp_path / "late.jsonl", _then(many, last))
    report = scan_json("late.jsonl", "--select", "chat-inst-block")
    assert report["rows"] == LATE + 1
    assert _hits(report) == [(LATE, LATE + 1)]
    assert by_id(report)["chat-inst-block"]["examples"][0]["path"] == path


def test_a_late_key_of_a_field_named_by_the_user(tmp_path: Path, scan_json: ScanJson) -> None:
    last = {"id": 1, "meta": {"a": {"reply": MARKER}}}
    write_lines(tmp_path / "late.jsonl", _then({"id": 1, "meta": {"a": {}}}, last))
    report = scan_json("late.jsonl", "--columns", "response=meta.a.reply", "--select", "chat-inst-block")
    assert _hits(report) == [(LATE, LATE + 1)]


def test_types_are_not_turned_into_text(tmp_path: Path, scan_json: ScanJson) -> None:
    """Numbers in a text field are no text: they are not counted as looked at. An object is, for what it may hide."""
    rows = [{"text": "A line."}, {"text": 5}, {"text": True}, {"text": None}, {"text": {"a": MARKER}}]
    write_lines(tmp_path / "a.jsonl", rows)
    report = scan_json("a.jsonl")
    assert report["rows"] == 5
    assert report["rates"]["contamination"]["of"] == 2
    assert [row for row, _ in _hits(report)] == [4]


def test_a_lone_surrogate_is_malformed_and_changes_nothing_else(tmp_path: Path, scan_json: ScanJson) -> None:
    lines = [
        b'{"text": "ab"}',
        b'{"text": "a\\ud800b"}',
        b'{"text": "a\\ud83d\\ude00b"}',
        b'{"text": "a\\udc00"}',
    ]
    write_lines(tmp_path / "a.jsonl", lines)
    report = scan_json("a.jsonl", "--output", f"rows={tmp_path / 'rows.jsonl'}")
    finding = by_id(report)["malformed-record"]
    assert finding["details"]["reasons"] == {"lone-surrogate": 2}
    assert sorted((one["row"], one["line"]) for one in finding["examples"]) == [(1, 2), (3, 4)]
    assert report["rates"]["contamination"]["of"] == 2
    assert "exact-duplicates" not in by_id(report)


def test_a_key_named_twice_is_a_finding(tmp_path: Path, scan_json: ScanJson) -> None:
    lines = [
        b'{"prompt": "a", "response": "b"}',
        b'{"prompt": "c", "response": "hidden", "response": "d"}',
        b'{"prompt": "e", "response": "f", "meta": {"k": {"x": 1, "x": 2}}}',
        b'{"prompt": "g", "respo\\u006ese": "hidden", "response": "h"}',
        b'{"prompt": "g \\"quoted\\" \\\\", "response": "\\\\\\"h\\""}',
        b'{"prompt": "k", "response": "l", "meta": [{"x": 1}, {"x": 2}]}',
    ]
    write_lines(tmp_path / "a.jsonl", lines)
    finding = by_id(scan_json("a.jsonl"))["structure:duplicate-key"]
    assert sorted(one["row"] for one in finding["examples"]) == [1, 2, 3]
    assert (finding["rows"], finding["of"]) == (3, 6)


def test_the_last_of_two_values_is_searched(tmp_path: Path, scan_json: ScanJson) -> None:
    line = b'{"prompt": "c", "response": "fine", "response": "[INST] x [/INST]"}'
    write_lines(tmp_path / "a.jsonl", [line])
    assert _hits(scan_json("a.jsonl")) == [(0, 1)]


def test_blank_lines_count_as_lines_not_as_rows(tmp_path: Path, scan_json: ScanJson) -> None:
    good, bad = json.dumps({"text": "A line."}).encode(), json.dumps({"text": MARKER}).encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n\n" + good + b"\n  \t\n\r\n" + bad + b"\n\n{\n" + bad)
    for flags in ((), ("--batch-rows", 1), ("--batch-rows", 2)):
        report = scan_json("a.jsonl", *flags)
        assert (report["rows"], report["malformed"]) == (4, 1)
        assert _hits(report) == [(1, 6), (3, 9)]
        (example,) = by_id(report)["malformed-record"]["examples"]
        assert (example["row"], example["line"]) == (2, 8)
        assert "structure:empty-text" not in by_id(report)


def test_blank_lines_across_workers(tmp_path: Path, call_cli: RunCli) -> None:
    """Rows and lines of a file read in pieces, blank lines and malformed ones scattered over it."""
    path = tmp_path / "a.jsonl"
    expected: list[tuple[int, int]] = []
    row = line = 0
    filler = "word " * 3000
    with path.open("wb") as file:
        for i in range(2600):
            line += 1
            if i % 11 == 0:
                file.write(b"   \n" if i % 2 else b"\n")
                continue
            if i % 97 == 0:
                file.write(b'{"text": \n')
            elif i % 101 == 0:
                file.write(json.dumps({"text": f"{filler} {MARKER} {i}"}).encode() + b"\n")
                expected.append((row, line))
            else:
                file.write(json.dumps({"text": f"{i} {filler}"}).encode() + b"\r\n")
            row += 1
    assert path.stat().st_size > 32 << 20
    done = call_cli(
        "scan", path, "--jobs", 2, "--output", f"rows={tmp_path / 'rows.jsonl'}", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["timing"]["workers"] == 2
    assert report["rows"] == row
    rows = read_rows(tmp_path / "rows.jsonl")
    assert (
        sorted((one["row"], one["line"]) for one in rows if one["finding"] == "chat-inst-block") == expected
    )


def test_a_mark_at_the_beginning_is_no_text(tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"text": MARKER}).encode() + b"\n" + b'{"text": "b"}\n')
    report = scan_json("a.jsonl")
    assert (report["rows"], report["malformed"]) == (2, 0)
    assert _hits(report) == [(0, 1)]


def test_a_mark_in_the_middle_is_malformed(tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a"}\n\xef\xbb\xbf{"text": "b"}\n{"text": "c"}\n')
    report = scan_json("a.jsonl")
    assert (report["rows"], report["malformed"]) == (3, 1)
    assert by_id(report)["malformed-record"]["examples"][0]["row"] == 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_a_missing_last_one(
    tmp_path: Path, scan_json: ScanJson, end: bytes, last: bool
) -> None:
    lines = [json.dumps(one).encode() for one in [*pairs(4), {"prompt": "Why?", "response": MARKER}]]
    (tmp_path / "a.jsonl").write_bytes(end.join(lines) + (end if last else b""))
    report = scan_json("a.jsonl")
    assert (report["rows"], report["malformed"]) == (5, 0)
    assert _hits(report) == [(4, 5)]


def test_separators_inside_a_string_do_not_end_a_line(tmp_path: Path, scan_json: ScanJson) -> None:
    text = f"a\u2028b\u2029c\x85d\x0be\x0cf {MARKER}"
    write_lines(
        tmp_path / "a.jsonl", [json.dumps({"text": text}, ensure_ascii=False).encode(), {"text": MARKER}]
    )
    report = scan_json("a.jsonl")
    assert (report["rows"], report["malformed"]) == (2, 0)
    assert _hits(report) == [(0, 1), (1, 2)]


def test_nul_bytes(tmp_path: Path, scan_json: ScanJson) -> None:
    lines = [
        b'{"text": "a"}',
        b'{"text": "a\x00b"}',
        b"\x00\x00\x00",
        b'{"text": "a\\u0000b"}',
        b'{"text": "c"}',
    ]
    write_lines(tmp_path / "a.jsonl", lines)
    report = scan_json("a.jsonl")
    assert (report["rows"], report["malformed"]) == (5, 2)
    assert by_id(report)["malformed-record"]["details"]["reasons"] == {"nul-byte": 2}
    (example,) = by_id(report)["structure:control-character"]["examples"]
    assert example["row"] == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "invalid-json"),
        (b'{"a": 1,}', "invalid-json"),
        (b"{'a': 1}", "invalid-json"),
        (b'{"a": NaN}', "invalid-json"),
        (b'{"a": 1} {"a": 2}', "invalid-json"),
        (b"null", "not-an-object"),
        (b'"text"', "not-an-object"),
        (b"7", "not-an-object"),
        (b'[{"text": "a"}]', "not-an-object"),
        (b'{"a": "\xff"}', "invalid-utf8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid-utf8"),
        (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too-deep"),
    ],
    ids=range(12),
)
def test_the_reason_of_a_malformed_line(
    tmp_path: Path, scan_json: ScanJson, line: bytes, reason: str
) -> None:
    write_lines(tmp_path / "a.jsonl", [{"text": "a"}, line, {"text": MARKER}])
    report = scan_json("a.jsonl")
    finding = by_id(report)["malformed-record"]
    assert finding["details"]["reasons"] == {reason: 1}
    (example,) = finding["examples"]
    assert (example["row"], example["line"]) == (1, 2)
    assert _hits(report) == [(2, 3)]


def test_compressed_files_in_several_members(tmp_path: Path, scan_json: ScanJson) -> None:
    first, second = b'{"text": "a"}\n{"text": ', json.dumps(MARKER).encode() + b"}\n"
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(first) + gzip.compress(b"") + gzip.compress(second))
    assert _hits(scan_json("a.jsonl.gz")) == [(1, 2)]


@pytest.mark.parametrize(
    "tail", [b"garbage", gzip.compress(b'{"text": "c"}\n', mtime=0)[:-4]], ids=["garbage", "cut"]
)
def test_what_follows_a_member_is_not_dropped(tmp_path: Path, scan_json: ScanJson, tail: bytes) -> None:
    whole = gzip.compress(b'{"text": "a"}\n')
    (tmp_path / "a.jsonl.gz").write_bytes(whole + tail)
    report = scan_json("a.jsonl.gz", "--max-contamination", "1%", expect=3)
    assert report["sources"][0]["error"]


def test_a_compressed_file_without_the_ending(tmp_path: Path, scan_json: ScanJson) -> None:
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(json.dumps({"text": MARKER}).encode()))
    assert _hits(scan_json("a.jsonl")) == [(0, 1)]


def test_a_plain_file_with_the_ending(tmp_path: Path, scan_json: ScanJson) -> None:
    write_lines(tmp_path / "a.jsonl.gz", [{"text": MARKER}])
    assert _hits(scan_json("a.jsonl.gz")) == [(0, 1)]


def test_text_that_parquet_holds_but_cannot_be_decoded(tmp_path: Path, scan_json: ScanJson) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = pa.array([b"fine", b"a\xffb", MARKER.encode(), None], pa.binary())
    text = pa.StringArray.from_buffers(
        4, raw.buffers()[1], raw.buffers()[2], raw.buffers()[0], raw.null_count
    )
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet")
    report = scan_json("a.parquet")
    assert (report["rows"], report["malformed"]) == (4, 1)
    (example,) = by_id(report)["malformed-record"]["examples"]
    assert (example["row"], example["note"].split()[0]) == (1, "invalid-utf8")
    assert _hits(report) == [(2, None)]


def test_a_damaged_row_group_loses_only_itself(tmp_path: Path, scan_json: ScanJson) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    texts = [f"{i} {'xyz' * 50} {i * i}" for i in range(300)] + [MARKER]
    pq.write_table(
        pa.table({"text": texts}), path, row_group_size=100, compression="zstd", use_dictionary=False
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    middle = column.data_page_offset + column.total_compressed_size // 2
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(bytes(data))
    report = scan_json("a.parquet", "--max-contamination", "50%", expect=3)
    assert "row group 1" in report["sources"][0]["error"]
    assert report["rows"] == 201
    assert _hits(report) == [(300, None)]


def test_times_no_calendar_has_are_compared_too(tmp_path: Path, scan_json: ScanJson) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    far = pa.array([1 << 62, 1 << 62, 5, None], pa.timestamp("us"))
    fine = pa.array([1, 1, 2, 3], pa.timestamp("ns"))
    table = pa.table({"text": ["same", "same", "same", "same"], "far": far, "fine": fine})
    pq.write_table(table, tmp_path / "a.parquet")
    report = by_id(scan_json("a.parquet"))
    assert report["exact-duplicates"]["rows"] == 3
    assert report["exact-duplicates:record"]["rows"] == 1
