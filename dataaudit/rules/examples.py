"""Rules against their own examples: what must match does, what must not does not, with and without the
prefilter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

from dataaudit.rules.confirm import Confirmer, Stage
from dataaudit.rules.model import Example, RowExample, Rule, example_strings

EXAMPLE_TIMEOUT = 2.0
"""Seconds a pattern may spend on one example; the same as the default for data."""


LOST: dict[Stage, str] = {
    "pattern": "does not match",
    "where": "matches, but not where the pattern must begin (`where`)",
    "validate": "matches, but fails the checksum (`validate`)",
    "needs": "matches, but nothing that it `needs` stands beside it",
    "unless": "is exempted by an `unless` pattern",
    "quoted": "is exempted as a quotation",
}
"""What became of a string, by the step it did not pass; in the order of the steps."""


@dataclass(frozen=True)
class ExampleResult:
    """What became of one example of a rule."""

    rule: str
    kind: Literal["hit", "miss"]
    index: int
    """Place among the examples of its kind."""
    example: Example
    ok: bool
    why: str = ""
    """Why it failed, in words; empty where it did not."""
    stage: Literal["", "role", "prefilter", "timeout"] | Stage = ""
    """What it failed on."""

    def as_dict(self) -> dict[str, object]:
        """The result as JSON values; a row example becomes a list of [role, string]."""
        example = self.example
        shown: object = (
            [list(pair) for pair in example.strings] if isinstance(example, RowExample) else example
        )
        return {
            "rule": self.rule, "kind": self.kind, "index": self.index, "example": shown,
            "ok": self.ok, "why": self.why, "stage": self.stage,
        }  # fmt: skip


def check_examples(rule: Rule) -> Iterator[ExampleResult]:
    """Every example of a rule, judged by its patterns alone."""
    confirmer = Confirmer(rule, EXAMPLE_TIMEOUT)
    for index, example in enumerate(rule.hits):
        yield _check_hit(rule, confirmer, index, example)
    for index, example in enumerate(rule.misses):
        yield _check_miss(rule, confirmer, index, example)


def test_rules(rules: Iterable[Rule]) -> list[ExampleResult]:
    """Every example of every rule, judged by its patterns and, where they agree, by the fast path as well."""
    from dataaudit.rules.matcher import Matcher

    results: list[ExampleResult] = []
    for rule in rules:
        matcher = Matcher([rule])
        for result in check_examples(rule):
            wanted = result.kind == "hit"
            if result.ok and _matched(matcher, rule, result.example) != wanted:
                why = "the fast path and the reference path disagree"
                results.append(replace(result, ok=False, why=why, stage="prefilter"))
            else:
                results.append(result)
    return results


test_rules.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest makes of its name


def _matched(matcher: object, rule: Rule, example: Example) -> bool:
    from dataaudit.rules.matcher import Matcher

    assert isinstance(matcher, Matcher)
    return any(
        bool(matcher.scan(pa.array([text], pa.large_string()), role))
        for role, text in example_strings(rule, example)
        if role in rule.reads
    )


def _check_hit(rule: Rule, confirmer: Confirmer, index: int, example: Example) -> ExampleResult:
    strings = [text for role, text in example_strings(rule, example) if role in rule.reads]
    if not strings:
        why = f"hit {index + 1} has no string in a role the rule reads ({', '.join(rule.reads)})"
        return ExampleResult(rule.id, "hit", index, example, False, why, "role")
    try:
        if any(confirmer.spans(text) for text in strings):
            return ExampleResult(rule.id, "hit", index, example, True)
        stages = [confirmer.lost_at(text) for text in strings]
    except TimeoutError:
        return _timed_out(rule, "hit", index, example)
    # The string that came furthest tells most.
    stage = max((stage for stage in stages if stage is not None), key=list(LOST).index)
    why = f"hit {index + 1} {LOST[stage]}"
    return ExampleResult(rule.id, "hit", index, example, False, why, stage)


def _check_miss(rule: Rule, confirmer: Confirmer, index: int, example: Example) -> ExampleResult:
    try:
        for role, text in example_strings(rule, example):
            spans = confirmer.spans(text) if role in rule.reads else []
            if spans:
                start, end = spans[0]
                why = f"miss {index + 1} matches: {text[start:end][:80]!r}"
                return ExampleResult(rule.id, "miss", index, example, False, why, "pattern")
    except TimeoutError:
        return _timed_out(rule, "miss", index, example)
    return ExampleResult(rule.id, "miss", index, example, True)


def _timed_out(rule: Rule, kind: Literal["hit", "miss"], index: int, example: Example) -> ExampleResult:
    why = f"{kind} {index + 1} was not judged within {EXAMPLE_TIMEOUT:g} s and the memory that regex allows"
    return ExampleResult(rule.id, kind, index, example, False, why, "timeout")
