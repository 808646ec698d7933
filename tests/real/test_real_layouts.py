"""What the tool reads of real data, row by row and role by role, against figures counted from the files."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest
from cli_support import ScanJson
from real_support import records, scanned

from dataaudit.api.inputs import open_input
from dataaudit.config import Config
from dataaudit.engine.rows import texts_of
from dataaudit.records.types import Batch
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.readers import reader_for

Texts = dict[str, list[tuple[str, str]]]


def _read(path: Path, *columns: str) -> list[Texts]:
    """Per row the strings a scan searches: role → (path, text)."""
    config = Config(columns=columns)
    options = ReadOptions(overrides=config.overrides)
    rows: list[Texts] = []
    with Workspace(None) as work, open_input(str(path), config, work) as found:
        for file in found.files:
            reader = reader_for(file.format)
            for partition in reader.plan(file, 1 << 62):
                for item in reader.read(partition, options):
                    if isinstance(item, Batch):
                        rows += [texts_of(item, i) for i in range(len(item))]
    return rows


@pytest.mark.parametrize("name", ["full", "imbalanced"])
@pytest.mark.parametrize(("split", "rows", "each"), [("validation", 3_000, 20), ("test", 4_500, 30)])
def test_clinc_has_150_classes_of_one_size_in_what_is_held_out(
    real_data: Path, scan_json: ScanJson, name: str, split: str, rows: int, each: int
) -> None:
    path = real_data / f"labelled/clinc_data_{name}.json"
    report = scan_json(path, "--columns", "text=0", "--columns", "label=1", "--split", split)
    assert report["rows"] == rows
    (labels,) = report["labels"]
    assert labels["classes"] == 150
    assert set(labels["counts"].values()) == {each}


def test_the_imbalanced_classes_are_of_100_down_to_25(real_data: Path) -> None:
    path = real_data / "labelled/clinc_data_imbalanced.json"
    report = scanned(path, columns=("text=0", "label=1"), split="train")
    expected = Counter(label for _, label in json.loads(path.read_bytes())["train"])
    (labels,) = report["labels"]
    # The report lists the largest classes; the smallest is seen in the ratio.
    assert labels["counts"].items() <= expected.items()
    assert (labels["rows"], labels["classes"], labels["ratio"]) == (10_525, 150, 4.0)
    assert (len(expected), sum(expected.values())) == (150, 10_525)
    assert (max(expected.values()), min(expected.values())) == (100, 25)


SPOKEN = re.compile(r"\n\n(Human|Assistant):")


def test_every_turn_of_a_preference_string_is_read_under_its_role(real_data: Path) -> None:
    path = real_data / "preference/hh_harmless_base_test.jsonl.gz"
    read, expected = _read(path), Counter[str]()
    assert len(read) == 2_312
    for record, texts in zip(records(path), read, strict=True):
        for column in ("chosen", "rejected"):
            _, *parts = SPOKEN.split(record[column])
            for name, role in (("Human", "prompt"), ("Assistant", "response")):
                said = [text for who, text in zip(parts[::2], parts[1::2], strict=True) if who == name]
                mine = [text for at, text in texts.get(role, ()) if at == column]
                assert [text.strip() for text in mine] == [text.strip() for text in said]
                expected[role] += len(said)
    assert Counter(role for texts in read for role, held in texts.items() for _ in held) == expected


def test_the_chosen_string_is_the_longer_one_in_1025_rows(real_data: Path) -> None:
    path = real_data / "preference/hh_harmless_base_test.jsonl.gz"
    read = _read(path, "text=chosen", "response=rejected")
    pairs = [(texts["text"], texts["response"]) for texts in read]
    assert all(len(chosen) == len(rejected) == 1 for chosen, rejected in pairs)
    assert sum(len(chosen[0][1]) > len(rejected[0][1]) for chosen, rejected in pairs) == 1_025


def test_ten_generations_of_each_of_100_prompts(real_data: Path) -> None:
    read = _read(real_data / "generations/novelty_bench_gemini_1.5_pro.jsonl")
    assert [len(texts["response"]) for texts in read] == [10] * 100
    assert all(
        [at for at, _ in texts["response"]] == [f"generations[{i}]" for i in range(10)] for texts in read
    )
    distinct = [len({text for _, text in texts["response"]}) for texts in read]
    assert round(fmean(distinct), 2) == 6.41
    assert distinct.count(1) == 17


@pytest.mark.parametrize(
    ("pattern", "questions"),
    [("mmlu_test-*.jsonl.gz", 14_042), ("mmlu_validation-1.jsonl.gz", 1_531), ("mmlu_dev-1.jsonl.gz", 285)],
)
def test_each_question_of_mmlu_is_four_rows_with_one_right_answer(
    real_data: Path, pattern: str, questions: int
) -> None:
    files = sorted((real_data / "benchmarks").glob(pattern))
    read = [texts for path in files for texts in _read(path)]
    assert len(read) == 4 * questions
    assert all(set(texts) == {"prompt", "response"} for texts in read)
    right = [one["is_correct"] for path in files for one in records(path)]
    for i in range(0, len(read), 4):
        assert len({texts["prompt"][0] for texts in read[i : i + 4]}) == 1
        assert sum(right[i : i + 4]) == 1


def test_gold_labels_of_pairs_of_answers(real_data: Path) -> None:
    path = real_data / "preference/llmbar_natural.json"
    report = scanned(path)
    gold = json.loads(path.read_bytes())
    (labels,) = report["labels"]
    assert labels["path"] == "label"
    assert labels["counts"] == Counter(str(one["label"]) for one in gold)
    read = _read(path)
    assert len(read) == len(gold) == 100
    for texts, one in zip(read, gold, strict=True):
        assert texts["prompt"] == [("input", one["input"])]
        assert dict(texts["response"]) == {name: one[name] for name in ("output_1", "output_2")}
