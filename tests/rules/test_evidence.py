"""What was measured, what follows from it, and how it is said."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rules_support import make_rule

from dataaudit.errors import RuleError
from dataaudit.rules.evidence import Counts, Evidence, RuleEvidence, agrees, earned, in_words, read_evidence
from dataaudit.rules.fingerprint import fingerprint
from dataaudit.rules.load import load_packs, packs_dir
from dataaudit.rules.model import Rule
from dataaudit.sketches.stats import clopper_pearson

RULES = load_packs()


def found(human: int, model: int, of: int = 95_378, peak: float = 0.0) -> RuleEvidence:
    upper = clopper_pearson(human, of)[1]
    return RuleEvidence(1, "x", Counts(of, human), Counts(12_880, model), upper, peak, None)


def rule(**fields: object) -> Rule:
    return make_rule("needle", **{"category": "model-output", **fields})


@pytest.mark.parametrize(
    ("human", "model", "basis", "confidence"),
    [
        (0, 20, "measured", "high"),
        (3, 20, "measured", "high"),
        (4, 20, "measured", "medium"),
        (70, 700, "measured", "medium"),
        (90, 700, "measured", "low"),
        (3, 0, "measured", "low"),
        (0, 0, "measured", "medium"),
        (0, 4, "measured", "medium"),
        (0, 5, "measured", "high"),
        (0, 0, "documented", "high"),
        (3, 0, "documented", "high"),
        (10, 0, "documented", "medium"),
        (70, 5, "documented", "low"),
    ],
)
def test_confidence_follows(human: int, model: int, basis: str, confidence: str) -> None:
    assert earned(rule(basis=basis), found(human, model)) == confidence


def test_few_documents_give_no_high_confidence() -> None:
    assert earned(rule(), found(0, 20, of=30_000)) == "medium"
    assert earned(rule(), found(0, 20, of=1_000)) == "low"


def test_words_of_people_in_one_corpus_give_no_high_confidence() -> None:
    assert earned(rule(), found(3, 200, peak=3 / 1_029)) == "medium"
    assert earned(rule(), found(3, 200, peak=3 / 12_773)) == "high"


def test_what_people_are_known_to_write_gives_no_high_confidence() -> None:
    assert earned(rule(tags=("people-too",)), found(0, 200)) == "medium"
    assert earned(rule(tags=("people-too",)), found(90, 700)) == "low"


def test_style_follows_evidence_too() -> None:
    assert earned(rule(category="assistant-style"), found(0, 20)) == "high"
    assert earned(rule(category="quality"), found(0, 20)) is None


def test_what_was_not_measured() -> None:
    assert earned(rule(), None) == "low"
    assert earned(rule(basis="documented"), None) == "high"
    assert earned(rule(category="secret"), None) is None
    assert agrees(rule(category="secret", confidence="medium"), None)


def test_a_documented_rule_may_be_less_sure_than_the_evidence_allows() -> None:
    assert agrees(rule(basis="documented", confidence="medium"), found(0, 0))
    assert not agrees(rule(basis="documented", confidence="medium"), found(0, 5))
    assert not agrees(rule(basis="documented", confidence="high"), found(10, 0))
    assert not agrees(rule(confidence="medium"), found(0, 20))


def test_words() -> None:
    one = rule()
    measured = RuleEvidence(
        1, fingerprint(one), Counts(95_378, 2, {"lima": 2}), Counts(12_880, 40, {"a": 30, "b": 10}), 0.1,
        0.0, (0.95, 0.8, 0.99),
    )  # fmt: skip
    evidence = msgspec.convert(
        {
            "schema_version": 1,
            "date": "2026-01-02",
            "groups": [
                {"name": n, "label": "model", "documents": 9, "contamination": 0, "confident": 0, "soft": []}
                for n in "abc"
            ],
            "rules": {one.id: msgspec.to_builtins(measured)},
        },
        Evidence,
    )
    assert in_words(one, evidence) == (
        "2 of 95,378 human documents (lima 2); 40 of 12,880 model outputs, seen in 2 of 3 models; "
        "precision 95.0 % (80.0 to 99.0 %). Measured 2026-01-02."
    )
    assert in_words(make_rule("needles"), evidence) == "not measured since it was changed"
    assert in_words(make_rule("needle", id="other"), evidence) == "not measured"


def test_damaged_evidence_is_an_error(tmp_path: Path) -> None:
    assert read_evidence(tmp_path).rules == {}
    (tmp_path / "evidence.json").write_text('{"schema_version": 1', "utf-8")
    with pytest.raises(RuleError, match="not readable as evidence"):
        read_evidence(tmp_path)


def test_shipped_evidence_is_consistent() -> None:
    evidence = read_evidence(packs_dir())
    assert len(evidence.names("model")) == 16
    human = sum(group.documents for group in evidence.groups if group.label == "human")
    assert human > 50_000
    for one in evidence.rules.values():
        for counts in (one.human, one.model):
            assert counts.hits == sum(counts.where.values()) <= counts.of
        assert one.upper == pytest.approx(clopper_pearson(one.human.hits, one.human.of)[1])


def test_every_shipped_rule_is_measured_as_it_is() -> None:
    evidence = read_evidence(packs_dir())
    assert [one.id for one in RULES if evidence.of(one) is None] == []
    assert set(evidence.rules) == {one.id for one in RULES}


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_confidence_of_shipped_rules_is_what_the_evidence_gives(one: Rule) -> None:
    found = read_evidence(packs_dir()).of(one)
    assert agrees(one, found), f"{one.confidence}, and the evidence gives {earned(one, found)}"
