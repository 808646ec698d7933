"""`rules measure` and the evidence that `rules show` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import RunCli, write_lines

PACK = """\
pack: needles
version: 1
licence: MIT
rules:
  - id: my-needle
    version: 1
    name: Needle
    message: The text reads as a needle.
    why: It pricks.
    category: model-output
    severity: medium
    confidence: high  # by hand
    roles: [response, text]
    soft: prickly
    patterns: ['\\bneedle\\b']
    hits: ['a needle', 'needle']
    misses: ['needles', 'pin']
"""


@pytest.fixture
def corpora(tmp_path: Path) -> list[str]:
    write_lines(
        tmp_path / "h.jsonl", [{"text": "a needle secret-text"}, *({"text": f"hay {i}"} for i in range(9))]
    )
    rows = [{"instruction": "needle?", "output": f"{text} {i}", "who": who} for who, text in
            (("a", "needle"), ("a", "needle"), ("b", "hay"), ("nobody", "needle")) for i in range(3)]  # fmt: skip
    write_lines(tmp_path / "m.jsonl", rows)
    (tmp_path / "pack.yaml").write_text(PACK, "utf-8")
    return [f"human:farm={tmp_path / 'h.jsonl'}", f"model:mill={tmp_path / 'm.jsonl'}"]


def test_measure_counts_by_corpus_and_model(tmp_path: Path, corpora: list[str], call_cli: RunCli) -> None:
    done = call_cli(
        "rules", "measure", *corpora, "-r", tmp_path / "pack.yaml", "--select", "my-needle", "--group", "mill:who",
        "--without", "nobody", "-o", tmp_path / "evidence.json", "--show", "human",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "farm h.jsonl:0 my-needle: a ⟦needle⟧ secret-text" in done.stdout
    raw = (tmp_path / "evidence.json").read_text("utf-8")
    assert "secret-text" not in raw
    found = json.loads(raw)
    mine = found["rules"]["my-needle"]
    assert mine["human"] == {"of": 10, "hits": 1, "where": {"farm": 1}}
    # The instructions of the model corpus are not searched.
    assert mine["model"] == {"of": 9, "hits": 6, "where": {"a": 6}}
    assert mine["precision"][0] == pytest.approx(6 / 7)
    assert [
        (one["name"], one["documents"], one["contamination"], one["soft"]) for one in found["groups"]
    ] == [
        ("farm", 10, 1, [1, 0, 0]),
        ("a", 6, 6, [6, 0, 0]),
        ("b", 3, 0, [0, 0, 0]),
    ]
    shown = call_cli("rules", "show", "my-needle", "-r", tmp_path / "pack.yaml").stdout
    assert "1 of 10 human documents (farm 1); 6 of 9 model outputs, seen in 1 of 2 models" in shown


def test_set_confidence_changes_one_word(tmp_path: Path, corpora: list[str], call_cli: RunCli) -> None:
    pack = tmp_path / "pack.yaml"
    done = call_cli("rules", "measure", *corpora, "-r", pack, "--select", "my-needle", "--set-confidence")
    assert done.returncode == 0, done.stderr
    assert pack.read_text("utf-8") == PACK.replace("confidence: high  # by", "confidence: low  # by")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["text=h.jsonl"], "human:NAME=PATH"),
        (["human:a=h.jsonl"], "no model corpus"),
        (["human:a=h.jsonl", "model:a=m.jsonl"], "two corpora are named 'a'"),
        (["human:a=h.jsonl", "model:b=absent.jsonl"], "absent.jsonl"),
        (["human:a=h.jsonl", "model:b=m.jsonl", "--group", "c:who"], "no corpus is named 'c'"),
        (["human:a=h.jsonl", "model:b=m.jsonl", "--group", "absent"], "absent"),
        (["human:a=h.jsonl", "model:b=m.jsonl", "--show", "all"], "--show"),
    ],
)
def test_what_cannot_be_measured(corpora: list[str], call_cli: RunCli, args: list[str], reason: str) -> None:
    done = call_cli("rules", "measure", *args)
    assert done.returncode == 2, done.stderr
    assert reason in done.stderr


def test_a_corpus_that_cannot_be_read_wholly_is_refused(
    tmp_path: Path, corpora: list[str], call_cli: RunCli
) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    done = call_cli("rules", "measure", "human:x=bad.parquet", corpora[1])
    assert done.returncode in (2, 3)
    assert "bad.parquet" in done.stderr
