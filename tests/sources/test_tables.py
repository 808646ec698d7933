"""Parquet, save_to_disk and datasets in memory: values, row numbers, damage, text that is not UTF-8."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_support import read_file

import dataaudit
from dataaudit.errors import SourceError
from dataaudit.sources.discover import discover


def texts(count: int, start: int = 0) -> list[str]:
    return [f"text {i} " + "x" * (i % 50) for i in range(start, start + count)]


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path


@pytest.mark.parametrize("group", [1, 3, 100])
@pytest.mark.parametrize("target", [1, 200, 1 << 62])
def test_parquet_row_groups_keep_their_row_numbers(group: int, target: int, tmp_path: Path):
    said = texts(10)
    path = parquet(tmp_path / "a.parquet", {"text": said, "id": range(10)}, row_group_size=group)
    for size in (1, 2, 8192):
        found = read_file(path, target=target, batch_rows=size)
        assert found.rows == [(i, None) for i in range(10)]
        assert found.texts == {i: [text] for i, text in enumerate(said)}
        assert found.damage == []


def corrupt(path: Path, group: int) -> Path:
    """Overwrite the middle of the first column of a row group."""
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(group).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    middle = start + column.total_compressed_size // 2
    data[middle : middle + 40] = bytes(b ^ 0xA5 for b in data[middle : middle + 40])
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("codec", ["zstd", "snappy", "gzip"])
@pytest.mark.parametrize("group", [0, 1, 2])
def test_a_bad_row_group_is_damage_and_the_others_are_read(group: int, codec: str, tmp_path: Path):
    path = parquet(
        tmp_path / "a.parquet", {"text": texts(300)}, row_group_size=100, compression=codec, use_dictionary=False,
        write_page_checksum=True,
    )  # fmt: skip
    corrupt(path, group)
    found = read_file(path)
    good = [row for row in range(300) if row // 100 != group]
    assert [row for row, _ in found.rows] == good
    assert [found.texts[row][0] for row in good] == [texts(300)[row] for row in good]
    (damage,) = found.damage
    assert damage.rows == 100
    assert damage.reason.startswith(f"row group {group} (rows {100 * group} to {100 * group + 99})")
    assert "\n" not in damage.reason
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert (report.status, report.rows) == ("incomplete", 200)
    assert report.sources[0].error is not None


def test_one_byte_of_a_page_with_a_checksum_is_damage(tmp_path: Path):
    path = parquet(
        tmp_path / "a.parquet", {"text": texts(300)}, row_group_size=100, compression="none", use_dictionary=False,
        write_page_checksum=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"text 150 ", b"text 15O "))
    found = read_file(path)
    assert [row for row, _ in found.rows] == [*range(100), *range(200, 300)]
    assert [one.rows for one in found.damage] == [100]


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1" + b"x" * 50, b"PAR1" + b"\0" * 20 + b"PAR1", b"nothing"]
)
def test_what_is_no_parquet_is_refused_in_one_line(data: bytes, tmp_path: Path):
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    with pytest.raises(SourceError) as refused:
        read_file(path)
    assert "\n" not in str(refused.value)


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path):
    path = parquet(tmp_path / "a.parquet", {"text": texts(1000)})
    path.write_bytes(path.read_bytes()[:-100])
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert report.exit_code == 3


def broken_strings(values: list[bytes | None]) -> pa.Array:
    """Strings that are not all UTF-8."""
    return pa.array(values, pa.binary()).view(pa.string())


VALUES = [b"good", b"\xff\xfe", None, b"caf\xe9", b"", b"\xc3\xa9"]


@pytest.mark.parametrize("size", [1, 4, 8192])
def test_text_that_is_not_utf8_is_malformed_and_the_rest_is_read(size: int, tmp_path: Path):
    path = parquet(tmp_path / "a.parquet", {"text": broken_strings(VALUES), "id": range(6)}, row_group_size=5)
    found = read_file(path, batch_rows=size)
    assert [(row, reason) for row, _, _, _, reason in found.malformed] == [
        (1, "invalid-utf8"),
        (3, "invalid-utf8"),
    ]
    assert found.texts == {0: ["good"], 2: [], 4: [""], 5: ["é"]}


@pytest.mark.parametrize("size", [1, 4, 8192])
def test_so_is_text_that_no_role_reads(size: int, tmp_path: Path):
    """A column without a role is compared as part of the record."""
    path = parquet(tmp_path / "a.parquet", {"text": texts(6), "url": broken_strings(VALUES)})
    report = dataaudit.scan(path, jobs=1, reference=True, batch_rows=size)
    assert (report.rows, report.malformed, report.status) == (6, 2, "no-gate")


def test_so_is_text_inside_turns_and_lists(tmp_path: Path):
    turns = pa.ListArray.from_arrays(
        pa.array([0, 1, 3, 4], pa.int32()),
        pa.StructArray.from_arrays(
            [pa.array(["user", "user", "assistant", "user"]), broken_strings([b"a", b"b", b"\xff", b"c"])],
            names=["role", "content"],
        ),
    )
    found = read_file(parquet(tmp_path / "a.parquet", {"messages": turns}))
    assert [row for row, *_ in found.malformed] == [1]
    assert found.texts == {0: ["a"], 2: ["c"]}


SAID = "As an AI language model, I cannot say."


@pytest.mark.parametrize(
    "kind",
    [
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
        pa.dictionary(pa.int32(), pa.binary()),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [1, 8192])
def test_text_stored_as_bytes_is_searched(kind: pa.DataType, size: int, tmp_path: Path):
    """Some writers of Parquet do not say that strings are text."""
    values = pa.array(
        [SAID.encode(), None, b"caf\xc3\xa9 au lait", b"\xff\xd8\xff", b"\xff\xd8\xfe"], pa.binary()
    )
    column = values.dictionary_encode() if pa.types.is_dictionary(kind) else values.cast(kind)
    table = pa.table({"text": column, "title": ["Title"] * 5})
    pq.write_table(table, tmp_path / "a.parquet")
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    for name in ("a.parquet", "b.arrow"):
        report = dataaudit.scan(tmp_path / name, jobs=1, reference=True, batch_rows=size)
        found = report.finding("self-as-an-ai-language-model")
        assert found is not None and (found.rows, found.of) == (1, 2)
        assert (report.malformed, report.sources[0].roles["text"]) == (0, "text")
        assert "text holds bytes, of which only what is UTF-8 is searched" in report.sources[0].notes
        # Two images are two images, although there is no text in either.
        assert report.finding("exact-duplicates:record") is None


def test_bytes_under_other_names_are_named_and_read_when_asked_for(tmp_path: Path):
    path = parquet(
        tmp_path / "a.parquet", {"blob": pa.array([SAID.encode()]), "title": ["A title of a page"]}
    )
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert report.finding("self-as-an-ai-language-model") is None
    assert report.sources[0].unread == ("blob",)
    report = dataaudit.scan(path, jobs=1, reference=True, columns=["text=blob"])
    assert report.finding("self-as-an-ai-language-model") is not None


def test_nested_and_odd_types_are_read(tmp_path: Path):
    columns = {
        "prompt": pa.array(["p", None, "q"], pa.large_string()),
        "completion": pa.array(["c", "d", None]).dictionary_encode(),
        "meta": pa.array([{"a": [1]}, None, {"a": []}]),
        "when": pa.array([0, 1, None], pa.timestamp("ns", "UTC")),
        "dec": pa.array([None, None, None], pa.decimal128(10, 2)),
        "map": pa.array([[("k", "v")], None, []], pa.map_(pa.string(), pa.string())),
        "bin": pa.array([b"\xff", None, b""], pa.binary()),
        "half": pa.array([None, None, 1.5], pa.float32()),
        "nul": pa.nulls(3),
    }
    columns["view"] = pa.array(["a", None, "b"], pa.string_view())
    columns["bytes"] = pa.array([b"a", None, b"b"], pa.binary_view())
    path = parquet(tmp_path / "a.parquet", columns)
    assert read_file(path).texts == {0: ["p", "c"], 1: ["d"], 2: ["q"]}
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert report.rows == 3
    assert report.finding("exact-duplicates:record") is None


def test_an_empty_table_has_a_layout_and_no_rows(tmp_path: Path):
    path = parquet(tmp_path / "a.parquet", {"text": pa.array([], pa.string())})
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert (report.rows, report.status, report.exit_code) == (0, "not-evaluated", 4)


def test_two_columns_of_one_name_do_not_stop_the_scan(tmp_path: Path):
    table = pa.table([pa.array(["a"]), pa.array(["b"]), pa.array([1])], names=["text", "text", "id"])
    path = tmp_path / "a.parquet"
    pq.write_table(table, path)
    report = dataaudit.scan(path, jobs=1, reference=True)
    assert report.rows == 1 or report.sources[0].error


# save_to_disk and memory


def records(count: int) -> list[dict[str, Any]]:
    return [{"text": text, "label": i % 3} for i, text in enumerate(texts(count))]


def test_a_saved_dataset_is_read_in_the_order_of_its_shards(tmp_path: Path):
    from datasets import Dataset, DatasetDict

    Dataset.from_list(records(100)).save_to_disk(str(tmp_path / "one"), num_shards=3)
    files = discover([str(tmp_path / "one")]).files
    assert len(files) == 3
    report = dataaudit.scan(tmp_path / "one", jobs=1, reference=True)
    assert [source.rows for source in report.sources] == [34, 33, 33]
    DatasetDict({"train": Dataset.from_list(records(10)), "dev": Dataset.from_list(records(4))}).save_to_disk(
        str(tmp_path / "two")
    )
    report = dataaudit.scan(tmp_path / "two", jobs=1, reference=True)
    assert sorted((source.split, source.rows) for source in report.sources) == [("dev", 4), ("train", 10)]
    assert report.finding("split-leakage").rows == 4


def test_a_saved_dataset_that_is_cut_short_is_incomplete(tmp_path: Path):
    from datasets import Dataset

    Dataset.from_list(records(5000)).save_to_disk(str(tmp_path / "one"))
    (path,) = (tmp_path / "one").glob("*.arrow")
    path.write_bytes(path.read_bytes()[:-5000])
    report = dataaudit.scan(tmp_path / "one", jobs=1, reference=True)
    assert report.exit_code == 3
    assert report.sources[0].error


def test_the_real_saved_dataset(real_data: Path):
    report = dataaudit.scan(real_data / "formats/hf_save_to_disk", jobs=1, reference=True)
    assert (report.rows, report.malformed, report.sources[0].error) == (285, 0, None)


@pytest.mark.parametrize("size", [1, 3, 8192])
def test_a_dataset_in_memory_keeps_its_selection_and_order(size: int):
    from datasets import Dataset, Features, Value

    dataset = Dataset.from_list(
        records(60), features=Features({"text": Value("string"), "label": Value("int64")})
    )
    doubled = texts(60)[5]
    chosen = dataset.select([7, 5, 5, 30, 2])
    report = dataaudit.scan(chosen, jobs=1, reference=True, batch_rows=size)
    finding = report.finding("exact-duplicates")
    assert (report.rows, finding.rows) == (5, 1)
    (example,) = finding.examples
    assert (example.row, example.twin, example.text) == (2, ("dataset", 1), doubled)
    shuffled = dataset.shuffle(seed=3)
    at = (
        shuffled["text"].index(doubled)
        if isinstance(shuffled["text"], list)
        else list(shuffled["text"]).index(doubled)
    )
    hit = dataaudit.scan(
        shuffled.add_item({"text": doubled, "label": 2}), jobs=1, reference=True, batch_rows=size
    ).finding("exact-duplicates")
    assert hit.examples[0].twin == ("dataset", at)


def test_splits_of_a_dataset_dict_and_class_names_in_memory():
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "answer": ClassLabel(names=["no", "yes", "never"])})
    parts = {
        "train": Dataset.from_dict({"text": ["a", "b", "c"], "answer": [0, 1, 1]}, features=features),
        "test": Dataset.from_dict({"text": ["a", "d"], "answer": [0, 0]}, features=features),
    }
    report = dataaudit.scan(DatasetDict(parts), jobs=1, reference=True)
    assert [(source.uri, source.split, source.rows) for source in report.sources] == [
        ("train", "train", 3), ("test", "test", 2)
    ]  # fmt: skip
    assert report.labels[0].counts == {"no": 3, "yes": 2}
    assert report.finding("class-imbalance:absent-class").details["classes"] == ["never"]
    assert report.finding("split-leakage").rows == 1
