"""Text in other encodings: named by a flag or by a byte-order mark, stated, and given back byte for byte."""

from __future__ import annotations

import codecs
import gzip
import json
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


def json_text(form: str, word: str) -> str:
    """Thirty records, one of them to go, one malformed: lines, an array, or an object of splits."""
    records = [json.dumps({"text": one}, ensure_ascii=i % 2 == 0) for i, one in enumerate(texts(word))]
    records[9] = '{"text": NaN}'
    if form == "lines":
        return "\n".join([records[0], "", *records[1:]]) + "\n"
    if form == "array":
        return "[\n" + ",\n".join(records) + "\n]\n"
    if form == "splits":
        return f'{{"train": [{", ".join(records[:20])}],\n "test": [{", ".join(records[20:])}]}}'
    return "\n".join(one.replace("{", "{\n", 1) for one in records if "NaN" not in one)


@pytest.mark.parametrize(
    ("encoding", "form", "marked", "packed"),
    [
        ("utf-16-le", "lines", True, False),
        ("utf-16-be", "lines", False, True),
        ("utf-32-le", "lines", False, False),
        ("utf-32-be", "array", True, False),
        ("utf-16-le", "array", False, True),
        ("utf-16-le", "splits", True, False),
        ("utf-32-le", "values", False, False),
    ],
)
def test_json_says_by_its_bytes_what_it_is_written_in(
    encoding: str, form: str, marked: bool, packed: bool, tmp_path: Path
):
    text = json_text(form, "café 😀")
    data = (MARKS[encoding] if marked else b"") + text.encode(encoding)
    name = "a.jsonl" if form == "lines" else "a.json"
    other, source = tmp_path / "utf-8" / name, tmp_path / "data" / f"{name}{'.gz' if packed else ''}"
    for path in (other, source):
        path.parent.mkdir()
    other.write_bytes(text.encode())
    source.write_bytes(gzip.compress(data) if packed else data)
    want, found = dataaudit.scan(other, jobs=1), dataaudit.scan(source, jobs=1)
    assert (found.rows, found.malformed, found.rates) == (want.rows, want.malformed, want.rates)
    assert [(one.id, one.rows) for one in found.findings] == [(one.id, one.rows) for one in want.findings]
    assert all(f"the text is {encoding.upper()}, read through UTF-8" in one.notes for one in found.sources)
    out = tmp_path / "out"
    _, manifest = dataaudit.clean(source, out, drop=("contamination",), jobs=1)
    assert manifest.totals.quarantined == 1 + want.malformed
    assert dataaudit.verify(out, require_input=True).problems == ()
    kept, removed = ((out / place / source.name).read_bytes() for place in ("kept", "quarantine"))
    if packed:
        kept, removed = gzip.decompress(kept), gzip.decompress(removed)
    if marked:
        assert kept.startswith(MARKS[encoding]) and removed.startswith(MARKS[encoding])
    assert "[INST]" not in kept.decode(encoding) and "[INST]" in removed.decode(encoding)
    again = dataaudit.scan(out / "kept" / source.name, jobs=1)
    assert (again.rows, again.malformed) == (want.rows - 1 - want.malformed, 0)


@pytest.mark.parametrize("form", ["lines", "array"])
def test_json_in_another_encoding_is_redacted_and_verified(form: str, tmp_path: Path):
    data = ("\ufeff" + json_text(form, "café 😀")).encode("utf-16-le")
    name = "a.jsonl" if form == "lines" else "a.json"
    (tmp_path / name).write_bytes(data)
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "pack: p\nversion: 1\nlicence: Apache-2.0\ndescription: d\nrules:\n  - {id: house-number, version: 1, name: n,"
        " message: m, why: w, category: quality, severity: low, confidence: low, action: redact, roles: [text],"
        " patterns: ['number 2'], hits: [number 2, number 22], misses: [a, b, c, d]}\n"
    )
    _, manifest = dataaudit.clean(
        tmp_path / name, tmp_path / "out", rules=(str(rules),), select=("house-number",), jobs=1
    )
    assert manifest.totals.redacted > 5
    assert dataaudit.verify(tmp_path / "out", require_input=True).problems == ()
    kept = (tmp_path / "out" / "kept" / name).read_bytes().decode("utf-16")
    assert "[REDACTED]" in kept and "number 2" not in kept


@pytest.mark.parametrize("cut", [1, 3])
def test_json_that_breaks_off_within_a_character_is_read_up_to_there(
    cut: int, tmp_path: Path, run_cli: RunCli
):
    data = ('\ufeff{"text": "a"}\n' * 3).encode("utf-32-le")
    (tmp_path / "a.jsonl").write_bytes(data[:-cut])
    done = run_cli("scan", tmp_path / "a.jsonl", "--format", "json")
    assert done.returncode == 3
    assert "cut short" in parsed(done.stdout)["sources"][0]["error"]


def test_json_on_standard_input(tmp_path: Path, run_cli: RunCli):
    data = '{"text": "a"}\n{"text": "b"}\n'.encode("utf-16")
    report = parsed(run_cli("scan", "-", "--format", "json", input=data).stdout)
    assert (report["rows"], report["malformed"], report["sources"][0]["format"]) == (2, 0, "jsonl")
