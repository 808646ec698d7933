"""What docs/evidence.md and docs/refusals.md promise of the shipped rules, on the published data sets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rules_support import array

from dataaudit.rules.evidence import read_evidence
from dataaudit.rules.load import load_packs, packs_dir
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Rule

RULES = load_packs()
CONFIDENT = [rule for rule in RULES if rule.confidence == "high" and rule.default]
REFUSALS = [rule for rule in RULES if rule.pack == "refusals"]
CORPORA = {
    "brown": "human_text/brown.jsonl",
    "dolly": "human_text/dolly_train.json",
    "lima": "human_text/lima_train.json",
    "gsm8k-train": "human_text/gsm8k_train.jsonl",
    "gsm8k-test": "human_text/gsm8k_test.jsonl",
    "sms": "labelled/sms.tsv",
}
MOST = 5e-4
"""Share of the documents of people that rules of high confidence may hit, in each corpus but LIMA and in all."""
FEW = 2
LEAST = 0.20
"""Share of the outputs of models that they must hit."""


def documents(path: Path) -> list[list[str]]:
    """The strings of each record."""
    if path.suffix == ".tsv":
        return [[line.partition("\t")[2]] for line in path.read_text("utf-8").splitlines()]
    raw = path.read_text("utf-8")
    rows = json.loads(raw) if path.suffix == ".json" else [json.loads(line) for line in raw.splitlines()]
    return [list(strings(row)) for row in rows]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def hit(rules: list[Rule], texts: list[str]) -> set[int]:
    return {at for found in Matcher(rules).scan(array(*texts), "response") for at in found.strings.tolist()}


def test_rules_of_high_confidence_hit_people_hardly_ever(real_data: Path) -> None:
    total = seen = 0
    for name, file in CORPORA.items():
        rows = documents(real_data / file)
        of = [i for i, row in enumerate(rows) for _ in row]
        rows_hit = {of[at] for at in hit(CONFIDENT, [text for row in rows for text in row])}
        if name != "lima":
            assert len(rows_hit) <= max(FEW, MOST * len(rows)), (name, sorted(rows_hit))
        total, seen = total + len(rows), seen + len(rows_hit)
    assert seen <= MOST * total


def test_rules_of_high_confidence_hit_a_fifth_of_model_outputs(real_data: Path) -> None:
    path = real_data / "model_text/alpaca_eval_17_models.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    outputs = [row["output"] for row in rows if row["generator"] != "NullModel"]
    assert len(outputs) == 12_880
    found = len(hit(CONFIDENT, outputs))
    assert found >= LEAST * len(outputs)
    shipped = read_evidence(packs_dir())
    assert found == sum(one.confident for one in shipped.groups if one.label == "model")


@pytest.mark.parametrize("name", ["gpt4", "llama2new"])
def test_refusals_are_found(real_data: Path, name: str) -> None:
    with (real_data / f"model_text/xstest_completions_{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    refused = {
        i for i, row in enumerate(rows) if row["final_label"] in ("2_full_refusal", "3_partial_refusal")
    }
    found = hit(REFUSALS, [row["completion"] for row in rows])
    right = len(found & refused)
    assert 2 * right / (len(found) + len(refused)) >= 0.92


def test_refusals_are_no_words_of_people(real_data: Path) -> None:
    files = [file for name, file in CORPORA.items() if name != "lima"]
    texts = [text for file in files for row in documents(real_data / file) for text in row]
    assert len(hit(REFUSALS, texts)) <= 2 * len(texts) / 10_000
