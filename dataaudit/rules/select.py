"""Choosing among rules by selectors: an id, the beginning of ids, a category, a pack, a tag, `contamination`, or
`default`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dataaudit.errors import UsageError
from dataaudit.records.findings import SEVERITIES
from dataaudit.rules.model import CONTAMINATION, DEFAULT, Rule


def matches(selector: str, rule: Rule) -> bool:
    """Does a selector name this rule?

    It does as its id, as the beginning of its id up to a `-`, as its category, its pack, or one of its tags; as
    `contamination` where the rule counts into that rate, and as `default` where it is on when nothing is selected.
    """
    if selector == DEFAULT:
        return rule.default
    if selector == CONTAMINATION:
        return rule.counts_as_contamination
    return (
        rule.id == selector
        or rule.id.startswith(f"{selector}-")
        or selector in (rule.category, rule.pack)
        or selector in rule.tags
    )


def known(selector: str, rules: Iterable[Rule]) -> bool:
    """Does the selector name at least one of these rules? (Names of checks are not rules: the caller knows
    them.)"""
    return any(matches(selector, rule) for rule in rules)


def select(
    rules: Sequence[Rule],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    min_severity: str | None = None,
) -> tuple[Rule, ...]:
    """The rules that any of `select` names (those on by default, where it is empty) and none of `ignore`, in their
    order.

    Selectors that name no rule have no effect here; ask `known` first. `ignore` wins over `select`.

    Raises:
        UsageError: `min_severity` is not a severity.
    """
    floor = 0
    if min_severity is not None:
        if min_severity not in SEVERITIES:
            raise UsageError(f"'{min_severity}' is not a severity; one of {', '.join(SEVERITIES)}")
        floor = SEVERITIES.index(min_severity)
    return tuple(
        rule
        for rule in rules
        if any(matches(s, rule) for s in select or (DEFAULT,))
        and not any(matches(s, rule) for s in ignore)
        and SEVERITIES.index(rule.severity) >= floor
    )
