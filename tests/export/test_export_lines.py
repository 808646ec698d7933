"""Line formats: every byte is in exactly one segment, and what was split can be put together again."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from export_support import COMPRESS, clean, reasons, segments
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dataaudit.errors import InputChangedError
from dataaudit.export import segments as module
from dataaudit.export.verify import verify
from dataaudit.sources.compression import open_plain
from dataaudit.sources.json_encoding import encoding_in

LINE = st.sampled_from(
    [
        b'{"a":1}',
        b' {"a": "x y"}',
        b'\t{"text":"\xc3\xa9"}  ',
        b"",
        b" ",
        b"\t \r",
        b"\r",
        b"not json",
        b"\xff\xfe",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\x0b",
        b"\xc2\xa0",
        b"[1]",
        b'{"long":"' + b"x" * 40 + b'"}',
    ]
)
BYTES = st.builds(
    lambda bom, lines, end: bom + end.join(lines),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(LINE, max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
)


@settings(max_examples=150, deadline=None)
@given(BYTES, st.data())
@pytest.mark.parametrize("codec", [None, "gzip"])
def test_kept_and_quarantined_are_the_input(codec: str | None, data: bytes, choose: st.DataObject) -> None:
    assume(encoding_in(data[:8]) == "utf-8")  # bytes that open as UTF-16 are read as such: other tests
    parts = segments(data)
    assert b"".join(parts) == data or not parts
    drops = sorted(choose.draw(st.sets(st.integers(0, max(len(parts) - 1, 0))))) if parts else []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in", Path(folder) / "out"
        source.mkdir()
        (source / "a.jsonl").write_bytes(COMPRESS[codec](data))
        manifest = clean(source, out, [("a.jsonl", "jsonl", len(parts))], {0: drops})
        entry = manifest.inputs[0]
        assert (entry.rows, entry.quarantined) == (len(parts), len(drops))
        kept = _plain(out, entry.kept_path)
        removed = _plain(out, entry.quarantine_path)
        if parts:
            assert kept == b"".join(p for i, p in enumerate(parts) if i not in drops)
            assert removed == b"".join(parts[i] for i in drops)
        else:
            assert (kept, removed) == (b"", data)
        lines = reasons(out, "a.jsonl")
        assert [line["row"] for line in lines] == drops
        for line in lines:
            start = sum(map(len, parts[: line["row"]]))
            assert (line["offset"], line["length"]) == (start, len(parts[line["row"]]))
            assert data[:start].count(b"\n") < line["line"] <= data[: start + line["length"]].count(b"\n") + 1
        assert verify(out).problems == ()
        (source / "a.jsonl").unlink()
        assert verify(out).ok and verify(out).notes
        assert not verify(out, require_input=True).ok


def _plain(out: Path, path: str | None) -> bytes:
    if path is None:
        return b""
    with open_plain(out / path) as file:
        return file.read()


@settings(max_examples=200, deadline=None)
@given(BYTES, st.integers(1, 9))
def test_blocks_do_not_depend_on_their_size(data: bytes, size: int) -> None:
    import io

    def ends(step: int) -> list[tuple[int, int]]:
        found = []
        for block in module.blocks(io.BytesIO(data), size=step):
            found += [(block.offset + int(e), int(n)) for e, n in zip(block.ends, block.lines, strict=True)]
        return found

    # A byte-order mark is known by its three bytes, so a block is never smaller.
    assert ends(size + 2) == ends(1 << 20)


@pytest.mark.parametrize("codec", list(COMPRESS))
def test_every_codec(codec: str | None, tmp_path: Path) -> None:
    rows = [json.dumps({"i": i, "t": "x" * (i % 50)}).encode() + b"\n" for i in range(3000)]
    source = tmp_path / "in"
    source.mkdir()
    compress = COMPRESS[codec]
    # Two members, as `cat a.gz b.gz` makes them.
    (source / "a.jsonl").write_bytes(compress(b"".join(rows[:1000])) + compress(b"".join(rows[1000:])))
    manifest = clean(
        source, tmp_path / "out", [("a.jsonl", "jsonl", 3000)], {0: [0, 5, 6, 2999]}, [(0, 7, "t", (0, 3))]
    )
    entry = manifest.inputs[0]
    assert (entry.codec, entry.kept, entry.redacted, entry.quarantined) == (codec, 2995, 1, 4)
    expected = [row for i, row in enumerate(rows) if i not in (0, 5, 6, 2999)]
    expected[4] = b'{"i": 7, "t": "[REDACTED]xxxx"}\n'
    assert _plain(tmp_path / "out", entry.kept_path) == b"".join(expected)
    assert verify(tmp_path / "out").problems == ()


def test_an_untouched_compressed_file_is_copied_as_it_is(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    data = gzip.compress(b'{"a":1}\n' * 10, 1)
    (source / "a.jsonl.gz").write_bytes(data)
    clean(source, tmp_path / "out", [("a.jsonl.gz", "jsonl", 10)], {})
    assert (tmp_path / "out/kept/a.jsonl.gz").read_bytes() == data
    assert verify(tmp_path / "out").ok


def test_a_long_line_spans_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 1 << 10)
    source = tmp_path / "in"
    source.mkdir()
    rows = [b'{"t":"' + b"y" * n + b'"}\n' for n in (10, 9000, 20, 5000, 5)]
    (source / "a.jsonl").write_bytes(b"".join(rows))
    clean(source, tmp_path / "out", [("a.jsonl", "jsonl", 5)], {0: [1]}, [(0, 3, "t", (1, 4999))])
    kept = (tmp_path / "out/kept/a.jsonl").read_bytes()
    assert kept == rows[0] + rows[2] + b'{"t":"y[REDACTED]y"}\n' + rows[4]
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("rows", [2, 4])
def test_another_number_of_rows_than_scanned(tmp_path: Path, rows: int) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_bytes(b"{}\n{}\n{}\n")
    with pytest.raises(InputChangedError):
        clean(source, tmp_path / "out", [("a.jsonl", "jsonl", rows)], {0: [1]})
    assert not (tmp_path / "out").exists()
