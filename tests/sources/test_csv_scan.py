"""CSV, TSV and text through the command line."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cli_support import RunCli, ScanJson, by_id, pairs, tainted, what_it_found, write_lines

from dataaudit.engine import run as engine
from dataaudit.report.json_format import to_json

ENDINGS: dict[str, Any] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def write_csv(path: Path, records: list[dict[str, str]], **style: Any) -> Path:
    with path.open("w", newline="", encoding=style.pop("encoding", "utf-8")) as file:
        writer = csv.DictWriter(file, list(records[0]), **style)
        writer.writeheader()
        writer.writerows(records)
    return path


def figures(report: Any) -> Any:
    found = what_it_found(report, lines=False)
    for source in found["sources"]:
        source["unread"] = None
    return found


@pytest.mark.parametrize(
    "style", [{}, {"delimiter": ";"}, {"quoting": csv.QUOTE_ALL}, {"encoding": "utf-16"}]
)
def test_it_finds_what_it_finds_in_lines(style: dict[str, Any], tmp_path: Path, scan_json: ScanJson) -> None:
    records = [*pairs(300), *tainted(20), *pairs(5)]
    expected = scan_json(write_lines(tmp_path / "a.jsonl", records))
    found = scan_json(write_csv(tmp_path / "a.csv", records, **style))
    assert figures(found) == figures(expected)


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_every_codec(ending: str, tmp_path: Path, scan_json: ScanJson) -> None:
    path = write_csv(tmp_path / "a.csv", [*pairs(50), *pairs(5)])
    packed = tmp_path / f"b.csv{ending}"
    packed.write_bytes(ENDINGS[ending](path.read_bytes()))
    report = scan_json(packed)
    assert (report["rows"], by_id(report)["exact-duplicates"]["rows"]) == (55, 5)


def test_cut_short_is_said(tmp_path: Path, scan_json: ScanJson) -> None:
    path = write_csv(tmp_path / "a.csv", pairs(5000))
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:-2000])
    assert "cut short" in scan_json(packed, expect=3)["sources"][0]["error"]


def test_malformed_records_are_named(tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.csv"
    lines = [b"text,label\r\n", *(b"the text number %d,a\r\n" % i for i in range(30))]
    lines[3] = b'"two\nlines",b\r\n'
    lines[5] = b"one field\r\n"
    lines[7] = b'"not closed,a\r\n'
    lines[9] = b"caf\xe9,a\r\n"
    path.write_bytes(b"".join(lines))
    report = scan_json(path)
    finding = by_id(report)["malformed-record"]
    assert (report["rows"], finding["rows"]) == (30, 3)
    places = {(one["row"], one["line"], one["note"].split(" ")[0]) for one in finding["examples"]}
    assert places == {(4, 7, "wrong-field-count"), (6, 9, "unbalanced-quote"), (8, 11, "invalid-utf8")}


def test_no_header_and_named_columns(tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{'yes' if i % 2 else 'no'},word{i}\n" for i in range(9)))
    plain = scan_json(path)["sources"][0]
    assert plain["rows"] == 9 and plain["layout"] == "unknown-columns" and plain["notes"]
    report = scan_json(path, "--columns", "label=0", "--columns", "text=1")
    assert report["sources"][0]["roles"] == {"text": "1", "label": "0"}
    assert report["labels"][0]["counts"] == {"no": 5, "yes": 4}


def test_text_is_a_document_a_line(tmp_path: Path, scan_json: ScanJson) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/README.txt").write_text("What this is about.\n")
    (tmp_path / "data/a.txt").write_bytes(b'\xef\xbb\xbfA "line", \r\n\n  \nAnother\nA "line", \r\nlast')
    report = scan_json(tmp_path / "data")
    (source,) = report["sources"]
    assert (source["rows"], source["layout"], source["roles"]) == (4, "text", {"text": "text"})
    duplicate = by_id(report)["exact-duplicates"]
    assert (duplicate["rows"], duplicate["examples"][0]["line"]) == (1, 5)
    assert any("README.txt" in note for note in report["notes"])
    assert scan_json(tmp_path / "data/README.txt")["rows"] == 1


@pytest.mark.parametrize("content", [b"", b"text,label\n", b"\n\n"])
def test_nothing_in_it_is_never_a_pass(content: bytes, tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert scan_json(path, "--max-contamination", "1%", expect=4)["rows"] == 0


@pytest.mark.parametrize("columns", [(), ("--columns", "prompt=0", "--columns", "response=1")])
def test_cutting_into_ranges_changes_nothing(
    columns: tuple[str, ...], tmp_path: Path, scan_json: ScanJson, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataaudit

    records = [*pairs(3000), *tainted(40), *pairs(10)]
    for i in range(0, 3000, 7):
        records[i]["response"] += "\n\nMore on another line.\n"
    path = write_csv(tmp_path / "a.csv", records)
    with path.open("ab") as file:
        file.write(b'"open to the end,x\n')
    options = {"columns": tuple(columns[1::2]), "batch_rows": 100}
    whole = dataaudit.scan(str(path), jobs=1, **options)
    monkeypatch.setattr(engine, "PARTITION_BYTES", 20_000)
    cut = dataaudit.scan(str(path), jobs=2, **options)
    first, second = (json.loads(to_json(one)) for one in (whole, cut))
    assert second["timing"]["workers"] == 2
    assert what_it_found(first) == what_it_found(second)
    assert (first["malformed"], first["rows"]) == (1, 3051 + bool(columns))


def test_a_sample_takes_the_same_rows(tmp_path: Path, scan_json: ScanJson) -> None:
    records = [*pairs(2000), *tainted(200)]
    one = scan_json(write_csv(tmp_path / "a.csv", records), "--sample", "20%")
    two = scan_json(write_lines(tmp_path / "a.jsonl", records), "--sample", "20%")
    assert one["rates"] == two["rates"]


def test_a_wrong_column_is_a_usage_error(tmp_path: Path, run_cli: RunCli) -> None:
    done = run_cli("scan", write_csv(tmp_path / "a.csv", pairs(3)), "--columns", "text=nowhere")
    assert done.returncode == 2 and "the columns are: prompt, response" in done.stderr


def test_a_stray_quote_is_a_finding_of_its_record(tmp_path: Path, scan_json: ScanJson) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,label\na 5" pipe,x\n"a ""word"" in quotes",y\n"two\nlines",x\nsay "it" twice,y\n')
    found = by_id(scan_json(path))["structure:stray-quote"]
    assert (found["rows"], found["of"], found["severity"]) == (1, 4, "low")
    assert [(one["row"], one["line"]) for one in found["examples"]] == [(0, 2)]


def test_a_lost_quote_that_leaves_well_formed_text_is_found(tmp_path: Path, scan_json: ScanJson) -> None:
    whole = 'a,b,text\n1,2,"c"\n3,4,d\n5,6,"\ni,j,k"\n7,8,"m"\n'
    path = tmp_path / "a.csv"
    path.write_text(whole)
    assert "structure:stray-quote" not in by_id(scan_json(path))
    path.write_text(whole.replace('c"', "c", 1))
    report = scan_json(path)
    assert (
        report["sources"][0]["malformed"] + by_id(report).get("structure:stray-quote", {"rows": 0})["rows"]
        > 0
    )
