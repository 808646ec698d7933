"""Arrow IPC files, Feather and streams: read, cut short, damaged, cleaned and proved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from source_support import read_file

import dataaudit
from dataaudit.errors import SourceError, UsageError

TURN = pa.struct([("role", pa.string()), ("content", pa.large_string())])
TEXTS = [f"text é number {i}" for i in range(30)]
KINDS = {"arrow": pa.ipc.new_file, "feather": pa.ipc.new_file, "arrows": pa.ipc.new_stream}


def table() -> pa.Table:
    n = range(len(TEXTS))
    columns = {
        "text": pa.array(TEXTS),
        "label": pa.array([["x", "y", None][i % 3] for i in n]).dictionary_encode(),
        "talk": pa.array([[{"role": "user", "content": f"c{i}"}] * (i % 3) for i in n], pa.list_(TURN)),
        "view": pa.array([f"a long string to look at, number {i}" for i in n], pa.string_view()),
        "map": pa.array([[("k", str(i))] for i in n], pa.map_(pa.string(), pa.string())),
        "listed": pa.array([[str(i)] * (i % 3) for i in n], pa.list_view(pa.string())),
        "pair": pa.array([[str(i)] * 2 for i in n], pa.list_(pa.string(), 2)),
        "runs": pa.RunEndEncodedArray.from_arrays([10, 30], ["a", "b"]),
        "union": pa.UnionArray.from_dense(
            pa.array([i % 2 for i in n], pa.int8()),
            pa.array([i // 2 for i in n], pa.int32()),
            [pa.array([f"u{i}" for i in range(15)]), pa.array(range(15))],
        ),
    }
    return pa.table(columns).replace_schema_metadata({b"huggingface": b"{}"})


def write(path: Path, data: pa.Table, *, codec: str | None = None, rows: int = 9, kind: str = "") -> Path:
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with KINDS[kind or path.suffix[1:]](str(path), data.schema, options=options) as writer:
        writer.write_table(data, max_chunksize=rows)
    return path


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("ending", KINDS)
def test_rows_are_the_same_in_every_container_and_cut(ending: str, codec: str | None, tmp_path: Path):
    path = write(tmp_path / f"a.{ending}", table(), codec=codec)
    for size in (1, 4, 8192):
        for target in (1, 2000, 1 << 62):
            found = read_file(path, batch_rows=size, target=target)
            assert found.rows == [(i, None) for i in range(30)]
            assert [found.texts[i][0] for i in range(30)] == TEXTS
            assert (found.malformed, found.damage) == ([], [])


def test_feather_as_its_library_writes_it_and_tables_without_rows(tmp_path: Path):
    feather.write_feather(pa.table({"text": TEXTS}), tmp_path / "a.feather")
    assert read_file(tmp_path / "a.feather").texts == {i: [text] for i, text in enumerate(TEXTS)}
    for ending in KINDS:
        path = write(tmp_path / f"empty.{ending}", pa.table({"text": pa.array([], pa.string())}))
        assert read_file(path).rows == []


@pytest.mark.parametrize("codec", [None, "zstd"])
@pytest.mark.parametrize("ending", ["arrow", "arrows"])
def test_record_batches_before_a_cut_are_read(ending: str, codec: str | None, tmp_path: Path):
    path = write(tmp_path / f"a.{ending}", table(), codec=codec)
    data = path.read_bytes()
    read = set()
    for share in range(1, 20):
        path.write_bytes(data[: len(data) * share // 20])
        report = dataaudit.scan(path, jobs=1)
        assert (report.status, report.exit_code) == ("incomplete", 3)
        assert "\n" not in (report.sources[0].error or "\n")
        assert report.rows in (0, 9, 18, 27, 30)
        read.add(report.rows)
    assert {0, 9, 18} <= read
    path.write_bytes(data + b"more")
    assert dataaudit.scan(path, jobs=1).status == "incomplete"


def test_a_stream_that_stops_between_record_batches_is_incomplete(tmp_path: Path):
    path = write(tmp_path / "a.arrows", pa.table({"text": TEXTS}))
    path.write_bytes(path.read_bytes()[:-8])
    report = dataaudit.scan(path, jobs=1)
    assert (report.status, report.rows) == ("incomplete", 30)
    assert "no end marker" in (report.sources[0].error or "")


@pytest.mark.parametrize("ending", ["arrow", "arrows"])
def test_text_that_is_not_utf8_is_malformed_and_its_neighbours_are_read(ending: str, tmp_path: Path):
    path = write(tmp_path / f"a.{ending}", table())
    data = path.read_bytes()
    path.write_bytes(data.replace("é number 13".encode(), b"\xff\xfe number 13", 1))
    found = read_file(path, batch_rows=4)
    assert [(row, reason) for row, *_, reason in found.malformed] == [(13, "invalid-utf8")]
    assert [row for row, _ in found.rows] == [i for i in range(30) if i != 13]


FLIPS = """
import random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from source_support import read_file
from dataaudit.errors import SourceError, UsageError
path, rng = Path(sys.argv[2]), random.Random(int(sys.argv[3]))
data = path.read_bytes()
for _ in range(150):
    flipped = bytearray(data)
    flipped[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    path.write_bytes(flipped)
    try:
        read_file(path)
    except (SourceError, UsageError) as error:
        assert "\\n" not in str(error)
print("done")
"""


@pytest.mark.parametrize("codec", [None, "lz4", "zstd"])
@pytest.mark.parametrize("ending", ["arrow", "arrows", "parquet"])
def test_one_byte_that_is_not_what_it_was_crashes_nothing(ending: str, codec: str | None, tmp_path: Path):
    # In a process of its own: memory that is read where there is none would take the tests with it.
    path = tmp_path / f"a.{ending}"
    if ending == "parquet":
        columns = ["text", "label", "talk", "map"]
        pq.write_table(table().select(columns), path, compression=codec, row_group_size=9)
    else:
        write(path, table(), codec=codec)
    done = subprocess.run(
        [sys.executable, "-c", FLIPS, str(Path(__file__).parent), str(path), "7"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == "done\n"


def test_offsets_that_point_elsewhere_are_damage_and_no_text(tmp_path: Path):
    offsets = pa.array([0, 4, 1 << 20, 12], pa.int32()).buffers()[1]
    bad = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(b"onetwo\xff three"))
    path = tmp_path / "a.arrow"
    with pa.ipc.new_file(str(path), pa.schema([("text", pa.string())])) as writer:
        writer.write_batch(pa.record_batch({"text": ["fine"]}))
        writer.write_batch(pa.RecordBatch.from_arrays([bad], ["text"]))
    with pytest.raises(SourceError, match="after row 1: column text is damaged"):
        read_file(path)


def test_feather_version_1_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "old.feather").write_bytes(b"FEA1" + bytes(40) + b"FEA1")
    with pytest.raises((UsageError, SourceError)) as refused:
        read_file(tmp_path / "old.feather")
    assert "\n" not in str(refused.value)
