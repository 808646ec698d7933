"""Files made to break readers: each is read, or refused with a reason. None crashes, none is dropped in silence."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cli_support import RunCli, by_id, parsed, read_rows, write_lines
from real_support import scanned

from dataaudit.errors import DataauditError

PARQUET = "formats/parquet-testing"
SUITE = "formats/JSONTestSuite"
HUGE = "large_string_map.brotli.parquet"
"""Two keys of a gibibyte each: comparing whole records of it takes minutes."""

UNREADABLE = (
    "ARROW-GH-41317",
    "ARROW-GH-41321",
    "ARROW-GH-45185",
    "ARROW-GH-47662",
    "ARROW-RS-GH-6229-DICTHEADER",
    "ARROW-RS-GH-6229-LEVELS",
    "PARQUET-1481",
)
"""Files of `bad_data` that the Parquet library refuses."""


def _rows(path: Path) -> int:
    """Rows of all row groups: one file has a total of 0 in its footer, and six rows."""
    meta = pq.ParquetFile(path).metadata
    return sum(meta.row_group(i).num_rows for i in range(meta.num_row_groups))


def test_every_parquet_file_is_read_or_refused(real_data: Path) -> None:
    paths = sorted((real_data / PARQUET).rglob("*.parquet"))
    assert len(paths) > 70
    silent = []
    for path in paths:
        options = {"ignore": ["exact-duplicates", "split-leakage"]} if path.name == HUGE else {}
        try:
            report = scanned(path, **options)
        except DataauditError as error:
            assert path.name in str(error)
            assert "\n" not in str(error)
            continue
        (source,) = report["sources"]
        if source["error"] is None and source["rows"] != _rows(path):
            silent.append(path.name)
        if source["error"] is not None or (source["rows"] and source["layout"] == "none"):
            assert report["status"] == "incomplete"
            assert any(one["incomplete"] and one["reason"] for one in report["not_evaluated"])
    assert silent == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_broken_parquet_file_says_why(real_data: Path, run_cli: RunCli, name: str) -> None:
    done = run_cli("scan", real_data / PARQUET / "bad_data" / f"{name}.parquet", "--format", "json")
    assert done.returncode == 3
    report = parsed(done.stdout)
    assert report["status"] == "incomplete"
    assert report["sources"][0]["error"]
    assert "Traceback" not in done.stderr


def test_times_past_the_calendar_are_no_crash(real_data: Path, run_cli: RunCli) -> None:
    done = run_cli("scan", real_data / PARQUET / "data" / "nested_structs.rust.parquet", "--format", "json")
    assert "internal error" not in done.stderr
    assert parsed(done.stdout)["rows"] == 1


def test_a_folder_of_broken_files_names_each(real_data: Path, run_cli: RunCli) -> None:
    done = run_cli("scan", real_data / PARQUET / "bad_data", "--format", "json", "--max-contamination", "50%")
    assert done.returncode == 3
    report = parsed(done.stdout)
    assert {one["uri"] for one in report["sources"]} == {
        path.name for path in (real_data / PARQUET / "bad_data").glob("*.parquet")
    }
    assert {one["id"] for one in report["not_evaluated"]} >= {f"{name}.parquet" for name in UNREADABLE}


def test_every_json_document_is_handled(real_data: Path) -> None:
    paths = sorted((real_data / SUITE).glob("*.json"))
    assert len(paths) == 318
    for path in paths:
        try:
            report = scanned(path)
        except DataauditError as error:
            assert path.name in str(error)
            continue
        read = sum(one["rows"] for one in report["sources"])
        assert read == 0 or report["malformed"] == read or report["rates"]["contamination"]["of"] <= read


def _as_lines(real_data: Path, prefix: str) -> dict[str, bytes]:
    """The documents that fit on a line, each as the value of a field."""
    found = {}
    for path in sorted((real_data / SUITE).glob(f"{prefix}*.json")):
        data = path.read_bytes()
        if b"\n" not in data.rstrip(b"\r\n") and not data.startswith(b"\xef\xbb\xbf"):
            found[path.name] = b'{"id": 1, "text": "a", "value": ' + data.rstrip(b"\r\n") + b"}"
    return found


def _malformed(tmp_path: Path, lines: dict[str, bytes]) -> set[str]:
    path = write_lines(tmp_path / "suite.jsonl", lines.values())
    rows = tmp_path / "rows.jsonl"
    report = scanned(path, output=(f"rows={rows}",))
    assert report["rows"] == len(lines)
    bad = {one["row"] for one in read_rows(rows) if one["finding"] == "malformed-record"}
    assert len(bad) == report["malformed"]
    assert ("malformed-record" in by_id(report)) is bool(bad)
    return {name for i, name in enumerate(lines) if i in bad}


def test_what_must_parse_parses(real_data: Path, tmp_path: Path) -> None:
    lines = _as_lines(real_data, "y_")
    assert len(lines) > 80
    assert _malformed(tmp_path, lines) == set()


def test_what_must_be_refused_is_malformed(real_data: Path, tmp_path: Path) -> None:
    lines = _as_lines(real_data, "n_")
    assert len(lines) > 150
    assert set(lines) - _malformed(tmp_path, lines) == set()


def test_what_may_be_either_does_no_harm(real_data: Path, tmp_path: Path) -> None:
    lines = _as_lines(real_data, "i_")
    assert len(lines) > 20
    _malformed(tmp_path, lines)


@pytest.mark.slow
def test_the_whole_folder_in_one_go(real_data: Path, run_cli: RunCli) -> None:
    folders = [path for path in sorted(real_data.iterdir()) if path.is_dir() and path.name != "formats"]
    done = run_cli("scan", *folders, real_data / PARQUET / "bad_data", real_data / SUITE, "--format", "json")
    assert done.returncode == 3
    assert "internal error" not in done.stderr
    report = parsed(done.stdout)
    assert report["rows"] > 100_000
