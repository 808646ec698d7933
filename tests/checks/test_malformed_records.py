"""Malformed records: counted by reason, placed, never left out of the count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from check_support import scan

import dataaudit.sources.json_reasons
import dataaudit.sources.tables
from dataaudit.checks.malformed import NAME, REASONS

LINES = [
    {"text": "a"}, b"{", b"[1]", b"", b'{"text": "\xff"}', b'{"t\x00": 1}', b'{"text": "\\udc00"}',
    b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}", {"text": "b"}, b"nope",
]  # fmt: skip


def test_reasons_rows_and_places(tmp_path: Path):
    report = scan(
        tmp_path, {"train.jsonl": LINES, "b.jsonl": [b"{", {"text": "c"}], "c.jsonl": [{"text": "d"}]}
    )
    finding = report.finding(NAME)
    assert (finding.rows, finding.of) == (8, 12)
    assert finding.details["reasons"] == {
        "invalid-json": 3, "invalid-utf8": 1, "lone-surrogate": 1, "not-an-object": 1, "nul-byte": 1, "too-deep": 1
    }  # fmt: skip
    assert finding.by_source == {"b.jsonl": 1, "train.jsonl": 7}
    assert finding.by_split == {"train": 7}
    assert finding.action == "drop"
    assert {one.uri: (one.rows, one.malformed) for one in report.sources} == {
        "train.jsonl": (9, 7), "b.jsonl": (2, 1), "c.jsonl": (1, 0)
    }  # fmt: skip
    data = (tmp_path / "in/train.jsonl").read_bytes()
    for example in finding.examples:
        if example.file == "train.jsonl":
            place = re.fullmatch(r"([a-z0-9-]+) at byte ([\d,]+), ([\d,]+) bytes long", example.note)
            assert place is not None
            offset, length = (int(one.replace(",", "")) for one in place.groups()[1:])
            assert data[offset : offset + length] == data.split(b"\n")[example.line - 1]


def test_malformed_lines_alone_are_findings_and_not_an_incomplete_scan(tmp_path: Path):
    report = scan(tmp_path, {"a.jsonl": LINES})
    assert (report.status, report.exit_code) == ("no-gate", 0)
    assert scan(tmp_path / "gate", {"a.jsonl": LINES}, max_count=("malformed-record=6",)).exit_code == 1
    assert scan(tmp_path / "pass", {"a.jsonl": LINES}, max_count=("malformed-record=7",)).exit_code == 0


def test_a_file_of_nothing_but_malformed_lines_is_incomplete(tmp_path: Path):
    report = scan(tmp_path, {"a.jsonl": [b"{", b"["], "b.jsonl": [{"text": "a"}]})
    assert report.exit_code == 3
    assert [one.id for one in report.not_evaluated if one.incomplete] == ["a.jsonl"]


def test_ignoring_it_hides_the_finding_and_not_the_count(tmp_path: Path):
    report = scan(tmp_path, {"a.jsonl": LINES}, ignore=(NAME,))
    assert report.finding(NAME) is None
    assert report.malformed == 7


@pytest.mark.parametrize("module", [dataaudit.sources.json_reasons, dataaudit.sources.tables])
def test_every_reason_a_reader_can_give_is_known(module):
    """A reason that is not in the table would stop the scan at the first such row."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    given = set(re.findall(r'return "([a-z0-9-]+)"', source)) | set(
        re.findall(r'INVALID_TEXT = "([a-z0-9-]+)"', source)
    )
    assert given
    assert given <= set(REASONS)
