"""Benchmark leakage on real data: what the shipped indexes find, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import by_id
from real_support import records, scanned

from dataaudit.api.benchmarks import Described, build, show
from dataaudit.benchmarks.shipped import shipped
from dataaudit.checks.leakage import REPHRASED

ONLY = {"select": ("leakage",)}


def found_items(report: dict, label: str) -> int:
    """Items of a benchmark found."""
    finding = by_id(report).get(f"leakage:{label}")
    return 0 if finding is None else finding["details"]["benchmarks"][label]["items"]


def test_every_leaked_question_of_gsm8k_is_found(real_data: Path) -> None:
    report = scanned(real_data / "leaks" / "wizardmath_gsm8k_test.jsonl", **ONLY)
    finding = by_id(report)["leakage:gsm8k-test"]
    assert (finding["rows"], finding["of"]) == (1_319, 1_319)
    assert finding["details"]["benchmarks"]["gsm8k-test"] == {
        "items": 1_319,
        "of": 1_319,
        "with_answer": 1_319,
    }
    assert set(by_id(report)) == {"leakage", "leakage:gsm8k-test"}


@pytest.mark.parametrize(
    ("name", "rows"),
    [("gsm8k_train.jsonl", []), ("brown.jsonl", []), ("dolly_train.json", []), ("lima_train.json", [808])],
)
def test_text_of_people_holds_no_item_but_the_one_that_is_quoted(
    real_data: Path, name: str, rows: list[int]
) -> None:
    findings = scanned(real_data / "human_text" / name, **ONLY)["findings"]
    assert [
        one["row"] for finding in findings if finding["id"] == "leakage" for one in finding["examples"]
    ] == rows
    assert sum(finding["rows"] for finding in findings if finding["id"] == "leakage") == len(rows)


def test_what_the_report_says_of_rephrased_items_is_so(real_data: Path) -> None:
    found = texts = 0
    for name, label in (
        ("rephrase_gsm8k", "gsm8k-test"),
        ("humaneval_python", "humaneval"),
        ("humaneval_js", "humaneval"),
    ):
        path = real_data / "leaks" / f"{name}.jsonl"
        texts += sum(bool(one["text"].strip()) for one in records(path))
        found += found_items(scanned(path, **ONLY), label)
    assert (found, texts) == REPHRASED


COLUMNS = {
    "gsm8k-test": ("question=question", "answer=answer", "id=eval_instance_index"),
    "humaneval": ("question=prompt", "answer=canonical_solution", "id=task_id"),
    "mmlu-test": ("question=question", "answer=answer", "correct=is_correct", "id=eval_instance_index"),
}


@pytest.mark.parametrize(
    "label", ["gsm8k-test", "humaneval", pytest.param("mmlu-test", marks=pytest.mark.slow)]
)  # fmt: skip
def test_the_shipped_indexes_are_built_again_to_the_byte(real_data: Path, tmp_path: Path, label: str) -> None:
    (path,) = (path for path in shipped() if show(path).label == label)
    manifest = show(path)
    folder, pattern = real_data / "benchmarks", f"{label.replace('-', '_')}*"
    train = sorted(map(str, folder.glob(f"{manifest.name}_train*"))) if manifest.known_train else ()
    about = Described(manifest.name, manifest.split, manifest.licence, manifest.source)
    files = sorted(map(str, folder.glob(pattern)))
    build(files, str(tmp_path / "again"), about, COLUMNS[label], train)
    assert (tmp_path / "again").read_bytes() == Path(path).read_bytes()
