"""Six hundred rules, those that ship and generated ones: the fast path says what the reference path says."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated_rules import generated_rules
from rules_support import array, plain, scanned

from dataaudit.rules import database
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher

needs_hyperscan = pytest.mark.skipif(database.available() is not None, reason=str(database.available()))

COUNT = 600
ROLES = ("text", "prompt")


def texts_of(folder: Path) -> Iterator[str]:
    """The texts of models and of people, in English and in mathematics, short and long."""
    for line in (folder / "model_text/alpaca_eval_17_models.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["output"]
    for line in (folder / "human_text/gsm8k_test.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["answer"]
    for line in (folder / "human_text/brown.jsonl").read_text("utf-8").splitlines():
        yield from (one for one in json.loads(line).values() if isinstance(one, str))
    for name in ("lima_train.json", "dolly_train.json"):
        for record in json.loads((folder / "human_text" / name).read_text("utf-8")):
            yield from (one for one in record.values() if isinstance(one, str) and one)
    with (folder / "model_text/xstest_completions_gpt4.csv").open(encoding="utf-8", newline="") as file:
        yield from (row["completion"] for row in csv.DictReader(file))


def agree(texts: list[str]) -> None:
    shipped = list(load_packs(()))
    rules = [*shipped, *generated_rules(texts, COUNT - len(shipped))]
    assert len({rule.id for rule in rules}) == COUNT
    fast, reference = Matcher(rules), Matcher(rules, reference=True, timeout=60)
    assert fast.reference_reason is None
    values = array(*texts)
    hit: set[str] = set()
    for role in ROLES:
        found, expected = scanned(fast, values, role), plain(reference.scan(values, role))
        assert [one[0] for one in found] == [one[0] for one in expected]
        assert found == expected
        hit.update(one[0] for one in found)
    assert not fast.timed_out
    assert not reference.timed_out
    # Not vacuous: most generated rules hit the text that they were made from, and few need every string.
    made = COUNT - len(shipped)
    assert sum(name.startswith("made-") for name in hit) > made / 2
    assert len(hit) - sum(name.startswith("made-") for name in hit) > 10
    assert len(fast.per_row) < COUNT / 5


@needs_hyperscan
def test_six_hundred_rules_agree_on_real_text(real_data: Path) -> None:
    every = list(texts_of(real_data))
    agree([text[:6_000] for text in every[:: len(every) // 80]])


@pytest.mark.slow
@needs_hyperscan
def test_six_hundred_rules_agree_on_more_real_text(real_data: Path) -> None:
    every = list(texts_of(real_data))
    agree(every[7 :: len(every) // 1_500])
