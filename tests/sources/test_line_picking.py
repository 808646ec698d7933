"""A few lines of a block: the same as when every line is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataaudit.records.types import Batch
from dataaudit.sources import jsonl, line_picking
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.discover import discover

LINE = st.sampled_from(
    [b"", b" ", b"\t{}", b"\r", b"a", b"{}", b"x" * 191, b"y" * 192, b"z" * 500, "é\u2028".encode()]
)


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(line_picking, "compiled", lambda _nbytes, _kernel: True)


@settings(deadline=None, max_examples=300)
@given(
    lines=st.lists(LINE, max_size=12),
    ended=st.booleans(),
    start=st.integers(0, 3),
    wanted=st.sets(st.integers(0, 14)),
)
def test_lines_are_where_they_are(lines: list[bytes], ended: bool, start: int, wanted: set[int]):
    text = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    every = text.split(b"\n")
    every = every if every[-1] else every[:-1]
    found = line_picking.pick(b"#" * start + text, start, np.asarray(sorted(wanted), np.int64))
    if any(one[:1] in (b"", b" ", b"\t", b"\r") for one in every):
        assert found is None
        return
    assert found is not None
    assert found.lines == len(every)
    there = sorted(one for one in wanted if one < len(every))
    assert found.numbers.tolist() == there
    places = zip((found.begins - start).tolist(), (found.ends - start).tolist(), strict=True)
    assert [text[a:b] for a, b in places] == [every[one] for one in there]


def seen(path: Path, only: tuple[int, ...] | None, rows: int) -> list[tuple[object, ...]]:
    """Row, line and text of the records of a file that are among `only`, and of its malformed ones the offset."""
    (file,) = discover([str(path)]).files
    found: list[tuple[object, ...]] = []
    for part in jsonl.plan(file, 64):
        for batch in jsonl.read(part, ReadOptions(batch_rows=rows, only=only)):
            assert isinstance(batch, Batch)
            assert batch.lines is not None
            texts = batch.roles["text"].values.to_pylist() if "text" in batch.roles else []
            found += zip(batch.rows.tolist(), batch.lines.tolist(), texts, strict=True)
            found += [(one.row, one.line, one.offset, one.length) for one in batch.malformed]
    return sorted(found)


RECORD = st.sampled_from([json.dumps({"text": text}) for text in ("a", "b" * 300, "é")] + ["{bad", " ", ""])


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    lines=st.lists(RECORD, min_size=1, max_size=20),
    bom=st.booleans(),
    wanted=st.sets(st.integers(0, 22)),
    rows=st.integers(1, 9),
)
def test_a_few_records_are_read_as_with_all_others(
    lines: list[str], bom: bool, wanted: set[int], rows: int, tmp_path: Path
):
    path = tmp_path / "a.jsonl"
    path.write_bytes((jsonl.BOM if bom else b"") + "\n".join(lines).encode())
    everything = seen(path, None, rows)
    assert seen(path, tuple(sorted(wanted)), rows) == [one for one in everything if one[0] in wanted]
