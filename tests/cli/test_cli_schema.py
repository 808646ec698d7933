"""`dataaudit schema`: what is detected, what is noted of it, and how to override it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from cli_support import RunCli, write_lines

RENDERED = [{"text": f"Human: what is {i}?\n\nAssistant: the number {i}"} for i in range(4)]
DEEP = [
    {
        "blob": {"inner": {"said": f"a sentence of some length {i} " * 9}},
        "tries": [{"notes": [{"text": "too deep to name"}], "reply": "a reply"}],
    }
    for i in range(4)
]


def _schema(call_cli: RunCli, *args: object) -> list[dict[str, Any]]:
    done = call_cli("schema", *args, "--format", "json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_rendered_chats_are_noted_with_the_flag_that_declares_them(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", RENDERED)
    (found,) = _schema(call_cli, "a.jsonl")
    (note,) = found["notes"]
    assert "4 of 4 rows" in note
    assert note.endswith("--columns chat=text")
    (declared,) = _schema(call_cli, "a.jsonl", "--columns", "chat=text")
    assert set(declared["roles"]) == {"prompt", "response"}
    assert declared["notes"] == []


def test_suggested_overrides_are_printed_and_work(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", DEEP)
    (found,) = _schema(call_cli, "a.jsonl")
    assert set(found["suggested"]) == {"response=blob.inner.said", "response=tries[*].reply"}
    printed = call_cli("schema", "a.jsonl").stdout
    flags = [shlex.split(line) for line in printed.splitlines() if line.startswith("    --columns ")]
    assert {value for _, value in flags} == set(found["suggested"])
    for flag, value in flags:
        (named,) = _schema(call_cli, "a.jsonl", flag, value)
        assert named["roles"]["response"] == [value.partition("=")[2]]


def test_lines_fit_eighty_columns(tmp_path: Path, call_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    write_lines(tmp_path / "a.jsonl", DEEP)
    write_lines(tmp_path / "b.jsonl", RENDERED)
    printed = call_cli("schema", "a.jsonl", "b.jsonl").stdout
    assert max(map(len, printed.splitlines())) <= 80


def test_a_path_through_two_lists_is_refused_with_what_works(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", DEEP)
    done = call_cli("schema", "a.jsonl", "--columns", "text=tries[*].notes[*].text")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "more than one list" in done.stderr
    assert "messages[*].content" in done.stderr


def test_json_by_either_flag_and_no_other_format(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "a.jsonl", RENDERED)
    assert (
        call_cli("schema", "a.jsonl", "--json").stdout
        == call_cli("schema", "a.jsonl", "--format", "json").stdout
    )
    done = call_cli("schema", "a.jsonl", "--format", "markdown")
    assert done.returncode == 2
    assert "terminal or json" in done.stderr


@pytest.mark.parametrize("command", ["scan", "clean", "schema"])
def test_the_help_of_columns_says_how_to_declare_chats(command: str, call_cli: RunCli) -> None:
    shown = re.sub(r"[│\s]+", " ", call_cli(command, "--help").stdout)
    assert "chat=PATH" in shown
