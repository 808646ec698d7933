"""Batch size, partitions, workers and their order change nothing but the time: reports are equal byte for byte."""

from __future__ import annotations

import gzip
import io
import json
import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from law_records import Dataset, datasets, soft_rules, some_rules
from law_support import files_of

import dataaudit
from dataaudit.api.benchmarks import Described, build
from dataaudit.checks.base import CheckOptions
from dataaudit.engine import run as engine
from dataaudit.engine.job import Job, Session
from dataaudit.engine.rows import RowsAgain
from dataaudit.records.types import FileRef
from dataaudit.report.json_format import to_dict
from dataaudit.report.model import Report
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources import flat, jsonl
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.readers import reader_for

TIMES = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def as_bytes(report: Report) -> bytes:
    """The JSON report but for the timing."""
    plain = to_dict(report)
    del plain["timing"]
    return json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def some_records(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Chats of one shape that Arrow can carry too, with hits, duplicates, labels and blanks."""
    rng = random.Random(seed)
    hits = [hit for rule in some_rules() for hit in rule.hits if isinstance(hit, str)]
    texts = [
        *hits,
        "",
        " ",
        "Good.",
        "GOOD. ",
        "fine\u0007",
        "\ufffd",
        "größer",
        "x" * 400,
        *(f"text {i}" for i in range(40)),
    ]
    made = []
    for i in range(count):
        turns = [
            {
                "role": ("user", "assistant")[at % 2] if rng.random() < 0.95 else "tool",
                "content": rng.choice(texts),
            }
            for at in range(rng.randint(1, 4))
        ]
        made.append({"messages": turns, "label": rng.choice(["a", "a", "a", "b"]), "id": i % 50})
    return made


def _jsonl(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in records)


def _odd(data: bytes) -> bytes:
    """The same lines between blank, malformed and late ones."""
    late = b'{"hidden": "[INST] late [/INST]", "text": "As an AI assistant"}'
    bad = b'{"text": "\xff"}\n\n[1]\n \t\n{"a": 1, "a": 2}\r\n{"text": "\\ud800"}\n'
    lines = data.splitlines(keepends=True)
    half = len(lines) // 2
    return b"\xef\xbb\xbf" + b"".join(lines[:half]) + bad + b"".join(lines[half:]) + bad * 3 + late


def _parquet(records: list[dict[str, Any]], path: Path, group: int) -> None:
    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=group)


def lines_source(folder: Path) -> Path:
    (folder / "train.jsonl").write_bytes(_odd(_jsonl(some_records(120))))
    (folder / "test.jsonl").write_bytes(_jsonl(some_records(40)))
    return folder


def gzip_source(folder: Path) -> Path:
    data = _odd(_jsonl(some_records(120)))
    (folder / "train.jsonl.gz").write_bytes(gzip.compress(data[:5000]) + gzip.compress(data[5000:]))
    (folder / "test.jsonl.gz").write_bytes(gzip.compress(_jsonl(some_records(40))))
    return folder


def parquet_source(folder: Path) -> Path:
    _parquet(some_records(120), folder / "train-00000-of-00002.parquet", 37)
    _parquet(some_records(40, seed=8), folder / "train-00001-of-00002.parquet", 90)
    _parquet(some_records(40), folder / "test.parquet", 11)
    return folder


def saved_source(folder: Path) -> Path:
    from datasets import Dataset as HfDataset
    from datasets import DatasetDict

    parts = {"train": HfDataset.from_list(some_records(120)), "test": HfDataset.from_list(some_records(30))}
    DatasetDict(parts).save_to_disk(str(folder / "saved"), num_shards={"train": 3, "test": 1})
    return folder / "saved"


SOURCES = {
    "jsonl": lines_source,
    "gzip": gzip_source,
    "parquet": parquet_source,
    "save_to_disk": saved_source,
}


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SOURCES[request.param](tmp_path_factory.mktemp("engine"))


@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_batch_sizes_change_nothing(source: Path):
    reports = {size: dataaudit.scan(source, batch_rows=size, jobs=1) for size in (8192, 1, 7)}
    assert reports[8192].rows > 100
    assert len(reports[8192].findings) > 10
    assert as_bytes(reports[1]) == as_bytes(reports[8192])
    assert as_bytes(reports[7]) == as_bytes(reports[8192])


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_workers_and_partitions_change_nothing(source: Path, workers: int, monkeypatch: pytest.MonkeyPatch):
    options: dict[str, Any] = {"allow": [{"rule": "default", "text": "a[a-z]", "reason": "some of the hits"}]}
    alone = dataaudit.scan(source, jobs=1, **options)
    assert alone.allowed[0].hits
    monkeypatch.setattr(engine, "PARTITION_BYTES", 4096)
    several = dataaudit.scan(source, jobs=workers, batch_rows=100, **options)
    assert several.timing.workers > 1
    assert as_bytes(several) == as_bytes(alone)


def test_leaked_items_are_the_same_for_every_batch_size_and_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    questions = [
        f"How many of the {i} boats on lake {i * 7} carry {i + 3} otters and no plums?" for i in range(40)
    ]
    benchmarks = []
    for name, part in (("even", questions[::2]), ("third", questions[::3])):
        (tmp_path / f"{name}.jsonl").write_bytes(_jsonl([{"q": q, "a": f"Just {len(q)}"} for q in part]))
        benchmarks.append(str(tmp_path / f"{name}.benchmark"))
        about = Described(name)
        build(str(tmp_path / f"{name}.jsonl"), benchmarks[-1], about, ("question=q", "answer=a"))
    rng = random.Random(3)
    records = [
        {"prompt": rng.choice(questions), "response": f"Just {rng.randint(55, 70)}"}
        if rng.random() < 0.3
        else one
        for one in some_records(300)
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_bytes(_odd(_jsonl(records)))
    options: dict[str, Any] = {"benchmarks": tuple(benchmarks), "select": ("leakage",)}

    def scanned(name: str, **cut: Any) -> tuple[Any, bytes]:
        rows = tmp_path / f"{name}.jsonl"
        report = dataaudit.scan(tmp_path / "data", output=(f"rows={rows}",), **options, **cut)
        return report, rows.read_bytes()

    alone, rows = scanned("alone", jobs=1)
    assert {one.id for one in alone.findings} >= {"leakage", "leakage:even", "leakage:third"}
    assert rows.count(b"of the question") > 100
    small, small_rows = scanned("small", jobs=1, batch_rows=7)
    assert (as_bytes(small), small_rows) == (as_bytes(alone), rows)
    monkeypatch.setattr(engine, "PARTITION_BYTES", 4096)
    several, several_rows = scanned("several", jobs=2, batch_rows=50)
    assert several.timing.workers > 1
    assert (as_bytes(several), several_rows) == (as_bytes(alone), rows)


def test_an_in_memory_dataset_says_what_its_rows_say(tmp_path: Path):
    from datasets import Dataset as HfDataset

    records = some_records(120)
    dataset = HfDataset.from_list(records)
    sizes = [as_bytes(dataaudit.scan(dataset, batch_rows=size, jobs=3)) for size in (1, 7, 8192)]
    assert sizes[0] == sizes[1] == sizes[2]
    path = tmp_path / "data.parquet"
    _parquet(records, path, 50)
    from_file = dataaudit.scan(path)
    in_memory = dataaudit.scan(dataset)
    assert [(f.id, f.rows, f.of) for f in in_memory.findings] == [
        (f.id, f.rows, f.of) for f in from_file.findings
    ]


def session_report(files: tuple[FileRef, ...], target: int, deal: Any, batch_rows: int) -> bytes:
    """What sessions say that read the partitions as `deal` hands them out, merged through bytes."""
    options = CheckOptions(rules=some_rules()[:3], soft=soft_rules(), record=("*",))
    with Workspace() as work:
        job = Job(files, ReadOptions(batch_rows=batch_rows), options, str(work.root))
        first = Session(job, work)
        partitions = []
        for file in files:
            first.tally.of(file.id)
            partitions += reader_for(file.format).plan(file, target)
        for group in deal(partitions):
            other = Session(job, work)
            for partition in group:
                list(other.read(partition))
            first.merge(other.dump())
        rows = RowsAgain(files, first.tally, job.read)
        results = [check.finalize(first.states[name], rows) for name, check in first.checks.items()]
        sources = [
            (
                t.rows,
                t.malformed,
                sorted(t.layouts.items()),
                sorted(t.unread),
                sorted(t.notes),
                sorted(t.roles),
            )
            for t in (first.tally.of(file.id) for file in files)
        ]
        return repr((results, sources)).encode("utf-8", "surrogatepass")


def read_fast(patch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    """Let the reader of flat objects try files of any size, and any number of lines; or none."""
    if data.draw(st.booleans(), label="fast"):
        patch.setattr(flat, "LEAST", 0)
        patch.setattr(flat, "FEW", 1)
        patch.setattr(jsonl, "STRICT_LINES", data.draw(st.integers(1, 9), label="strict lines"))


@TIMES
@given(dataset=datasets(), data=st.data())
def test_partitions_in_any_order_and_number_change_nothing(dataset: Dataset, data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        files = files_of(dataset.write(Path(folder)))
        expected = session_report(files, 1 << 62, lambda parts: [parts], 8192)
        patch.setattr(jsonl, "BLOCK", data.draw(st.integers(1, 64), label="block"))
        read_fast(patch, data)
        target = data.draw(st.integers(1, 80), label="partition bytes")

        def deal(partitions: list[Any]) -> list[list[Any]]:
            order = data.draw(st.permutations(partitions))
            owners = [data.draw(st.integers(0, 2)) for _ in order]
            return [[p for p, o in zip(order, owners, strict=True) if o == n] for n in range(3)]

        assert session_report(files, target, deal, data.draw(st.sampled_from((1, 3, 8192)))) == expected


def test_what_columns_hold_does_not_depend_on_how_files_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One record has unknown columns, in a batch of its own or with records of known ones."""
    talk = "\\n\\nHuman: Hello\\n\\nAssistant: I am here"
    lines = [f'{{"text": "{talk}"}}'] * 10 + [f'{{"foo": "p@0.nc", "bar": "{talk}", "num": 0.0}}']
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(lines) + "\n")
    expected = dataaudit.scan(path, jobs=1).sources
    monkeypatch.setattr(jsonl, "BLOCK", 1)
    assert dataaudit.scan(path, jobs=1, batch_rows=1).sources == expected


@TIMES
@given(dataset=datasets(), data=st.data())
def test_reports_of_generated_files_do_not_depend_on_how_they_are_read(dataset: Dataset, data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = dataset.write(Path(folder))
        options = {
            "jobs": 1,
            "reference": True,
            "select": ("structure", "duplicates", "split-leakage", "labels"),
        }
        expected = as_bytes(dataaudit.scan(path, **options))
        patch.setattr(jsonl, "BLOCK", data.draw(st.integers(1, 64), label="block"))
        read_fast(patch, data)
        assert as_bytes(dataaudit.scan(path, batch_rows=data.draw(st.integers(1, 5)), **options)) == expected


@TIMES
@given(dataset=datasets(), limit=st.integers(1, 20), data=st.data())
def test_a_limit_takes_the_same_rows_for_every_batch_size(dataset: Dataset, limit: int, data: st.DataObject):
    with tempfile.TemporaryDirectory() as folder:
        path = dataset.write(Path(folder))
        options = {
            "jobs": 1,
            "reference": True,
            "limit": limit,
            "select": ("structure", "duplicates", "labels"),
        }
        whole = dataaudit.scan(path, **options)
        assert whole.rows <= limit
        assert as_bytes(dataaudit.scan(path, batch_rows=data.draw(st.integers(1, 5)), **options)) == as_bytes(
            whole
        )


@TIMES
@given(
    dataset=datasets(),
    share=st.sampled_from(("10%", "50%", "90%")),
    seed=st.integers(0, 3),
    size=st.integers(1, 5),
)
def test_a_sample_takes_the_same_rows_for_every_batch_size(
    dataset: Dataset, share: str, seed: int, size: int
):
    with tempfile.TemporaryDirectory() as folder:
        path = dataset.write(Path(folder))
        options = {
            "reference": True,
            "sample": share,
            "seed": seed,
            "select": ("structure", "duplicates", "labels"),
        }
        whole = dataaudit.scan(path, jobs=1, **options)
        assert as_bytes(dataaudit.scan(path, jobs=1, batch_rows=size, **options)) == as_bytes(whole)


def test_limit_and_sample_do_not_depend_on_batches_in_tables_either(tmp_path: Path):
    _parquet(some_records(120), tmp_path / "train.parquet", 64)
    _parquet(some_records(50), tmp_path / "test.parquet", 64)
    for options in ({"limit": 100}, {"limit": 130}, {"sample": "30%"}):
        reports = [
            as_bytes(dataaudit.scan(tmp_path, batch_rows=n, reference=True, **options)) for n in (5, 13, 8192)
        ]
        assert reports[0] == reports[1] == reports[2]


def test_damage_in_a_row_group_is_the_same_for_every_batch_size(tmp_path: Path):
    records = [{"text": f"{i} " + "x" * 50} for i in range(3000)]
    path = tmp_path / "data.parquet"
    buffer = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(records), buffer, row_group_size=1500, compression="zstd", data_page_size=4096,
        use_dictionary=False, write_batch_size=100,
    )  # fmt: skip
    data = bytearray(buffer.getvalue())
    meta = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(0).column(0)
    middle = meta.data_page_offset + meta.total_compressed_size // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(bytes(data))
    reports = [dataaudit.scan(path, batch_rows=size, jobs=1) for size in (97, 999, 8192)]
    assert reports[0].status == "incomplete"
    assert reports[0].rows >= 1500
    assert [replace(r, timing=reports[0].timing) for r in reports] == [reports[0]] * 3
