"""Mutants of rules: what is changed, what examples notice, and the texts that would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from rules_support import make_rule

from dataaudit.rules.compile import compile_pattern
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.load import load_packs
from dataaudit.rules.model import Exemption, Pattern, Rule
from dataaudit.rules.mutants import judge, mutants
from dataaudit.rules.unparse import round_trips, written

RULES = load_packs()
FLOOR, FLOOR_OF_SOME = 90.0, 75.0
"""Share of mutants that the examples of shipped rules notice, in percent of those that some text tells. Of a few
rules less will do, since rules change."""


@pytest.mark.parametrize(
    "pattern",
    [
        r"a(?:b|c)d?e+f*g{2,5}h{3}i??j+?k++l{,4}",
        r"(?<=x)(?<!y)z(?=w)(?!v)",
        r"\b\B\m\M\A\Z^$\G",
        r"[abc][^abc][a-z\d\s\w.\-\]\\^&|~[][^\W\D]",
        r"[[:alpha:]]\p{Han}\P{Lu}\p{Script=Greek}\X?",
        r"(?P<name>a)(b)(?>c|d)",
        r"(?i:abc)d(?-i:e)",
        r"\.\*\[\(\{ \t\n\x00\u202e\U000e0041é😀",
        r".(?s:.)(?-s:.)",
        r"(?i)[’']ß",
    ],
)
@pytest.mark.parametrize("flags", [(), ("ignorecase",), ("multiline", "dotall")])
def test_a_pattern_written_from_its_tree_means_the_same(pattern: str, flags: tuple) -> None:
    one = Pattern(pattern, flags)
    if round_trips(one):
        text = "abdee fghhh xzw αΩ [a] Abc abcde ABCDE 😀 .*[({ ’ß'SS aç b\nd zz"
        before = [m.span() for m in compile_pattern(one).finditer(text)]
        assert [m.span() for m in compile_pattern(written(one)).finditer(text)] == before
    else:
        assert r"\X" in pattern or "(?i)" in pattern  # the two that are said to be left out


def test_the_shipped_patterns_can_all_be_mutated() -> None:
    for rule in RULES:
        for pattern in (*rule.patterns, *rule.needs, *rule.unless):
            assert round_trips(pattern), (rule.id, pattern.pattern)


def whats(rule: Rule) -> list[tuple[str, str, str]]:
    return [(one.kind, one.what, one.rule.patterns[0].pattern) for one in mutants(rule)]


def test_what_is_changed() -> None:
    rule = make_rule(
        Pattern(r"\bab{1,3}(?:c|d)['’]", ("ignorecase",), "start"),
        needs=(Pattern("need"),),
        unless=(Exemption("but", (), "anywhere", 3),),
        validate="luhn",
    )
    found = whats(rule)
    assert Counter(kind for kind, *_ in found) == {
        "anchor": 2, "alternative": 4, "quantifier": 3, "case": 3, "condition": 3,
    }  # fmt: skip
    assert ("anchor", r"patterns[0]: \b dropped", "a(?:b){1,3}(?:c|d)['’]") in found
    assert ("alternative", "patterns[0]: alternative d dropped", r"\ba(?:b){1,3}(?:c)['’]") in found
    assert ("quantifier", "patterns[0]: (?:b){1,3} without limit", r"\ba(?:b)+(?:c|d)['’]") in found
    assert any(what == "unless[0]: within dropped" for _, what, _ in found)
    for one in mutants(rule):
        assert one.rule != rule


def outcomes(rule: Rule) -> dict[str, str]:
    return {one.mutant.what.partition(": ")[2]: one.outcome for one in judge(rule)}


def test_examples_catch_what_they_show_and_no_more() -> None:
    careless = make_rule(r"\bcat(?: sat| lay)\b", hits=("cat sat", "the cat sat."), misses=("dog", "cats"))
    found = outcomes(careless)
    assert found["alternative \\ sat dropped"] == "caught"
    assert found["alternative \\ lay dropped"] == "survived"
    assert found["\\b dropped"] == "survived"
    assert found["ignorecase added"] == "survived"
    careful = make_rule(
        r"\bcat(?: sat| lay)\b", hits=("cat sat", "a cat lay"), misses=("concat sat", "cat satin", "Cat Sat")
    )
    assert set(outcomes(careful).values()) == {"caught"}


def test_a_survivor_comes_with_a_text_that_tells() -> None:
    rule = make_rule(
        r"\bthe (?:big )?cat(?: sat| lay)[^.]{0,9} mat\b(?! shop)",
        hits=("the cat sat on a mat", "the big cat sat on the mat."),
        misses=("dog", "mat"),
    )
    ours = Confirmer(rule, 1.0)
    survivors = [one for one in judge(rule) if one.outcome == "survived"]
    assert {one.mutant.kind for one in survivors} == {"anchor", "alternative", "quantifier", "case"}
    for one in survivors:
        assert one.witness is not None
        assert bool(ours.spans(one.witness.text)) == one.witness.hit
        assert bool(Confirmer(one.mutant.rule, 1.0).spans(one.witness.text)) != one.witness.hit
        assert "cat" in one.witness.text.lower()


def test_what_changes_nothing_counts_as_equal() -> None:
    # Behind `x` stands a space anyway; a longer run at the end makes no further text match; `ab` is also an `a`.
    rule = make_rule(r"(?:a|ab) x\b y{1,3}", hits=("a x y", "ab x y"), misses=("a xy", "x y"))
    found = outcomes(rule)
    assert found["\\b dropped"] == "equal"
    assert found["(?:y){1,3} without limit"] == "equal"
    assert found["(?:y){1,3} may be absent"] == "survived"


def share(rules: Iterable[Rule]) -> float:
    counted = Counter(one.outcome for rule in rules for one in judge(rule))
    return 100.0 * counted["caught"] / max(1, counted["caught"] + counted["survived"])


def test_the_examples_of_some_shipped_rules_notice_most_mutants() -> None:
    assert share(RULES[::16]) >= FLOOR_OF_SOME


@pytest.mark.slow
def test_the_examples_of_the_shipped_rules_notice_most_mutants() -> None:
    assert share(RULES) >= FLOOR
