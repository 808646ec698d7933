"""When further processes are used: by what there is to do, not by the bytes of a file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dataaudit
from dataaudit.checks import modules
from dataaudit.engine import effort
from dataaudit.engine import run as engine
from dataaudit.records.types import FileRef


def _ref(path: Path, kind: str) -> FileRef:
    return FileRef(0, str(path), path.name, kind, size=path.stat().st_size)


def _table(path: Path, rows: int, text: str) -> FileRef:
    table = pa.table({"text": pa.array([text] * rows)})
    pq.write_table(table, path, use_dictionary=False, compression="zstd", row_group_size=1 << 16)
    return _ref(path, "parquet")


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are copied."""
    monkeypatch.setattr(effort, "may_fork", lambda: True)


@pytest.mark.usefixtures("copied")
def test_tables_are_judged_by_their_text_and_rows(tmp_path: Path):
    long = _table(tmp_path / "long.parquet", 1000, "x" * 50_000)
    many = _table(tmp_path / "many.parquet", 200_000, "x")
    few = _table(tmp_path / "few.parquet", 1000, "x")
    assert max(long.size, many.size) < 1 << 20
    assert effort.pays([long], modules())
    assert effort.pays([many], modules())
    assert not effort.pays([few], modules())
    assert not effort.pays([few] * 20, modules())
    assert effort.pays([few] * 200_000, modules())  # as many rows, in files of which a few are opened


@pytest.mark.usefixtures("copied")
def test_fewer_checks_take_more_data(tmp_path: Path):
    long = _table(tmp_path / "long.parquet", 1000, "x" * 50_000)
    assert not effort.pays([long], ["rules"])
    assert effort.pays([long] * 3, ["rules"])


def test_started_processes_cost_more_than_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines = FileRef(0, "lines", "lines", "jsonl", size=60 << 20)
    monkeypatch.setattr(effort, "may_fork", lambda: False)
    assert not effort.pays([lines], modules())
    assert effort.pays([lines] * 3, modules())
    monkeypatch.setattr(effort, "may_fork", lambda: True)
    assert effort.pays([lines], modules())


def test_what_cannot_be_read_is_nothing_to_do(tmp_path: Path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1" * 1000)
    assert not effort.pays([_ref(tmp_path / "a.parquet", "parquet")], modules())
    assert not effort.pays([FileRef(0, "gone", "gone", "parquet", size=1)], modules())
    assert not effort.pays([], modules())


def test_a_small_table_of_much_text_is_read_by_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(effort, "PER_ROW", 1.0)
    monkeypatch.setattr(engine, "LEAST_BYTES", 1000)
    monkeypatch.setattr(engine, "processors", lambda: 2)
    data = tmp_path / "data"
    data.mkdir()
    table = pa.table({"text": [f"row {i}" for i in range(4000)]})
    pq.write_table(table, data / "a.parquet", row_group_size=500)
    report = dataaudit.scan(data, select=("structure",))
    assert (report.rows, report.timing.workers) == (4000, 2)
    monkeypatch.setattr(effort, "PER_ROW", 0.0)
    assert dataaudit.scan(data, select=("structure",)).timing.workers == 1
