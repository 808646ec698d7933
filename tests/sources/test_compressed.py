"""Compressed files say what the plain ones say; one that is cut or damaged never ends in silence."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_support import read_file

import dataaudit
from dataaudit.errors import SourceError

Pack = Callable[[bytes], bytes]
CODECS: dict[str, Pack] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "zst": zstandard.ZstdCompressor(write_checksum=True, write_content_size=True).compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
RNG = random.Random(5)
WORDS = [f"{RNG.randrange(10**9):x}" for _ in range(300)]
DATA = b"".join(
    json.dumps({"text": " ".join(RNG.choices(WORDS, k=20)), "n": i}).encode() + b"\n" for i in range(200)
) + b'{"broken\n\n{"text": "last"}'  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("plain") / "data.jsonl"
    path.write_bytes(DATA)
    return read_file(path)


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("codec", CODECS)
def test_members_frames_and_streams_are_read_to_the_last(codec: str, pieces: int, plain, tmp_path: Path):
    step = len(DATA) // pieces + 1
    packed = b"".join(CODECS[codec](DATA[i : i + step]) for i in range(0, len(DATA), step))
    path = tmp_path / f"data.jsonl.{codec}"
    path.write_bytes(packed)
    for size in (7, 8192):
        found = read_file(path, batch_rows=size, target=100)
        assert found.rows == plain.rows
        assert found.texts == plain.texts
        assert found.malformed == plain.malformed
        assert found.nbytes == len(packed), "bytes read are bytes on disk"


@pytest.mark.parametrize("codec", CODECS)
def test_empty_members_and_padding(codec: str, plain, tmp_path: Path):
    pack = CODECS[codec]
    path = tmp_path / f"data.jsonl.{codec}"
    padding = b"\0" * 8 if codec in ("gz", "xz") else b""
    path.write_bytes(pack(b"") + pack(DATA) + pack(b"") + padding)
    assert read_file(path).texts == plain.texts


def test_frames_of_zstandard_without_a_size_and_skippable_ones(plain, tmp_path: Path):
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    frame = stream.compress(DATA) + stream.flush()
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    path = tmp_path / "data.jsonl.zst"
    path.write_bytes(skippable + frame + skippable)
    assert read_file(path).texts == plain.texts


@pytest.mark.parametrize("codec", CODECS)
def test_a_name_may_lie_about_compression(codec: str, plain, tmp_path: Path):
    path = tmp_path / "data.jsonl"
    path.write_bytes(CODECS[codec](DATA))
    assert read_file(path).texts == plain.texts
    other = tmp_path / f"data.jsonl.{codec}"
    other.write_bytes(DATA)
    assert read_file(other).texts == plain.texts


QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def outcome(codec: str, packed: bytes) -> tuple[str, object]:
    """`error`, or what was read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"data.jsonl.{codec}"
        path.write_bytes(packed)
        try:
            found = read_file(path)
        except SourceError as error:
            assert "\n" not in str(error)
            return "error", str(error)
        return ("malformed" if found.malformed else "read"), (found.rows, found.texts)


CLEAN = DATA.replace(b'{"broken\n', b"")
EXPECTED = {codec: outcome(codec, pack(CLEAN)) for codec, pack in CODECS.items()}


@pytest.mark.parametrize("codec", CODECS)
@QUIET
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_stream_cut_short_is_an_error(codec: str, share: float):
    packed = CODECS[codec](CLEAN)
    cut = packed[: int(len(packed) * share)]
    kind, _ = outcome(codec, cut)
    assert EXPECTED[codec][0] == "read"
    if len(cut) >= 10:
        assert kind == "error"
    elif cut:
        assert kind in ("error", "malformed"), "too short to know the format: bytes that are no record"


@pytest.mark.parametrize("codec", CODECS)
@QUIET
@given(at=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_flipped_bits_are_an_error_or_change_nothing(codec: str, at: float, mask: int):
    packed = bytearray(CODECS[codec](CLEAN))
    packed[int(len(packed) * at)] ^= mask
    found = outcome(codec, bytes(packed))
    assert found[0] in ("error", "malformed") or found == EXPECTED[codec]


@pytest.mark.parametrize("codec", ["gz", "zst", "bz2", "xz"])
def test_bytes_after_the_end_are_an_error(codec: str):
    assert outcome(codec, CODECS[codec](CLEAN) + b"garbage")[0] == "error"


def test_a_damaged_file_makes_the_scan_incomplete_and_the_others_are_read(tmp_path: Path):
    packed = gzip.compress(CLEAN)
    (tmp_path / "bad.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "good.jsonl").write_bytes(CLEAN)
    report = dataaudit.scan(tmp_path, jobs=1, reference=True, max_contamination="100%")
    assert (report.status, report.exit_code) == ("incomplete", 3)
    bad, good = report.sources
    assert bad.error is not None
    assert "cut short" in bad.error
    assert (good.rows, good.error) == (201, None)
    assert [one.id for one in report.not_evaluated if one.incomplete] == ["bad.jsonl.gz"]
