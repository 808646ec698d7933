"""Strike out of rules what no development text supports.

A rule grows by words that its author thinks alike. How much of a measured score is owed to them, and how much to what
was seen? `struck` answers by leaving out, one after the other, every alternative without which a rule still hits all
the texts that it hit. What is left is what those texts support, and nobody chose it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.model import Rule
from dataaudit.rules.mutants import mutants

TIMEOUT = 5.0
"""Seconds for one text."""


def struck(rules: Iterable[Rule], texts: Sequence[str]) -> Iterator[Rule]:
    """The rules that hit any of the texts, each without the alternatives that none of them needs."""
    for rule in rules:
        ours = Confirmer(rule, TIMEOUT)
        hit = [text for text in texts if ours.spans(text)]
        if hit:
            yield _narrowest(rule, hit)


def _narrowest(rule: Rule, hit: Sequence[str]) -> Rule:
    misses = [one for one in rule.misses if isinstance(one, str)]
    first = 0
    while True:
        for at, one in enumerate(mutants(rule)):
            if at >= first and one.kind == "alternative" and _as_good(one.rule, hit, misses):
                rule, first = one.rule, max(0, at - 1)  # of two alternatives the other is none any more
                break
        else:
            return rule


def _as_good(rule: Rule, hit: Sequence[str], misses: Sequence[str]) -> bool:
    """Whether a rule still hits all of `hit`. A word dropped from an exception would widen it: `misses` show that."""
    ours = Confirmer(rule, TIMEOUT)
    return all(map(ours.spans, hit)) and not any(map(ours.spans, misses))
