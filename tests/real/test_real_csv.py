"""CSV and TSV made by others, against figures counted from the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import RunCli, ScanJson, by_id


def test_sms(real_data: Path, scan_json: ScanJson) -> None:
    report = scan_json(real_data / "labelled/sms.tsv")
    (source,) = report["sources"]
    assert (source["rows"], source["malformed"], source["layout"]) == (5574, 0, "labelled")
    assert source["roles"] == {"label": "0", "text": "1"}
    assert any("quotation marks are text" in note for note in source["notes"])
    assert report["labels"][0]["counts"] == {"ham": 4827, "spam": 747}
    finding = by_id(report)["exact-duplicates"]
    assert finding["rows"] == 403
    assert "281 groups, the largest of 30 rows" in finding["message"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("gpt4", (211, 9, 230)), ("llama2new", (230, 44, 176)), ("llama2orig", (294, 55, 101))],
)
def test_xstest(name: str, counts: tuple[int, int, int], real_data: Path, scan_json: ScanJson) -> None:
    report = scan_json(real_data / f"model_text/xstest_completions_{name}.csv")
    (source,) = report["sources"]
    assert (source["rows"], source["malformed"], source["layout"]) == (450, 0, "prompt-completion")
    assert [one["path"] for one in report["labels"]] == ["final_label"]
    classes = {key.lstrip("0123456789_"): value for key, value in report["labels"][0]["counts"].items()}
    assert (classes["full_refusal"], classes["partial_refusal"], classes["full_compliance"]) == counts


def test_clean_and_verify(real_data: Path, tmp_path: Path, run_cli: RunCli) -> None:
    import datasets

    source = real_data / "labelled/sms.tsv"
    assert run_cli("clean", source, "-o", "out", "--drop", "exact-duplicates").returncode == 0
    assert run_cli("verify", "out").returncode == 0
    kept = tmp_path / "out/kept/sms.tsv"
    assert kept.read_bytes().count(b"\n") == 5574 - 403
    loaded = datasets.load_dataset(
        "csv",
        data_files=str(kept),
        sep="\t",
        quoting=3,
        column_names=["label", "text"],
        cache_dir=str(tmp_path / "cache"),
        split="train",
    )
    assert len(loaded) == 5574 - 403
