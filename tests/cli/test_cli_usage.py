"""What users type: wrong flags, missing files, folders, globs, --columns, --split."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_support import RunCli, ScanJson, by_id, compressed, pairs, tainted, write_lines


def _words(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else ""


WRONG = [
    (["--no-such-flag"], "--no-such-flag"),
    (["--jobs", "x"], "--jobs"),
    (["--jobs", "0"], "--jobs"),
    (["--limit", "0"], "--limit"),
    (["--limit", "-1"], "--limit"),
    (["--batch-rows", "0"], "--batch-rows"),
    (["--limit", "3", "--sample", "5%"], "--sample"),
    (["--sample", "0"], "--sample"),
    (["--sample", "101%"], "--sample"),
    (["--sample", "many"], "--sample"),
    (["--seed", "-1", "--sample", "5%"], "--seed"),
    (["--seed", "99999999999999999999", "--sample", "5%"], "--seed"),
    (["--memory", "much"], "size"),
    (["--memory", "1MB"], "--memory"),
    (["--format", "xml"], "--format"),
    (["--output", "xml=x.xml"], "--output"),
    (["--output", "json"], "--output"),
    (["--output", "rows=x.csv"], "--output"),
    (["--output", "json=nowhere/x.json"], "--output"),
    (["--color", "pink"], "--color"),
    (["--min-severity", "awful"], "--min-severity"),
    (["--select", "no-such-name"], "--select"),
    (["--ignore", "no-such-name"], "--ignore"),
    (["--max-contamination", "lots"], "--max-contamination"),
    (["--max-contamination", "5"], "5%"),
    (["--max-contamination", "-1%"], "--max-contamination"),
    (["--max-rate", "contamination"], "--max-rate"),
    (["--max-rate", "class-imbalance=5%"], "class-imbalance"),
    (["--max-count", "exact-duplicates=few"], "--max-count"),
    (["--fail-on", "everything"], "--fail-on"),
    (["--columns", "response"], "--columns"),
    (["--columns", "reply=output"], "reply"),
    (["--columns", "response=absent"], "absent"),
    (["--columns", "response=messages[0].content"], "messages"),
    (["--rules", "absent.yaml"], "absent.yaml"),
    (["--config", "absent.toml"], "absent.toml"),
    (["--benchmarks", "absent.benchmark"], "absent.benchmark"),
    (["--benchmarks", "/"], "cannot be read"),
    (["--split", "validation"], "validation"),
    (["--ignore", "exact-duplicates", "--select", "exact-duplicates"], "selection"),
]


@pytest.mark.parametrize(("flags", "named"), WRONG, ids=_words)
def test_a_wrong_flag_is_refused_and_named(
    tmp_path: Path, call_cli: RunCli, flags: list[str], named: str
) -> None:
    write_lines(tmp_path / "train.jsonl", pairs(3))
    done = call_cli("scan", "train.jsonl", *flags)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["scan"], "SOURCE"),
        (["scan", "absent.jsonl"], "absent.jsonl: no such file"),
        (["scan", "absent/"], "no such file"),
        (["scan", "empty"], "no data files in empty"),
        (["scan", "*.parquet"], "*.parquet: no file matches"),
        (["scan", "notes.xml"], "notes.xml"),
        (["scan", ""], "no such file"),
        (["clean", "a.jsonl"], "--out"),
        (["clean", "a.jsonl", "-o", "a.jsonl"], "a.jsonl"),
        (["clean", "a.jsonl", "-o", "out", "--drop", "no-such-name"], "--drop"),
        (["clean", "a.jsonl", "-o", "out", "--drop", "class-imbalance"], "class-imbalance"),
        (["clean", "a.jsonl", "-o", "out", "--sample", "5%"], "--sample"),
        (["scan", "a.jsonl", "--drop", "contamination"], "--drop"),
        (["verify"], "DIR"),
        (["rules", "show", "no-such-rule"], "no-such-rule"),
        (["rules", "test", "absent.yaml"], "absent.yaml"),
        (["polish"], "polish"),
        ([], "Usage"),
    ],
    ids=_words,
)
def test_a_wrong_call_is_refused_and_says_what(
    tmp_path: Path, call_cli: RunCli, args: list[str], named: str
) -> None:
    write_lines(tmp_path / "a.jsonl", pairs(3))
    (tmp_path / "notes.xml").write_text("not data\n")
    (tmp_path / "empty").mkdir()
    done = call_cli(*args)
    assert done.returncode == 2, done.stderr
    assert named in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_work_directory_that_cannot_be_made(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", pairs(3))
    done = call_cli("scan", "a.jsonl", "--work-dir", tmp_path / "a.jsonl")
    assert done.returncode == 3
    assert "work directory" in done.stderr
    assert "internal error" not in done.stderr


def test_an_output_that_cannot_be_written(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", pairs(3))
    (tmp_path / "taken").mkdir()
    done = call_cli("scan", "a.jsonl", "--output", "json=taken")
    assert done.returncode == 3
    assert "taken" in done.stderr


def test_a_folder_of_mixed_files(tmp_path: Path, scan_json: ScanJson) -> None:
    data = tmp_path / "data"
    first = write_lines(data / "b" / "train.jsonl", pairs(5))
    compressed(first, data / "a.jsonl.gz")
    write_lines(data / "c.ndjson", tainted(4))
    write_lines(data / ".hidden.jsonl", tainted(4))
    (data / "README.md").write_text("# words\n")
    (data / "config.json").write_text('{\n "a": 1\n}\n')
    (data / "__pycache__").mkdir()
    shutil.copy(first, data / "no_ending")
    report = scan_json("data")
    assert [(one["uri"], one["rows"]) for one in report["sources"]] == [
        ("a.jsonl.gz", 5),
        ("b/train.jsonl", 5),
        ("c.ndjson", 4),
    ]
    notes = [one for one in report["notes"] if one.startswith("passed over")]
    reasons = {one[one.index("(") : one.index(")")] for one in notes}
    assert len(reasons) == len(notes)
    for name in ("README.md", "config.json", "no_ending"):
        assert sum(name in note for note in notes) == 1
    assert report["sources"][1]["split"] == "train"


def test_a_file_named_twice_is_read_once(tmp_path: Path, scan_json: ScanJson) -> None:
    write_lines(tmp_path / "data" / "a.jsonl", pairs(5))
    (tmp_path / "data" / "link.jsonl").symlink_to("a.jsonl")
    report = scan_json("data", "data/a.jsonl", "data/*.jsonl")
    assert report["rows"] == 5
    assert "exact-duplicates" not in by_id(report)


def test_a_glob_is_expanded_by_us_too(tmp_path: Path, scan_json: ScanJson) -> None:
    for name in ("x/1.jsonl", "x/y/2.jsonl", "z/3.jsonl"):
        write_lines(tmp_path / name, pairs(2, start=10 * int(name[-7])))
    assert scan_json("x/**/*.jsonl")["rows"] == 4
    assert scan_json("*/*.jsonl")["rows"] == 4


def test_a_file_whose_name_looks_like_a_glob(tmp_path: Path, scan_json: ScanJson) -> None:
    write_lines(tmp_path / "part[1].jsonl", pairs(2))
    assert scan_json("part[1].jsonl")["rows"] == 2


def test_a_split_is_chosen_by_name(tmp_path: Path, scan_json: ScanJson) -> None:
    write_lines(tmp_path / "data" / "train-0.jsonl", pairs(5))
    write_lines(tmp_path / "data" / "test-0.jsonl", [*pairs(2), *pairs(2, start=90)])
    assert scan_json("data", "--split", "train")["rows"] == 5
    both = scan_json("data")
    assert {one["uri"]: one["split"] for one in both["sources"]} == {
        "test-0.jsonl": "test",
        "train-0.jsonl": "train",
    }
    assert by_id(both)["split-leakage"]["rows"] == 2


def test_columns_override_what_is_detected(tmp_path: Path, scan_json: ScanJson) -> None:
    rows = [{"prompt": "Why?", "response": f"Fine {i}.", "draft": f"[INST] {i} [/INST]"} for i in range(5)]
    write_lines(tmp_path / "a.jsonl", rows)
    plain = scan_json("a.jsonl")
    assert plain["sources"][0]["unread"] == ["draft"]
    assert plain["rates"]["contamination"]["rows"] == 0
    other = scan_json("a.jsonl", "--columns", "response=draft")
    assert other["sources"][0]["roles"] == {"prompt": "prompt", "response": "draft"}
    assert other["rates"]["contamination"]["rows"] == 5
    assert by_id(other)["chat-inst-block"]["examples"][0]["path"] == "draft"


def test_columns_reach_into_nested_fields(tmp_path: Path, scan_json: ScanJson) -> None:
    rows = [{"meta": {"turns": [{"body": "Hello."}, {"body": f"[INST] {i} [/INST]"}]}} for i in range(5)]
    write_lines(tmp_path / "a.jsonl", rows)
    report = scan_json("a.jsonl", "--columns", "text=meta.turns[*].body")
    examples = by_id(report)["chat-inst-block"]["examples"]
    assert {one["path"] for one in examples} == {"meta.turns[1].body"}


def test_columns_name_a_label(tmp_path: Path, scan_json: ScanJson) -> None:
    rows = [{"text": f"A note, number {i}.", "shelf": "left" if i % 4 else "right"} for i in range(40)]
    write_lines(tmp_path / "a.jsonl", rows)
    assert scan_json("a.jsonl")["labels"] == []
    (labels,) = scan_json("a.jsonl", "--columns", "label=shelf")["labels"]
    assert labels["counts"] == {"left": 30, "right": 10}
    assert labels["ratio"] == 3.0


def test_a_column_that_only_some_records_have(tmp_path: Path, scan_json: ScanJson) -> None:
    rows = [{"text": f"A note, number {i}."} for i in range(5)] + [{"text": "x", "extra": "[INST] y [/INST]"}]
    write_lines(tmp_path / "a.jsonl", rows)
    report = scan_json("a.jsonl", "--columns", "text=extra")
    assert by_id(report)["chat-inst-block"]["rows"] == 1
