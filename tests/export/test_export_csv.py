"""Delimited text: records are cut out byte for byte, the header stays with both parts, and they are the input again."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from cli_support import RunCli
from export_support import COMPRESS, clean, reasons
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.errors import InputChangedError
from dataaudit.export.verify import verify
from dataaudit.sources import csvsplit
from dataaudit.sources.compression import open_plain

CELL = st.text(st.sampled_from("ab ,;\t|\"\n'é😀"), max_size=8)
HEADER = ["text", "label", "note"]


def made(rows: list[list[str]], **style: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **style).writerows([HEADER, *rows])
    return out.getvalue().encode()


def plain(out: Path, path: str | None) -> bytes:
    if path is None:
        return b""
    with open_plain(out / path) as file:
        return file.read()


STYLES = st.builds(
    lambda mark, end, quoting: {"delimiter": mark, "lineterminator": end, "quoting": quoting},
    st.sampled_from(",\t;|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=10),
    STYLES,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([None, "gzip"]),
    st.integers(8, 64),
    st.data(),
)
def test_kept_and_quarantined_are_the_input(
    rows: list[list[str]],
    style: dict[str, Any],
    bom: bytes,
    codec: str | None,
    size: int,
    choose: st.DataObject,
) -> None:
    # Texts of single characters could hide the delimiter or the quotes; every other column shows them.
    rows = [[a, f'x{style["delimiter"]}"y"', c] for a, _, c in rows]
    lines = [made([row], **style)[len(made([], **style)) :] for row in rows]
    head = bom + made([], **style)
    drops = sorted(choose.draw(st.sets(st.integers(0, len(rows) - 1))))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvsplit, "BLOCK", size)
        source, out = Path(folder) / "in", Path(folder) / "out"
        source.mkdir()
        (source / "a.csv").write_bytes(COMPRESS[codec](head + b"".join(lines)))
        manifest = clean(source, out, [("a.csv", "csv", len(rows))], {0: drops})
        entry = manifest.inputs[0]
        left = [line for i, line in enumerate(lines) if i not in drops]
        removed = [lines[i] for i in drops]
        assert plain(out, entry.kept_path) == (head + b"".join(left) if left else b"")
        assert plain(out, entry.quarantine_path) == (head + b"".join(removed) if removed else b"")
        at = [len(head + b"".join(lines[:i])) for i in range(len(lines))]
        for reason in reasons(out, "a.csv"):
            assert (reason["offset"], reason["length"]) == (at[reason["row"]], len(lines[reason["row"]]))
        assert verify(out).problems == ()


def test_damaged_records_are_cut_out_alone(tmp_path: Path, run_cli: RunCli) -> None:
    lines = [b"text,label\n", *(b'"the text, number %d",a\n' % i for i in range(40))]
    lines[3] = b'"never closed,a\n'
    lines[6] = b'one field only"\n'
    lines[9] = b'"a "word" in it",b\n'
    lines[12] = b"caf\xe9,a\n"
    lines[14] = b'"two\nlines",b\n'
    lines[40] = b'"open to the end,a'
    (tmp_path / "a.csv").write_bytes(b"".join(lines))
    assert run_cli("clean", "a.csv", "-o", "out").returncode == 0
    bad = [3, 6, 9, 12, 40]
    kept = (tmp_path / "out/kept/a.csv").read_bytes()
    assert kept == b"".join(line for i, line in enumerate(lines) if i not in bad)
    assert (tmp_path / "out/quarantine/a.csv").read_bytes() == lines[0] + b"".join(lines[i] for i in bad)
    notes = [one["reasons"][0]["note"] for one in reasons(tmp_path / "out", "a.csv")]
    quote, count = "unbalanced-quote", "wrong-field-count"
    assert notes == [quote, count, quote, "invalid-utf8", quote]
    (tmp_path / "a.csv").unlink()
    done = run_cli("verify", "out")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("codec", list(COMPRESS))
def test_redaction_writes_one_field_anew(codec: str | None, tmp_path: Path) -> None:
    data = b'text,label,note\r\n"a ""secret"", here",x,"q"\r\nplain secret text,"y",z\r\nthird,"y",z'
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(COMPRESS[codec](data))
    places = [(0, 0, "text", (3, 9)), (0, 1, "text", (6, 12)), (0, 1, "text", (0, 3))]
    manifest = clean(source, tmp_path / "out", [("a.csv", "csv", 3)], {}, places)
    expected = (
        b'text,label,note\r\n"a ""[REDACTED]"", here",x,"q"\r\n'
        b'[REDACTED]in [REDACTED] text,"y",z\r\nthird,"y",z'
    )
    assert plain(tmp_path / "out", manifest.inputs[0].kept_path) == expected
    originals = plain(tmp_path / "out", manifest.inputs[0].quarantine_path)
    assert originals == data[: data.index(b"third")]
    assert verify(tmp_path / "out").problems == ()


def test_what_cannot_be_redacted_is_dropped(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(b"text,label\nabc,x\ndef,y\n")
    manifest = clean(
        source, tmp_path / "out", [("a.csv", "csv", 2)], {}, [(0, 0, "text", (1, 9)), (0, 1, "b", (0, 1))]
    )
    assert (manifest.inputs[0].quarantined, manifest.inputs[0].kept_path) == (2, None)
    assert verify(tmp_path / "out").problems == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("codec", [None, "zstd"])
def test_utf16_stays_utf16(encoding: str, codec: str | None, tmp_path: Path) -> None:
    text = '\ufefftext,label\r\n"a, é😀",x\r\nb,y\r\n"c\n",z\r\n'
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(COMPRESS[codec](text.encode(encoding)))
    manifest = clean(source, tmp_path / "out", [("a.csv", "csv", 3)], {0: [1]}, [(0, 0, "text", (3, 4))])
    entry = manifest.inputs[0]
    kept = '\ufefftext,label\r\n"a, [REDACTED]😀",x\r\n"c\n",z\r\n'
    assert plain(tmp_path / "out", entry.kept_path).decode(encoding) == kept
    removed = '\ufefftext,label\r\n"a, é😀",x\r\nb,y\r\n'
    assert plain(tmp_path / "out", entry.quarantine_path).decode(encoding) == removed
    assert verify(tmp_path / "out").problems == ()


def test_text_keeps_its_lines(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.txt").write_bytes(b'\xef\xbb\xbfone\r\n\r\ntwo, "x\n three\nfour\n\n')
    manifest = clean(source, tmp_path / "out", [("a.txt", "text", 4)], {0: [1]}, [(0, 2, "text", (1, 3))])
    kept = plain(tmp_path / "out", manifest.inputs[0].kept_path)
    assert kept == b"\xef\xbb\xbfone\r\n [REDACTED]ree\nfour\n\n"
    assert plain(tmp_path / "out", manifest.inputs[0].quarantine_path) == b'\xef\xbb\xbf\r\ntwo, "x\n three\n'
    assert verify(tmp_path / "out").problems == ()


def test_a_file_without_records_goes_to_quarantine(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_bytes(b"text,label\n\n")
    manifest = clean(source, tmp_path / "out", [("a.csv", "csv", 0)], {})
    assert (manifest.inputs[0].kept_path, manifest.inputs[0].quarantine_path) == (None, "quarantine/a.csv")
    assert verify(tmp_path / "out").problems == ()
    with pytest.raises(InputChangedError):
        clean(source, tmp_path / "out2", [("a.csv", "csv", 1)], {0: [0]})


def test_verify_sees_what_was_moved(tmp_path: Path) -> None:
    import hashlib
    import json

    from dataaudit.export.manifest import digest_of, load

    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.csv").write_bytes(made([[f"t{i}", "x", "y"] for i in range(9)]))
    clean(source, out, [("a.csv", "csv", 9)], {0: [2, 5]})
    # Two kept rows change places, and the manifest is made to fit: only the proof can tell.
    path = out / "kept/a.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))
    plain_manifest = json.loads((out / "manifest.json").read_bytes())
    for output in plain_manifest["outputs"]:
        if output["path"] == "kept/a.csv":
            output["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (out / "manifest.json").write_text(json.dumps(plain_manifest))
    plain_manifest["digest"] = digest_of(load(out))
    (out / "manifest.json").write_text(json.dumps(plain_manifest))
    assert any("are not the input" in problem for problem in verify(out).problems)


@pytest.mark.parametrize("shards", [1, 3])
def test_datasets_loads_what_is_kept(shards: int, tmp_path: Path, run_cli: RunCli) -> None:
    import datasets

    folder = tmp_path / "data"
    folder.mkdir()
    for shard in range(shards):
        rows = [[f'text "{i}",\nshard {shard}', "ab"[i % 2], ""] for i in range(30)]
        (folder / f"part-{shard}.csv").write_bytes(made([*rows, rows[0]], lineterminator="\n"))
    assert run_cli("clean", folder, "-o", "out", "--drop", "exact-duplicates").returncode == 0
    assert run_cli("verify", "out").returncode == 0
    for part, count in (("kept", 30), ("quarantine", 1)):
        files = sorted(str(path) for path in (tmp_path / "out" / part).glob("*.csv"))
        loaded = datasets.load_dataset(
            "csv", data_files=files, cache_dir=str(tmp_path / "cache"), split="train"
        )
        assert loaded.column_names == HEADER and len(loaded) == count * shards
        assert loaded[0]["text"] == 'text "0",\nshard 0'
