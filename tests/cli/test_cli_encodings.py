"""Text in other encodings: named by a flag or by a byte-order mark, stated, and given back byte for byte."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from cli_support import RunCli, ScanJson, parsed

import dataaudit

WORDS = {
    "cp1252": "café “naïve” €5",
    "latin-1": "café naïve",
    "koi8-r": "привет мир",
    "gb18030": "你好，世界 é",
    "cp932": "こんにちは世界",
    "euc-kr": "안녕하세요",
    "utf-16-le": "café 😀",
}
MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def texts(word: str) -> list[str]:
    return [f"[INST] {word} [/INST] {word}" if i == 3 else f"{word} number {i}" for i in range(30)]


def check(source: Path, data: bytes, out: Path, **options: object) -> None:
    """Cleaned and proved: the row that goes and the rows that stay are those of the input, byte for byte."""
    dataaudit.clean(source, out, drop=("contamination",), jobs=1, **options)
    assert dataaudit.verify(out, require_input=True).problems == ()
    kept, removed = ((out / name / source.name).read_bytes() for name in ("kept", "quarantine"))
    assert 0 < len(kept) < len(data)
    assert all(one in data for one in kept.split(b"\n")[2:6])
    assert len(removed) > 10


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt"])
@pytest.mark.parametrize("encoding", WORDS)
def test_a_named_encoding(encoding: str, ending: str, tmp_path: Path, scan_json: ScanJson):
    head = {"csv": "text\n", "tsv": "id\ttext\n", "txt": ""}[ending]
    lines = [f"{i}\t{one}" if ending == "tsv" else one for i, one in enumerate(texts(WORDS[encoding]))]
    data = (head + "\n".join(lines) + "\n").encode(encoding)
    source = tmp_path / f"a.{ending}"
    source.write_bytes(data)
    report = scan_json(source, "--encoding", encoding, "--hide-text")
    (one,) = report["sources"]
    assert (one["rows"], one["malformed"]) == (30, 0)
    assert any("read through UTF-8" in note for note in one["notes"])
    assert report["rates"]["contamination"]["rows"] == 1
    check(source, data, tmp_path / "out", encoding=encoding)


@pytest.mark.parametrize("ending", ["csv", "txt"])
@pytest.mark.parametrize("encoding", MARKS)
def test_a_byte_order_mark_wins(encoding: str, ending: str, tmp_path: Path, scan_json: ScanJson):
    data = MARKS[encoding] + ("text\n" + "\n".join(texts("café 😀"))).encode(encoding)
    source = tmp_path / f"a.{ending}"
    source.write_bytes(data)
    report = scan_json(source, "--encoding", "cp1252")
    (one,) = report["sources"]
    assert (one["rows"], one["malformed"]) == (30 + (ending == "txt"), 0)
    assert any("read through UTF-8" in note for note in one["notes"]) == (encoding != "utf-8")
    check(source, data, tmp_path / "out")


def test_bytes_that_are_no_character_cost_their_row(tmp_path: Path, scan_json: ScanJson):
    (tmp_path / "a.csv").write_bytes(b"text\n" + b"good caf\xe9\n" * 5 + b"bad \x81\n" + b"more caf\xe9\n")
    (one,) = scan_json(tmp_path / "a.csv", "--encoding", "cp1252")["sources"]
    assert (one["rows"], one["malformed"]) == (7, 1)
    dataaudit.clean(tmp_path / "a.csv", tmp_path / "out", encoding="cp1252", jobs=1)
    assert b"bad \x81\n" in (tmp_path / "out/quarantine/a.csv").read_bytes()
    assert dataaudit.verify(tmp_path / "out", require_input=True).problems == ()


def test_nothing_is_guessed(tmp_path: Path, run_cli: RunCli):
    (tmp_path / "a.csv").write_bytes(b"text\n" + b"caf\xe9 is here\n" * 5)
    report = parsed(run_cli("scan", tmp_path / "a.csv", "--format", "json").stdout)
    assert report["malformed"] == 5


@pytest.mark.parametrize("name", ["utf-7", "rot13", "idna", "base64", "nonsense", "utf-16", ""])
def test_what_cannot_be_given_back_is_refused(name: str, tmp_path: Path, run_cli: RunCli):
    (tmp_path / "a.csv").write_bytes(b"text\nhello\n")
    done = run_cli("scan", tmp_path / "a.csv", "--encoding", name)
    assert done.returncode == 2
    assert "--encoding" in done.stderr


def test_other_formats_have_an_encoding_of_their_own(tmp_path: Path, run_cli: RunCli):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n')
    done = run_cli("scan", tmp_path / "a.jsonl", "--encoding", "cp1252")
    assert done.returncode == 2
    (tmp_path / "b.jsonl").write_bytes('\ufeff{"text": "a"}\n'.encode("utf-16-le"))
    done = run_cli("scan", tmp_path / "b.jsonl")
    assert done.returncode == 3
    assert "convert it to UTF-8" in " ".join((done.stdout + done.stderr).split())
