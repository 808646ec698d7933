"""The files of Apache parquet-testing: each is read, or refused in one line. None crashes, hangs or is passed over."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import dataaudit
from dataaudit.report.json_format import to_json

SECONDS = 60
"""A file that takes longer counts as hung."""

LARGE = frozenset({"large_string_map.brotli.parquet"})
"""A few thousand bytes that decode to two gigabytes: too much for a test."""


@contextlib.contextmanager
def deadline() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("the scan hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _files(real_data: Path, folder: str) -> list[Path]:
    return sorted(
        path for path in (real_data / "formats/parquet-testing" / folder).iterdir() if path.is_file()
    )


def _scan(path: Path) -> tuple[int, int, str | None]:
    with deadline():
        report = dataaudit.scan(path, jobs=1)
    assert to_json(report)
    (source,) = report.sources
    if source.error is not None:
        assert "\n" not in source.error
        assert report.exit_code == 3
    else:
        # Read to the end: it has rows that were evaluated, or says why none was, or has none.
        assert report.exit_code in (0, 3, 4)
        assert report.rows or report.exit_code == 4
        assert report.exit_code != 3 or report.not_evaluated
    return report.rows, report.malformed, source.error


def test_good_files_are_read_or_refused(real_data: Path):
    import pyarrow.parquet as pq

    files = [
        path for path in _files(real_data, "data") if path.suffix == ".parquet" and path.name not in LARGE
    ]
    assert len(files) > 40
    read = 0
    for path in files:
        rows, _, error = _scan(path)
        if error is None:
            meta = pq.ParquetFile(path).metadata  # the count of a whole file may lie: one says 0 and holds 6
            assert rows == sum(meta.row_group(i).num_rows for i in range(meta.num_row_groups)), path.name
            read += 1
    assert read > 35


def test_broken_files_are_refused_or_read(real_data: Path):
    files = [path for path in _files(real_data, "bad_data") if path.suffix == ".parquet"]
    assert len(files) >= 5
    refused = sum(_scan(path)[2] is not None for path in files)
    assert refused >= 3


@pytest.mark.parametrize("name", ["datapage_v1-corrupt-checksum", "rle-dict-uncompressed-corrupt-checksum"])
def test_pages_that_do_not_fit_their_checksum_are_lost(real_data: Path, name: str):
    rows, _, error = _scan(real_data / "formats/parquet-testing/data" / f"{name}.parquet")
    assert (rows, error is not None) == (0, True)


@pytest.mark.parametrize("workers", [2])
def test_a_folder_of_them_is_read_in_workers_too(real_data: Path, workers: int):
    folder = real_data / "formats/parquet-testing/bad_data"
    alone = dataaudit.scan(folder, jobs=1)
    several = dataaudit.scan(folder, jobs=workers)
    assert [(s.uri, s.rows, s.error) for s in several.sources] == [
        (s.uri, s.rows, s.error) for s in alone.sources
    ]
    assert len(alone.sources) == len(_files(real_data, "bad_data")) - len(
        [p for p in _files(real_data, "bad_data") if p.suffix != ".parquet"]
    )
