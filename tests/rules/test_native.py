"""The compiled matcher finds what `regex` finds, or says that it cannot tell."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rules_support import array, both, make_rule, plain, scanned

from dataaudit.rules import confirm_kernel, database, native, place_kernel
from dataaudit.rules.compile import flag_bits
from dataaudit.rules.confirm_kernel import ASK, FOUND
from dataaudit.rules.events import Text
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import WHERES, Exemption, Pattern
from dataaudit.rules.native import Kind, Native
from dataaudit.rules.places import region
from dataaudit.rules.prefilter import Plan, plan_pattern
from dataaudit.rules.program import program_of
from dataaudit.rules.search import Searcher
from dataaudit.rules.spread import Spread

needs_hyperscan = pytest.mark.skipif(database.available() is not None, reason=str(database.available()))

PATTERNS = [
    "abc", "a|ab|abc", "(?:ab|a)(?:c|bc)", "a+b", "a+?b", "a++b", "(?>a+)b", "(?>a|ab)c", "(?:ab)+c", "(?:ab)+?c",
    "(?:ab){1,3}a", "(?:a|b){2,4}?c", "(?:ab)*+c", "a{2,}b", "a{1,2}?b", ".+b", ".*?b", r"a[^b]*b", r"\bab", r"ab\b",
    r"a\Bb", r"\mab", r"ab\M", "^ab", "(?m)^ab", "ab$", "(?m)ab$", r"\Aab", r"ab\Z", r"(?s)a.b", r"a.b",
    "a(?=b)", "a(?!b)",
    "(?<=a)b", "(?<!a)b", "(?<=^|c)b", r"(?<=a[ \n]*)b", r"(?<!c\s+)b", "(?<=ab|c)a", "(?=ab)a",
    "(?!ab)[ab]", r"(?<=\bab)c",
    "(?i)ab", "(?i)k", "(?i)s+b", "(?i)[i-k]b", "(?i)[^k]b", "é", "(?i)éb", r"[^\W\d]b", r"\w+b", r"\W+b",
    r"\s+a", r"\S+b",
    r"\d\d", "(?a)\\w+b", r"[\u2018\u2019']a", r"[ab]+(?:c|$)", r"(?:a(?:b(?:c)?)?)?b", r"a(?:(?!ab).)*?b",
    r"(a)(b)", r"(?:a??b)+",
    "(?i)İ", "(?i)ſ", r"\u3000a", r"[^\u3000]a", "жa", "(?i)жA", r"a(?=.*c)b?", "(?:a|b(?=c))+",
    "(?:a{1,2}){2}b", r"\p{Lu}a",
]  # fmt: skip
BITS = [
    *"aabbcck", "ab", "abc", "A", "B", "K", "i", "s", " ", "\n", "\n\n", "é", "É", "1", "_", "-", "ſ", "İ",
    "ı", "\u212a", "µ",
    "²", "\u2019", "\u3000", "\u00a0", "\u180e", "ж", "Ж", "中", "\U0001f600", "\u0301", "٣",
]  # fmt: skip
texts = st.lists(st.sampled_from(BITS), max_size=9).map("".join)


def judged(pattern: Pattern, text: str) -> tuple[int, list[list[int]]] | None:
    """What the compiled matcher says of a pattern in a string, tried at every place; None where it has no program."""
    program = program_of(pattern)
    if program is None:
        return None
    data = text.encode()
    plan = Plan((b"x",), 9.0, leads=(Spread(0, len(data)),), program=program)
    native_matcher = Native([pattern], [plan], [Kind(0, b"x", Spread(0, len(data)))])
    ends = np.asarray([len(data)], np.int64)
    zero = np.zeros(1, np.int64)
    values = Text(memoryview(data), np.asarray([0, len(data)], np.int64))
    # As many events as there may be matches, all at the end of the string.
    many = np.repeat(ends, len(data))
    found = native_matcher.judge(
        values, np.repeat(zero, len(data)), np.repeat(zero, len(data)), many, np.asarray([0, len(data)])
    )
    return int(found.verdicts[0]), found.spans.tolist()


def expected(pattern: Pattern, text: str) -> list[list[int]]:
    compiled = regex.compile(pattern.pattern, flag_bits(pattern))
    return [list(one.span()) for one in compiled.finditer(text) if one.end() > one.start()]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATTERNS), texts)
def test_programs_match_as_regex_does(text_of_pattern: str, text: str) -> None:
    pattern = Pattern(text_of_pattern)
    compiled = regex.compile(pattern.pattern)
    # Matches without length are not of interest, and no pattern with a piece has any.
    if not text or any(one.end() == one.start() for one in compiled.finditer(text)):
        return
    found = judged(pattern, text)
    if found is None or found[0] == ASK:
        return
    assert found[1] == expected(pattern, text)
    assert (found[0] == FOUND) == bool(found[1])


tokens = st.sampled_from(
    [*"abck.é", "a", "(?:", "(?>", "(?=", "(?!", "(?<=", "(?<!", ")", ")", "|", "*", "+", "?", "{1,2}",
     "{2}", "*?", "+?", "??",
     "++", "^", "$", r"\b", r"\B", r"\w", r"\s", "[^a]", "[ab]", r"\A", r"\Z"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(tokens, min_size=1, max_size=9).map("".join),
    texts,
    st.sampled_from(["", "(?i)", "(?m)", "(?s)"]),
)
def test_programs_of_generated_patterns(body: str, text: str, flags: str) -> None:
    pattern = Pattern(flags + body)
    try:
        compiled = regex.compile(pattern.pattern)
    except regex.error:
        return
    if not text or any(one.end() == one.start() for one in compiled.finditer(text)):
        return
    found = judged(pattern, text)
    if found is not None and found[0] != ASK:
        assert found[1] == expected(pattern, text)


def test_most_are_told_without_regex() -> None:
    """Not vacuous: plain text is judged, and only characters or constructs out of the ordinary are asked about."""
    verdicts = [judged(Pattern(one), "abc ab aab abbc a-b") for one in PATTERNS]
    assert sum(one is not None and one[0] != ASK for one in verdicts) > 0.9 * len(PATTERNS)
    assert judged(Pattern("(?i)k"), "\u212a") == (ASK, [])
    assert judged(Pattern(r"\p{Lu}a"), "Aa") == (FOUND, [[0, 2]])
    assert judged(Pattern(r"(a)\1"), "aa") is None
    plans = [plan_pattern(pattern) for rule in load_packs() for pattern in rule.patterns]
    assert sum(plan.program is not None for plan in plans) > 0.95 * len(plans)


spaces = st.sampled_from(
    [" ", "\n", "\t", "\x1c", "\x85", "\u00a0", "\u1680", "\u2003", "\u2028", "\u202f", "\u205f", "\u3000",
     "\ufeff", "\u200b",
     "\u180e", "'", '"', "“", "‘", "«", "»", "‹", "「", "『", "*", "_", "#", ">", "~", "(", "[", "-", "`", "a",
     "é", "中", ")", "\n\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(spaces, max_size=12).map("".join))
def test_places_are_those_of_the_reference(text: str) -> None:
    data = np.frombuffer(b"x\n" + text.encode() + b"\n ", np.uint8)
    end = len(data) - 2
    for number, where in enumerate(WHERES):
        first, last = place_kernel.region(data, 2, end, number)
        low, high = region(text, where)
        assert len(bytes(data[2:first]).decode()) == low
        assert len(bytes(data[2:last]).decode()) == min(high - 1, len(text))


def test_a_program_that_takes_long_is_left_to_regex() -> None:
    assert judged(Pattern(r"(?:a|aa)+b"), "a" * 60) == (ASK, [])
    assert judged(Pattern(r"(?:a|b)+c"), "ab" * 3_000)[0] == ASK  # type: ignore[index]


@needs_hyperscan
def test_long_strings_and_many_matches() -> None:
    text = "".join(f"é {i} needle hay " for i in range(9_000))
    rules = [make_rule(r"needle\s+hay"), make_rule(r"\bhay\b", id="other")]
    fast, slow = both(rules, array("x", text, "needle hay"))
    assert fast == slow
    assert len(fast[0][1]) == 9_001
    assert all(low[0] <= high[0] for low, high in pairwise(zip(fast[0][1], fast[0][2], strict=True)))


@needs_hyperscan
def test_rules_with_more_steps() -> None:
    rules = [
        make_rule("needle", id="twice", needs=(Pattern("needle"),)),
        make_rule("needle", id="with-hay", needs=(Pattern("hay"),)),
        make_rule("needle", "hayrick", id="unless", unless=("pin",)),
        make_rule(Pattern(r"\d{13,19}"), id="luhn", validate="luhn"),
    ]
    values = array(
        "needle",
        "needle needle",
        "needle hay",
        "pin needle",
        "hayrick needle",
        "4111111111111111 4111111111111112",
    )
    fast, slow = both(rules, values)
    assert fast == slow
    assert [(name, strings) for name, strings, _ in fast] == [
        ("twice", [1, 1]), ("with-hay", [2, 4]), ("unless", [0, 1, 1, 2, 4, 4]), ("luhn", [5]),
    ]  # fmt: skip


bits = st.sampled_from(
    ["needle", " hay", "pin", "PIN", " ", "\n", "\n\n", "é", "中", "1", "x1x", "quoted", ".", "\u212a"]
)


@needs_hyperscan
@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(bits, max_size=14).map("".join), min_size=1, max_size=5))
@example(["needle" + " hay" * 400])
def test_what_further_steps_ask_for_is_told_as_regex_tells_it(texts: list[str]) -> None:
    rules = [
        make_rule(
            "needle", id="needs", needs=(Pattern(r"\bhay|x\dx"), Pattern("pin", flags=("ignorecase",)))
        ),
        make_rule("needle", id="needs-first", needs=(Pattern("quoted", where="start"),)),
        make_rule("needle", "hay", id="needs-itself", needs=(Pattern("hay"),)),
        make_rule("needle", id="unless", unless=(Exemption("(?i)k|quoted"), Exemption(r"x\d+x"))),
        make_rule(
            "needle", id="unless-near", unless=(Exemption("pin", within=0), Exemption(r"\.+é", within=3))
        ),
        make_rule(
            "needle", id="unless-last", unless=(Exemption("hay", where="last-line"), Exemption("", within=2))
        ),
        make_rule(
            "needle", id="unless-empty", unless=(Exemption(r"(?=中)", within=1), Exemption(r"(?:pin)*$"))
        ),
        make_rule("needle", id="both", needs=(Pattern("hay"),), unless=(Exemption("(pin)\\1"),)),
    ]
    fast, slow = both(rules, array(*texts))
    assert fast == slow


@needs_hyperscan
def test_regex_is_not_called_for_further_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("regex was asked")

    monkeypatch.setattr(Searcher, "found", refuse)
    monkeypatch.setattr(native, "pays", lambda nbytes: True)
    rule = make_rule(
        "needle", needs=(Pattern("hay"),), unless=(Exemption("pin", within=0), Exemption("quoted"))
    )
    texts = ["needle hay", "needle", "pinneedle hay needle", "needle hay, quoted"]
    assert plain(Matcher([rule]).scan(array(*texts), "text")) == [("test-rule", [0, 2], [[0, 6], [14, 20]])]


@needs_hyperscan
def test_regex_is_not_called_for_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Matcher([make_rule(r"(?i)\bneedle\s+hay(?!ric)", Pattern("No", where="start"))])
    values = array("a needle  hay", "needles", "No. Needle hayrick", "no")
    assert scanned(scanner, values) == [("test-rule", [0, 2], [[2, 13], [0, 2]])]

    def refuse(*_: object) -> None:
        raise AssertionError("regex was asked")

    monkeypatch.setattr(Matcher, "spans", refuse)
    monkeypatch.setattr(native, "pays", lambda nbytes: True)
    assert plain(scanner.scan(values, "text")) == [("test-rule", [0, 2], [[2, 13], [0, 2]])]


long_runs = st.lists(
    st.tuples(st.sampled_from(" \n\tab1-é中\u3000."), st.integers(1, 60)).map(lambda one: one[0] * one[1])
    | st.sampled_from(["needle", " needle", "a needle", "\n1. **", "- **", "hay", "x"]),
    max_size=9,
).map("".join)


@needs_hyperscan
@settings(max_examples=200, deadline=None)
@given(st.lists(long_runs, min_size=1, max_size=4))
@example(["1. " + " " * 8 + "**", "\n" * 9 + "1. **", "x" + " " * 9 + "needle", "a" * 41 + " needle"])
@example(
    [
        "x" + " " * 600 + "needle",
        "\n" + "1" * 600 + ". **",
        "x" + "\u3000" * 9 + "needle",
        "a" * 600 + " needle",
    ]
)
def test_runs_longer_than_they_were_counted(texts: list[str]) -> None:
    rules = [
        make_rule(Pattern(r"^\s*(?:\d+[.)]|[-*])[ \t]+\*\*", flags=("multiline",)), id="list"),
        make_rule(r"x\s*needle", id="spaces"),
        make_rule(r"\w+ needle", id="words"),
        make_rule(r"[\w-]+\s+\w*\s*needle", id="both"),
        make_rule(Pattern(r"\w+[ \n]+needle", where="start"), id="start"),
        make_rule(Pattern(r"\w+\s+needle", where="last-paragraph"), id="end"),
        make_rule(Pattern(r"^.*a needle", flags=("multiline",)), id="line"),
        make_rule(Pattern(r"^\.*[^x]*needle", flags=("multiline",)), id="lines"),
    ]
    fast, slow = both(rules, array(*texts))
    assert fast == slow


@needs_hyperscan
def test_regex_is_not_called_for_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("regex was asked")

    monkeypatch.setattr(Matcher, "spans", refuse)
    monkeypatch.setattr(native, "pays", lambda nbytes: True)
    scanner = Matcher([make_rule(r"x\s*needle", r"\w+ needle")])
    found = plain(scanner.scan(array("x" + " " * 300 + "needle", "y" + "a" * 200 + " needle"), "text"))
    assert found == [("test-rule", [0, 1], [[0, 307], [0, 208]])]
    lines = Matcher([make_rule(Pattern(r"^\**needle[^\n]+hay", flags=("multiline",)))])
    found = plain(lines.scan(array("needle, " * 90 + "hay\n" + "*" * 90 + "needle hay, needle hay"), "text"))
    assert found == [("test-rule", [0, 0], [[0, 723], [724, 836]])]


def test_it_is_kept_as_machine_code() -> None:
    """Else every process would load a compiler for it."""
    assert judged(Pattern("needle"), "a needle") == (FOUND, [[2, 8]])
    assert confirm_kernel.confirm.at_hand
