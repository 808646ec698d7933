"""Packs that are meant to do harm: a clear error, or bounded time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from cli_support import call
from rules_support import array, make_rule

from dataaudit.errors import RuleError
from dataaudit.rules import examples
from dataaudit.rules.compile import MAX_PATTERN_LENGTH
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import TIMEOUTS_BEFORE_REST, Matcher
from dataaudit.rules.model import Rule
from dataaudit.rules.reader import MAX_PATTERNS
from dataaudit.rules.yamlfile import MAX_BYTES

HEAD = "pack: p\nversion: 1\nlicence: MIT\nrules:\n"
RULE = """  - id: r-{id}
    version: 1
    name: n
    message: m
    why: w
    category: quality
    severity: low
    confidence: low
    patterns: {patterns}
    hits: {hits}
    misses: {misses}
"""
PATTERNS_AT = 13
"""Line of `patterns` in a pack of one rule."""
SECONDS = 10.0
"""CPU time that nothing here comes near."""


def pack(*patterns: str, hits: tuple[str, ...] = ("a", "ba"), misses: tuple[str, ...] = ("x", "y")) -> str:
    return HEAD + RULE.format(
        id="x", patterns=json.dumps(patterns), hits=json.dumps(hits), misses=json.dumps(misses)
    )


def load(tmp_path: Path, content: str | bytes) -> tuple[Rule, ...]:
    path = tmp_path / "p.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    start = time.process_time()
    try:
        return load_packs([path], shipped=False)
    finally:
        assert time.process_time() - start < SECONDS


BILLION = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = [
    (BILLION, 2, "YAML aliases are not accepted"),
    ("a: &a\n  b: *a\n", 2, "YAML aliases are not accepted"),
    ("a: &a {b: 1}\nc:\n  <<: *a\n", 3, "YAML aliases are not accepted"),
    ("a: " + "[" * 100_000, 1, "nested deeper"),
    ("- " * 100_000, 1, "nested deeper"),
    ('pack: !!python/object/apply:os.system ["true"]\n' + HEAD[8:], 1, "'pack'"),
    (HEAD.replace(": 1", ": " + "9" * 100_000), 2, "whole number"),
    (HEAD.encode() + b"  - id: '\xff'\n", 5, "not UTF-8 (byte 0xff"),
    (HEAD.encode("utf-16"), 1, "not UTF-8"),
    (HEAD + "- a\n" * 100_000, 5, "expected a mapping"),
    ("".join(f"k{i}: 1\n" for i in range(30_000)), 1, "unknown key 'k0'"),
    (pack("|".join(f"word{i}" for i in range(10_000))), PATTERNS_AT, f"the limit is {MAX_PATTERN_LENGTH}"),
    (
        pack(*[f"word{i}" for i in range(10_000)]),
        PATTERNS_AT,
        f"10,000 entries; the limit is {MAX_PATTERNS:,}",
    ),
    (pack("(?:(?:a{99}){99}){99}b"), PATTERNS_AT, "too many repetitions"),
    (pack("(" * 500 + "a" + ")" * 500), PATTERNS_AT, "does not compile"),
    (pack("a{1,99999999999}"), PATTERNS_AT, "repeat count too big"),
]


@pytest.mark.parametrize(("content", "line", "reason"), REFUSED, ids=[reason for *_, reason in REFUSED])
def test_what_cannot_be_a_pack_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, line: int, reason: str
) -> None:
    with pytest.raises(RuleError) as refused:
        load(tmp_path, content)
    assert str(refused.value).startswith(f"{tmp_path / 'p.yaml'}:{line}: ")
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_pack_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="larger than 2 MiB"):
        load(tmp_path, "#" * (MAX_BYTES + 1))


SLOW = "a" * 60
BACKTRACKING = ("(a+)+$", "(?:a|aa)+$", "(?:a*)*b", r"(?:\w+\s?)*\$", "^(?:(?:a?){20})+$b")


@pytest.mark.parametrize("pattern", BACKTRACKING)
def test_an_example_on_which_a_pattern_backtracks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(examples, "EXAMPLE_TIMEOUT", 0.05)
    with pytest.raises(RuleError, match=r"rule 'r-x': hit 1 (was not judged within|does not match)"):
        load(tmp_path, pack(pattern, hits=(f"{SLOW}!", f"{SLOW}{SLOW}!")))


def test_the_time_for_an_example_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "EXAMPLE_TIMEOUT", 0.4)
    said = f"p.yaml:{PATTERNS_AT + 2}: rule 'r-x': miss 1 was not judged within 0.4 s"
    with pytest.raises(RuleError, match=said):
        load(tmp_path, pack("(?:a|aa)+$", misses=(f"{SLOW}!", "y")))


@pytest.mark.parametrize("pattern", BACKTRACKING)
@pytest.mark.parametrize("reference", [False, True])
def test_data_on_which_a_pattern_backtracks_costs_bounded_time(pattern: str, reference: bool) -> None:
    rules = [make_rule(pattern, id="slow"), make_rule("needle", id="good")]
    matcher = Matcher(rules, reference=reference, timeout=0.05)
    start = time.process_time()
    found = matcher.scan(array(*[f"{SLOW}{SLOW} {i}! needle" for i in range(200)]), "text")
    assert time.process_time() - start < SECONDS
    # A busy machine may take the time from the other rule on a string or two.
    (good,) = (len(one.strings) for one in found if one.rule.id == "good")
    assert good + matcher.timed_out.get("good", 0) == 200
    assert good > 200 - TIMEOUTS_BEFORE_REST
    lost = matcher.timed_out.get("slow", 0)
    hit = sum(len(set(one.strings.tolist())) for one in found if one.rule.id == "slow")
    assert lost + hit <= 200


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["(?R)a", "(?:(?R))*a", "(?P<x>(?&x)a|b)"])
def test_a_pattern_that_calls_itself_without_end_is_an_error(tmp_path: Path, pattern: str) -> None:
    said = f"p.yaml:{PATTERNS_AT + 1}: rule 'r-x': hit 1 was not judged within 2 s and the memory"
    with pytest.raises(RuleError, match=said):
        load(tmp_path, pack(pattern))
    matcher = Matcher([make_rule(pattern, id="endless"), make_rule("needle", id="good")], reference=True)
    found = matcher.scan(array("a needle"), "text")
    assert [one.rule.id for one in found] == ["good"]
    assert matcher.timed_out == {"endless": 1}


GAPS = (
    r"1\. .{1,600}?\n2\. .{1,600}?\n3\. ",
    "(?s).{0,4000}x.{0,4000}y.{0,4000}z",
    "(?s)start.{0,4000}(?:one|two).{0,4000}end",
    "(?:a{0,1000}){0,1000}needle",
    "(?:(?:(?:a{0,100}){0,100}){0,100}){0,100}needle",
    r"\p{L}{1,5000}\p{Greek}",
    "(?<=a.*b.*c.*)needle",
    "(?:abcdefghijklmnop){e<=10}",
    "[\\u0100-\\U0010ffff]{1,200}needle",
)


def test_wide_gaps_compile_and_scan_in_bounded_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path))
    texts = ["1. a\n2. b\n3. c", "xyz", "start one end", "needle", "word " * 2000, "a" * 5000, "ab" * 3000]
    start = time.process_time()
    matcher = Matcher([make_rule(one, id=f"gap-{i}") for i, one in enumerate(GAPS)], timeout=0.5)
    found = {one.rule.id for one in matcher.scan(array(*texts), "text")}
    assert time.process_time() - start < SECONDS
    assert found >= {"gap-0", "gap-1", "gap-2", "gap-3", "gap-4"}


def test_ten_thousand_words_in_rules_compile_and_scan_in_bounded_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path))
    rules = [
        make_rule(*[rf"\bword{n}\b" for n in range(start, start + MAX_PATTERNS)], id=f"words-{start}")
        for start in range(0, 10_000, MAX_PATTERNS)
    ]
    started = time.process_time()
    found = Matcher(rules).scan(array("a word1234 b", "word99999", "no words", "word9999 word1"), "text")
    assert time.process_time() - started < 3 * SECONDS
    assert [(one.rule.id, one.strings.tolist()) for one in found] == [
        ("words-0", [3]), ("words-1000", [0]), ("words-9000", [3]),
    ]  # fmt: skip


def test_a_pack_that_is_refused_ends_a_scan_with_exit_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BILLION)
    (tmp_path / "data.jsonl").write_text('{"text": "a"}\n')
    done = call("scan", "data.jsonl", "-r", "p.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "dataaudit: p.yaml:2: YAML aliases are not accepted"
