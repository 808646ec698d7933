"""Data that a Python program holds: every kind gives what a file of the same records gives."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from cli_support import pairs, tainted

import dataaudit
from dataaudit.errors import IncompleteError, UsageError

RECORDS = [*pairs(30), *tainted(5, 30), *pairs(2)]
OPTIONS: dict[str, Any] = {"jobs": 1, "reference": True}


def _generator() -> Iterator[dict[str, str]]:
    yield from RECORDS


def _dataset(tmp: Path) -> Any:
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp / "a.parquet", row_group_size=10)
    return pads.dataset(tmp / "a.parquet")


def _hf(kind: str) -> Any:
    import datasets

    made = datasets.Dataset.from_list(RECORDS)
    if kind == "iterable":
        return made.to_iterable_dataset()
    if kind == "generated":
        return datasets.IterableDataset.from_generator(_generator)
    return made


KINDS: dict[str, Callable[[Path], Any]] = {
    "list": lambda _: RECORDS,
    "generator": lambda _: _generator(),
    "map": lambda _: map(dict, RECORDS),
    "polars": lambda _: pl.DataFrame(RECORDS),
    "lazy": lambda _: pl.DataFrame(RECORDS).lazy(),
    "categorical": lambda _: pl.DataFrame(RECORDS).with_columns(pl.all().cast(pl.Categorical)),
    "table": lambda _: pa.Table.from_pylist(RECORDS),
    "chunks": lambda _: pa.Table.from_batches(
        [pa.RecordBatch.from_pylist(RECORDS[:7]), pa.RecordBatch.from_pylist(RECORDS[7:])]
    ),
    "batch": lambda _: pa.RecordBatch.from_pylist(RECORDS),
    "reader": lambda _: pa.Table.from_pylist(RECORDS).to_reader(max_chunksize=5),
    "dataset": _dataset,
    "Dataset": lambda _: _hf("dataset"),
    "IterableDataset": lambda _: _hf("iterable"),
    "IterableDataset without features": lambda _: _hf("generated"),
    "pandas": lambda _: pytest.importorskip("pandas").DataFrame(RECORDS),
}


def _places(report: Any) -> dict[str, list[tuple[int, Any]]]:
    return {
        one.id: sorted((example.row, example.text) for example in one.examples)
        for one in report.findings
        if one.rows is not None
    }


@pytest.fixture(scope="module")
def by_file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("file") / "a.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in RECORDS))
    return dataaudit.scan(path, **OPTIONS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [4, 8192])
def test_every_kind_is_found_equal_to_a_file(kind: str, size: int, by_file: Any, tmp_path: Path) -> None:
    work = tmp_path / "work"
    report = dataaudit.scan(KINDS[kind](tmp_path), batch_rows=size, work_dir=str(work), **OPTIONS)
    assert (report.rows, report.malformed) == (37, 0)
    assert report.rates == by_file.rates
    assert _places(report) == _places(by_file)
    assert report.finding("exact-duplicates").rows == 2
    assert not work.exists() or list(work.iterdir()) == []


@pytest.mark.parametrize("kind", [one for one in KINDS if one != "Dataset"])
def test_every_kind_can_be_cleaned(kind: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report, manifest = dataaudit.clean(
        KINDS[kind](tmp_path), out, drop=["contamination", "exact-duplicates"], **OPTIONS
    )
    assert (report.rows, manifest.totals.kept, manifest.totals.quarantined) == (37, 30, 7)
    assert dataaudit.verify(out).ok
    (kept,) = (out / "kept").iterdir()
    if kept.suffix == ".arrow":
        with pa.OSFile(str(kept)) as file, pa.ipc.open_stream(file) as stream:
            assert stream.read_all().num_rows == 30
    else:
        assert dataaudit.scan(kept, **OPTIONS).rows == 30


def test_splits_are_named_by_dicts() -> None:
    import datasets

    parts = {"train": RECORDS[:20], "test": RECORDS[10:30]}
    streams = {
        name: datasets.IterableDataset.from_generator(lambda one=one: iter(one))
        for name, one in parts.items()
    }
    for source in (
        parts,
        {name: iter(one) for name, one in parts.items()},
        {name: pl.DataFrame(one) for name, one in parts.items()},
        datasets.IterableDatasetDict(streams),
    ):
        report = dataaudit.scan(source, **OPTIONS)
        assert [(one.uri, one.split, one.rows) for one in report.sources] == [
            ("train", "train", 20),
            ("test", "test", 20),
        ]
        assert report.finding("split-leakage").rows == 10
    assert dataaudit.scan(parts, split="test", **OPTIONS).rows == 20
    with pytest.raises(UsageError, match="no split 'dev'; it has train, test"):
        dataaudit.scan(parts, split="dev", **OPTIONS)


def test_types_that_json_has_no_form_for_change_nothing_else() -> None:
    now = datetime.datetime(2020, 1, 2, 3, 4)
    odd = [
        now, now.date(), Decimal("1.10"), b"\xff\x00", {1, 2}, float("nan"), float("inf"), np.float32(1.5),
        np.arange(3), np.array([np.nan]), np.datetime64("2020-01-01"), 1 << 70, (1, "a"), object(), 1, "1", True,
    ]  # fmt: skip
    items = [{"text": "the same", "extra": one} for one in odd]
    report = dataaudit.scan(items, jobs=1, reference=True)
    assert (report.rows, report.malformed) == (len(odd), 0)
    assert report.finding("exact-duplicates").rows == len(odd) - 1
    # No two of them are the same record: not 1 and "1", nor the day and its time.
    assert report.finding("exact-duplicates:record") is None
    again = dataaudit.scan([*items, *items], jobs=1, reference=True)
    assert again.finding("exact-duplicates:record").rows == len(items)


def test_late_keys_changing_types_and_surrogates_are_kept() -> None:
    def rows() -> Iterator[Any]:
        for i in range(20_000):
            yield {"id": i, "prompt": "p"}
        yield {"id": "x", "prompt": "p", "response": "[INST] late [/INST]"}
        yield {"id": None, "prompt": "\ud800[INST] a [/INST]"}

    report = dataaudit.scan(rows(), jobs=1)
    assert report.rows == 20_002
    assert {one.row for one in report.finding("chat-inst-block").examples} >= {20_000}


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_what_is_no_record_is_a_malformed_row_in_its_place() -> None:
    loop: dict[str, Any] = {"text": "a"}
    loop["self"] = loop
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    items = [
        {"text": "a"}, 5, "text", None, [1], ("a", "b"), {1, 2}, b"x", float("nan"), object(), Hostile(), loop, deep,
        {"text": "b"}, {("tuple",): "key"},
    ]  # fmt: skip
    report = dataaudit.scan(items, **OPTIONS)
    assert (report.rows, report.malformed) == (15, 13)
    found = report.finding("malformed-record")
    assert found.details["reasons"] == {"not-an-object": 13} if "reasons" in found.details else True
    assert {one.row for one in found.examples} <= set(range(15)) - {0, 13}


def test_an_error_of_the_generator_is_the_callers_own(tmp_path: Path) -> None:
    class MineError(Exception):
        pass

    def broken() -> Iterator[Any]:
        yield {"text": "a"}
        raise MineError("line 7 of mine")

    def batches() -> Iterator[Any]:
        yield pa.RecordBatch.from_pylist([{"text": "a"}])
        raise MineError("line 7 of mine")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("text", pa.string())]), batches())
    for source in (broken(), reader):
        with pytest.raises(MineError, match="line 7 of mine"):
            dataaudit.scan(source, work_dir=str(tmp_path / "work"), **OPTIONS)
    assert list((tmp_path / "work").iterdir()) == []


def test_nothing_is_nothing_evaluated_and_other_things_are_refused(tmp_path: Path) -> None:
    assert dataaudit.scan(iter(()), **OPTIONS).exit_code == 4
    assert dataaudit.scan(pl.DataFrame({"text": []}, schema={"text": pl.String}), **OPTIONS).exit_code == 4
    assert dataaudit.scan([5], **OPTIONS).exit_code == 3
    (tmp_path / "a").write_text("")
    refused: tuple[Any, ...] = (
        5,
        b"abc",
        {"text": "a"},
        {},
        [],
        pl.Series(["a"]),
        pa.array(["a"]),
        ["a.jsonl", 5],
    )
    for source in refused:
        with pytest.raises(UsageError):
            dataaudit.scan(source, **OPTIONS)
    with (tmp_path / "a").open() as file, pytest.raises(UsageError, match="cannot read a TextIOWrapper"):
        dataaudit.scan(file, **OPTIONS)


@pytest.mark.parametrize("option", ["subset", "revision"])
def test_options_of_the_hub_mean_nothing_here(option: str) -> None:
    with pytest.raises(UsageError, match="in memory"):
        dataaudit.scan(RECORDS, **{option: "x"}, **OPTIONS)


def test_an_iterator_of_paths_is_a_list_of_paths(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    assert dataaudit.scan(tmp_path.glob("*.jsonl"), **OPTIONS).sources[0].uri == "a.jsonl"


def test_a_frame_of_mixed_types_is_read_row_by_row() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", 5, None], "n": [1, 2, 3]}, index=[7, 8, 9])
    report = dataaudit.scan(frame, **OPTIONS)
    assert (report.rows, report.malformed) == (3, 0)
    objects = pl.DataFrame({"text": ["a", "b"], "o": pl.Series([{1}, object()], dtype=pl.Object)})
    assert dataaudit.scan(objects, **OPTIONS).rows == 2


def test_no_room_for_the_copy_is_said(tmp_path: Path) -> None:
    import resource
    import signal

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    many = ({"text": "x" * 1000} for _ in range(5000))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, old[1]))
        with pytest.raises(IncompleteError, match=r"no room for a copy of the records.*--work-dir"):
            dataaudit.scan(many, work_dir=str(tmp_path / "w"), **OPTIONS)
        reader = pa.table({"text": ["x" * 1000] * 5000}).to_reader(max_chunksize=100)
        with pytest.raises(IncompleteError, match="no room for a copy of the data"):
            dataaudit.scan(reader, work_dir=str(tmp_path / "w"), **OPTIONS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert list((tmp_path / "w").iterdir()) == []
