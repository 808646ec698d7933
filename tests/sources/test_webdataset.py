"""WebDataset archives: samples become records; hostile and damaged archives are never unpacked and never crash."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from pathlib import Path

import pytest
import zstandard
from source_support import read_file

import dataaudit
from dataaudit.errors import SourceError, UsageError


def archive(members: list[tuple[str, bytes]], **options: object) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", **options) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


SAMPLES = [
    member
    for i in range(40)
    for member in (
        (f"shard/{i:05}.jpg", bytes([i]) * 700),
        (f"shard/{i:05}.json", json.dumps({"n": i}).encode()),
        (f"shard/{i:05}.txt", f"caption {i} é".encode()),
    )
]
WANTED = {i: [f"caption {i} é"] for i in range(40)}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.zst"])
def test_samples_are_records(ending: str, form: int, tmp_path: Path):
    long = [("a" * 90 + "/" + "é" * 60 + ".txt", b"long name")]
    data = archive(SAMPLES + (long if form != tarfile.USTAR_FORMAT else []), format=form)
    pack = {"tar": bytes, "tar.gz": gzip.compress, "tar.zst": zstandard.compress}[ending]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(pack(data))
    for size in (7, 8192):
        found = read_file(path, batch_rows=size)
        assert found.texts == WANTED | ({40: ["long name"]} if form != tarfile.USTAR_FORMAT else {})
    assert dataaudit.scan(tmp_path, jobs=1, reference=True).sources[0].notes == ()


def test_objects_of_chats_keep_their_layout_and_bad_members_cost_their_sample(tmp_path: Path):
    chat = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
    path = tmp_path / "a.tar"
    path.write_bytes(
        archive([("0.json", chat), ("1.json", b"{"), ("2.txt", b"\xff"), ("3.json", chat), ("4.jpg", b"x")])
    )
    found = read_file(path)
    assert [(row, reason) for row, *_, reason in found.malformed] == [
        (1, "invalid-json"),
        (2, "invalid-utf8"),
    ]
    assert found.texts == {0: ["hi"], 3: ["hi"], 4: []}


def test_nothing_is_unpacked(tmp_path: Path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name in ("../../evil.txt", "/tmp/evil.txt", "a.txt"):
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"text"))
        for name, kind in (
            ("link.txt", tarfile.SYMTYPE),
            ("hard.txt", tarfile.LNKTYPE),
            ("dev.txt", tarfile.CHRTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "a.tar").write_bytes(sink.getvalue())
    assert [one[0] for one in read_file(folder / "a.tar").texts.values()] == ["text"] * 3
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.tar"]


def test_samples_before_the_damage_are_read(tmp_path: Path):
    data = archive(SAMPLES)
    path = tmp_path / "a.tar"
    for broken in (data[: len(data) // 2], data[:30_000] + b"\x01" * 2000 + data[32_000:], data + b"more"):
        path.write_bytes(broken)
        report = dataaudit.scan(path, jobs=1, reference=True)
        assert (report.status, report.exit_code) == ("incomplete", 3)
        assert report.rows > 5


def test_one_byte_crashes_nothing(tmp_path: Path):
    data, rng = archive(SAMPLES[:9]), random.Random(5)
    path = tmp_path / "a.tar"
    for _ in range(300):
        flipped = bytearray(data)
        flipped[rng.randrange(8000)] ^= rng.randrange(1, 256)
        path.write_bytes(flipped)
        try:
            read_file(path)
        except (SourceError, UsageError) as error:
            assert "\n" not in str(error)


def test_an_archive_of_data_files_says_what_to_do(tmp_path: Path):
    (tmp_path / "a.tar").write_bytes(archive([("data/train.jsonl", b'{"text": "a"}\n')]))
    with pytest.raises(SourceError, match="unpack it first"):
        read_file(tmp_path / "a.tar")
