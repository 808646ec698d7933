"""The fast path finds exactly what `regex` finds, on text made to tell them apart."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_support import array, both, make_rule, plain, scanned

from dataaudit.rules import database, events, finder
from dataaudit.rules.charset import ASCII, all_cases, from_codes, from_range
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.prefilter import plan_pattern, plan_rule
from dataaudit.rules.tree import SPACES

needs_hyperscan = pytest.mark.skipif(database.available() is not None, reason=str(database.available()))

NASTY = [
    r"x\Wy", r"(?i)assistant", r"a{,3}b", r"\mfoo\M", r"(?:foo){e<=1}", r"\Aabc", r"abc\Z", r"(?<=x)foo(?!y)",
    r"(?<!b)abc(?=\s)", r"(foo|abc)\1", r"(?P<q>fo+)x(?P=q)", r"a++b", r"(?>fo+)o?b", r"(?m)^###",
    r"(?m)abc$",
    r"(?s)foo.{0,600}abc", r"foo[^\n]*?abc", r"(?i)\bKİS\b", r"(?i)[k-m]s", r"(?i)[^a-j]ſ", r"[^\W\d]oo",
    r"\d²",
    r"(?i)ſK", r"(?if)fooss", r"(?if)straße", r"(?:a|bc|)foo", r"foo(?:\s+abc)?", r"(?x) f o o \  # c",
    r"a\Rb",
    r"\X\Xfoo", r"(?r)foo|abc", r"(?:ab){2,3}c", r"foo\Kabc", r"[\u2018\u2019²\u180e]", r"\u180e",
    r"[[:alpha:]]bc",
    r"(?a)\w\W", r"\p{Lu}foo", r"(a(?1)?b)", r"(?(?=f)foo|abc)", r"\x00abc?", r"fo\Wo|a\s*b", r"(?i)ı|İx",
    r"K",
    r"(?:foo|a[^x]{0,20}b)c", r"(?i:foo)A", r"(?e)(?:abc){i<=1}", r"(?p)f|foo", r"abc(*SKIP)x|oo",
    r"(?:x{3}){2}y?",
]  # fmt: skip
# Pieces of words that nearly match, and characters on which engines differ.
BITS = [
    *"abcfoxyk", "foo", "abc", "assistant", "ASSİSTANT", "aſſıstant", "###", "²", "e\u0301", "\u0301", "İ",
    "ı", "i",
    "I", "\u180e", "\u212a", "K", "ſ", "S", "s", "ß", "SS", "\n", "\r\n", "\u2028", "\x00", " ", "\u00a0",
    "1", "٣",
    "\U0001f600", "’", "_", "A", "strasse", "STRASSE", "kis",
]  # fmt: skip
strings = st.lists(st.sampled_from(BITS), max_size=8).map("".join)
batches = st.lists(st.one_of(strings, st.just("")), max_size=12)
MATCHERS: dict[bool, Matcher] = {}


def _matcher(reference: bool) -> Matcher:
    if reference not in MATCHERS:
        rules = [make_rule(p, id=f"nasty-{i}") for i, p in enumerate(NASTY)]
        rules.append(make_rule("foo", "abc", id="nasty-unless", unless=("x",)))
        MATCHERS[reference] = Matcher(rules, reference=reference)
    return MATCHERS[reference]


@needs_hyperscan
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=batches, before=st.integers(0, 3), after=st.integers(0, 3))
def test_generated_text(eager_prefilter: None, batch: list[str], before: int, after: int) -> None:
    whole = array(*["foo abc"] * before, *batch, *["abc foo"] * after)
    values = whole.slice(before, len(batch))
    assert scanned(_matcher(False), values) == plain(_matcher(True).scan(values, "text"))


alphabet = st.sampled_from(
    [*"abſkKiI.*?+|()[]^$\\dws-1²\n ", "{,2}", "(?i)", "(?:", "\\b", "İ", "ı", "(?=", "[^"]
)


@needs_hyperscan
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pattern=st.lists(alphabet, min_size=1, max_size=8).map("".join),
    batch=st.lists(st.text(alphabet="abſsSkKiIİıd1²\n ", max_size=6), max_size=8),
)
def test_generated_patterns(eager_prefilter: None, pattern: str, batch: list[str]) -> None:
    rule = make_rule(pattern)
    try:
        regex.compile(pattern, regex.VERSION0)
    except Exception:
        return
    # Surrounded, so that pieces with what is beside them are tried as well.
    fast, slow = both([rule], array(*batch, "".join(batch), "ab1 " * 3))
    assert fast == slow, (pattern, plan_rule(rule))


@needs_hyperscan
def test_most_nasty_patterns_are_prefiltered(eager_prefilter: None) -> None:
    refused = {p: plan_rule(make_rule(p)).reason for p in NASTY if plan_rule(make_rule(p)).per_row}
    assert len(refused) < len(NASTY) / 3, refused
    assert refused[r"(?:foo){e<=1}"] == "it matches approximately"
    assert "folds case fully" in str(refused[r"(?if)straße"])
    assert refused[r"(?r)foo|abc"] == "it matches in reverse"


@needs_hyperscan
def test_ends_of_a_batch_and_matches_that_straddle_strings() -> None:
    rule = make_rule("abcdef")
    assert both([rule], array("abcdef", "abc", "def", "", "xabcdef"))[0] == [
        ("test-rule", [0, 4], [[0, 6], [1, 7]])
    ]
    assert both([rule], array("", "", ""))[0] == []
    assert both([rule], array())[0] == []


def test_spans_are_code_points_and_each_is_reported_once() -> None:
    rule = make_rule("needle", "needle|hay", "(?=needle)")
    fast, slow = both([rule], array("é²\U0001f600needle hay"))
    assert fast == slow == [("test-rule", [0, 0], [[3, 9], [10, 13]])]


def test_unless_drops_the_string() -> None:
    rule = make_rule("needle", unless=("^quoted",))
    fast, slow = both([rule], array("a needle", "quoted: needle", "not quoted needle"))
    assert fast == slow == [("test-rule", [0, 2], [[2, 8], [11, 17]])]


def test_only_rules_that_read_the_role() -> None:
    rules = [make_rule("needle", id="on-label", roles=("label",)), make_rule("needle", id="on-any")]
    values = array("needle")
    found = Matcher(rules)
    assert [m.rule.id for m in found.scan(values, "label")] == ["on-label"]
    assert [m.rule.id for m in found.scan(values, "tool")] == ["on-any"]


@needs_hyperscan
def test_blocks_are_cut_at_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_BLOCK_BYTES", 16)
    rules = [make_rule("needle"), make_rule("haystack", id="other")]
    fast, slow = both(
        rules, array("needle needle", "", "needle", "x" * 40 + "needle", "", "haystack", "a", "needle")
    )
    assert fast == slow
    assert fast[0][1] == [0, 0, 2, 3, 7]


@needs_hyperscan
def test_a_flood_of_events_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "MIN_EVENTS", 10)
    monkeypatch.setattr(finder, "COMPILED_EVENTS", 10)
    monkeypatch.setattr(finder, "EVENTS_PER_MB", 0)
    rules = [make_rule("wordy", id="often"), make_rule("needle", id="rare"), make_rule("hayrick", id="never")]
    values = array(*["wordy " * 5] * 20, "a needle", "")
    scanner = Matcher(rules)
    assert plain(scanner.scan(values, "text")) == plain(Matcher(rules, reference=True).scan(values, "text"))
    assert plain(scanner.scan(values.slice(19, 2), "text"))[1] == ("rare", [1], [[2, 8]])


def test_nulls_are_refused() -> None:
    with pytest.raises(ValueError, match="null"):
        Matcher([make_rule("x")]).scan(pa.array(["a", None], pa.large_string()), "text")


def test_white_space_is_the_same_set() -> None:
    every = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    assert {ord(c) for c in regex.findall(r"\s", every)} - ASCII <= SPACES


def test_case_sets_hold_everything_that_regex_equates() -> None:
    every = "".join(chr(c) for c in range(0x20000) if not 0xD800 <= c < 0xE000)
    for char in "aikKsSſİıß\u212aéΣςÅ":
        found = frozenset(map(ord, regex.findall(f"(?i){char}", every)))
        ours = all_cases(from_codes(frozenset((ord(char),))))
        assert found <= ours.ascii | (ours.others or frozenset())
    wide = all_cases(from_range(0x2000, 0x3000))
    assert wide.others is None
    assert ord("k") in wide.ascii


def test_a_changed_regex_module_costs_only_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataaudit.rules import tree

    plan_pattern.cache_clear()
    monkeypatch.delattr(tree.rc, "_parse_pattern")
    plan = plan_rule(make_rule("a needle in it"))
    plan_pattern.cache_clear()
    assert plan.per_row
    assert "not understood" in str(plan.reason)


@needs_hyperscan
@pytest.mark.parametrize("file", ["model_text/alpaca_eval_17_models.jsonl", "human_text/brown.jsonl"])
def test_shipped_rules_on_real_text(real_data: Path, file: str) -> None:
    rows = [json.loads(line) for line in (real_data / file).open(encoding="utf-8")]
    texts = [text for row in rows[::5] for text in row.values() if isinstance(text, str)]
    fast, slow = both(list(load_packs()), array(*texts), "response")
    assert fast == slow
