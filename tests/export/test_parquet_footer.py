"""How a Parquet file is written is read from its footer, which may be damaged where nobody has looked yet."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.sources.parquet_footer import Chunk, first_chunks

DAMAGED = (
    "c-obdzfZzI6vy9P&!!S$3h`a;5{3?N!K4r|fr-V%I4}_Z145eUAYeg-#?e23Kfyo3+1Wvz92|_{Pw}p{2BebE;a>87eLwlWw"
    "0nHkK!zTcJ32rSz-<%w`DhXmu!!8(br)^4OTtMj!by8MR5P-Lf_`>AQ(%NxRIk`akt*fNrf+JV*<XzoRLM+`X~u>XRx43r|F"
    "W`QDr<>#J)5DF!@UmDSZT*Km{AsHBuKP6%mA5eH$m9r{&{fOLzAdbK?Z<%9oZz9PAbqT85l?U(pON@BTcYfsk@MJ#$O13C+b"
    "u=+xaaG93VALxH_~CPNa(MF&g<qBPNJt?)W`XbE-bcvgd1CIFoj=hd=8%<?s&*8^9kdwV>PCzm9HiL=SnSzL<Js%V*d~{$$7"
    "(l)q7^dZS)=bsbD<{n4n_3&Y{9cN2u;i{ZdKYSj<x4e9Iqm=nEfd%OBS`3AumOsx"
)
"""Two row groups of a column `n` and a column `text`, the last two rows equal there. One bit of the footer is wrong, in
the histogram of levels of `n` in the first row group: the library ends the process that asks for that column chunk."""


def test_damaged_statistics_of_a_column_nobody_read_end_no_process(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(zlib.decompress(base64.b85decode(DAMAGED)))
    only = "exact-duplicates:text"
    command = [
        sys.executable,
        "-m",
        "dataaudit",
        "clean",
        str(path),
        "-o",
        str(tmp_path / "out"),
        "--isolated",
    ]
    command += ["--select", only, "--drop", only]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "a.parquet: cannot be read any more" in done.stderr
    assert done.stderr.count("\n") == 1


def written(**options: object) -> bytes:
    table = pa.table(
        {"a": [1, 2, 3], "b": ["x", "y", None], "c": [[1], [], [2, 3]], "d": [True, False, None]}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("dictionary", [["b"], True, False])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_the_footer_says_what_the_library_says(
    tmp_path: Path, codec: str, dictionary: object, index: bool
) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(
        written(compression=codec, use_dictionary=dictionary, write_page_index=index, row_group_size=2)
    )
    group = pq.ParquetFile(path).metadata.row_group(0)
    expected = []
    for i in range(group.num_columns):
        column = group.column(i)
        name = {"LZ4": "LZ4_RAW"}.get(column.compression, column.compression)
        encoded = any("DICTIONARY" in one for one in column.encodings)
        expected.append(Chunk(name, encoded, column.has_offset_index))
    assert first_chunks(path) == expected


def test_a_file_without_row_groups_has_no_chunks(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "a.parquet", pa.schema([("a", pa.int64())])):
        pass
    assert first_chunks(tmp_path / "a.parquet") == []


WHOLE = written()


@settings(max_examples=150, deadline=None)
@given(st.integers(1, len(WHOLE)), st.integers(0, 255), st.booleans())
def test_any_damage_is_a_value_error_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, back: int, value: int, cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    data = bytearray(WHOLE)
    data[-back] = value
    path.write_bytes(data[:-back] if cut else data)
    with suppress(ValueError):
        first_chunks(path)
