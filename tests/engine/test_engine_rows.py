"""Rows again: their lines and texts, through the places noted in the first pass; and the tally of files."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.engine import rows
from dataaudit.engine.head import head
from dataaudit.engine.rows import RowsAgain
from dataaudit.engine.tally import Lost, Tally
from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef, LayoutNote, pack_row, unpack_row
from dataaudit.sources.base import Place, ReadOptions, make_batch
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

RECORDS = [{"prompt": f"p{i}", "messages": [], "response": [f"r{i}", f"s{i}"]} for i in range(23)]


def lines_file(path: Path) -> dict[int, int]:
    """Lines between blank and malformed ones; returns row → line of the good ones."""
    lines, where, row = [b"\xef\xbb\xbf"], {}, 0
    for i, record in enumerate(RECORDS):
        if i % 5 == 2:
            lines.append(b" ")
        if i % 7 == 3:
            lines.append(b"{bad")
            row += 1
        lines.append(json.dumps(record).encode())
        where[row] = len(lines)
        row += 1
    data = b"\n".join(lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return where


def rows_again(path: Path, *, target: int, batch_rows: int) -> RowsAgain:
    (file,) = discover([str(path)]).files
    options, tally = ReadOptions(batch_rows=batch_rows), Tally()
    reader = reader_for(file.format)
    for partition in reversed(reader.plan(file, target)):
        for item in reader.read(partition, options):
            assert isinstance(item, Batch)
            tally.of(0).add(item)
    return RowsAgain((file,), Tally.from_bytes(tally.to_bytes()), options)


@pytest.mark.parametrize("target", [1, 200, 1 << 62])
@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_lines_and_texts_of_rows_in_line_formats(name: str, size: int, target: int, tmp_path: Path):
    where = lines_file(tmp_path / name)
    rows = rows_again(tmp_path / name, target=target, batch_rows=size)
    assert {row: rows.line_of(pack_row(0, row)) for row in where} == where
    assert (rows.total, rows.parsed) == (len(RECORDS) + 3, len(RECORDS))
    bad = sorted(set(range(rows.total)) - set(where))
    assert [rows.line_of(pack_row(0, row)) for row in bad] == [where[row + 1] - 1 for row in bad]
    assert rows.line_of(pack_row(0, 1000)) is None
    wanted = [pack_row(0, row) for row in [*list(where)[::3], bad[0], 1000]]
    found = rows.fetch(wanted)
    assert sorted(found) == sorted(pack_row(0, row) for row in list(where)[::3])
    for row_id, texts in found.items():
        record = RECORDS[list(where).index(unpack_row(row_id)[1])]
        assert texts == {
            "prompt": [("prompt", record["prompt"])],
            "response": [("response[0]", record["response"][0]), ("response[1]", record["response"][1])],
        }


@pytest.mark.parametrize("target", [1, 1 << 62])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_texts_of_rows_in_tables(size: int, target: int, tmp_path: Path):
    table = pa.Table.from_pylist([{"prompt": one["prompt"], "response": one["response"]} for one in RECORDS])
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=6)
    rows = rows_again(tmp_path / "a.parquet", target=target, batch_rows=size)
    found = rows.fetch([pack_row(0, row) for row in (0, 5, 6, 22)])
    assert {unpack_row(key)[1]: texts["prompt"] for key, texts in found.items()} == {
        row: [("prompt", f"p{row}")] for row in (0, 5, 6, 22)
    }
    assert rows.line_of(pack_row(0, 3)) is None


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_rows_are_read_again_in_stretches_side_by_side(name: str, most: int, tmp_path: Path):
    path = tmp_path / name
    if name == "a.parquet":
        table = pa.Table.from_pylist([{"prompt": one["prompt"]} for one in RECORDS])
        pq.write_table(table, path, row_group_size=4)
    else:
        lines_file(path)
    alone = rows_again(path, target=1, batch_rows=2)
    again = replace(alone, threads=3)
    ids = [pack_row(0, row) for row in range(23)]
    wanted = [*ids[::-2], ids[1], ids[1]]
    stretches = again.stretches(wanted, most)
    assert [one for stretch in stretches for one in stretch] == sorted(set(wanted))
    if name == "a.parquet":
        of_group = [{unpack_row(one)[1] // 4 for one in stretch} for stretch in stretches]
        assert sum(map(len, of_group)) == len(set.union(*of_group)), "no row group is decoded twice"
        assert most > 1 or len(stretches) == 6
    assert again.stretches([], most) == []
    assert again.fetch(wanted) == alone.fetch(wanted) != {}
    assert alone.stretches(wanted, most) == [sorted(set(wanted))]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.jsonl.gz"])
def test_rows_of_a_file_that_was_removed_are_left_out(name: str, threads: int, tmp_path: Path):
    if name == "a.parquet":
        pq.write_table(pa.Table.from_pylist([{"prompt": one["prompt"]} for one in RECORDS]), tmp_path / name)
    else:
        lines_file(tmp_path / name)
    rows = replace(rows_again(tmp_path / name, target=1 << 62, batch_rows=4), threads=threads)
    (tmp_path / name).unlink()
    assert rows.fetch([pack_row(0, 0), pack_row(0, 5)]) == {}


def test_rows_of_a_file_that_is_gone_are_left_out(tmp_path: Path):
    lines_file(tmp_path / "a.jsonl")
    rows = rows_again(tmp_path / "a.jsonl", target=1 << 62, batch_rows=4)
    (tmp_path / "a.jsonl").write_bytes(b"")
    assert rows.fetch([pack_row(0, 0)]) == {}


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**40 - 1))
def test_row_ids_are_one_number_in_order_of_file_and_row(file: int, row: int):
    assert unpack_row(pack_row(file, row)) == (file, row)
    assert pack_row(file, row) < 2**64
    if row:
        assert pack_row(file, row) > pack_row(file, row - 1)
    if file:
        assert pack_row(file, 0) > pack_row(file - 1, row)


def batch(records: list[dict[str, Any]], first: int = 0) -> Batch:
    numbers = first + np.arange(len(records), dtype=np.int64)
    file = FileRef(0, "x", "x", "jsonl")
    place = Place(first, 0, (len(records), 0), (first, first + len(records)), 10)
    return make_batch(file, numbers, None, extract_objects(records, ()), place)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_head_of_a_batch_is_a_batch_of_the_first_records(count: int):
    chat = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    records = [{"messages": chat, "id": i} for i in range(5)]
    cut, whole = head(batch(records), count), batch(records[:count])
    assert len(cut) == count
    assert cut.span[0] == count
    for role, strings in whole.roles.items():
        assert cut.roles[role].values.to_pylist() == strings.values.to_pylist()
        assert cut.roles[role].rows.tolist() == strings.rows.tolist()
    assert cut.turns is not None
    assert whole.turns is not None
    assert cut.turns.rows.tolist() == whole.turns.rows.tolist()
    assert cut.turns.chats.tolist() == whole.turns.chats.tolist()
    assert cut.rest is not None
    assert whole.rest is not None
    assert cut.rest(False).hi.tolist() == whole.rest(False).hi.tolist()
    assert cut.layouts == whole.layouts
    assert len(head(batch(records), 9)) == 5


NOTES = st.builds(
    LayoutNote,
    st.sampled_from(["text", "messages"]),
    st.lists(
        st.tuples(st.sampled_from(["text", "prompt"]), st.sampled_from(["a", "b", "m[*].content"])),
        max_size=3,
    ).map(tuple),
    st.lists(st.sampled_from(["u", "v"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["n1", "n2"]), max_size=2).map(tuple),
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(NOTES, max_size=2)), max_size=6), st.randoms())
def test_tallies_merge_in_any_order(parts: list[tuple[int, list[LayoutNote]]], rng):
    def tally(some: list[tuple[int, list[LayoutNote]]]) -> Tally:
        into = Tally()
        for file, notes in some:
            other = Tally()
            mine = other.of(file)
            mine.rows, mine.malformed, mine.layouts = 2, 1, {"text": 1}
            mine.lost.append(Lost("gone", 3))
            for note in notes:
                mine._describe(note)
            into.merge(Tally.from_bytes(other.to_bytes()))
        return into

    def plain(one: Tally) -> Any:
        return {
            key: (f.rows, f.malformed, f.layouts, f.roles, set(f.unread), set(f.notes), f.lost)
            for key, f in one.files.items()
        }

    shuffled = parts.copy()
    rng.shuffle(shuffled)
    assert plain(tally(shuffled)) == plain(tally(parts))


def test_a_long_text_is_fetched_to_be_shown_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SHOWN_BYTES", 6)
    numbers = np.arange(1)
    found = extract_objects([{"prompt": "aé€b", "response": "aé€"}], ())
    file = FileRef(0, "a.jsonl", "a.jsonl", "jsonl")
    one = make_batch(file, numbers, numbers + 1, found, Place(0, 1, (1, 1), (0, 0), 0))
    assert rows.texts_of(one, 0) == {"prompt": [("prompt", "aé€")], "response": [("response", "aé€")]}
    monkeypatch.setattr(rows, "SHOWN_BYTES", 5)
    assert rows.texts_of(one, 0) == {"prompt": [("prompt", "aé")], "response": [("response", "aé")]}
