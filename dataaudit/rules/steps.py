"""The patterns that further steps of a rule ask for (`needs`, `unless`), searched for by the compiled matcher."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dataaudit.rules.confirm_kernel import ASK
from dataaudit.rules.events import Ints, Text
from dataaudit.rules.model import Pattern, Rule
from dataaudit.rules.native import Kind, Native
from dataaudit.rules.prefilter import plan_pattern
from dataaudit.rules.search import Span
from dataaudit.rules.spread import Spread

EACH = 16
"""Matches of a pattern in a string that there is room for, on average."""

Known = dict[Pattern, list[Span]]
"""Patterns and their matches in a string, in code points; one that is not there must be asked of `regex`."""


class StepPatterns:
    """What `needs` and `unless` of a rule ask for, ready to be searched for.

    Args:
        rule: The rule. Its own patterns are left out, as what they match is known.
    """

    def __init__(self, rule: Rule) -> None:
        asked = dict.fromkeys((*rule.needs, *rule.unless))
        plans = {one: plan_pattern(one) for one in asked if one not in rule.patterns}
        # What has a piece matches nothing empty, which the compiled matcher would not tell of.
        told = {one: plan for one, plan in plans.items() if plan.pieces and plan.program is not None}
        self._patterns: Sequence[Pattern] = tuple(told)
        kinds = [Kind(i, b"", Spread(0, 0), whole_place=True) for i in range(len(told))]
        self._native = Native(self._patterns, tuple(told.values()), kinds)

    def found(self, text: Text, strings: Ints) -> list[Known]:
        """The matches in each of these strings, which ascend."""
        n = len(self._patterns)
        if not n:
            return [{} for _ in strings]
        at = np.repeat(strings, n)
        kinds = np.tile(np.arange(n), len(strings))
        judged = self._native.judge(text, at, kinds, text.offsets[at + 1], np.arange(len(at) + 1), each=EACH)
        spans = [(start, end) for start, end in judged.spans.tolist()]
        cuts = np.searchsorted(judged.groups, np.arange(len(at) + 1)).tolist()
        groups = [
            None if verdict == ASK else spans[first:last]
            for verdict, (first, last) in zip(judged.verdicts.tolist(), pairwise(cuts), strict=True)
        ]
        return [
            {
                one: found
                for one, found in zip(self._patterns, groups[i * n : i * n + n], strict=True)
                if found is not None
            }
            for i in range(len(strings))
        ]
