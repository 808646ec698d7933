"""Files whose names lie, and damaged streams: what the bytes are is read, and said."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

import dataaudit
from dataaudit.errors import UsageError

TEXTS = [f"text number {i}, which is said once" for i in range(40)]
ROWS = [{"text": text} for text in TEXTS]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
PRETTY = json.dumps(ROWS, indent=1).encode()
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "zst": zstandard.compress, "bz2": bz2.compress, "xz": lzma.compress,
}  # fmt: skip
FORMS = {
    "jsonl": LINES,
    "json": PRETTY,
    "csv": b"text\n" + b"".join(b'"%s"\n' % text.encode() for text in TEXTS),
    "tsv": b"id\ttext\n" + b"".join(b"%d\t%s\n" % (i, text.encode()) for i, text in enumerate(TEXTS)),
    "txt": "\n".join(TEXTS).encode(),
}


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": TEXTS}), sink)
    return sink.getvalue().to_pybytes()


def arrow(new: Callable[..., pa.RecordBatchWriter] = pa.ipc.new_file) -> bytes:
    sink = pa.BufferOutputStream()
    data = pa.table({"text": TEXTS})
    with new(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


LIES = [
    ("a.jsonl", parquet(), "parquet", "Parquet"),
    ("a.json", parquet(), "parquet", "Parquet"),
    ("a.csv", arrow(), "arrow", "Arrow"),
    ("a.parquet", arrow(), "arrow", "Arrow"),
    ("a.parquet", arrow(pa.ipc.new_stream), "arrow", "Arrow"),
    ("a.arrow", parquet(), "parquet", "Parquet"),
    ("a.parquet", LINES, "jsonl", "JSON Lines"),
    ("a.jsonl", PRETTY, "json", "a JSON document"),
    ("a.jsonl", json.dumps(ROWS).encode(), "json", "a JSON document"),
    ("a.json", LINES, "jsonl", "JSON Lines"),
    ("a.txt", LINES, "jsonl", "JSON Lines"),
    ("a.csv", LINES, "jsonl", "JSON Lines"),
    ("a.txt", PRETTY, "json", "a JSON document"),
    ("a.json", gzip.compress(LINES), "jsonl", "compressed with gzip"),
    ("a.jsonl.gz", LINES, "jsonl", "not compressed"),
    ("a.jsonl.gz", zstandard.compress(LINES), "jsonl", "compressed with zstd"),
    ("a.csv", bz2.compress(FORMS["csv"]), "csv", "compressed with bz2"),
    ("data", zstandard.compress(LINES), "jsonl", "compressed with zstd"),
    ("data", lzma.compress(PRETTY), "json", "compressed with xz"),
]


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(("name", "data", "kind", "said"), LIES)
def test_bytes_decide_and_the_report_says_so(
    name: str, data: bytes, kind: str, said: str, inside: bool, tmp_path: Path
):
    path = tmp_path / name
    path.write_bytes(data)
    report = dataaudit.scan(tmp_path if inside else path, jobs=1, reference=True)
    (source,) = report.sources
    assert (source.format, source.rows, source.malformed, source.error) == (kind, 40, 0, None)
    assert any(said in note for note in source.notes), source.notes


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.json", "a.csv", "a.txt", "a.jsonl.gz", "a.parquet", "a.arrow"]
)
def test_a_name_that_is_true_needs_no_note(name: str, tmp_path: Path):
    ending = name.removeprefix("a.").removesuffix(".gz")
    data = {**FORMS, "parquet": parquet(), "arrow": arrow()}[ending]
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (source,) = dataaudit.scan(tmp_path, jobs=1, reference=True).sources
    assert (source.rows, source.notes) == (40, ())


def test_delimited_text_named_txt_stays_text(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"id,text\n1,one\n2,two\n")
    (source,) = dataaudit.scan(tmp_path / "a.txt", jobs=1, reference=True).sources
    assert (source.format, source.rows) == ("text", 3)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull"),
        ("a.txt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull"),
        ("a.jsonl", b"<!DOCTYPE html>\n<html>404</html>\n", "HTML page"),
        ("a.csv", b"PK\x03\x04\x14\0\0\0" + bytes(90), "ZIP archive"),
        ("a.json", b"\x80\x04\x95\x10\0\0\0\0" + bytes(90), "never opened"),
        ("a.feather", b"FEA1" + bytes(90), "Feather version 1"),
        ("a.parquet.gz", gzip.compress(parquet()), "decompress it first"),
    ],
)
def test_what_is_no_data_is_said_and_the_run_is_incomplete(name: str, data: bytes, said: str, tmp_path: Path):
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.jsonl").write_bytes(LINES)
    for source in (tmp_path, tmp_path / name):
        report = dataaudit.scan(source, jobs=1, reference=True)
        assert (report.status, report.exit_code) == ("incomplete", 3)
        (bad,) = [one for one in report.sources if one.uri == name]
        assert said in (bad.error or "")
    _, manifest = dataaudit.clean(tmp_path, tmp_path.parent / f"{tmp_path.name}-out", jobs=1)
    assert [one.file for one in manifest.unreadable] == [name]


def test_a_named_file_of_no_known_format_is_refused_with_what_it_is(tmp_path: Path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04\x14\0\0\0" + bytes(90))
    with pytest.raises(UsageError, match="ZIP archive"):
        dataaudit.scan(tmp_path / "a.xlsx", jobs=1)


@pytest.mark.parametrize("codec", PACK)
@pytest.mark.parametrize("form", FORMS)
def test_members_of_every_form_are_read_to_the_last(form: str, codec: str, tmp_path: Path):
    data, pack = FORMS[form], PACK[codec]
    third = len(data) // 3
    (tmp_path / f"a.{form}.{codec}").write_bytes(pack(data[:third]) + pack(data[third:-5]) + pack(data[-5:]))
    (tmp_path / f"b.{form}").write_bytes(data)
    packed, plain = dataaudit.scan(tmp_path, jobs=1, reference=True).sources
    assert (packed.rows, packed.malformed, packed.error, packed.notes) == (40, 0, None, plain.notes)
    assert packed.roles == plain.roles


@pytest.mark.parametrize("codec", PACK)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", ["garbage", "cut"])
def test_what_lies_before_the_damage_is_audited(form: str, codec: str, damage: str, tmp_path: Path):
    data, pack = FORMS[form], PACK[codec]
    more = pack(data * 2)
    tail = b"this is no member" if damage == "garbage" else more[: len(more) // 3]
    (tmp_path / f"a.{form}.{codec}").write_bytes(pack(data) + tail)
    report = dataaudit.scan(tmp_path, jobs=1, reference=True)
    assert (report.status, report.exit_code) == ("incomplete", 3)
    assert report.rows >= 39, report.sources
    assert "\n" not in (report.sources[0].error or "\n")
