"""Parquet and save_to_disk: equal values, schema, metadata and order; what is kept loads again."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from export_support import clean

from dataaudit.export.tables import pick
from dataaudit.export.verify import verify

ROWS = 23
TURN = pa.struct([("role", pa.string()), ("content", pa.large_string())])


def table() -> pa.Table:
    def nulls(values: list) -> list:
        return [None if i % 7 == 3 else v for i, v in enumerate(values)]

    i = range(ROWS)
    columns = {
        "id": pa.array(i, pa.uint16()),
        "text": pa.array(nulls([f"text {n} é😀" for n in i]), pa.large_string()),
        "label": pa.array(nulls([["neg", "pos"][n % 2] for n in i])).dictionary_encode(),
        "messages": pa.array(
            nulls(
                [[{"role": "user", "content": f"hi {n}"}, {"role": None, "content": f"key-{n}"}] for n in i]
            ),
            pa.list_(TURN),
        ),
        "seq": pa.array([{"from": ["a", "b"], "value": [f"x{n}", f"y{n}"]} for n in i]),
        "pair": pa.array(nulls([[f"l{n}", f"r{n}"] for n in i]), pa.list_(pa.string(), 2)),
        "price": pa.array(nulls([Decimal(f"{n}.25") for n in i]), pa.decimal128(10, 2)),
        "when": pa.array(nulls([dt.datetime(2020, 1, 1 + n) for n in i]), pa.timestamp("us", tz="UTC")),
        "ns": pa.array([10**18 + n for n in i], pa.timestamp("ns")),
        "score": pa.array([float("nan") if n % 5 == 0 else n / 3 for n in i], pa.float32()),
        "map": pa.array([[("k", n)] for n in i], pa.map_(pa.string(), pa.int64())),
        "raw": pa.array(nulls([bytes([n, 255]) for n in i]), pa.binary()),
        "none": pa.nulls(ROWS),
        "vector": pa.array([[n, n + 1] for n in i], pa.list_(pa.int32(), 2)),
    }
    fields = [pa.field(n, c.type, metadata={b"about": n.encode()}) for n, c in columns.items()]
    fields[0] = fields[0].with_nullable(False)
    schema = pa.schema(fields, {b"huggingface": b'{"info": {}}', b"pandas": b"{}"})
    return pa.table(list(columns.values()), schema=schema)


def saved(folder: Path, name: str = "a.parquet", **options: object) -> Path:
    folder.mkdir(exist_ok=True)
    pq.write_table(table(), folder / name, **{"row_group_size": 5, **options})
    return folder


def check(out: Path, drops: list[int], name: str = "a.parquet") -> None:
    kept = pq.read_table(out / "kept" / name)
    want = pick(pq.read_table(out.parent / "in" / name), np.array([i for i in range(ROWS) if i not in drops]))
    assert kept.schema.equals(want.schema, check_metadata=True)
    for column in set(want.column_names) - {"score", "label"}:
        assert kept[column].equals(want[column]), column
    assert repr(kept["score"].to_pylist()) == repr(want["score"].to_pylist())
    assert kept["label"].to_pylist() == want["label"].to_pylist()
    assert verify(out).problems == ()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": {"id": "zstd", "text": "gzip", "messages.list.element.content": "brotli"}},
        {"compression": "none", "use_compliant_nested_type": False, "data_page_version": "2.0"},
        {"compression": "lz4", "use_dictionary": False, "write_page_index": True},
    ],
)
def test_values_schema_order_and_codecs(options: dict, tmp_path: Path) -> None:
    source = saved(tmp_path / "in", **options)
    drops = [0, 1, 5, 6, 7, 8, 9, 22]
    manifest = clean(source, tmp_path / "out", [("a.parquet", "parquet", ROWS)], {0: drops})
    check(tmp_path / "out", drops)
    old, new = (pq.read_metadata(p) for p in (source / "a.parquet", tmp_path / "out/kept/a.parquet"))
    # The second group lost all of its rows.
    assert [new.row_group(i).num_rows for i in range(new.num_row_groups)] == [3, 5, 5, 2]
    for i in range(new.num_columns):
        before, after = old.row_group(0).column(i), new.row_group(0).column(i)
        assert (before.path_in_schema, before.compression) == (after.path_in_schema, after.compression)
        assert before.has_offset_index == after.has_offset_index
    assert (
        pq.read_metadata(tmp_path / "out/quarantine/a.parquet").num_rows
        == manifest.inputs[0].quarantined
        == 8
    )


def test_many_short_runs(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    pq.write_table(pa.table({"x": range(2000)}), source / "a.parquet")
    clean(source, tmp_path / "out", [("a.parquet", "parquet", 2000)], {0: list(range(0, 2000, 2))})
    assert pq.read_table(tmp_path / "out/kept/a.parquet")["x"].to_pylist() == list(range(1, 2000, 2))
    assert verify(tmp_path / "out").ok


def test_old_timestamps_and_files_of_other_writers(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    data = pa.table(
        {"t": pa.array([1, 10**18, None, 5], pa.timestamp("ns")), "l": [[1], None, [], [2, None]]}
    )
    pq.write_table(data, source / "a.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    clean(source, tmp_path / "out", [("a.parquet", "parquet", 4)], {0: [3]})
    old, new = (pq.ParquetFile(p) for p in (source / "a.parquet", tmp_path / "out/kept/a.parquet"))
    assert str(old.schema).split("\n", 1)[1] == str(new.schema).split("\n", 1)[1]
    assert new.read().equals(old.read().slice(0, 3))
    assert verify(tmp_path / "out").problems == ()


def test_dates_beyond_nanoseconds(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    days = [dt.datetime(9999, 12, 31, 1, 2, 3, 4), None, dt.datetime(1, 1, 1), dt.datetime(2020, 1, 1)]
    data = pa.table({"t": pa.array(days, pa.timestamp("us")), "l": [[d] for d in days]})
    pq.write_table(data, source / "a.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    clean(source, tmp_path / "out", [("a.parquet", "parquet", 4)], {0: [3]})
    kept = pq.ParquetFile(tmp_path / "out/kept/a.parquet", coerce_int96_timestamp_unit="us")
    assert kept.schema.column(0).physical_type == "INT96"
    assert kept.read()["t"].to_pylist() == days[:3]
    assert kept.read()["l"].to_pylist() == [[d] for d in days[:3]]
    assert verify(tmp_path / "out").problems == ()


def test_metadata_of_the_footer_stays(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for store_schema in (True, False):
        with pq.ParquetWriter(
            source / "a.parquet", pa.schema([("x", pa.int64())]), store_schema=store_schema
        ) as file:
            file.write_table(pa.table({"x": [1, 2]}))
            file.add_key_value_metadata({b"spark.row": b"{}", b"odd": b"\xff"})
        out = tmp_path / f"out{store_schema}"
        clean(source, out, [("a.parquet", "parquet", 2)], {0: [0]})
        for place in ("kept", "quarantine"):
            assert (
                pq.read_metadata(out / place / "a.parquet").metadata
                == pq.read_metadata(source / "a.parquet").metadata
            )
        assert verify(out).problems == ()


def test_redaction_touches_single_values(tmp_path: Path) -> None:
    source = saved(tmp_path / "in")
    places = [
        (0, 1, "text", (0, 4)),
        (0, 2, "messages[1].content", (0, 3)),
        (0, 12, "messages[0].content", (0, 2)),
        (0, 5, "label", (0, 3)),
        (0, 6, "seq[1].value", (0, 1)),
        (0, 7, "pair[1]", (1, 2)),
        (0, 3, "text", (0, 1)),  # A null: cannot be redacted.
    ]
    manifest = clean(source, tmp_path / "out", [("a.parquet", "parquet", ROWS)], {0: [8]}, places)
    entry = manifest.inputs[0]
    assert (entry.redacted, entry.quarantined) == (6, 2)
    want = table().to_pylist()
    want[1]["text"] = "[REDACTED] 1 é😀"
    want[2]["messages"][1]["content"] = "[REDACTED]-2"
    want[12]["messages"][0]["content"] = "[REDACTED] 12"
    want[5]["label"] = "[REDACTED]"
    want[6]["seq"]["value"][1] = "[REDACTED]6"
    want[7]["pair"][1] = "r[REDACTED]"
    kept = pq.read_table(tmp_path / "out/kept/a.parquet")
    assert kept.schema.equals(pq.read_table(source / "a.parquet").schema, check_metadata=True)
    assert repr(kept.to_pylist()) == repr([row for i, row in enumerate(want) if i not in (3, 8)])
    originals = pq.read_table(tmp_path / "out/quarantine/a.parquet").to_pylist()
    assert repr(originals) == repr([table().to_pylist()[i] for i in (1, 2, 3, 5, 6, 7, 8, 12)])
    assert verify(tmp_path / "out").problems == ()


def test_untouched_files_are_copied_and_empty_ones_set_aside(tmp_path: Path) -> None:
    source = saved(tmp_path / "in")
    pq.write_table(table().slice(0, 0), source / "b.parquet")
    files = [("a.parquet", "parquet", ROWS), ("b.parquet", "parquet", 0)]
    manifest = clean(source, tmp_path / "out", files, {})
    assert (tmp_path / "out/kept/a.parquet").read_bytes() == (source / "a.parquet").read_bytes()
    assert not (tmp_path / "out/kept/b.parquet").exists() and "no rows" in (manifest.inputs[1].note or "")
    assert verify(tmp_path / "out").problems == ()


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_load_dataset_reads_kept_beside_emptied_files(kind: str, tmp_path: Path) -> None:
    import datasets

    source = tmp_path / "in"
    source.mkdir()
    ending, form = {"json": ("jsonl", "jsonl"), "parquet": ("parquet", "parquet")}[kind]
    names = [f"{stem}.{ending}" for stem in ("a", "b", "test", "train")]
    for name in names:
        if kind == "json":
            (source / name).write_bytes(
                b"".join(json.dumps({"n": name, "i": i}).encode() + b"\n" for i in range(3))
            )
        else:
            pq.write_table(pa.table({"n": [name] * 3, "i": range(3)}), source / name)
    if kind == "json":
        (source / names[1]).write_bytes(b"\n \n")
    files = [(name, form, 0 if kind == "json" and name == names[1] else 3) for name in names]
    clean(source, tmp_path / "out", files, {0: [0, 1, 2], 2: [0, 1, 2], 3: [1]})
    loaded = datasets.load_dataset(
        kind, data_dir=str(tmp_path / "out/kept"), cache_dir=str(tmp_path / "cache")
    )
    # `datasets` reads only files named after splits where there are any: here the two rows of `train`.
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 2}
    assert verify(tmp_path / "out").problems == ()


@pytest.mark.usefixtures("offline")
def test_saved_dataset(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = {"text": [f"t {i}" for i in range(10)], "label": [i % 2 for i in range(10)]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "in", num_shards=2)
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    out = tmp_path / "out"
    clean(
        tmp_path / "in",
        out,
        [(n, "arrow", 5) for n in names],
        {0: [0, 1, 2, 3, 4], 1: [0]},
        [(1, 2, "text", (0, 1))],
    )
    loaded = datasets.load_from_disk(out / "kept")
    assert loaded.features == features
    assert loaded["text"] == ["t 6", "[REDACTED] 7", "t 8", "t 9"]
    before, after = (json.loads((p / "state.json").read_text()) for p in (tmp_path / "in", out / "kept"))
    assert before.pop("_fingerprint") != after.pop("_fingerprint")
    assert before == after
    assert verify(out).problems == ()


@pytest.mark.usefixtures("offline")
def test_saved_dataset_dict(tmp_path: Path) -> None:
    import datasets

    parts = {n: datasets.Dataset.from_dict({"x": list(range(s))}) for n, s in (("train", 4), ("test", 3))}
    saved = datasets.DatasetDict(parts)
    saved.save_to_disk(tmp_path / "in")
    files = [
        (f"{name}/data-00000-of-00001.arrow", "arrow", rows) for name, rows in (("test", 3), ("train", 4))
    ]
    out = tmp_path / "out"
    clean(tmp_path / "in", out, files, {0: [0, 1, 2], 1: [1]})
    loaded = datasets.load_from_disk(out / "kept")
    assert loaded["train"]["x"] == [0, 2, 3] and loaded["test"].num_rows == 0
    assert verify(out).problems == ()
    clean(tmp_path / "in", tmp_path / "same", files, {})
    states = [
        json.loads((p / "train/state.json").read_text()) for p in (tmp_path / "in", tmp_path / "same/kept")
    ]
    assert states[0] == states[1]
