"""Rule hits: rows, matches, rates, the roles they were evaluated on, examples that do not depend on order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from check_support import scan, write

import dataaudit
from dataaudit.checks.excerpts import CONTEXT, LONGEST, excerpt, opening

RULE = """
  - id: {id}
    version: 1
    name: {id}
    message: {message}
    why: It is a test.
    category: {category}
    severity: {severity}
    confidence: {confidence}
    roles: [{roles}]
    patterns: ['{pattern}']
    action: flag
    tags: [{tags}]
    hits: ['{hit}', 'xx {hit} xx']
    misses: ['nothing', 'none']
"""


def rule(id: str, pattern: str, hit: str, **more: str) -> str:
    fields = {
        "category": "quality", "severity": "low", "confidence": "high", "roles": "any", "tags": "mine",
        "message": "It is there.",
    }  # fmt: skip
    return RULE.format(id=id, pattern=pattern, hit=hit, **{**fields, **more})


PACK = "pack: mine\nversion: 1\nlicence: Apache-2.0\nrules:" + "".join(
    [
        rule("m-any", "APPLE", "APPLE"),
        rule("m-response", "PEAR", "PEAR", roles="response", category="fruit"),
        rule("m-text", "PLUM", "PLUM", roles="text, prompt", category="fruit"),
        rule("m-label", "spam", "spam", roles="label", category="marks"),
        rule("m-marker", "MARK", "MARK", category="chat-marker", severity="medium", roles="response"),
        rule("m-output", "MODEL", "MODEL", category="model-output", severity="high", roles="prompt"),
        rule("m-weak", "WEAK", "WEAK", category="model-output", severity="high", confidence="medium"),
        rule("m-small", "SMALL", "SMALL", category="chat-marker", severity="low"),
        rule("m-named", "n=(?<n>[0-9]+)", "n=7", message='"The number is {n}."'),
    ]
)
IDS = ("m-any", "m-response", "m-text", "m-label", "m-marker", "m-output", "m-weak", "m-small", "m-named")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pack") / "mine.yaml"
    path.write_text(PACK, encoding="utf-8")
    return str(path)


def hits(tmp_path: Path, pack: str, files: dict[str, list[Any]], **options: Any):
    return scan(tmp_path, files, **{"rules": (pack,), "select": IDS, **options})


def pairs(*said: tuple[str | None, str | None]) -> list[dict[str, Any]]:
    return [{"prompt": prompt, "response": response} for prompt, response in said]


def test_rows_matches_and_roles(tmp_path: Path, pack: str):
    records = pairs(("APPLE APPLE", "APPLE"), ("x", "APPLE"), ("x", "x"), ("APPLE", None))
    finding = hits(tmp_path, pack, {"a.jsonl": records}).finding("m-any")
    assert (finding.rows, finding.of, finding.matches) == (3, 4, 5)
    assert finding.by_role == {"prompt": 2, "response": 2}
    assert (finding.severity, finding.confidence, finding.category, finding.check) == (
        "low",
        "high",
        "quality",
        "rules",
    )
    assert finding.tags == ("mine",)


def test_rows_by_file_and_split(tmp_path: Path, pack: str):
    files = {
        "train.jsonl": pairs(("APPLE", "x"), ("x", "x")),
        "test.jsonl": pairs(("APPLE", "x"), ("APPLE", "x")),
        "plain.jsonl": pairs(("APPLE", "x")),
        "none.jsonl": pairs(("x", "x")),
    }
    finding = hits(tmp_path, pack, files).finding("m-any")
    assert finding.by_source == {"plain.jsonl": 1, "test.jsonl": 2, "train.jsonl": 1}
    assert finding.by_split == {"test": 2, "train": 1}
    assert (finding.rows, finding.of) == (4, 6)


def test_of_counts_rows_with_a_string_in_a_role_the_rule_reads(tmp_path: Path, pack: str):
    records: list[Any] = [
        *pairs(("PLUM", "PEAR"), (None, "PEAR"), ("PLUM", None), (None, None), ("", "")),
        {"text": "PLUM", "label": "spam"}, {"text": "x", "label": None}, {"n": 1}, b"{",
    ]  # fmt: skip
    report = hits(tmp_path, pack, {"a.jsonl": records})
    of = {one.id: (one.rows, one.of) for one in report.evaluated}
    assert of["m-any"] == (0, 6)
    assert of["m-response"] == (2, 3)
    assert of["m-text"] == (3, 5)
    assert of["m-label"] == (1, 1)
    assert report.finding("m-any") is None
    assert {name: (rate.rows, rate.of) for name, rate in report.rates.items()} == {
        "chat-marker": (0, 6),
        "contamination": (0, 4),
        "fruit": (4, 6),
        "marks": (1, 1),
        "model-output": (0, 6),
        "quality": (0, 6),
    }


def test_rates_count_a_row_once_and_every_active_category_appears(tmp_path: Path, pack: str):
    records = pairs(("PLUM APPLE n=1", "PEAR PEAR"), ("PLUM", "x"), ("x", "x"), ("x", "x"))
    rates = hits(tmp_path, pack, {"a.jsonl": records}).rates
    assert (rates["fruit"].rows, rates["fruit"].of, rates["fruit"].rate) == (2, 4, 0.5)
    assert (rates["quality"].rows, rates["quality"].rate) == (1, 0.25)
    assert (rates["chat-marker"].rows, rates["chat-marker"].rate) == (0, 0.0)
    assert (rates["marks"].of, rates["marks"].rate) == (0, None), "no row has a label"


def test_contamination_is_the_union_of_strong_markers_and_outputs(tmp_path: Path, pack: str):
    records = pairs(
        ("MODEL", "MARK"),  # both: one row
        ("MODEL", "x"),
        ("x", "MARK"),
        ("WEAK SMALL", "WEAK SMALL"),  # too weak, too small
        ("MARK", "MODEL"),  # in roles these rules do not read
        ("x", "x"),
    )
    report = hits(tmp_path, pack, {"a.jsonl": records})
    assert (report.rates["contamination"].rows, report.rates["contamination"].of) == (3, 6)
    assert (report.rates["chat-marker"].rows, report.rates["model-output"].rows) == (3, 3)
    gated = hits(tmp_path / "gate", pack, {"a.jsonl": records}, max_contamination="49%")
    assert (gated.status, gated.gates[0].rows, gated.gates[0].of) == ("fail", 3, 6)
    assert hits(tmp_path / "pass", pack, {"a.jsonl": records}, max_contamination="50%").status == "pass"


def test_without_such_rules_there_is_no_contamination(tmp_path: Path, pack: str):
    report = hits(tmp_path, pack, {"a.jsonl": pairs(("MODEL", "MARK"))}, select=("m-any", "m-weak"))
    assert "contamination" not in report.rates
    assert set(report.rates) == {"quality", "model-output"}


def test_an_example_is_the_first_match_of_its_row_with_its_place(tmp_path: Path, pack: str):
    chat = [{"role": "user", "content": "é😀 x"}, {"role": "assistant", "content": "ab APPLE APPLE"}]
    report = hits(tmp_path, pack, {"a.jsonl": [b"", {"messages": chat}]})
    (example,) = report.finding("m-any").examples
    assert (example.file, example.row, example.line) == ("a.jsonl", 0, 2)
    assert (example.path, example.role, example.span) == ("messages[1].content", "response", (3, 8))
    assert example.text[slice(*example.mark)] == "APPLE"


def test_spans_are_code_points(tmp_path: Path, pack: str):
    (example,) = hits(tmp_path, pack, {"a.jsonl": [{"text": "é😀\u0301APPLE"}]}).finding("m-any").examples
    assert example.span == (3, 8)


def test_named_groups_fill_the_message(tmp_path: Path, pack: str):
    (example,) = hits(tmp_path, pack, {"a.jsonl": [{"text": "n=42 n=43"}]}).finding("m-named").examples
    assert example.note == "The number is 42."


def test_examples_do_not_depend_on_the_order_of_reading(tmp_path: Path, pack: str):
    files = {f"{i}.jsonl": [{"text": f"APPLE {i} {n}"} for n in range(40)] for i in range(4)}
    folder = write(tmp_path, files)
    options = {"jobs": 1, "reference": True, "rules": (pack,), "select": IDS}
    whole = dataaudit.scan(folder, **options).finding("m-any").examples
    small = dataaudit.scan(folder, batch_rows=3, **options).finding("m-any").examples
    assert whole == small
    assert len(whole) == 5
    assert len({(one.file, one.row) for one in whole}) == 5
    assert [one.row for one in whole] != [0, 1, 2, 3, 4], "a sample, not the first ones"


def test_the_fast_path_says_the_same(tmp_path: Path, pack: str):
    files = {"a.jsonl": [*pairs(("PLUM n=1", "PEAR MARK")) * 3, *pairs(("MODEL", "x\nAPPLE"), ("", "APPLE"))]}
    slow = hits(tmp_path / "slow", pack, files)
    fast = hits(tmp_path / "fast", pack, files, reference=False)
    assert fast.findings == slow.findings
    assert fast.rates == slow.rates


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [("abc", 0, 1), ("abc", 2, 3), ("x" * 500, 250, 251), ("y" * 1000, 0, 900), ("z", 0, 0), ("", 0, 0)],
)
def test_excerpts_mark_the_match_and_are_short(text: str, start: int, end: int):
    shown, (left, right) = excerpt(text, start, end)
    assert shown[left:right] == text[start : min(end, start + LONGEST)]
    assert len(shown) <= LONGEST + 2 * CONTEXT + 2
    assert shown.strip("…") in text
    assert shown.startswith("…") == (start > CONTEXT)


def test_openings_are_cut():
    assert opening("a" * LONGEST) == "a" * LONGEST
    assert opening("a" * (LONGEST + 1)) == "a" * LONGEST + "…"
