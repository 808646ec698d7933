"""Selection, timeouts, and the cache of compiled databases."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rules_support import array, make_rule, plain

from dataaudit.errors import UsageError
from dataaudit.records import cache
from dataaudit.rules import database, events, plans, prefilter
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import TIMEOUTS_BEFORE_REST, Matcher
from dataaudit.rules.model import Pattern
from dataaudit.rules.prefilter import plan_pattern
from dataaudit.rules.select import known, select

needs_hyperscan = pytest.mark.skipif(database.available() is not None, reason=str(database.available()))
RULES = load_packs()
SLOW = r"(?:a|aa)+c|slow-needle"


def _ids(rules: tuple) -> set[str]:
    return {rule.id for rule in rules}


def test_selectors() -> None:
    assert select(RULES) == tuple(rule for rule in RULES if rule.default) == select(RULES, ["default"])
    assert _ids(select(RULES, ["chat-inst-block"])) == {"chat-inst-block"}
    assert _ids(select(RULES, ["chat-inst"])) == {"chat-inst-block", "chat-inst-stray"}
    assert _ids(select(RULES, ["chat"])) == {rule.id for rule in RULES if rule.id.startswith("chat-")}
    assert not select(RULES, ["cha"])
    assert _ids(select(RULES, ["model-output"])) == {r.id for r in RULES if r.category == "model-output"}
    assert len(select(RULES, ["seed"])) == 3
    assert _ids(select(RULES, ["contamination"])) == {r.id for r in RULES if r.counts_as_contamination}
    assert not select(RULES, ["chat"], ["chat-marker"])
    assert {r.severity for r in select(RULES, min_severity="high")} == {"high"}
    with pytest.raises(UsageError, match="not a severity"):
        select(RULES, min_severity="huge")
    assert known("refusal", RULES)
    assert known("contamination", RULES)
    assert not known("near-duplicates", RULES)


def test_what_counts_as_contamination() -> None:
    def counts(**fields: str) -> bool:
        return make_rule(
            "x", **{"category": "chat-marker", "severity": "medium", "confidence": "high"} | fields
        ).counts_as_contamination

    assert counts()
    assert counts(category="model-output", severity="critical")
    assert not counts(severity="low")
    assert not counts(confidence="medium")
    assert not counts(category="secret")


@pytest.mark.parametrize("reference", [False, True])
def test_a_rule_that_runs_out_of_time_is_counted_and_then_rested(reference: bool) -> None:
    bad, good = make_rule(SLOW, id="bad"), make_rule("slow-needle", id="good")
    scanner = Matcher([bad, good], reference=reference, timeout=0.05)
    hostile = "a" * 60 + " slow-needle"
    values = array(*[hostile] * (TIMEOUTS_BEFORE_REST + 20), "fine")
    found = plain(scanner.scan(values, "text"))
    assert [rule for rule, *_ in found] == ["good"]
    assert len(found[0][1]) == TIMEOUTS_BEFORE_REST + 20
    assert scanner.timed_out["bad"] >= TIMEOUTS_BEFORE_REST + 20
    assert "good" not in scanner.timed_out
    scanner.timed_out.clear()  # as the caller does between batches: the rule stays at rest
    with pytest.raises(TimeoutError):
        scanner.spans(bad, "fine")
    assert scanner.timed_out == {"bad": 1}


def test_reference_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Matcher([], reference=True).reference_reason == "reference matching was asked for"
    monkeypatch.setattr(database, "available", lambda: "hyperscan is not installed for this platform")
    scanner = Matcher([make_rule("needle")])
    assert scanner.reference_reason == "hyperscan is not installed for this platform"
    assert plain(scanner.scan(array("a needle"), "text")) == [("test-rule", [0], [[2, 8]])]


@needs_hyperscan
def test_per_row_rules_say_why() -> None:
    scanner = Matcher([make_rule("(?:needle){e<=1}"), make_rule("needle", id="plain-one")])
    assert scanner.per_row == {"test-rule": "it matches approximately"}
    assert [rule for rule, *_ in plain(scanner.scan(array("", "needla", "needle"), "text"))] == [
        "test-rule",
        "plain-one",
    ]


@needs_hyperscan
def test_expressions_that_hyperscan_refuses_are_matched_per_row(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Matcher([make_rule("needle"), make_rule("hayrick", id="other")])
    finder = scanner._finder
    assert finder is not None
    finder.kinds[0] = finder.kinds[0]._replace(piece=b"(?<=broken")
    assert [rule for rule, *_ in plain(scanner.scan(array("needle hayrick"), "text"))] == [
        "test-rule",
        "other",
    ]
    assert scanner.per_row["test-rule"].startswith("hyperscan: ")
    assert "other" not in scanner.per_row


@needs_hyperscan
def test_expressions_that_are_too_much_together_are_matched_per_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(expressions: list[bytes]) -> database.Database:
        raise ValueError("too large")

    monkeypatch.setattr(database, "compile_database", refuse)
    scanner = Matcher([make_rule("needle"), make_rule("hayrick", id="other")])
    found = plain(scanner.scan(array("a needle", "hayrick"), "text"))
    assert found == [("test-rule", [0], [[2, 8]]), ("other", [1], [[0, 7]])]
    assert scanner.per_row == {"test-rule": "hyperscan: too large", "other": "hyperscan: too large"}


@needs_hyperscan
def test_cache_is_used_and_a_damaged_one_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path / "cache"))
    expected = [("test-rule", [0], [[0, 6]])]
    rule = make_rule("needle")
    assert plain(Matcher([rule]).scan(array("needle"), "text")) == expected
    (file,) = (tmp_path / "cache").iterdir()
    good = file.read_bytes()
    assert plain(Matcher([rule]).scan(array("needle"), "text")) == expected
    assert file.read_bytes() == good
    for damaged in (
        b"",
        b"junk",
        good[:-1],
        good[:60] + b"\x00" + good[61:],
        database.CACHE_FORMAT + bytes(40),
    ):
        file.write_bytes(damaged)
        assert plain(Matcher([rule]).scan(array("needle"), "text")) == expected
        assert file.read_bytes() == good
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [file.name]


@needs_hyperscan
@pytest.mark.parametrize("value", ["/dev/null/cache", "/proc/none"])
def test_a_cache_that_cannot_be_written_is_ignored(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", value)
    assert plain(Matcher([make_rule("needle")]).scan(array("needle"), "text")) == [
        ("test-rule", [0], [[0, 6]])
    ]


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATAAUDIT_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / "dataaudit"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.cache_dir() == Path(os.path.expanduser("~/.cache/dataaudit"))


@needs_hyperscan
def test_a_hostile_rule_compiles_in_bounded_time() -> None:
    rules = [
        make_rule(r"(?s)start.{0,4000}middle.{1,600}?end", id="wide"),
        make_rule("(?:" * 9 + "ab" + "){2,9}" * 9, id="deep"),
        make_rule("|".join(f"word{i}" for i in range(800)), id="list"),
        make_rule("[\\u0100-\\uffff]{1,200}needle", id="classes"),
    ]
    scanner = Matcher(rules, timeout=0.2)
    values = array("start middle x end", "needle", "word7")
    assert "wide" in {m.rule.id for m in scanner.scan(values, "text")}
    assert events.MAX_BLOCK_BYTES < 1 << 32


@needs_hyperscan
def test_plans_are_kept_and_a_damaged_file_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path / "cache"))
    rules = [make_rule(f"needle{i}|hay{i}", id=f"rule-{i}") for i in range(plans.WORTH_KEEPING)]
    expected = [[plan_pattern(pattern) for pattern in rule.patterns] for rule in rules]
    assert plans.plans_of(rules) == expected
    (file,) = (tmp_path / "cache").glob("plans-*")
    good = file.read_bytes()
    for damaged in (b"", good[:-1], good[:50] + b"\x00" + good[51:]):
        file.write_bytes(damaged)
        assert plans.plans_of(rules) == expected
        assert file.read_bytes() == good

    def refuse(pattern: Pattern) -> None:
        raise AssertionError("planned again")

    monkeypatch.setattr(plans, "plan_pattern", refuse)
    assert plans.plans_of(rules) == expected
    with pytest.raises(AssertionError):  # other rules, other plans
        plans.plans_of([*rules, make_rule("other")])
    monkeypatch.setattr(prefilter, "MIN_BITS", 40.0)
    with pytest.raises(AssertionError):
        plans.plans_of(rules)
