"""The pages about rules: up to date, under fixed headings, and safe whatever a pack holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rules_support import make_rule

from dataaudit.api.rule_docs import outdated, wanted, write
from dataaudit.cli.main import main
from dataaudit.report.rule_pages import INDEX, pages
from dataaudit.rules.evidence import NONE, Counts, Evidence, Group, RuleEvidence
from dataaudit.rules.fingerprint import fingerprint
from dataaudit.rules.load import load_packs
from dataaudit.rules.model import Exemption, Pattern

DOCS = Path(__file__).parents[2] / "docs" / "rules"
HEADINGS = ("What it finds", "Why it matters", "Evidence", "Example", "When to ignore it")


def test_the_pages_are_up_to_date() -> None:
    assert outdated(DOCS) == [], "run `make rules-docs` and commit what it writes"


def test_every_rule_has_a_section_with_all_headings() -> None:
    made = wanted(())
    for rule in load_packs():
        page = made[f"{rule.pack}.md"]
        assert f"[{rule.id}](#{rule.id})" in page
        section = re.split(r"^## ", page.partition(f"## {rule.id}\n")[2], flags=re.MULTILINE)[0]
        at = [section.index(f"**{name}.**") for name in HEADINGS]
        assert at == sorted(at), rule.id
    assert all(f"]({name})" in made[INDEX] for name in made if name != INDEX)


def evidence(rule, human: int, model: int) -> Evidence:
    counts = RuleEvidence(
        version=1,
        fingerprint=fingerprint(rule),
        human=Counts(1000, human),
        model=Counts(100, model, {"m": model} if model else {}),
        upper=0.1,
        peak=0.0,
        precision=None,
    )
    groups = (Group("h", "human", 1000, 0, 0, (0, 0, 0)), Group("m", "model", 100, 0, 0, (0, 0, 0)))
    return Evidence(1, "2030-01-02", groups, {rule.id: counts})


def test_evidence_is_said_in_words_and_lapses_with_the_pattern() -> None:
    rule = make_rule("abc", pack="p", category="model-output", confidence="high", severity="medium")
    found = evidence(rule, 4, 7)
    page = pages([rule], {}, found)["p.md"]
    assert "4 of 1,000 human documents; 7 of 100 model outputs, seen in 1 of 1 models" in page
    assert "People wrote it in 1 of 250 documents" in page
    assert "counts as contamination" in page
    changed = make_rule("abcd", pack="p")
    assert "**Evidence.** Not measured since it was changed." in pages([changed], {}, found)["p.md"]
    assert "**Evidence.** Not measured." in pages([rule], {}, NONE)["p.md"]


def test_what_a_rule_asks_for_is_said() -> None:
    rule = make_rule(
        Pattern("a`b", ("ignorecase",), "start"),
        pack="p",
        roles=("response",),
        needs=(Pattern("need"),),
        unless=(Exemption("but", (), "anywhere", 1),),
        validate="luhn",
        quotable=True,
        default=False,
        action="redact",
        ignore_when="Data about <x>.",
    )
    page = pages([rule], {"p": "All | sorts"}, NONE)["p.md"]
    for part in (
        "a`b   (ignorecase, where: start)",
        "Searched in: response. Only with `need`. Not with `but   (within 1 character)`.",
        "must pass the luhn checksum",
        "off by default",
        "clean: redact",
        "Data about &lt;x&gt;. Text about language models quotes",
        "All \\| sorts",
    ):
        assert part in page, part


def test_text_of_a_pack_is_only_text() -> None:
    hostile = "</details><script>x</script> [a](javascript:b) ``` **b** | \x1b[31m\u202e ![i](http://x)"
    quoted = re.escape(hostile)
    texts = {
        "hits": (hostile, "b"),
        "misses": (hostile, "d"),
        "name": hostile,
        "why": hostile,
        "ignore_when": hostile,
    }
    rule = make_rule(quoted, pack="p", unless=(quoted,), **texts)
    page = pages([rule], {"p": hostile}, NONE)["p.md"]
    assert "\x1b" not in page
    assert "\u202e" not in page
    outside = re.sub(r"^(`{3,})text\n.*?^\1$", "", page, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+) ?.+? ?\1(?!`)", "", outside)
    assert "<script" not in outside
    assert "<" not in outside.replace("<br>", "")
    assert not re.search(r"(?<!\\)\]\((?!#|README)", outside)


def test_writing_checking_and_removing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "deep" / "rules"
    assert main(["rules", "docs", str(folder), "--check"]) == 1
    assert "README.md: not up to date" in capsys.readouterr().out
    assert main(["rules", "docs", str(folder)]) == 0
    assert main(["rules", "docs", str(folder), "--check"]) == 0
    assert write(folder) == []
    gone, own = folder / "gone.md", folder / "mine.md"
    gone.write_text((folder / INDEX).read_text())
    own.write_text("# Mine\n")
    assert outdated(folder) == ["gone.md"]
    assert write(folder) == ["gone.md"]
    assert own.is_file()
    assert not gone.exists()
    (tmp_path / "file").write_text("")
    capsys.readouterr()
    assert main(["rules", "docs", str(tmp_path / "file" / "x")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
