"""Laws of the order of findings."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from report_sample import finding

from dataaudit.records.findings import CONFIDENCES, SEVERITIES, Finding
from dataaudit.report.rank import lower_share, rank


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    ids = draw(st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=12))
    found = []
    for name in ids:
        of = draw(st.integers(0, 10_000))
        rows = draw(st.none() | st.integers(0, of))
        severity, confidence = draw(st.sampled_from(SEVERITIES)), draw(st.sampled_from(CONFIDENCES))
        found.append(finding(name, severity, rows, of, confidence=confidence))
    return found


@settings(deadline=None)
@given(findings(), st.randoms(use_true_random=False))
def test_order_is_lexicographic_and_independent_of_the_input(
    found: list[Finding], rng: random.Random
) -> None:
    ranked = rank(found)
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert rank(shuffled) == ranked
    assert sorted(f.id for f in ranked) == sorted(f.id for f in found)
    for first, second in pairwise(ranked):
        a, b = SEVERITIES.index(first.severity), SEVERITIES.index(second.severity)
        assert a >= b
        if a > b:
            continue
        a, b = CONFIDENCES.index(first.confidence), CONFIDENCES.index(second.confidence)
        assert a >= b
        if a == b:
            assert (-lower_share(first), first.id) < (-lower_share(second), second.id)


def test_a_small_sure_share_follows_a_large_one_and_precedes_a_lucky_one() -> None:
    lucky, sure, whole = (
        finding("lucky", rows=1, of=2),
        finding("sure", rows=400, of=1000),
        finding("whole", rows=None),
    )
    assert [f.id for f in rank([lucky, sure, whole])] == ["whole", "sure", "lucky"]


def test_nothing_evaluated_ranks_last() -> None:
    assert [f.id for f in rank([finding("a", rows=0, of=0), finding("b", rows=1, of=9)])] == ["b", "a"]
