"""`synthetic-share` on real data: models' outputs are named, people's text is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from real_support import ALPACA, records, scanned

NAME = "synthetic-share"
PEOPLE = (
    "human_text/brown.jsonl",
    "human_text/dolly_train.json",
    "human_text/lima_train.json",
    "human_text/gsm8k_train.jsonl",
    "human_text/gsm8k_test.jsonl",
    "labelled/sms.tsv",
    "labelled/clinc_data_full.json",
    "preference/hh_harmless_base_test.jsonl.gz",
    "benchmarks/mmlu_validation-1.jsonl.gz",
)
"""Text of people, and a model of 2022 that leaves no marks."""
NO_MODEL = "NullModel"
WITHOUT_MARKS = {"alpaca-7b", "text_davinci_003"}


def found(report: dict[str, Any], name: str = NAME) -> dict[str, Any] | None:
    return next((one for one in report["findings"] if one["id"] == name), None)


def test_fourteen_of_sixteen_models_are_named(real_data: Path, tmp_path: Path) -> None:
    outputs: dict[str, list[dict[str, Any]]] = {}
    for record in records(real_data / ALPACA):
        outputs.setdefault(record["generator"], []).append(record)
    flagged, makers = set(), {}
    for model, rows in outputs.items():
        if model == NO_MODEL:
            continue
        path = tmp_path / f"{model}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = scanned(path, select=[NAME])
        if found(report) is not None:
            flagged.add(model)
        named = found(report, f"{NAME}:family")
        makers[model] = {} if named is None else named["details"]["makers"]
    assert flagged == set(outputs) - WITHOUT_MARKS - {NO_MODEL}
    # Most that name a maker name their own; models trained on another's answers name that one.
    assert max(makers["claude"], key=makers["claude"].get) == "Anthropic"
    assert max(makers["claude-2.1"], key=makers["claude-2.1"].get) == "Anthropic"


@pytest.mark.parametrize("name", PEOPLE)
def test_no_text_of_people_is_named(name: str, real_data: Path) -> None:
    report = scanned(real_data / name, select=[NAME])
    assert found(report) is None
    rate = report["rates"][NAME]
    assert rate["of"] > 100
    assert rate["rate"] < 0.015


@pytest.mark.parametrize(
    "name", ["model_text/alpaca_eval_gpt4.json", "model_text/xstest_completions_llama2new.csv"]
)
def test_outputs_it_was_not_fitted_on_are_named(name: str, real_data: Path) -> None:
    finding = found(
        scanned(real_data / name, select=[NAME], columns=["response=completion"] if ".csv" in name else [])
    )
    assert finding is not None
    assert finding["value"] > finding["limit"]
    assert finding["details"]["estimate"]["low"] > 0.2
