"""WebDataset archives: kept samples come back byte for byte, and the archive can be put together again."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
from pathlib import Path

import pytest
import zstandard
from export_support import COMPRESS, clean, reasons
from hypothesis import given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.errors import IncompleteError
from dataaudit.export.manifest import Manifest
from dataaudit.export.verify import verify
from dataaudit.records.types import FileRef
from dataaudit.sources import webdataset
from dataaudit.sources.base import Partition, ReadOptions

Member = tuple[str, bytes]

FORMS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
UNPACK = {
    None: bytes,
    "gzip": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(),
}
ENDING = {None: "", "gzip": ".gz", "bz2": ".bz2", "xz": ".xz", "zstd": ".zst"}


def archive(groups: list[list[Member]], form: int = tarfile.PAX_FORMAT, **options: object) -> bytes:
    """An archive of samples; a member whose name ends in a slash is a directory, in `>` a link."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form, **options) as tar:
        for name, data in (member for group in groups for member in group):
            info = tarfile.TarInfo(name.rstrip("/>"))
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            elif name.endswith(">"):
                info.type, info.linkname = tarfile.SYMTYPE, "elsewhere"
            else:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return sink.getvalue()


def members(data: bytes) -> list[Member]:
    """The members by another reader."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        return [
            (info.name, found.read() if (found := tar.extractfile(info)) else b"")
            for info in tar
            if info.isreg()
        ]


def run(
    folder: Path, data: bytes, rows: int, drops: list[int], codec: str | None = None, redact: bool = False
) -> Manifest:
    name = f"a.tar{ENDING[codec]}"
    source = folder / "in"
    source.mkdir()
    (source / name).write_bytes(COMPRESS[codec](data))
    redactions = [(0, rows - 1, "text", (0, 1))] if redact else []
    return clean(source, folder / "out", [(name, "webdataset", rows)], {0: drops}, redactions)


def sample(i: int, size: int = 600) -> list[Member]:
    return [
        (f"s/{i:04}.json", b'{"n": %d}' % i),
        (f"s/{i:04}.txt", b"caption"),
        (f"s/{i:04}.bin", bytes(size)),
    ]


@pytest.mark.parametrize("codec", ENDING)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_kept_is_as_it_was(form: str, codec: str | None, tmp_path: Path) -> None:
    long = [("d" * 90 + "/" + "é" * 40 + ".txt", b"long")] if form != "ustar" else [("z.txt", b"short")]
    groups = [sample(i) for i in range(12)]
    shown = [[("s/", b"")], *groups[:4], [("s/link.txt>", b"")], *groups[4:], long]
    options = {"pax_headers": {"comment": "kept"}} if form == "pax" else {}
    data = archive(shown, FORMS[form], **options)
    gone = {0, 3, 4, 12}
    manifest = run(tmp_path, data, 13, sorted(gone), codec)
    (entry,) = manifest.inputs
    assert (entry.rows, entry.kept, entry.quarantined, entry.codec) == (13, 9, 4, codec)
    out = tmp_path / "out"
    kept = UNPACK[codec]((out / "kept" / f"a.tar{ENDING[codec]}").read_bytes())
    removed = UNPACK[codec]((out / "quarantine" / f"a.tar{ENDING[codec]}").read_bytes())
    every = [*groups, long]
    assert members(kept) == [one for i, group in enumerate(every) if i not in gone for one in group]
    assert members(removed) == [one for i, group in enumerate(every) if i in gone for one in group]
    listed = reasons(out, "a.tar" + ENDING[codec])
    assert [one["row"] for one in listed] == sorted(gone)
    rebuilt = bytearray(kept)
    at = 0
    for one in listed:  # in order, so every offset is one of the input
        rebuilt[one["offset"] : one["offset"]] = removed[at : at + one["length"]]
        at += one["length"]
    assert bytes(rebuilt) == data
    assert verify(out).problems == ()


@pytest.mark.parametrize("codec", [None, "zstd"])
@pytest.mark.parametrize("drops", [[], [0, 1, 2]])
def test_an_archive_goes_as_it_is_where_all_or_nothing_is_removed(
    drops: list[int], codec: str | None, tmp_path: Path
) -> None:
    data = archive([sample(i) for i in range(3)])
    (entry,) = run(tmp_path, data, 3, drops, codec).inputs
    place = tmp_path / "out" / ("quarantine" if drops else "kept") / f"a.tar{ENDING[codec]}"
    assert place.read_bytes() == COMPRESS[codec](data)
    assert (entry.kept_path is None) == bool(drops)
    assert verify(tmp_path / "out").problems == ()


def test_an_archive_without_samples_is_in_quarantine(tmp_path: Path) -> None:
    (entry,) = run(tmp_path, archive([[("folder/", b"")]]), 0, []).inputs
    assert entry.kept_path is None and entry.note is not None and "holds no sample" in entry.note
    assert verify(tmp_path / "out").problems == ()


def test_a_sample_that_is_to_be_redacted_is_dropped_and_says_so(tmp_path: Path) -> None:
    (entry,) = run(tmp_path, archive([sample(i) for i in range(3)]), 3, [], redact=True).inputs
    assert (entry.kept, entry.redacted, entry.quarantined) == (2, 0, 1)
    (one,) = reasons(tmp_path / "out", "a.tar")
    assert (one["row"], one["action"]) == (2, "drop") and "could not be redacted" in one["reasons"][0]["note"]
    assert verify(tmp_path / "out").problems == ()


def test_samples_that_would_become_one_stop_the_run(tmp_path: Path) -> None:
    groups = [[("x.json", b"{}")], [("y.json", b"{}")], [("x.txt", b"text")]]
    with pytest.raises(IncompleteError, match="would become one"):
        run(tmp_path, archive(groups), 3, [1])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["kept", "quarantine"])
def test_verify_sees_one_changed_byte(place: str, tmp_path: Path) -> None:
    run(tmp_path, archive([sample(i) for i in range(6)]), 6, [1, 4])
    path = tmp_path / "out" / place / "a.tar"
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    assert verify(tmp_path / "out").problems


MEMBERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "d/a", "d/c"]),
        st.sampled_from([".json", ".txt", ".jpg", ".a.b", "", "/", ">"]),
        st.binary(max_size=700),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(MEMBERS, st.sets(st.integers(0, 11)), st.sampled_from(list(FORMS)))
def test_whatever_is_in_an_archive_it_adds_up(
    made: list[tuple[str, str, bytes]], gone: set[int], form: str
) -> None:
    data = archive([[(f"{stem}{kind}", content)] for stem, kind, content in made], FORMS[form])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "a.tar").write_bytes(data)
        file = FileRef(0, str(folder / "a.tar"), "a.tar", "webdataset")
        rows = sum(one.span[0] for one in webdataset.read(Partition(file, 0, -1), ReadOptions()))
        drops = sorted(row for row in gone if row < rows)
        try:
            (entry,) = run(folder, data, rows, drops).inputs
        except IncompleteError as error:
            assert "would become one" in str(error)
            return
        assert entry.kept == rows - len(drops)
        assert verify(folder / "out").problems == ()


def test_clean_through_the_public_surface(tmp_path: Path) -> None:
    groups = [sample(i) for i in range(30)]
    groups[7][1] = ("s/0007.txt", b"As an AI assistant, I cannot say.")
    groups[9][0] = ("s/0009.json", b"{")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(archive(groups)))
    _, manifest = dataaudit.clean(tmp_path / "a.tar.gz", tmp_path / "out", drop=["contamination"], jobs=1)
    assert (manifest.totals.kept, manifest.totals.quarantined) == (28, 2)
    kept = gzip.decompress((tmp_path / "out" / "kept" / "a.tar.gz").read_bytes())
    assert members(kept) == [one for i, group in enumerate(groups) if i not in (7, 9) for one in group]
    assert dataaudit.verify(tmp_path / "out").problems == ()
