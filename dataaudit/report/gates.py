"""Gates: limits given on the command line, judged on the report's own figures.

A gate names something with an exact count: a category or `contamination` (the union of its rules' rows),
one rule, or one finding. Tags and other groups are refused: the rows of their members overlap, so neither
their sum nor their largest is the number of rows hit.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from dataaudit.errors import UsageError
from dataaudit.records.findings import SEVERITIES, Evaluated, Finding
from dataaudit.report.model import Gate, Rate
from dataaudit.sketches.stats import clopper_pearson

CORPUS_CHECKS: tuple[str, ...] = (
    "exact-duplicates",
    "near-duplicates",
    "split-leakage",
    "class-imbalance",
    "leakage",
)
"""Checks that compare rows with one another or count a whole dataset, which a sample cannot show."""

READING_CHECKS: tuple[str, ...] = ("malformed-record",)
"""Checks that judge how rows were read, not what they say."""


@dataclass(frozen=True)
class GateSpec:
    """A limit to judge. `kind` is `rate` (limit: a share, 0–1), `count` (rows, or a dataset-level value) or
    `severity` (limit: the least severity that fails)."""

    name: str
    kind: str
    limit: float | str


def parse_rate(text: str) -> GateSpec:
    """`NAME=0.1%` or `NAME=0.001`, as given to --max-rate. Raises UsageError on anything else."""
    name, value = _name_and_value(text, "--max-rate", "contamination=0.1%")
    return GateSpec(name, "rate", parse_share(value, f"--max-rate {name}"))


def parse_share(value: str, flag: str) -> float:
    """A share from `0.1%` or `0.001`. `flag` opens the message of the UsageError on anything else."""
    stripped = value.strip()
    number = _decimal(stripped.removesuffix("%").rstrip())
    if number is None:
        raise UsageError(f"{flag}: {value!r} is not a share; write a percentage (0.1%) or a fraction (0.001)")
    # In decimal, so that 0.3% is the same float as 3 / 1000 and a rate exactly at its limit passes.
    share = number / 100 if stripped.endswith("%") else number
    if share < 0:
        raise UsageError(f"{flag}: a share cannot be negative ({value!r})")
    if share > 1:
        hint = "" if stripped.endswith("%") else f"; for {stripped} percent write {stripped}%"
        raise UsageError(f"{flag}: a share cannot exceed 100% ({value!r}){hint}")
    return float(share)


def parse_count(text: str) -> GateSpec:
    """`NAME=10`, as given to --max-count. Fractions are for dataset-level values, such as a class ratio."""
    name, value = _name_and_value(text, "--max-count", "exact-duplicates=10")
    number = _decimal(value.strip())
    if number is None:
        raise UsageError(f"--max-count {name}: {value!r} is not a number; write plain digits, such as 1000")
    if number < 0:
        raise UsageError(f"--max-count {name}: a count cannot be negative ({value!r})")
    return GateSpec(name, "count", int(number) if number == int(number) else float(number))


def parse_severity(text: str) -> GateSpec:
    """`high`, as given to --fail-on: fails on any finding of that severity or worse."""
    severity = text.strip().lower()
    if severity not in SEVERITIES:
        raise UsageError(f"--fail-on: {text!r} is not a severity; choose from {', '.join(SEVERITIES)}")
    return GateSpec("fail-on", "severity", severity)


def _name_and_value(text: str, flag: str, example: str) -> tuple[str, str]:
    name, sep, value = text.rpartition("=")
    if not sep or not name.strip() or not value.strip():
        raise UsageError(f"{flag}: {text!r} should be NAME=LIMIT, such as {example}")
    return name.strip(), value


def _decimal(text: str) -> Decimal | None:
    # Decimal also reads "1_000", "Infinity" and digits of other scripts, none of which is meant here.
    if not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and math.isfinite(float(number)) else None


def require_known(specs: Iterable[GateSpec], exact: Collection[str], groups: Collection[str] = ()) -> None:
    """Refuse gates on names that will not be in the report, before any data is read.

    `exact` are the names with a count of their own (rate names, rule ids, finding ids), `groups` those
    without (tags, checks that are not also a finding). Raises UsageError.
    """
    for spec in specs:
        if spec.kind != "severity" and spec.name not in exact:
            raise UsageError(_unknown(spec.name, exact, groups))


def require_sampleable(
    specs: Iterable[GateSpec], *, sampled: bool, limited: bool, corpus: Collection[str] = CORPUS_CHECKS
) -> None:
    """Refuse gates that a part of the data cannot answer, before any data is read. Raises UsageError.

    `--limit` reads the first rows only, so nothing can be inferred from it; `--sample` supports per-row
    rates.
    """
    for spec in specs:
        if limited:
            raise UsageError(
                f"{_flag(spec)} cannot be judged with --limit: the first rows do not stand for the rest; "
                "use --sample, or scan everything"
            )
        if sampled and (spec.kind != "rate" or _base(spec.name) in corpus):
            raise UsageError(
                f"{_flag(spec)} cannot be judged with --sample: only rates of single rows can be"
            )


def evaluate(
    spec: GateSpec,
    rates: Mapping[str, Rate],
    findings: Iterable[Finding],
    evaluated: Iterable[Evaluated],
    sample: bool = False,
    values: Mapping[str, float] | None = None,
) -> Gate:
    """Judge one gate; it fails above its limit, not at it.

    In a sampled scan the upper end of the 95 % interval is compared, and returned as `upper`. `values` holds
    measured dataset-level values by finding id, for a check whose value stayed below its own threshold and
    made no finding. Raises UsageError for a name without a count and for a gate a sample cannot answer.
    """
    require_sampleable([spec], sampled=sample, limited=False)
    by_id = {finding.id: finding for finding in findings}
    ran = {entry.id: entry for entry in evaluated}
    if spec.kind == "severity":
        return _severity_gate(spec, by_id.values(), ran.values())
    rows, of = _figures(spec.name, rates, by_id, ran)
    if rows is None:
        return _value_gate(spec, by_id.get(spec.name), of, values or {})
    if of == 0:
        reason = "no row was evaluated for it"
        return Gate(spec.name, spec.kind, spec.limit, None, rows, of, None, "not-evaluated", reason)
    limit = float(spec.limit)
    if spec.kind == "count":
        return Gate(spec.name, "count", spec.limit, rows, rows, of, None, "fail" if rows > limit else "pass")
    upper = clopper_pearson(rows, of)[1] if sample else None
    compared = rows / of if upper is None else upper
    outcome = "fail" if compared > limit else "pass"
    return Gate(spec.name, "rate", limit, rows / of, rows, of, upper, outcome)


def status(gates: Iterable[Gate], *, incomplete: bool, rows_evaluated: int, interrupted: bool = False) -> str:
    """The status of a report, by precedence: interrupted, incomplete, not-evaluated, fail, pass, no-gate.

    `rows_evaluated` counts rows that anything at all was evaluated on. A gate that could not be evaluated
    while others passed makes the whole `not-evaluated`: what was asked was not answered, so it is not a
    pass.
    """
    outcomes = {gate.outcome for gate in gates}
    if interrupted:
        return "interrupted"
    if incomplete:
        return "incomplete"
    if rows_evaluated == 0:
        return "not-evaluated"
    for outcome in ("fail", "not-evaluated", "pass"):
        if outcome in outcomes:
            return outcome
    return "no-gate"


def _figures(
    name: str, rates: Mapping[str, Rate], findings: Mapping[str, Finding], ran: Mapping[str, Evaluated]
) -> tuple[int | None, int]:
    if name in rates:
        return rates[name].rows, rates[name].of
    if name in findings:
        return findings[name].rows, findings[name].of
    if name in ran:
        # Evaluated and no finding: nothing was hit.
        entry = ran[name]
        return entry.rows, entry.of
    groups = {tag for finding in findings.values() for tag in finding.tags}
    groups |= {entry.check for entry in ran.values()}
    raise UsageError(_unknown(name, {*rates, *findings, *ran}, groups))


def _value_gate(spec: GateSpec, finding: Finding | None, of: int, values: Mapping[str, float]) -> Gate:
    if spec.kind == "rate":
        raise UsageError(
            f"{_flag(spec)}: it is a value of the whole dataset, not a share of rows; use --max-count"
        )
    value = finding.value if finding is not None else values.get(spec.name)
    if value is None or of == 0:
        reason = "no row was evaluated for it" if of == 0 else "its value was not measured"
        return Gate(spec.name, "count", spec.limit, None, None, of, None, "not-evaluated", reason)
    outcome = "fail" if value > float(spec.limit) else "pass"
    return Gate(spec.name, "count", spec.limit, value, None, of, None, outcome)


def _severity_gate(spec: GateSpec, findings: Iterable[Finding], ran: Iterable[Evaluated]) -> Gate:
    places = [SEVERITIES.index(finding.severity) for finding in findings]
    # That lines were malformed is known of rows on which nothing could be evaluated.
    of = max((entry.of for entry in ran if entry.check not in READING_CHECKS), default=0)
    least = SEVERITIES.index(str(spec.limit))
    hit = sum(place >= least for place in places)
    if not hit and of == 0:
        reason = "no row was evaluated"
        return Gate(spec.name, "severity", spec.limit, None, None, None, None, "not-evaluated", reason)
    value = SEVERITIES[max(places)] if places else None
    reason = f"{hit} finding{'s' * (hit != 1)} of severity {spec.limit} or worse"
    outcome = "fail" if hit else "pass"
    return Gate(spec.name, "severity", spec.limit, value, None, None, None, outcome, reason)


def _flag(spec: GateSpec) -> str:
    if spec.kind == "severity":
        return f"--fail-on {spec.limit}"
    return f"--max-{spec.kind} {spec.name}"


def _base(name: str) -> str:
    return name.partition(":")[0]


def _unknown(name: str, exact: Collection[str], groups: Collection[str]) -> str:
    if name in groups:
        return f"a gate cannot name {name!r}: it is a group whose rows overlap; name a rule or a finding"
    close = difflib.get_close_matches(name, sorted(exact), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"a gate names {name!r}, which this scan does not evaluate{hint}"
