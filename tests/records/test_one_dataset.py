"""One data set gives the same findings and rates in every format and dialect, places aside."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import chat_dataset as made
import pytest
from cli_support import SEEN_BY_READERS
from test_rendered_chats import RENDERERS

import dataaudit
from dataaudit.report.model import Report

BESIDE = ("exact-duplicates:record", "exact-duplicates:record:normalised", *SEEN_BY_READERS)
"""Whole records differ in what stands beside the texts (names of roles, weights)."""


TURNS = ("structure:turn-order", "structure:unknown-turn-role")
"""Looked for in turns, and so not where a prompt and its response have a field each."""


def told(report: Report, beside: tuple[str, ...]) -> tuple[Any, ...]:
    """What a report says, files and rows and the names of fields aside, and these findings."""
    findings = {
        one.id: (one.severity, one.rows, one.of, one.matches, one.value, one.by_role)
        for one in report.findings
        if one.id not in beside
    }
    evaluated = {one.id: (one.rows, one.of) for one in report.evaluated if one.id not in beside}
    rates = {name: (rate.rows, rate.of) for name, rate in report.rates.items()}
    return report.status, report.rows, report.malformed, rates, findings, evaluated


@cache
def chats(single: bool) -> list[made.Chat]:
    every = made.chats()
    return made.single(every) if single else every


def scan(source: Any, **options: Any) -> Report:
    return dataaudit.scan(source if not isinstance(source, Path) else str(source), **options)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Any]:
    """What plain messages in JSON Lines give: whole chats, and chats cut to one exchange."""
    folder = tmp_path_factory.mktemp("expected")
    found = {}
    for single in (False, True):
        rows = [made.DIALECTS["messages"](chat) for chat in chats(single)]
        path = folder / f"{single}.jsonl"
        path.write_bytes(made.lines(rows))
        found[single] = told(scan(path, jobs=1), BESIDE + TURNS * single)
    return found


def test_the_dataset_holds_what_was_planted(expected: dict[bool, Any]) -> None:
    for single in (False, True):
        status, rows, malformed, rates, findings, _ = expected[single]
        assert (status, rows, malformed) == ("no-gate", 5_000, 0)
        texts = [chat[-1][1] for chat in chats(single)]
        for rule, said in (
            ("self-as-an-ai-assistant", "As an AI assistant"),
            ("chat-inst-block", "[INST] Go"),
        ):
            assert findings[rule][1] == sum(text.startswith(said) for text in texts) > 40
        assert findings["exact-duplicates"][1] == 5_000 - len({tuple(chat) for chat in chats(single)})
        assert findings["structure:no-response"][1] == sum(
            not any(said for who, said in chat if who == "assistant") for chat in chats(single)
        )
        assert rates["contamination"][0] > 150


CASES = [
    *((dialect, "jsonl") for dialect in made.DIALECTS if dialect != "messages"),
    *((dialect, "parquet") for dialect in made.DIALECTS),
    *(("messages", name) for name in made.FORMATS if name not in (*made.FLAT, "jsonl", "parquet")),
    *(("sharegpt", name) for name in ("array", "zst", "saved", "memory")),
    *(("json", name) for name in made.FLAT),
    *((dialect, "jsonl") for dialect in made.SINGLE),
    *((dialect, "parquet") for dialect in made.SINGLE),
    *((dialect, name) for dialect in ("prompt-response", "alpaca") for name in made.FLAT),
    ("prompt-response", "array"),
    ("question-answer", "csv"),
]


@pytest.mark.parametrize(("dialect", "form"), CASES)
def test_every_dialect_and_format_says_the_same(
    dialect: str, form: str, tmp_path: Path, expected: dict[bool, Any]
) -> None:
    single = dialect in made.SINGLE
    record = (made.SINGLE if single else made.DIALECTS)[dialect]
    name, write = made.FORMATS[form]
    source = write(tmp_path / name, [record(chat) for chat in chats(single)])
    report = scan(source, jobs=1)
    assert told(report, BESIDE + TURNS * single) == expected[single]


@pytest.mark.parametrize("name", RENDERERS)
def test_chats_rendered_by_a_template_say_the_same_where_declared(name: str, tmp_path: Path) -> None:
    """Over the chats that the template can carry: no system text of its own, and answers that are not empty."""
    plain = [
        [turn for turn in chat if turn[0] != "system"]
        for chat in chats(single=False)
        if chat[-1][1] and not chat[-1][1].startswith(("[INST]", "<|im_start|>"))
    ]
    rows = [made.DIALECTS["messages"](chat) for chat in plain]
    (tmp_path / "chats.jsonl").write_bytes(made.lines(rows))
    (tmp_path / "texts.jsonl").write_bytes(made.lines([{"text": RENDERERS[name](chat)} for chat in plain]))
    one = told(scan(tmp_path / "chats.jsonl", jobs=1), BESIDE)
    assert told(scan(tmp_path / "texts.jsonl", jobs=1, columns=("chat=text",)), BESIDE) == one
