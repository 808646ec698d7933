"""What a format can carry is read back from it, the same from every format; one changed byte is never silent."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, ipc

from dataaudit.errors import DataauditError
from dataaudit.records.types import Batch
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

TIMES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

Record = dict[str, Any]
Rows = dict[int, list[tuple[str, str]]]


class Found:
    """What was read: row → (role, text) in order, and everything that was said of the rest."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.said: list[str] = []


def read(path: Path, *, target: int = 1 << 62, batch_rows: int = 8192) -> Found:
    found = Found()
    for file in discover([str(path)]).files:
        reader = reader_for(file.format)
        try:
            for partition in reader.plan(file, target):
                for item in reader.read(partition, ReadOptions(batch_rows=batch_rows)):
                    if isinstance(item, Batch):
                        _take(found, item)
                    else:
                        found.said.append(item.reason)
        except DataauditError as error:
            found.said.append(str(error))
    return found


def _take(found: Found, batch: Batch) -> None:
    rows = batch.rows.tolist()
    found.rows.update({row: [] for row in rows})
    found.said += [f"{one.row} {one.reason}" for one in batch.malformed]
    found.said += [f"{rows[i]} {name}" for name, at in batch.remarks for i in at.tolist()]
    strings = [
        (int(one.rows[i]), int(one.ordinals[i]), role, one.values[i].as_py())
        for role, one in batch.roles.items()
        for i in range(len(one))
    ]
    for record, _, role, text in sorted(strings):
        found.rows[rows[record]].append((role, text))


TEXT = st.one_of(
    st.sampled_from(
        ["", " ", "a,b", 'say "x"', "\\", "\r\n", "\n", "\u2028", "😀", "é", "ﬁ", "\t", "Human: a"]
    ),
    st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8),
)
MAYBE = st.one_of(TEXT, TEXT, TEXT, st.none())
PAIR = st.fixed_dictionaries(
    {"instruction": TEXT, "input": MAYBE, "output": MAYBE, "label": st.integers(0, 3)}
)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(("system", "user", "assistant", "tool")), "content": TEXT}
)
CHAT = st.fixed_dictionaries({"messages": st.lists(TURN, min_size=1, max_size=4)})
PAIRS = st.lists(PAIR, min_size=1, max_size=6)
CHATS = st.lists(CHAT, min_size=1, max_size=6)

PAIR_SCHEMA = pa.schema(
    [("instruction", pa.string()), ("input", pa.string()), ("output", pa.string()), ("label", pa.int64())]
)
CHAT_SCHEMA = pa.schema(
    [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
)


def table(records: list[Record]) -> pa.Table:
    return pa.Table.from_pylist(records, CHAT_SCHEMA if "messages" in records[0] else PAIR_SCHEMA)


def lines(records: list[Record], *, ascii_only: bool = False) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=ascii_only).encode() + b"\n" for one in records)


def arrow(records: list[Record], *, stream: bool) -> bytes:
    sink = io.BytesIO()
    made = table(records)
    with (ipc.new_stream if stream else ipc.new_file)(sink, made.schema) as writer:
        writer.write_table(made)
    return sink.getvalue()


def feathered(records: list[Record]) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(table(records), sink, compression="zstd")
    return sink.getvalue()


def parquet(records: list[Record]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(records), sink, compression="zstd", row_group_size=2, write_page_checksum=True)
    return sink.getvalue()


def zstd(records: list[Record]) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(lines(records))


FORMATS: dict[str, Callable[[list[Record]], bytes]] = {
    "lines.jsonl": lines,
    "escaped.jsonl": lambda records: lines(records, ascii_only=True),
    "lines.jsonl.gz": lambda records: gzip.compress(lines(records)),
    "lines.jsonl.zst": zstd,
    "array.json": lambda records: json.dumps(records).encode(),
    "indented.json": lambda records: json.dumps(records, indent=2, ensure_ascii=False).encode(),
    "table.parquet": parquet,
    "table.feather": feathered,
    "file.arrow": lambda records: arrow(records, stream=False),
    "stream.arrows": lambda records: arrow(records, stream=True),
}


def expected(records: list[Record]) -> Rows:
    """What the records say, by hand."""
    turns = {"system": "system", "user": "prompt", "assistant": "response", "tool": "tool"}
    roles = {"instruction": "prompt", "input": "prompt", "output": "response"}
    rows: Rows = {}
    for i, record in enumerate(records):
        if "messages" in record:
            rows[i] = [(turns[turn["role"]], turn["content"]) for turn in record["messages"]]
        else:
            rows[i] = [(role, record[key]) for key, role in roles.items() if record[key] is not None]
            rows[i] += [("label", str(record["label"]))]
    return rows


@TIMES
@given(records=st.one_of(PAIRS, CHATS), size=st.integers(1, 4), target=st.sampled_from((1, 40, 1 << 62)))
def test_every_format_gives_back_what_was_written(records: list[Record], size: int, target: int):
    truth = expected(records)
    with tempfile.TemporaryDirectory() as folder:
        for name, write in FORMATS.items():
            path = Path(folder) / name
            path.write_bytes(write(records))
            found = read(path, target=target, batch_rows=size)
            assert (name, found.said) == (name, [])
            assert (name, found.rows) == (name, truth)


@TIMES
@given(records=PAIRS, delimiter=st.sampled_from((",", "\t", ";")))
def test_so_does_delimited_text(records: list[Record], delimiter: str):
    strings = [{key: "" if value is None else str(value) for key, value in one.items()} for one in records]
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, list(strings[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(strings)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(made.getvalue().encode())
        found = read(path, batch_rows=2)
    assert found.said == []
    assert {row: [one for one in said if one[1]] for row, said in found.rows.items()} == {
        row: [one for one in said if one[1]] for row, said in expected(records).items()
    }


@TIMES
@given(records=st.one_of(PAIRS, CHATS), data=st.data())
def test_a_changed_byte_in_lines_costs_its_own_line_only(records: list[Record], data: st.DataObject):
    """A line feed that comes or goes moves the rows after it, so bytes are changed inside a line and into none."""
    whole = lines(records)
    at = data.draw(st.integers(0, len(whole) - 1).filter(lambda i: whole[i] != 10))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one not in (10, whole[at])))
    hit = whole[:at].count(b"\n")
    truth = expected(records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        found = read(path, batch_rows=2)
    assert {row: said for row, said in found.rows.items() if row != hit} == {
        row: said for row, said in truth.items() if row != hit
    }
    assert hit in found.rows or found.said


CHECKED = ("lines.jsonl.gz", "lines.jsonl.zst", "table.parquet")


@TIMES
@pytest.mark.parametrize("name", CHECKED)
@given(records=CHATS, at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_changed_byte_where_there_is_a_checksum(name: str, records: list[Record], at: float, mask: int):
    """Nothing is read that was not written, and what is missing is said. In Parquet the checksum is that of a page."""
    packed = bytearray(FORMATS[name](records))
    if name == "table.parquet":
        page = pq.read_metadata(io.BytesIO(bytes(packed))).row_group(0).column(1)
        start = page.dictionary_page_offset or page.data_page_offset
        packed[start + page.total_compressed_size - 1 - int(8 * at)] ^= mask  # inside the last page
    else:
        packed[int(at * len(packed))] ^= mask
    truth = expected(records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(packed))
        found = read(path)
    assert found.said or found.rows == truth
    assert all(truth[row] == said for row, said in found.rows.items())


@TIMES
@pytest.mark.parametrize("name", sorted(set(FORMATS) - set(CHECKED)))
@given(records=st.one_of(PAIRS, CHATS), at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_changed_byte_anywhere_ends_in_rows_or_words(
    name: str, records: list[Record], at: float, mask: int
):
    packed = bytearray(FORMATS[name](records))
    packed[int(at * len(packed))] ^= mask
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(bytes(packed))
        found = read(path)
        assert found.rows or found.said or not discover([str(path)]).files
