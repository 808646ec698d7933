"""Confirming in a window around what the prefilter found gives what confirming in the whole text gives."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_support import array, both, make_rule, plain, scanned

from dataaudit.rules import confirm, database, search
from dataaudit.rules.compile import flag_bits
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Pattern
from dataaudit.rules.prefilter import plan_pattern
from dataaudit.rules.reach import MAX_RUNS, holds_long_run, reach_of, windows

needs_hyperscan = pytest.mark.skipif(database.available() is not None, reason=str(database.available()))

SPACE, WORD = MAX_RUNS
PATTERNS = [
    r"needle", r"\bneedle\b", r"(?i)needle\s+hay", r"needle\s*$", r"(?m)needle\s*$", r"(?m)^\s*needle", r"\Aneedle",
    r"needle\Z", r"needle(?=\s+hay)", r"needle(?!\s+hay)", r"(?<=hay\s)needle", r"(?<!hay\s+)needle",
    r"hay\s+needle", r"\s+needle", r"needle\s+", r"needle\s*?\n", r"(?:hay|needle){1,3}\s{2,}needle",
    r"needle.{0,40}hay", r"hay.{0,40}?needle", r"(?:needle\s+){2}", r"needle(?:\s+\w{1,9}){0,4}\s+hay", r"needle|hay",
    r"(?>needle\s*)hay", r"needle\s*+hay", r"needle\r?$", r"(?<=^|\s)needle", r"n\s*e{2}dle", r"needle[ \t]+\n",
    r"(?s)needle..?.?hay", r"é+needle", r"\Gneedle", r"hay\Kneedle", r"needle(*SKIP)x|needle", r"(?w)\bneedle\b",
    r"needle\X", r"(needle)\s\1", r"needle\w*", r"(?:a|aa){1,30}needle", r"\w+needle", r"[a-z]+ ?needle",
    r"needle\d*\s", r"needle(?:[\w'’-]+ )*",
    r"needle\w{2,}hay", r"(?<=\w+)needle", r"needle(?=\w*\s)", r"w+?needle", r"needle[^\W\d]+", r"é+ ?needle",
    r"needle(?=.*hay)", r"(?if)needle\s",
]  # fmt: skip
# Long stretches in between, so that windows are used; runs of white space about as long as they are counted.
BITS = [
    "needle", "needle ", " needle", "needlé", "NEEDLE", "hay", "a", "aaaa", " ", "\n", "\r\n", "\t", "\u00a0", "é", "x",
    " " * SPACE, " " * (SPACE + 1), "\n" * 30, " \t" * 20, "filler " * 40, "füller " * 40, "." * 300,
    "w" * WORD, "w" * (WORD + 1), "0" * 90, "é" * 50,
]  # fmt: skip
texts = st.lists(st.sampled_from(BITS), max_size=14).map("".join)
WHERES = ("anywhere", "start", "last-line", "last-paragraph")
RULES = [
    make_rule(Pattern(pattern, where=where), id=f"rule-{i}-{where}")
    for i, pattern in enumerate(PATTERNS)
    for where in WHERES
]
MATCHERS: dict[bool, Matcher] = {}


@needs_hyperscan
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(texts, min_size=1, max_size=4))
def test_windows_change_nothing(batch: list[str]) -> None:
    if not MATCHERS:
        MATCHERS.update({reference: Matcher(RULES, reference=reference) for reference in (False, True)})
    values = array(*batch)
    assert scanned(MATCHERS[False], values) == plain(MATCHERS[True].scan(values, "text"))


@needs_hyperscan
@settings(max_examples=150, deadline=None)
@given(
    pattern=st.lists(
        st.sampled_from(
            [
                "needle",
                "hay",
                r"\s+",
                r"\s*",
                " ?",
                "(?:",
                ")?",
                ")",
                "|",
                "$",
                "^",
                r"\b",
                "(?=",
                "(?<=",
                "x{0,3}",
                ".",
            ]
        ),
        min_size=1,
        max_size=7,
    ).map("".join),
    batch=st.lists(texts, min_size=1, max_size=3),
)
def test_windows_of_generated_patterns(pattern: str, batch: list[str]) -> None:
    try:
        regex.compile(pattern, regex.VERSION0)
    except regex.error:
        return
    fast, slow = both([make_rule(pattern)], array(*batch))
    assert fast == slow


@needs_hyperscan
def test_a_window_is_looked_at_not_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(*_: object, **__: object) -> None:
        raise AssertionError("the whole text was searched")

    monkeypatch.setattr(search.Searcher, "found", whole)
    scanner = Matcher([make_rule(r"\bneedle\s+hay")])
    value = "filler " * 1000 + "needle  hay" + " füller" * 1000 + " needle hay" + " filler" * 1000
    found = plain(scanner.scan(array(value), "text"))
    starts = [at.span() for at in regex.finditer(r"needle\s+hay", value)]
    assert found == [("test-rule", [0, 0], [list(one) for one in starts])]


def test_bounds() -> None:
    def reach(pattern: str) -> tuple[int, int] | None:
        found = reach_of(pattern, flag_bits(Pattern(pattern)))
        return None if found is None else found[:2]

    assert reach("needle") == (6, 6)
    assert reach("a{2,5}b?") == (6, 6 * 4 * 2)
    assert reach("(?:ab|c)d(?=ee)") == (5, 5 * 2)
    assert reach(r"a\s+b") == (SPACE + 2, (SPACE + 2) * SPACE)
    assert reach("(?:a|b){0,3}") == (3, 3 * (1 + 2 + 4 + 8))
    assert reach(r"a\w*b") == (WORD + 2, (WORD + 2) * (WORD + 1))
    assert reach("[a-c'-]+") == (WORD, WORD * WORD)
    for unbounded in (
        "(?:ab)+",
        "[a.]+",
        "[^a]*b",
        "(?=.*a)b",
        r"(a)\1",
        r"\Ga",
        r"a\Kb",
        "(?if)ß",
        r"\Xa",
        "a{600}",
    ):
        assert reach(unbounded) is None, unbounded


def test_most_shipped_patterns_have_a_window() -> None:
    plans = [plan_pattern(pattern) for rule in load_packs() for pattern in rule.patterns]
    assert sum(plan.reach is not None for plan in plans) > 0.85 * len(plans)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=9), st.integers(1, 30))
def test_windows_hold_every_place_and_do_not_overlap(ends: list[int], width: int) -> None:
    ends = sorted(ends)
    found = list(windows(ends, width))
    for end in ends:
        assert any(low <= max(0, end - width - 1) and end <= high for low, high in found)
    for (_, high), (low, _) in pairwise(found):
        assert high < low


def test_at_the_start_nothing_is_looked_for_further_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Start:
        """A compiled pattern that can only be tried at a place."""

        flags = 0

        def __init__(self, pattern: str) -> None:
            self.match = regex.compile(pattern).match

    monkeypatch.setattr(search, "compile_pattern", lambda pattern: Start(pattern.pattern))
    rule = make_rule(Pattern(r"[^.]{1,20}[.] No\w*", where="start"))
    confirmer = confirm.Confirmer(rule, 2.0)
    assert confirmer.spans("  Well. Not so. " + "Long. " * 9999 + "Well. No.") == [(0, 11)]
    assert confirmer.spans("Well. " * 9999 + "No.") == []


@given(
    st.lists(
        st.one_of(st.sampled_from([" ", "\n", "\x1c", "\u3000", "\u00a0", "a", "ab", "é", "."]), texts)
    ).map("".join)
)
def test_long_runs(window: str) -> None:
    spaces, wordy = rf"\s{{{SPACE + 1}}}", rf"[\w'-]{{{WORD + 1}}}"
    assert holds_long_run(window, (0,)) == (re.search(spaces, window) is not None)
    assert holds_long_run(window + "\u200b", (0,))
    assert holds_long_run(window, (1,)) or not re.search(wordy, window)
    assert holds_long_run(window, (0, 1)) == (holds_long_run(window, (0,)) or holds_long_run(window, (1,)))
    assert not holds_long_run(window, ())
