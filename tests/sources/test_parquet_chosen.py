"""Rows of Parquet files that are read again: the same as at first, however the file is written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_support import read_file

from dataaudit.sources import parquet_groups
from dataaudit.sources.parquet_footer import Extent, extents


@pytest.fixture(autouse=True, scope="module")
def page_by_page() -> Iterator[None]:
    """Read so however little there is to read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_groups, "compiled", lambda _nbytes, _kernel: True)
        yield


def test_little_is_read_again_without_a_compiler(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": [f"{i % 9} is as good as any other number here" for i in range(90)]}), path
    )
    program = f"import sys, dataaudit; dataaudit.scan({str(path)!r}); print('numba' in sys.modules)"
    env = {**os.environ, "DATAAUDIT_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def read(path: Path, only: tuple[int, ...] | None = None) -> dict[int, list[str]]:
    """The texts of each row, but for what cannot be read."""
    found = read_file(path, target=1, need_rest=False, only=only, batch_rows=50)
    return {row: found.texts.get(row, []) for row, _ in found.rows}


texts = st.one_of(
    st.none(),
    st.sampled_from(["", "yes", "no"]),
    st.text(max_size=12),
    st.integers(1, 400).map("ab\u00e9c".__mul__),
)
rows = st.lists(st.tuples(texts, texts, st.integers(0, 3)), min_size=1, max_size=120)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows,
    st.data(),
    st.fixed_dictionaries(
        {
            "compression": st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4", "brotli"]),
            "use_dictionary": st.booleans(),
            "data_page_version": st.sampled_from(["1.0", "2.0"]),
            "data_page_size": st.sampled_from([1, 300, 1 << 20]),
            "dictionary_pagesize_limit": st.sampled_from([60, 1 << 20]),
            "write_batch_size": st.sampled_from([7, 1024]),
            "row_group_size": st.sampled_from([33, 1000]),
            "write_page_checksum": st.booleans(),
        }
    ),
    st.sampled_from([pa.string(), pa.large_string()]),
    st.booleans(),
)
def test_rows_read_again_are_the_rows_read_first(
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[str | None, str | None, int]],
    data: st.DataObject,
    written: dict[str, object],
    kind: pa.DataType,
    nulls: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "chosen.parquet"
    prompt, response, label = ([one[i] for one in made] for i in range(3))
    if not nulls:
        prompt = [one or "" for one in prompt]
    fields = [
        pa.field("prompt", kind, nullable=nulls),
        pa.field("response", kind),
        pa.field("label", pa.int64()),
    ]
    pq.write_table(pa.table([prompt, response, label], schema=pa.schema(fields)), path, **written)
    only = tuple(sorted(data.draw(st.sets(st.integers(0, len(made) - 1)))))
    whole = read(path)
    again = read(path, only)
    assert again == {row: whole[row] for row in only}


def chunk_of(path: Path, column: int) -> Extent:
    """Where a column of the first row group lies."""
    state = path.stat()
    chunk = extents(path, (state.st_size, state.st_mtime_ns), state.st_size)[0][column]
    assert chunk is not None
    return chunk


def pages_of(path: Path, column: int) -> list[tuple[int, int]]:
    """Roughly where the pages of a column lie: equal parts of its chunk."""
    chunk = chunk_of(path, column)
    step = (chunk.end - chunk.start) // 8
    return [(chunk.start + i * step, chunk.start + (i + 1) * step) for i in range(8)]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_pages_that_hold_none_of_the_rows_are_left_packed(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"{i} " + f"{i * i} is not {i}. " * 40 for i in range(2000)]})
    pq.write_table(
        table, path, compression=compression, use_dictionary=False, data_page_size=4096, write_batch_size=10
    )
    broken = bytearray(path.read_bytes())
    first, last = pages_of(path, 0)[4]
    for at in range((first + last) // 2, (first + last) // 2 + 40):
        broken[at] ^= 0x5A
    damaged = tmp_path / "b.parquet"
    damaged.write_bytes(broken)
    only = (0, 3, 250, 1999)
    assert read(damaged, only) == {row: texts for row, texts in read(path).items() if row in only}


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 1 << 30), st.integers(0, 255), st.sampled_from(["none", "snappy", "zstd"]), st.booleans()
)
def test_a_file_whose_damage_is_not_seen_reads_the_same_again(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int, compression: str, dictionary: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole, path = folder / "whole.parquet", folder / "damaged.parquet"
    made = [f"{i} or {i * i}" if i % 5 else None for i in range(200)]
    pq.write_table(
        pa.table({"text": made}),
        whole,
        compression=compression,
        use_dictionary=dictionary,
        data_page_size=300,
        write_batch_size=10,
        write_page_checksum=True,
    )
    data = bytearray(whole.read_bytes())
    data[4 + at % (chunk_of(whole, 0).end - 4)] = value
    path.write_bytes(data)
    found, only = read_file(path, target=1, need_rest=False), tuple(range(0, 200, 3))
    again = read(path, only)
    if not found.damage and not found.malformed:
        assert again == {row: found.texts.get(row, []) for row in only}
