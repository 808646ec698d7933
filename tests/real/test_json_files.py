"""Real JSON documents: public test cases of the format, and data sets that others made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import ScanJson

from dataaudit import clean, scan
from dataaudit.export.verify import verify

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from make_format_tables import Outcome, outcomes  # noqa: E402


def _cases(real_data: Path, scratch: Path) -> list[tuple[str, Outcome, Outcome | None, bytes]]:
    suite = real_data / "formats/JSONTestSuite"
    return [(n, d, line, (suite / f"{n}.json").read_bytes()) for n, d, line in outcomes(suite, scratch)]


def test_every_case_of_the_json_test_suite(real_data: Path, tmp_path: Path) -> None:
    cases = _cases(real_data, tmp_path)
    assert len(cases) == 318
    for name, document, line, data in cases:
        forms = [one for one in (document, line) if one is not None]
        if name.startswith("n_"):
            assert all(one.records == 0 for one in forms), name
            if data.removeprefix(b"\xef\xbb\xbf").strip():
                assert all(one.reasons or one.error for one in forms), name
        elif name.startswith("y_"):
            value = json.loads(data)
            assert document.error is None, name
            if isinstance(value, dict):
                assert all((one.records, one.reasons) == (1, ()) for one in forms), name
            elif isinstance(value, list):
                objects = sum(isinstance(one, dict) for one in value)
                assert document.records == objects, name
                assert document.reasons == ("not-an-object",) * (len(value) - objects), name
            else:
                assert document.reasons == ("not-an-object",), name
            if line is not None and not isinstance(value, dict):
                assert (line.records, line.reasons, line.error) == (0, ("not-an-object",), None), name


def test_the_table_of_formats_is_what_the_command_writes(real_data: Path) -> None:
    script = ROOT / "docs/make_format_tables.py"
    done = subprocess.run([sys.executable, script, real_data / "formats", "--check"], check=False)
    assert done.returncode == 0, "docs/formats.md is old: run docs/make_format_tables.py"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("model_text/alpaca_eval_gpt4.json", 805),
        ("human_text/dolly_train.json", 2000),
        ("human_text/lima_train.json", 1029),
        ("preference/llmbar_natural.json", 100),
    ],
)
def test_arrays_of_records(real_data: Path, tmp_path: Path, name: str, rows: int) -> None:
    path = real_data / name
    report = scan(path)
    assert (report.rows, report.malformed, report.status) == (rows, 0, "no-gate")
    lines = tmp_path / "lines.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in json.loads(path.read_bytes())))
    same = scan(lines)
    assert [(f.id, f.rows, f.of) for f in report.findings] == [(f.id, f.rows, f.of) for f in same.findings]
    assert report.rates == same.rates
    assert report.sources[0].roles == same.sources[0].roles


CLINC = ("--columns", "text=0", "--columns", "label=1")


def test_an_object_of_splits(real_data: Path, scan_json: ScanJson) -> None:
    path = real_data / "labelled/clinc_data_full.json"
    report = scan_json(path, *CLINC)
    rows = {one["uri"].partition("#")[2]: (one["rows"], one["split"]) for one in report["sources"]}
    assert rows == {
        "train": (15000, "train"),
        "val": (3000, "validation"),
        "test": (4500, "test"),
        "oos_train": (100, "oos_train"),
        "oos_val": (100, "oos_val"),
        "oos_test": (1000, "oos_test"),
    }
    (labels,) = report["labels"]
    assert labels["classes"] == 151


@pytest.mark.parametrize(
    ("name", "rows", "largest", "smallest"), [("full", 15000, 100, 100), ("imbalanced", 10525, 100, 25)]
)
def test_classes_of_a_split(
    real_data: Path, scan_json: ScanJson, name: str, rows: int, largest: int, smallest: int
) -> None:
    report = scan_json(real_data / f"labelled/clinc_data_{name}.json", *CLINC, "--split", "train")
    assert report["rows"] == rows
    (labels,) = report["labels"]
    assert labels["classes"] == 150
    assert labels["ratio"] == largest / smallest
    assert max(labels["counts"].values()) == largest


def test_texts_of_the_test_split_that_are_in_train(
    real_data: Path, tmp_path: Path, scan_json: ScanJson
) -> None:
    value = json.loads((real_data / "labelled/clinc_data_full.json").read_bytes())
    two = tmp_path / "two.json"
    two.write_text(json.dumps({"train": value["train"], "test": value["test"]}))
    report = scan_json(two, *CLINC)
    found = {one["id"]: one["rows"] for one in report["findings"]}
    assert found["split-leakage:text"] == 2
    assert "split-leakage" not in found or found["split-leakage"] <= 2


def test_a_cleaned_object_of_splits(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "labelled/clinc_data_full.json"
    _, manifest = clean(path, tmp_path / "out", drop=["split-leakage:text"], columns=("text=0", "label=1"))
    gone = manifest.totals.quarantined
    assert (manifest.totals.rows, manifest.totals.kept) == (23700, 23700 - gone)
    kept = json.loads((tmp_path / "out/kept/clinc_data_full.json").read_bytes())
    assert sum(map(len, kept.values())) == 23700 - gone
    texts = {row[0] for row in kept["train"]}
    assert not any(row[0] in texts for row in kept["test"])
    assert verify(tmp_path / "out").problems == ()


def test_many_partitions_give_the_same_report(real_data: Path, scan_json: ScanJson, tmp_path: Path) -> None:
    rows = json.loads((real_data / "human_text/lima_train.json").read_bytes())
    big = tmp_path / "big.json"
    big.write_text(json.dumps(rows * 14, indent=1))
    one, two = (scan_json(big, "--jobs", jobs) for jobs in (1, 2))
    for report in (one, two):
        report.pop("timing", None)
        report.pop("options", None)
    assert one == two
