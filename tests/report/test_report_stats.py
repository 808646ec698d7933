"""Intervals against an independent computation in decimal arithmetic; laws of entropy and distance."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.sketches.stats import clopper_pearson, entropy, jensen_shannon_distance


def upper_tail(rows: int, of: int, share: Decimal) -> Decimal:
    """P(X >= rows) for X binomial, summed term by term."""
    term, total = (1 - share) ** of, Decimal(0)
    for hits in range(of + 1):
        if hits >= rows:
            total += term
            if term < total * Decimal(10) ** -35:
                break
        term = term * (of - hits) / (hits + 1) * share / (1 - share)
    return total


def exact_low(rows: int, of: int) -> Decimal:
    low, high = Decimal(0), Decimal(rows) / of
    for _ in range(70):
        middle = (low + high) / 2
        if upper_tail(rows, of, middle) < Decimal("0.025"):
            low = middle
        else:
            high = middle
    return low


@pytest.mark.parametrize(
    ("rows", "of"), [(1, 1), (1, 2), (3, 10), (9, 10), (1, 1000), (38, 1500), (250, 500), (999, 1000)]
)
def test_interval_equals_summed_binomial_tails(rows: int, of: int) -> None:
    with localcontext() as context:
        context.prec = 45
        low, high = exact_low(rows, of), 1 - exact_low(of - rows, of)
    found = clopper_pearson(rows, of)
    assert found[0] == pytest.approx(float(low), rel=1e-10)
    assert found[1] == pytest.approx(float(high), rel=1e-10)


def test_closed_forms_at_the_ends() -> None:
    """With no hit the upper bound is 1 - (alpha/2)^(1/n), with one the lower is 1 - (1 - alpha/2)^(1/n)."""
    for of in (1, 7, 1_000, 13_685, 10**9, 10**12):
        assert clopper_pearson(0, of) == (
            0.0,
            pytest.approx(-math.expm1(math.log(0.025) / of), rel=1e-10, abs=0),
        )
        assert clopper_pearson(1, of)[0] == pytest.approx(-math.expm1(math.log(0.975) / of), rel=1e-10, abs=0)
        assert clopper_pearson(of, of)[1] == 1.0


def test_no_trials_say_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 30, 200])
def test_of_very_many_rows_few_are_counted_as_poisson_says(rows: int) -> None:
    # Garwood (1936): of a count with mean m, `rows` or fewer have the chance of one tail at the upper end, and `rows`
    # or more at the lower.
    def at_most(k: int, mean: float) -> float:
        return math.fsum(math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in range(k + 1))

    low, high = clopper_pearson(rows, 10**12)
    assert at_most(rows, high * 1e12) == pytest.approx(0.025, rel=1e-8)
    if rows:
        assert at_most(rows - 1, low * 1e12) == pytest.approx(0.975, rel=1e-8)


def test_huge_counts_approach_the_normal_interval() -> None:
    for rows in (10**8, 10**11, 5 * 10**11):
        of = 10**12
        share = rows / of
        spread = 1.959963984540054 * math.sqrt(share * (1 - share) / of)
        low, high = clopper_pearson(rows, of)
        assert low == pytest.approx(share - spread, rel=1e-7)
        assert high == pytest.approx(share + spread, rel=1e-7)


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_interval_holds_the_share_and_mirrors(a: int, b: int) -> None:
    rows, of = min(a, b), max(a, b)
    low, high = clopper_pearson(rows, of)
    assert 0.0 <= low <= high <= 1.0
    if of:
        # Results are settled to 12 digits, so a bound may touch the share.
        assert low <= rows / of * (1 + 1e-11)
        assert high >= rows / of * (1 - 1e-11)
    mirrored = clopper_pearson(of - rows, of)
    assert mirrored[0] == pytest.approx(1 - high, abs=1e-11)


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(0, 5000))
def test_more_hits_raise_both_bounds(of: int, rows: int) -> None:
    rows %= of
    fewer, more = clopper_pearson(rows, of), clopper_pearson(rows + 1, of)
    assert fewer[0] < more[0]
    assert fewer[1] < more[1] or more[1] == 1.0


def test_confidence_widens() -> None:
    narrow, wide = clopper_pearson(38, 13_685, 0.5), clopper_pearson(38, 13_685, 0.999)
    assert wide[0] < narrow[0] < 38 / 13_685 < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("rows", "of", "confidence"), [(2, 1, 0.95), (-1, 1, 0.95), (0, -1, 0.95), (1, 2, 1.0)]
)
def test_what_cannot_be_is_refused(rows: int, of: int, confidence: float) -> None:
    with pytest.raises(ValueError):
        clopper_pearson(rows, of, confidence)


def test_entropy() -> None:
    assert entropy({}) == 0.0
    assert entropy({"a": 5, "b": 0}) == 0.0
    assert entropy({"a": 5, "b": 5}) == pytest.approx(math.log(2))
    assert entropy(dict.fromkeys("abcdefgh", 3)) == pytest.approx(math.log(8))


def test_distance_of_known_pairs() -> None:
    assert jensen_shannon_distance({"a": 1}, {"b": 9}) == 1.0
    assert jensen_shannon_distance({"a": 1, "b": 2}, {"b": 4, "a": 2}) == 0.0
    # Divergence of (1, 0) and (1/2, 1/2): 1/2 log2(4/3) + 1/4 log2(2/3) + 1/4 log2(2).
    divergence = 0.5 * math.log2(4 / 3) + 0.25 * math.log2(2 / 3) + 0.25
    assert jensen_shannon_distance({"a": 3}, {"a": 2, "b": 2}) == pytest.approx(math.sqrt(divergence))
    with pytest.raises(ValueError):
        jensen_shannon_distance({}, {"a": 1})


COUNTS = st.dictionaries(st.text(max_size=3), st.integers(1, 10**9), min_size=1, max_size=20)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_distance_is_symmetric_bounded_and_order_free(p: dict[str, int], q: dict[str, int]) -> None:
    distance = jensen_shannon_distance(p, q)
    assert 0.0 <= distance <= 1.0
    assert distance == jensen_shannon_distance(q, p)
    assert distance == jensen_shannon_distance(dict(reversed(p.items())), q)
    assert entropy(p) == entropy(dict(reversed(p.items()))) <= math.log(len(p)) + 1e-9
