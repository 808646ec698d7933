"""What a pack can say beside its patterns: where a match begins, what it needs, what exempts it."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rules_support import array, both, make_rule, plain

from dataaudit.errors import RuleError
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.examples import test_rules as run_examples
from dataaudit.rules.fingerprint import fingerprint
from dataaudit.rules.load import load_pack, load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Exemption, Pattern, Rule
from dataaudit.rules.quoted import quoted_spans
from dataaudit.rules.select import select
from dataaudit.rules.validators import iban, luhn
from dataaudit.rules.yamlfile import parse_document


def _hits(rule: Rule, *texts: str, **options: bool) -> list[str]:
    fast, slow = both([rule], array(*texts), **options)
    assert fast == slow
    return [texts[at] for at in sorted({at for _, strings, _ in fast for at in strings})]


def test_where_start() -> None:
    rule = make_rule(Pattern("needle", where="start"))
    hit = ["needle", '  \n"needle', "**needle**", "> needle", "\ufeffneedle", "“needle” needle", "- needle"]
    assert _hits(rule, *hit, "a needle", "1. needle", "hay. needle", "") == hit


def test_where_last_line() -> None:
    rule = make_rule(Pattern("needle", where="last-line"))
    hit = ["needle", "hay\nneedle", "hay\nhay, needle hay.\n \n\n", "needle\nneedle", "hay\r\nneedle\r\n"]
    assert _hits(rule, *hit, "needle\nhay", "needle\n\n\nhay\n", "") == hit
    # A match from above the line neither counts nor hides the one in the line.
    assert plain(Matcher([make_rule(Pattern("nee[\\s\\S]*dle", where="last-line"))]).scan(
        array("nee\nneedle"), "text"
    )) == [("test-rule", [0], [[4, 10]])]  # fmt: skip


def test_where_last_paragraph() -> None:
    rule = make_rule(Pattern("needle", where="last-paragraph"))
    hit = ["needle", "hay\n\nneedle\nhay\n", "hay\n \t\nhay\nneedle\n\n  "]
    assert _hits(rule, *hit, "needle\n\nhay", "needle\n\u2003\nhay") == hit


def test_where_keeps_anchors_and_look_behind_as_they_are() -> None:
    rule = make_rule(Pattern("(?<=\\n)(?:^needle|(?m:^)hayrick)", where="last-line"))
    assert _hits(rule, "a\nneedle", "a\nhayrick") == ["a\nhayrick"]
    backwards = make_rule(Pattern("(?r)needle", where="start"))
    assert _hits(backwards, "needle needle", "a needle") == ["needle needle"]


def test_needs_a_second_marker_that_does_not_overlap() -> None:
    rule = make_rule("<s>", needs=(Pattern("</s>"), Pattern("<s>")))
    hit = ["<s>a</s>", "</s> <s>", "<s> <s>"]
    assert _hits(rule, *hit, "<s>", "<s> s </b>") == hit
    overlapping = make_rule("needle", needs=(Pattern("a needle|needle"),))
    assert _hits(overlapping, "a needle", "a needle, a needle") == ["a needle, a needle"]
    last = make_rule("needle", needs=(Pattern("hay", where="last-line"),))
    assert _hits(last, "needle\nhay", "hay\nneedle") == ["needle\nhay"]


def test_unless_within() -> None:
    rule = make_rule("needle", unless=(Exemption("pine", within=3),))
    assert plain(Matcher([rule]).scan(array("pine 12 needle ... pine needle, needle 1 pine"), "text")) == [
        ("test-rule", [0], [[8, 14]])
    ]
    touching = make_rule("needle", unless=(Exemption("s", within=0),))
    assert _hits(touching, "needles", "needle s", "sneedle") == ["needle s"]
    inside = make_rule("needle", unless=(Exemption("eed", within=0),))
    assert _hits(inside, "needle") == []


def test_validators() -> None:
    assert luhn("4111 1111 1111 1111")
    assert luhn("5500-0000-0000-0004")
    assert not luhn("4111 1111 1111 1112")
    assert not luhn("0000000000")
    assert not luhn("")
    assert iban("DE89 3704 0044 0532 0130 00")
    assert iban("gb29-NWBK-6016-1331-9268-19")
    assert not iban("DE88 3704 0044 0532 0130 00")
    assert not iban("1189 3704 0044 0532 0130 00")
    assert not iban("DE89370400440532013٠0")
    rule = make_rule(r"\b\d{4}(?: \d{4}){3}\b", validate="luhn")
    assert _hits(rule, "card 4111 1111 1111 1111.", "id 4111 1111 1111 1112") == ["card 4111 1111 1111 1111."]


QUOTED = [
    "the token `<|x|>` ends it",
    "``a ` <|x|>`` too",
    "```\n<|x|>\n```",
    "> ~~~python\n> <|x|>\n",
    'it prints "<|x|>" then',
    "it prints “<|x|>”",
    "it prints '<|x|>'.",
    "auf Deutsch „<|x|>“",
]
BARE = [
    "<|x|>",
    "a ` b\n\n<|x|> ` c",
    '"a" <|x|> "b"',
    'a " b\n<|x|> " c',
    "don't <|x|> don't",
    "```\ncode\n```\n<|x|>",
    "`` ` <|x|>",
]


def test_quotable() -> None:
    rule = make_rule(r"<\|x\|>", quotable=True)
    assert _hits(rule, *QUOTED, *BARE, ignore_quoted=True) == BARE
    assert _hits(rule, *QUOTED, *BARE) == [*QUOTED, *BARE]
    assert _hits(make_rule(r"<\|x\|>"), *QUOTED, *BARE, ignore_quoted=True) == [*QUOTED, *BARE]


@pytest.mark.parametrize("unit", ["`", '"', "„", "«", "‘", "“", "```\n", "~~~ ", "` ``", "'a ", "\n ", "> "])
def test_hostile_quotation_takes_linear_time(unit: str) -> None:
    start = time.process_time()
    quoted_spans(unit * (400_000 // len(unit)))
    assert time.process_time() - start < 5


@given(
    st.lists(st.sampled_from(["`", "``", "```\n", "\n", '"', "“", "”", "'", "a", " ", "~~~"]), max_size=20)
)
def test_quoted_spans_are_sorted_and_inside(parts: list[str]) -> None:
    text = "".join(parts)
    spans = quoted_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


WHERES = st.sampled_from(["anywhere", "start", "last-line", "last-paragraph"])
WORDS = st.sampled_from(["needle", "hayrick", "needle[^x]*hayrick", "^needle", "(?m)^hayrick$", "needle\\s*"])
patterns = st.builds(Pattern, WORDS, where=WHERES)
exemptions = st.builds(Exemption, WORDS, where=WHERES, within=st.none() | st.integers(0, 9))
texts = st.lists(
    st.sampled_from(["needle", "hayrick", "\n", "\n\n", " ", '"', "`", "x", "²", "\r", "* ", "\u2003"]),
    max_size=9,
).map("".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    own=st.lists(patterns, min_size=1, max_size=2),
    needs=st.lists(patterns, max_size=1),
    unless=st.lists(exemptions, max_size=1),
    quotable=st.booleans(),
    batch=st.lists(texts, max_size=6),
)
def test_fast_is_reference(own: list, needs: list, unless: list, quotable: bool, batch: list[str]) -> None:
    rule = make_rule(*own, needs=tuple(needs), unless=tuple(unless), quotable=quotable)
    fast, slow = both([rule], array(*batch, "needle hayrick\nneedle"), ignore_quoted=True)
    assert fast == slow
    confirmer = Confirmer(rule, 2.0, ignore_quoted=True)
    for text in batch:
        assert (confirmer.lost_at(text) is None) == bool(confirmer.spans(text))
        spans = confirmer.spans(text)
        assert confirmer.captures(text, spans) == confirmer.captures(text)
        if not spans:
            assert confirmer.captures(text) == {}


def test_captures_come_from_a_confirmed_match() -> None:
    rule = make_rule("(?P<what>needle|hayrick)", unless=(Exemption("pine", within=2),))
    text = "pine needle, and a hayrick, and a needle"
    assert Matcher([rule]).captures(rule, text) == {"what": "hayrick"}
    assert Matcher([rule]).captures(rule, text, [(34, 40)]) == {"what": "needle"}
    assert Matcher([rule]).captures(rule, text, [(33, 40)]) == {"what": "hayrick"}, "that is no match"


HEAD = "pack: mine\nversion: 1\nlicence: MIT\n"
RULE = """\
rules:
  - id: my-rule
    version: 1
    name: Mine
    message: A needle.
    why: It pricks.
    category: quality
    severity: low
    confidence: low
    patterns:
      - {pattern: needle, where: start}
    hits: ['needle', 'needles']
    misses: ['a needle', 'a nail']
"""


def _load(text: str) -> tuple[Rule, ...]:
    return load_pack(parse_document(text, "p.yaml"))


def test_all_of_it_in_yaml() -> None:
    text = HEAD + "default: off\n" + RULE
    text += (
        "    needs: ['s$', {pattern: 'e', where: last-line}]\n    unless: ['z', {pattern: pine, within: 0}]\n"
    )
    text += "    quotable: yes\n    soft: prickly\n    basis: documented\n"
    text += "    validate: luhn\n    roles: [response]\n"
    (rule,) = load_pack(parse_document(text, "p.yaml"), verify=False)
    assert rule.patterns == (Pattern("needle", where="start"),)
    assert rule.needs == (Pattern("s$"), Pattern("e", where="last-line"))
    assert rule.unless == (Exemption("z"), Exemption("pine", within=0))
    assert (rule.quotable, rule.soft, rule.basis, rule.validate) == (True, "prickly", "documented", "luhn")
    assert not rule.default
    assert load_pack(parse_document(text + "    default: on\n", "p.yaml"), verify=False)[0].default


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("where: start", "where: end", 14, "'end' is not one of anywhere, start"),
        ("where: start", "within: 3", 14, "unknown key 'within'"),
        ("name: Mine", "name: Mine\n    unless: [{pattern: x, within: -1}]", 8, "a whole number from 0"),
        ("name: Mine", "name: Mine\n    validate: crc", 8, "'crc' is not one of iban, luhn"),
        ("name: Mine", "name: Mine\n    quotable: maybe", 8, "must be on or off"),
        ("name: Mine", "name: Mine\n    default: 'off'", 8, "must be on or off, without quotes"),
        ("licence: MIT", "licence: MIT\ndefault: never", 4, "must be on or off"),
        ("name: Mine", "name: Mine\n    basis: hearsay", 8, "not one of measured, documented"),
        ("'needles']", "'a needle']", 15, "not where the pattern must begin (`where`)"),
        ("name: Mine", "name: Mine\n    needs: ['s']", 16, "nothing that it `needs` stands beside it"),
        ("name: Mine", "name: Mine\n    validate: luhn", 16, "fails the checksum"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, line: int, reason: str) -> None:
    text = (HEAD + RULE).replace(old, new, 1)
    with pytest.raises(RuleError) as caught:
        _load(text)
    assert str(caught.value).startswith(f"p.yaml:{line}: "), str(caught.value)
    assert reason in str(caught.value)


def test_packs_that_are_off_unless_selected() -> None:
    (on,) = _load(HEAD + RULE)
    (off,) = _load(HEAD.replace("mine", "secrets") + "default: off\n" + RULE.replace("my-rule", "secret-pin"))
    both_rules = (on, off)
    assert select(both_rules) == (on,)
    assert select(both_rules, ["quality"]) == both_rules
    assert select(both_rules, ["secrets"]) == (off,)
    assert select(both_rules, ["default", "secret"]) == both_rules
    assert select(both_rules, ["default", "secret"], ["secrets"]) == (on,)


def test_the_fingerprint_is_of_what_is_matched() -> None:
    rule = make_rule("needle")
    same = make_rule("needle", name="other", severity="high", quotable=True, hits=("x", "y"))
    assert fingerprint(rule) == fingerprint(same)
    others = [
        make_rule("needles"),
        make_rule("needle", "hay"),
        make_rule(Pattern("needle", ("ignorecase",))),
        make_rule(Pattern("needle", where="start")),
        make_rule("needle", needs=(Pattern("x"),)),
        make_rule("needle", unless=("x",)),
        make_rule("needle", unless=(Exemption("x", within=0),)),
        make_rule("needle", validate="luhn"),
        make_rule("needle", roles=("response",)),
    ]
    names = {fingerprint(one) for one in [rule, *others]}
    assert len(names) == len(others) + 1
    assert all(len(name) == 16 for name in names)


def test_a_default_off_pack_on_the_command_line(tmp_path: Path) -> None:
    import dataaudit

    pack = tmp_path / "p.yaml"
    pack.write_text(HEAD + "default: off\n" + RULE, "utf-8")
    data = tmp_path / "a.jsonl"
    data.write_text('{"text": "needle one"}\n{"text": "hay"}\n', "utf-8")

    def found(**options: object) -> set[str]:
        return {one.id for one in dataaudit.scan(str(data), rules=[str(pack)], **options).findings}

    assert "my-rule" not in found()
    assert "my-rule" in found(select=["mine"])
    assert "my-rule" in found(select=["default", "my-rule"])


def test_examples_say_what_killed_them() -> None:
    rule = make_rule(Pattern("needle", where="start"), hits=("a needle", "needle"), misses=("hay", "needle"))
    assert [(one.kind, one.index, one.stage) for one in run_examples([rule]) if not one.ok] == [
        ("hit", 0, "where"),
        ("miss", 1, "pattern"),
    ]


def test_shipped_rules_still_load() -> None:
    assert load_packs(verify_shipped=True)
