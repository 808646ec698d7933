"""The order of findings: what a person should read first stands first."""

from __future__ import annotations

from collections.abc import Iterable

from dataaudit.records.findings import CONFIDENCES, SEVERITIES, Finding
from dataaudit.sketches.stats import lower_bound

_SEVERITY = {name: place for place, name in enumerate(SEVERITIES)}
_CONFIDENCE = {name: place for place, name in enumerate(CONFIDENCES)}


def lower_share(finding: Finding) -> float:
    """The lower 95 % Clopper–Pearson bound of the finding's share of rows.

    A bound, not the share itself: 1 of 2 rows says less than 400 of 1,000. A finding about the dataset as a
    whole (`rows` None) concerns all of it and counts as 1.0.
    """
    if finding.rows is None:
        return 1.0
    return lower_bound(finding.rows, finding.of)


def rank_key(finding: Finding) -> tuple[int, int, float, str]:
    """Sort key: severity, confidence and lower share, each from high to low, then id from a to z."""
    return (
        -_SEVERITY[finding.severity],
        -_CONFIDENCE[finding.confidence],
        -lower_share(finding),
        finding.id,
    )


def rank(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in rank order. The same for every order of the input: ids are unique, so nothing ties."""
    return tuple(sorted(findings, key=rank_key))
