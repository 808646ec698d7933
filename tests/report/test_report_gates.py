"""What a gate accepts, refuses, compares and answers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_sample import finding

from dataaudit.errors import UsageError
from dataaudit.records.findings import Evaluated
from dataaudit.report.gates import (
    GateSpec,
    evaluate,
    parse_count,
    parse_rate,
    parse_severity,
    require_known,
    require_sampleable,
    status,
)
from dataaudit.report.model import Gate, Rate
from dataaudit.sketches.stats import clopper_pearson

RATES = {"contamination": Rate(10, 10_000, 0.001), "secret": Rate(0, 0, None)}
FINDINGS = (
    finding("as-an-ai", "high", 10, 10_000, tags=("refusal",)),
    finding("exact-duplicates", "medium", 79, 10_000, check="exact-duplicates"),
    finding("exact-duplicates:response", "medium", 908, 10_000, check="exact-duplicates"),
    finding("class-imbalance", "medium", None, 10_000, check="class-imbalance", value=36.0, limit=10.0),
)
EVALUATED = (
    *(Evaluated(f.id, f.check, f.category, f.rows, f.of) for f in FINDINGS),
    Evaluated("chatml-token", "rules", "chat-marker", 0, 10_000),
    Evaluated("no-system", "rules", "quality", 0, 0),
    Evaluated("single-class", "class-imbalance", "labels", None, 10_000),
)


@pytest.mark.parametrize(
    ("text", "name", "limit"),
    [
        ("contamination=0.1%", "contamination", 0.001),
        ("contamination=0.3 %", "contamination", 0.003),
        ("contamination=0.001", "contamination", 0.001),
        (" secret = 0 ", "secret", 0.0),
        ("a:b=1", "a:b", 1.0),
        ("a=b=100%", "a=b", 1.0),
        ("a=1e-3", "a", 0.001),
        ("a=.5%", "a", 0.005),
    ],
)
def test_rates_read(text: str, name: str, limit: float) -> None:
    assert parse_rate(text) == GateSpec(name, "rate", limit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "a",
        "a=",
        "=1%",
        "a=%",
        "a=-1%",
        "a=-0.5",
        "a=101%",
        "a=1.01",
        "a=5",
        "a=nan",
        "a=inf",
        "a=NaN%",
        "a=1,5%",
        "a=1_0%",
        "a=one",
        "a=0x1",
        "a=1%%",
        "a=٣%",
        "a=1e999",
    ],
)
def test_rates_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rate(text)
    assert "--max-rate" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_above_one_hints_at_the_percent_sign() -> None:
    with pytest.raises(UsageError, match="write 5%"):
        parse_rate("contamination=5")


@pytest.mark.parametrize(("text", "limit"), [("a=0", 0), ("a=1000", 1000), ("a=2.5", 2.5), ("a=1e3", 1000)])
def test_counts_read(text: str, limit: float) -> None:
    spec = parse_count(text)
    assert spec == GateSpec("a", "count", limit)
    assert type(spec.limit) is type(limit)


@pytest.mark.parametrize("text", ["", "a", "a=", "a=-1", "a=nan", "a=inf", "a=1%", "a=1,000", "=3"])
def test_counts_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--max-count"):
        parse_count(text)


def test_severities() -> None:
    assert parse_severity("HIGH") == GateSpec("fail-on", "severity", "high")
    with pytest.raises(UsageError, match="info, low, medium, high, critical"):
        parse_severity("severe")


@pytest.mark.parametrize(
    ("spec", "value", "outcome"),
    [
        (GateSpec("contamination", "rate", 0.001), 0.001, "pass"),  # at the limit
        (GateSpec("contamination", "rate", 0.000999), 0.001, "fail"),
        (GateSpec("as-an-ai", "rate", 0.0), 0.001, "fail"),
        (GateSpec("chatml-token", "rate", 0.0), 0.0, "pass"),  # evaluated, no finding
        (GateSpec("secret", "rate", 0.5), None, "not-evaluated"),
        (GateSpec("no-system", "count", 5), None, "not-evaluated"),
        (GateSpec("exact-duplicates", "count", 79), 79, "pass"),
        (GateSpec("exact-duplicates", "count", 78), 79, "fail"),
        (GateSpec("exact-duplicates:response", "count", 79), 908, "fail"),
        (GateSpec("contamination", "count", 10), 10, "pass"),
        (GateSpec("class-imbalance", "count", 36), 36.0, "pass"),
        (GateSpec("class-imbalance", "count", 35.5), 36.0, "fail"),
        (GateSpec("single-class", "count", 0), None, "not-evaluated"),  # no value was measured
        (GateSpec("fail-on", "severity", "critical"), "high", "pass"),
        (GateSpec("fail-on", "severity", "high"), "high", "fail"),
        (GateSpec("fail-on", "severity", "low"), "high", "fail"),
    ],
)
def test_outcomes(spec: GateSpec, value: object, outcome: str) -> None:
    gate = evaluate(spec, RATES, FINDINGS, EVALUATED)
    assert (gate.name, gate.kind, gate.limit) == (spec.name, spec.kind, spec.limit)
    assert (gate.value, gate.outcome, gate.upper) == (value, outcome, None)
    assert (gate.reason is not None) == (outcome == "not-evaluated" or spec.kind == "severity")


def test_a_value_below_the_threshold_of_its_check_is_judged_too() -> None:
    spec = GateSpec("single-class", "count", 2)
    assert evaluate(spec, RATES, FINDINGS, EVALUATED, values={"single-class": 3.0}).outcome == "fail"
    assert evaluate(spec, RATES, FINDINGS, EVALUATED, values={"single-class": 2.0}).outcome == "pass"


def test_severity_over_nothing_is_not_a_pass() -> None:
    spec = GateSpec("fail-on", "severity", "critical")
    assert evaluate(spec, {}, (), ()).outcome == "not-evaluated"
    unread = finding("malformed-record", "high", 5, 5, check="malformed-record")
    ran = (Evaluated("malformed-record", "malformed-record", "structure", 5, 5),)
    assert evaluate(spec, {}, (unread,), ran).outcome == "not-evaluated"
    assert evaluate(GateSpec("fail-on", "severity", "high"), {}, (unread,), ran).outcome == "fail"


@pytest.mark.parametrize("name", ["refusal", "rules", "quality", "exact-duplicate", "nothing", ""])
def test_names_without_a_count_are_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate(GateSpec(name, "rate", 0.1), RATES, FINDINGS, EVALUATED)
    assert "\n" not in str(caught.value)


def test_refusals_say_why() -> None:
    with pytest.raises(UsageError, match="group"):
        require_known([GateSpec("refusal", "rate", 0.1)], {"as-an-ai"}, {"refusal"})
    with pytest.raises(UsageError, match="did you mean 'as-an-ai'"):
        require_known([GateSpec("as-a-ai", "rate", 0.1)], {"as-an-ai"}, {"refusal"})
    require_known([GateSpec("as-an-ai", "rate", 0.1), GateSpec("fail-on", "severity", "low")], {"as-an-ai"})
    with pytest.raises(UsageError, match="--max-count"):
        evaluate(GateSpec("class-imbalance", "rate", 0.1), RATES, FINDINGS, EVALUATED)


def test_a_sampled_gate_compares_the_upper_bound() -> None:
    upper = clopper_pearson(10, 10_000)[1]
    assert 0.001 < upper < 0.002
    lenient = evaluate(GateSpec("contamination", "rate", 0.002), RATES, FINDINGS, EVALUATED, sample=True)
    strict = evaluate(GateSpec("contamination", "rate", 0.0015), RATES, FINDINGS, EVALUATED, sample=True)
    assert (lenient.outcome, lenient.upper, lenient.value) == ("pass", upper, 0.001)
    assert (strict.outcome, strict.upper) == ("fail", upper)
    none = evaluate(GateSpec("secret", "rate", 0.1), RATES, FINDINGS, EVALUATED, sample=True)
    assert (none.outcome, none.upper) == ("not-evaluated", None)


@pytest.mark.parametrize(
    "spec",
    [
        GateSpec("exact-duplicates", "rate", 0.1),
        GateSpec("exact-duplicates:response", "rate", 0.1),
        GateSpec("split-leakage", "rate", 0.1),
        GateSpec("class-imbalance", "count", 3),
        GateSpec("contamination", "count", 3),
        GateSpec("fail-on", "severity", "low"),
    ],
)
def test_a_sample_cannot_answer_for_the_whole(spec: GateSpec) -> None:
    with pytest.raises(UsageError, match="--sample"):
        evaluate(spec, RATES, FINDINGS, EVALUATED, sample=True)


def test_no_gate_with_limit() -> None:
    require_sampleable([], sampled=True, limited=True)
    require_sampleable([GateSpec("contamination", "rate", 0.1)], sampled=True, limited=False)
    with pytest.raises(UsageError, match="--limit"):
        require_sampleable([GateSpec("contamination", "rate", 0.1)], sampled=False, limited=True)


def gate(outcome: str) -> Gate:
    return Gate("a", "rate", 0.1, 0.0, 0, 1, None, outcome)


@pytest.mark.parametrize(
    ("outcomes", "incomplete", "rows", "interrupted", "expected"),
    [
        ((), False, 5, False, "no-gate"),
        (("pass", "pass"), False, 5, False, "pass"),
        (("pass", "fail", "not-evaluated"), False, 5, False, "fail"),
        (("pass", "not-evaluated"), False, 5, False, "not-evaluated"),
        (("fail",), False, 0, False, "not-evaluated"),
        ((), False, 0, False, "not-evaluated"),
        (("fail",), True, 0, False, "incomplete"),
        (("pass",), True, 5, False, "incomplete"),
        (("fail",), True, 0, True, "interrupted"),
    ],
)
def test_status(
    outcomes: tuple[str, ...], incomplete: bool, rows: int, interrupted: bool, expected: str
) -> None:
    found = status(map(gate, outcomes), incomplete=incomplete, rows_evaluated=rows, interrupted=interrupted)
    assert found == expected


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(0, 1000))
def test_a_percentage_and_its_share_meet_exactly(of: int, tenths: int) -> None:
    """N rows of 1,000 pass a limit of N/10 percent: parsing loses nothing that division does not."""
    spec = parse_rate(f"a={tenths / 10}%")
    assert spec.limit == tenths / 1000
    found = evaluate(spec, {"a": Rate(tenths * of, 1000 * of, tenths / 1000)}, (), ())
    assert found.outcome == "pass"
