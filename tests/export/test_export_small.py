"""Verdicts, the row sidecar, and compressed streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import zstandard
from export_support import COMPRESS

from dataaudit.checks.base import RowEntries
from dataaudit.errors import UsageError
from dataaudit.export.rows import SCHEMA, write_rows
from dataaudit.export.verdicts import Reason, RowVerdict, VerdictStore
from dataaudit.records.types import FileRef, pack_row
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.compressing import open_compressed
from dataaudit.sources.compression import DamagedStreamError, codec_of, open_plain


def _next_lines(row_ids: Sequence[int]) -> list[int | None]:
    return [None if row_id > 9 else row_id + 1 for row_id in row_ids]


def entries() -> list[tuple[RowEntries, str, list[str | None] | None]]:
    def ids(*places: tuple[int, int]) -> np.ndarray:
        return np.array([pack_row(*place) for place in places], np.uint64)

    spans = np.array([[2, 0, 3, 5, 9], [2, 0, -1, 0, 2], [2, 0, 0, 1, 2]], np.int64)
    return [
        (RowEntries("key", ids((1, 7), (0, 1), (1, 7)), spans=spans, paths=("m[*].c",)), "redact", None),
        (RowEntries("twice", ids((1, 1 << 23), (1, 9)), twins=ids((0, 0), ((1 << 24) - 1, 3))), "drop", None),
        (RowEntries("malformed-record", ids((1, 9))), "drop", ["not-an-object"]),
        (RowEntries("bad", ids((0, 1))), "drop", None),
    ]


def test_verdicts_do_not_depend_on_the_order_of_entries(tmp_path: Path) -> None:
    found = []
    for order in (entries(), entries()[::-1], entries() + entries()):
        with Workspace(tmp_path) as work:
            store = VerdictStore(work)
            for group, action, notes in order:
                store.add(group, action, notes)
            found.append((list(store.for_file(0)), list(store.for_file(1)), list(store.for_file(2))))
            assert (store.count(0), store.count(1)) == (1, 3)
    assert found[0] == found[1] == found[2]
    first, second, none = found[0]
    assert first == [RowVerdict(1, "drop", (Reason("bad"), Reason("key", "m[*].c", (0, 2))))]
    assert second[0] == RowVerdict(
        7, "redact", (Reason("key", "m[0].c", (1, 2)), Reason("key", "m[3].c", (5, 9)))
    )
    assert second[1] == RowVerdict(
        9,
        "drop",
        (Reason("malformed-record", note="not-an-object"), Reason("twice", twin=((1 << 24) - 1, 3))),
    )
    assert second[2].row == 1 << 23 and none == []


def test_what_has_no_place_cannot_be_redacted(tmp_path: Path) -> None:
    with Workspace(tmp_path) as work, pytest.raises(UsageError, match="dup"):
        VerdictStore(work).add(RowEntries("dup", np.array([1], np.uint64)), "redact")


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_row_sidecar(ending: str, tmp_path: Path) -> None:
    files = [FileRef(0, "x/a", "a", "jsonl"), FileRef(1, "x/b", "b\udcff", "jsonl")]
    groups = [({"category": "secret", "severity": "high"}, entries()[0][0])]
    groups.append(
        ({"category": "duplicates"}, RowEntries("twice", np.array([5], np.uint64), np.array([4], np.uint64)))
    )
    path = tmp_path / f"rows.{ending}"
    assert write_rows(path, groups, files, _next_lines) == 4
    if ending == "parquet":
        rows = pq.read_table(path).to_pylist()
        assert pq.read_schema(path).equals(SCHEMA)
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(rows[0]) == SCHEMA.names
    assert (
        rows[0] | {"finding": "key", "severity": "high", "file": "b\\xff", "row": 7, "line": None} == rows[0]
    )
    assert rows[0] | {"role": "response", "path": "m[3].c", "start": 5, "end": 9, "twin_row": None} == rows[0]
    assert rows[3] | {"row": 5, "line": 6, "twin_file": "a", "twin_row": 4, "path": None} == rows[3]
    with pytest.raises(UsageError):
        write_rows(tmp_path / "rows.csv", groups, files, _next_lines)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("codec", [c for c in COMPRESS if c])
def test_streams_never_end_early_in_silence(codec: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    text = bytes(range(256)) * 3000
    with open_compressed(path, codec) as file:
        file.write(text)
    assert codec_of(path) == codec
    whole = path.read_bytes()
    for data in (whole, whole + COMPRESS[codec](b"more"), whole + COMPRESS[codec](b"")):
        path.write_bytes(data)
        with open_plain(path) as file:
            assert file.read() in (text, text + b"more")
    for data in (whole[:-1], whole[: len(whole) // 2], whole + b"junk", whole + whole[:7]):
        path.write_bytes(data)
        with open_plain(path) as file, pytest.raises(DamagedStreamError):
            file.read()


def test_a_gzip_file_says_nothing_of_name_and_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with open_compressed(tmp_path / name, "gzip") as file:
            file.write(b"x")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_skippable_frames_and_look_alikes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    frame = b"\x50\x2a\x4d\x18\x05\x00\x00\x00hello"
    path.write_bytes(frame + zstandard.compress(b"one") + frame + zstandard.compress(b"two"))
    with open_plain(path) as file:
        assert file.read() == b"onetwo"
    path.write_bytes(b"BZhello\n")
    with open_plain(path) as file:
        assert file.read() == b"BZhello\n"
