"""Rules and arrays for tests."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa
import pytest

from dataaudit.rules import finder, native
from dataaudit.rules.hits import Matches
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Exemption, Pattern, Rule


def make_rule(
    *patterns: str | Pattern, id: str = "test-rule", unless: tuple[str | Exemption, ...] = (), **fields
) -> Rule:
    values = {
        "version": 1, "name": "n", "message": "m", "why": "w", "category": "quality", "severity": "low",
        "confidence": "low", "hits": ("a", "b"), "misses": ("c", "d"),
    }  # fmt: skip
    return Rule(
        id=id,
        patterns=tuple(Pattern(p) if isinstance(p, str) else p for p in patterns),
        unless=tuple(Exemption(p) if isinstance(p, str) else p for p in unless),
        **{**values, **fields},
    )


def array(*texts: str) -> pa.LargeStringArray:
    return pa.array(texts, pa.large_string())


def plain(matches: list[Matches]) -> list[tuple[str, list[int], list[list[int]]]]:
    return [(m.rule.id, m.strings.tolist(), m.spans.tolist()) for m in matches]


@lru_cache(maxsize=64)
def crowded(rules: tuple[Rule, ...], **options: bool) -> Matcher:
    """A matcher to be used where rules are taken to be many (`by_grams`)."""
    return Matcher(rules, **options)


def by_grams(patch: pytest.MonkeyPatch) -> None:
    """Take rules to be many, and any text to be worth it."""
    patch.setattr(native, "pays", lambda nbytes: True)
    for name in ("MANY_RULES", "LOAD_BYTES", "CHOOSE_RULE_BYTES"):
        patch.setattr(finder, name, 0)


def scanned(matcher: Matcher, values: pa.LargeStringArray, role: str = "text", **options: bool) -> list:
    """What a matcher finds, by the compiled matcher and without it, and as if its rules were many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "pays", lambda nbytes: True)
        compiled = plain(matcher.scan(values, role))
        with pytest.MonkeyPatch.context() as inner:
            by_grams(inner)
            assert plain(crowded(matcher.rules, **options).scan(values, role)) == compiled
        patch.setattr(native, "pays", lambda nbytes: False)
        assert plain(matcher.scan(values, role)) == compiled
    return compiled


def both(
    rules: list[Rule], values: pa.LargeStringArray, role: str = "text", **options: bool
) -> tuple[list, list]:
    """Results of the fast path, compiled or not, and of the reference path."""
    return (
        scanned(Matcher(rules, **options), values, role, **options),
        plain(Matcher(rules, reference=True, **options).scan(values, role)),
    )
