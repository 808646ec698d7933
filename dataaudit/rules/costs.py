"""What matching each rule costs: measured where that is quick, estimated where only data could tell."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from time import perf_counter

import msgspec

from dataaudit.rules import database
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.examples import EXAMPLE_TIMEOUT
from dataaudit.rules.model import Rule, example_strings
from dataaudit.rules.prefilter import plan_rule

REPEATS = 3
"""Timings of each example; their smallest counts."""
MEGABYTE = 1_000_000


class Cost(msgspec.Struct, frozen=True):
    """What one rule costs."""

    rule: str
    compile_seconds: float
    """Time to compile its expressions by themselves; 0 where there are none."""
    per_row: bool
    """Is every string matched by `regex`?"""
    reason: str | None
    """Why it is."""
    bits: float
    """Estimated rarity of what is looked for first: minus log2 of its chance at a given byte."""
    confirm_seconds: float
    """Time that `regex` takes for one of its examples (median)."""
    seconds_per_mb: float
    """Estimated time that `regex` spends on a megabyte of text: candidates × time for one; of a rule matched on every
    string, the time measured on the examples of all rules."""

    @property
    def candidates_per_mb(self) -> float | None:
        """Estimated strings in a megabyte that `regex` is asked about; None where it is asked about all."""
        return None if self.per_row else MEGABYTE * 2.0**-self.bits


def costs(rules: Sequence[Rule]) -> list[Cost]:
    """The cost of each rule. Without Hyperscan every rule is matched per row."""
    missing = database.available()
    texts = [text for rule in rules for text in _texts(rule)]
    return [_cost(rule, missing, texts) for rule in rules]


def _cost(rule: Rule, missing: str | None, texts: Sequence[str]) -> Cost:
    plan = plan_rule(rule)
    compiling, reason = 0.0, plan.reason or missing
    if reason is None:
        start = perf_counter()
        refused = [why for piece in plan.pieces if (why := database.refusal(piece)) is not None]
        compiling = perf_counter() - start
        reason = f"hyperscan: {refused[0]}" if refused else None
    confirmer = Confirmer(rule, EXAMPLE_TIMEOUT)
    each = median(_seconds(confirmer, text) for text in _texts(rule))
    if reason is None:
        spent = each * MEGABYTE * 2.0**-plan.bits
    else:
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        spent = sum(_seconds(confirmer, text, 1) for text in texts) * MEGABYTE / max(1, size)
    return Cost(rule.id, compiling, reason is not None, reason, plan.bits, each, spent)


def _texts(rule: Rule) -> list[str]:
    return [text for one in (*rule.hits, *rule.misses) for _, text in example_strings(rule, one)] or [""]


def _seconds(confirmer: Confirmer, text: str, repeats: int = REPEATS) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = perf_counter()
        try:
            confirmer.spans(text)
        except TimeoutError:  # once is enough
            return perf_counter() - start
        best = min(best, perf_counter() - start)
    return best
