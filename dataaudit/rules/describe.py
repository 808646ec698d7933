"""What there is to say about a rule, for `rules show` and the documentation. JSON values only."""

from __future__ import annotations

import re

from dataaudit.rules.model import Example, Exemption, Pattern, RowExample, Rule
from dataaudit.rules.prefilter import plan_rule


def describe(rule: Rule) -> dict[str, object]:
    """All fields of a rule, the concrete roles it reads, whether it counts as contamination, and how it is
    found."""
    return {
        "id": rule.id,
        "version": rule.version,
        "name": rule.name,
        "message": rule.message,
        "why": rule.why,
        "category": rule.category,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "roles": list(rule.roles),
        "reads": list(rule.reads),
        "patterns": [_pattern(pattern) for pattern in rule.patterns],
        "needs": [_pattern(pattern) for pattern in rule.needs],
        "unless": [_pattern(pattern) for pattern in rule.unless],
        "validate": rule.validate,
        "quotable": rule.quotable,
        "ignore_when": rule.ignore_when,
        "soft": rule.soft,
        "basis": rule.basis,
        "default": rule.default,
        "action": rule.action,
        "references": list(rule.references),
        "tags": list(rule.tags),
        "hits": [_example(example) for example in rule.hits],
        "misses": [_example(example) for example in rule.misses],
        "contamination": rule.counts_as_contamination,
        "pack": {"name": rule.pack, "version": rule.pack_version, "licence": rule.licence},
        "prefilter": prefilter_text(rule),
    }


def prefilter_text(rule: Rule) -> str:
    """How strings that may match are found, in one sentence."""
    plan = plan_rule(rule)
    if plan.per_row:
        return f"matched on every string: {plan.reason}"
    pieces = ", ".join(f"/{_readable(piece)}/" for piece in plan.pieces)
    return f"looks for {pieces} first (about 1 in 2^{plan.bits:.0f} bytes)"


def _readable(piece: bytes) -> str:
    """An expression with the escapes of harmless characters undone."""
    return re.sub(r"\\x[0-7][0-9a-f]", _unescape, piece.decode("ascii"))


def _unescape(match: re.Match[str]) -> str:
    char = chr(int(match[0][2:], 16))
    return char if char.isalnum() or char in " _<>/#:'\"" else match[0]


def _pattern(pattern: Pattern) -> dict[str, object]:
    shown: dict[str, object] = {"pattern": pattern.pattern, "flags": list(pattern.flags)}
    if pattern.where != "anywhere":
        shown["where"] = pattern.where
    if isinstance(pattern, Exemption) and pattern.within is not None:
        shown["within"] = pattern.within
    return shown


def _example(example: Example) -> object:
    if not isinstance(example, RowExample):
        return example
    row: dict[str, object] = {}
    for role, text in example.strings:
        held = row.setdefault(role, [])
        assert isinstance(held, list)
        held.append(text)
    return row
