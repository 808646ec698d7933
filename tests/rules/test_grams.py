"""The search for grams points to every match, whatever stands around it."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

import pyarrow as pa
import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_support import array, both, by_grams, make_rule

from dataaudit.rules import finder, gram_index
from dataaudit.rules.events import text_of
from dataaudit.rules.fold import joined, units
from dataaudit.rules.gram_index import GramIndex
from dataaudit.rules.gram_table import Sought
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import WHERES, Pattern, Rule
from dataaudit.rules.prefilter import grams_of_pattern

PATTERNS = [
    r"(?i)\bas\s+an\s+ai\b", r"(?i)i(?:['’]m| am) (?:very )?sorry", r"\[INST\]", r"(?i)certainly[,!.]\s*here",
    r"(?i)k(?:elvin|ilo)s?\s{0,3}sign", r"###\s*(?:human|user)\s*:", r"(?m)^note:\s", r"\w+ sincerely",
    r"(?i)step\s*[0-9]{1,2}\s*[:.]", r"ünïcode\s+text", r"(?:one|two|three) of (?:them|these)", r"中文字", "“quoted”",
    r"a\s?b\s?c\s?d", r"(?i)İstanbul|ſtop it", r"never[^.\n]{0,20}\beach\b", r"x{3,5}yz+", r"\s\s\.\.\.",
    r"the end\s+$", r"\[\^\d{1,2}\^\]", r"<\|\d{1,2}\.\d{2}\|>", r"[\U000E0020-\U000E007E]{2,}",
    r"(?i)b\.[\u0660-\u0669א-ת]+",
]  # fmt: skip
BITS = [
    *"aibcdkxyz1 .:,![]#\n\t^<|>٣３𝟗א字\U000e0041\U000e0042", "[^", "^]", "<|", "|>", "b.", "  ", " \n ", "\u00a0",
    "\u3000", "\u200b", "\x1c", "as", "an", "AI", "aſ", "i'm", "I’m", "am", "sorry", "very ", "[INST]", "Certainly",
    "here", "\u212aelvin", "Kilos", "SIGN", "###", "human", "User", "note:", "sincerely", "step", "42", "٣", "ünïcode",
    "ÜNÏ", "text", "one of", "three", " of these", "中文", "字", "中", "“", "quoted", "”", '"', "xxx", "yzz", "...",
    "the end", "istanbul", "İ", "ı", "stop", "it", "never", "each", "é", "\U0001f600", "’", "ﬁ",
]  # fmt: skip
texts = st.lists(st.sampled_from(BITS), max_size=14).map("".join)


def _by_grams(rules: list[Rule]) -> bool:
    """Does each of the rules have grams, so that a test tests what it is meant to?"""
    return all(grams_of_pattern(pattern) for rule in rules for pattern in rule.patterns)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.lists(texts, max_size=6), where=st.sampled_from(WHERES), room=st.sampled_from([96, 104, 8192])
)
def test_what_is_found_is_what_regex_finds(
    monkeypatch: pytest.MonkeyPatch, batch: list[str], where: str, room: int
) -> None:
    monkeypatch.setattr(gram_index, "ROOM", room)
    rules = [make_rule(Pattern(p, where=where), id=f"rule-{n}") for n, p in enumerate(PATTERNS)]
    fast, slow = both(rules, array(*batch, "as  an\n\u00a0 AI", *batch))
    assert fast == slow


def test_most_patterns_have_grams() -> None:
    assert [p for p in PATTERNS if not grams_of_pattern(Pattern(p))] == []
    rules = load_packs()
    with_grams = [rule for rule in rules if _by_grams([rule])]
    assert len(with_grams) > 0.9 * len(rules)


@pytest.mark.parametrize(
    "gap", [" ", "  ", " " * 300, "\n\n", "\u00a0", " \u3000\t", "\u200b ", "\x1c", "\r\n" * 40]
)
def test_any_white_space_may_stand_between_words(gap: str) -> None:
    rules = [make_rule(r"as\s+an\s+ai\s+model")]
    assert _by_grams(rules)
    fast, slow = both(rules, array(gap.join(["so", "as", "an", "ai", "model", "x"]), "as an", "ai model"))
    assert fast == slow
    assert [strings for _, strings, _ in fast] == [[0]] * bool(regex.fullmatch(r"\s+", gap))


@pytest.mark.parametrize("before", ["", "“", '  "', "> ", "**", "«" * 40, " " * 500, "\u3000" * 200])
def test_the_start_of_a_string_may_lie_behind_marks_and_white_space(before: str) -> None:
    rules = [make_rule(Pattern(r"(?i)certainly[,!]\s+here\s+(?:is|are)", where="start"))]
    assert _by_grams(rules)
    start = before + "Certainly,\n\n" + " " * 90 + "here is"
    fast, slow = both(
        rules, array(start, start + "x" * 5000 + start, "no, certainly, here is", "x" * 600 + start)
    )
    assert fast == slow
    assert fast[0][1] == [0, 1]


def test_grams_do_not_reach_from_one_string_into_the_next() -> None:
    fast, slow = both(
        [make_rule("needle"), make_rule("hay", id="hay")], array("need", "le", "ha", "", "y", "needle")
    )
    assert fast == slow == [("test-rule", [5], [[0, 6]])]


def test_more_places_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gram_index, "ROOM", 96)
    values = array("a needle " * 1000, *["needle"] * 50, "no" * 500 + "needle")
    fast, slow = both([make_rule("needle"), make_rule("dle a", id="across")], values)
    assert fast == slow
    assert len(fast[0][1]) == 1051


def test_a_flood_of_grams_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "MIN_EVENTS", 10)
    monkeypatch.setattr(finder, "COMPILED_EVENTS", 10)
    monkeypatch.setattr(finder, "EVENTS_PER_MB", 0)
    rules = [make_rule("wordy", id="often"), make_rule("needle", id="rare"), make_rule("hayrick", id="never")]
    fast, slow = both(rules, array(*["wordy " * 5] * 20, "a needle", ""))
    assert fast == slow


def test_text_that_is_all_matches_is_left_to_the_compiled_matcher(monkeypatch: pytest.MonkeyPatch) -> None:
    by_grams(monkeypatch)
    rules = [make_rule("needle", id="often"), make_rule("hayrick", id="never")]
    values = array(*["needle " * 30] * 1000)
    matcher = Matcher(rules)

    def spans(*_: object) -> None:
        raise AssertionError("a row is matched by regex")

    monkeypatch.setattr(Matcher, "spans", spans)
    assert [len(one.strings) for one in matcher.scan(values, "text")] == [30_000]


def test_a_sliced_array_and_rules_of_two_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    by_grams(monkeypatch)
    rules = [make_rule("needle", id="all"), make_rule("hayrick", id="answers", roles=("response",))]
    values = array("needle hayrick", "", "hayrick needle", "needle").slice(1, 2)
    matcher = Matcher(rules)
    found = {role: [m.rule.id for m in matcher.scan(values, role)] for role in ("prompt", "response")}
    assert found == {"prompt": ["all"], "response": ["all", "answers"]}


def folded(text: str) -> tuple[bytes, list[int]]:
    """A text as units, and the byte behind each."""
    whole, ends, at = b"", [], 0
    for char in text:
        ones = units(ord(char))
        for unit in ones:
            at += len(char.encode()) // len(ones)
            if unit != ord(" ") or not whole.endswith(b" "):
                whole += bytes((unit,))
                ends.append(at)
    return whole, ends


def occurrences(values: pa.LargeStringArray, gram: bytes) -> list[tuple[int, int]]:
    """Strings and the bytes behind, of every place at which a gram stands; behind the character in which it ends."""
    found, begin = [], 0
    for string, text in enumerate(values.to_pylist()):
        whole, ends = folded(text)
        size = len(gram)
        behind = [0, *accumulate(len(char.encode()) for char in text)]
        found += [
            (string, begin + behind[bisect_left(behind, ends[at + size - 1])])
            for at in range(len(whole) - size + 1)
            if whole[at : at + size] == gram
        ]
        begin += len(text.encode())
    return found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batch=st.lists(st.lists(st.sampled_from(BITS), max_size=40).map("".join), min_size=1, max_size=6),
    room=st.sampled_from([96, 104, 8192]),
    data=st.data(),
)
def test_grams_are_found_wherever_they_stand(
    monkeypatch: pytest.MonkeyPatch, batch: list[str], room: int, data: st.DataObject
) -> None:
    monkeypatch.setattr(gram_index, "ROOM", room)
    whole = b"".join(folded(text)[0] for text in batch)
    cuts = st.tuples(st.integers(0, len(whole)), st.integers(3, 20))
    pieces = {whole[at : at + size] for at, size in data.draw(st.lists(cuts, max_size=8))}
    grams = sorted(one for one in pieces if len(one) >= 3 and not one.endswith(b" "))
    values = array(*batch)
    text = text_of(values)
    index = GramIndex([Sought(gram, kind, None) for kind, gram in enumerate(grams)])
    found = index.scan(text, 0, len(batch), 10_000)
    for kind, gram in enumerate(grams):
        of_kind = found.kinds == kind
        places = zip(found.strings[of_kind].tolist(), found.ends[of_kind].tolist(), strict=True)
        assert sorted(places) == occurrences(values, gram)


def test_many_bytes_are_folded_like_one() -> None:
    every = "".join(map(chr, range(128)))
    plain = "".join(char for char in every if not char.isspace())
    wide = "".join(map(chr, (*range(128, 0x300), *range(0x400, 0x3400, 61), *range(0x3400, 0x11_0000, 4001))))
    wide = wide.encode("utf-8", "ignore").decode()
    for text in (plain, wide, *(f"{char}{plain}{char}" for char in every)):
        whole, _ = folded(text)
        grams = [whole[at : at + 12] for at in range(0, len(whole) - 12, 6)]
        grams = [gram for gram in grams if not gram.endswith(b" ")]
        found = GramIndex([Sought(gram, kind, None) for kind, gram in enumerate(grams)]).scan(
            text_of(array(text, "x" * 64)), 0, 2, 10_000
        )
        assert set(found.kinds.tolist()) == set(range(len(grams)))


@settings(max_examples=300, deadline=None)
@given(before=st.text(max_size=6), text=st.text(max_size=8), after=st.text(max_size=6))
def test_what_a_text_holds_it_holds_folded(before: str, text: str, after: str) -> None:
    whole = joined(units(ord(c)) for c in before + text + after)
    assert joined(units(ord(c)) for c in text).strip(b" ") in whole


def test_examples_of_the_shipped_rules_between_other_text() -> None:
    rules = load_packs()
    examples = [example for rule in rules for example in rule.hits if isinstance(example, str)]
    filler = "The quick brown fox — “jumps” over   the lazy dog’s back.\n\n" * 3
    padded = [example.replace(" ", "  \n") for example in examples]
    for texts in (examples, padded, [filler + example + filler for example in examples]):
        for role in ("text", "response"):
            values = pa.array(texts, pa.large_string())
            fast, slow = both(list(rules), values, role)
            assert fast == slow
