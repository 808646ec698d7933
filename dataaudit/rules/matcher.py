"""Match rules against the strings of a batch: one scan for all of them, then `regex` on the strings it points
to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa

from dataaudit.rules import database, native
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.confirm_kernel import ASK, FOUND
from dataaudit.rules.events import Events, Ints, Text, places, starts_of, text_of
from dataaudit.rules.finder import Finder, PlannedPattern
from dataaudit.rules.hits import NO_HITS, Hits, Matches, apart, gathered, hits_of, joined_hits
from dataaudit.rules.model import Rule
from dataaudit.rules.native import Native
from dataaudit.rules.search import Near, Span
from dataaudit.rules.steps import Known, StepPatterns

TIMEOUTS_BEFORE_REST = 5
"""Strings on which a rule may time out in a process before it is no longer tried."""


Candidate = tuple[int, Mapping[int, Near | None] | None]
"""A rule that may match a string, and where its patterns can (see `Confirmer.spans`)."""
Found = tuple[int, str, list[Candidate]]
"""Place of a string, the string, and the rules that may match it."""


class Matcher:
    """Rules, ready to be matched. Not for use by two threads at once; workers build their own.

    Args:
        rules: What to match.
        reference: Match every string by `regex` alone. The results are the same.
        timeout: Seconds that one rule may spend on one string.
        ignore_quoted: Exempt matches in code and quotations, of rules that say that they are often quoted.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        reference: bool = False,
        timeout: float = 2.0,
        ignore_quoted: bool = False,
    ) -> None:
        self.rules = tuple(rules)
        self.timed_out: dict[str, int] = {}
        """Rule id → strings that the rule could not judge: it ran out of time, or had done so too often.
        The caller may clear it between batches; that does not wake a rule that is no longer tried."""
        self._timeouts = [0] * len(self.rules)
        self.reference_reason: str | None = (
            "reference matching was asked for" if reference else database.available()
        )
        """Why every string is matched by `regex` alone; None where the fast path is used."""
        self._confirmers = [Confirmer(rule, timeout, ignore_quoted=ignore_quoted) for rule in self.rules]
        self._paired = np.asarray([one.only_needs_itself for one in self._confirmers], np.bool_)
        self._stepped = np.asarray([bool(one.steps) for one in self._confirmers], np.bool_) & ~self._paired
        self._steps: dict[int, StepPatterns] = {}
        self._readers: dict[str, list[int]] = {}
        """Role → the rules that read it."""
        self._index = {rule.id: i for i, rule in enumerate(self.rules)}
        self._finder = Finder(self.rules) if self.reference_reason is None else None
        self._native = None if self._finder is None else self._compiled(self._finder)

    def _compiled(self, finder: Finder) -> Native:
        patterns = [self.rules[one.rule].patterns[one.at] for one in finder.patterns]
        return Native(patterns, [one.plan for one in finder.patterns], finder.kinds)

    @property
    def per_row(self) -> Mapping[str, str]:
        """Rule id → why this rule is matched on every string although the fast path is used."""
        return {} if self._finder is None else self._finder.per_row

    def scan(self, values: pa.LargeStringArray, role: str) -> list[Matches]:
        """Matches in an array of strings without nulls, of the rules that read `role` and have any, in rule
        order."""
        active = self._readers.get(role)
        if active is None:
            active = self._readers[role] = [i for i, rule in enumerate(self.rules) if role in rule.reads]
        if not active or len(values) == 0:
            return []
        text = text_of(values)
        finder, compiled = self._finder, self._native
        if finder is None or compiled is None:
            return gathered(self.rules, [self._confirm(_every_string(text, active))])
        fast = native.pays(len(text.data))
        if fast and finder.learn(int(text.offsets[-1] - text.offsets[0])):
            compiled.take(finder.kinds)
        (found, groups), known = finder.events(text, active, fast=fast), NO_HITS
        if fast:
            known, found = self._known(text, found, groups, finder, compiled)
        return gathered(self.rules, [known, self._confirm(_grouped(text, found, finder.patterns))])

    def spans(self, rule: Rule, text: str, near: Mapping[int, Near | None] | None = None) -> list[Span]:
        """Confirmed matches of one of the rules in one string, `unless` applied, in code points.

        `near` as in `Confirmer.spans`.

        Raises:
            TimeoutError: The string could not be judged in time; `timed_out` counts it.
        """
        at = self._index[rule.id]
        return self._timed(at, partial(self._confirmers[at].spans, text, near))

    def _timed(self, at: int, judge: Callable[[], list[Span]]) -> list[Span]:
        """What judging gives; a timeout is counted, and after some the rule is no longer tried."""
        try:
            if self._timeouts[at] >= TIMEOUTS_BEFORE_REST:
                raise TimeoutError
            return judge()
        except TimeoutError:
            name = self.rules[at].id
            self._timeouts[at] += 1
            self.timed_out[name] = self.timed_out.get(name, 0) + 1
            raise TimeoutError(f"rule '{name}' ran out of time") from None

    def captures(self, rule: Rule, text: str, known: Sequence[Span] = ()) -> dict[str, str | None]:
        """Named groups of the first match of one of the rules, to fill its message with; empty where it ran
        out of time.

        `known` are matches of it to look at, in order; without any it is matched."""
        try:
            return self._confirmers[self._index[rule.id]].captures(text, known)
        except TimeoutError:
            return {}

    def _known(
        self, text: Text, found: Events, groups: Ints, finder: Finder, compiled: Native
    ) -> tuple[Hits, Events]:
        """What the compiled matcher can say of the events, and those that are left to `regex`."""
        if not len(found.strings):
            return NO_HITS, found
        judged = compiled.judge(text, found.strings, found.kinds, found.ends, groups)
        first = groups[:-1]
        strings, rules = found.strings[first], finder.rule_of[found.patterns[first]]
        pairs = starts_of(strings * len(self.rules) + rules)  # a rule in a string: groups of its patterns
        verdicts = np.maximum.reduceat(judged.verdicts, pairs[:-1])
        sizes = np.diff(pairs)
        per_group = np.repeat(verdicts, sizes)
        ask = np.repeat(per_group == ASK, np.diff(groups))
        of_match = judged.groups
        sure = per_group[of_match] == FOUND
        of_match, spans = of_match[sure], judged.spans[sure]
        hits = Hits(rules[of_match], strings[of_match], spans)
        with_other = ~self._paired[hits.rules] | apart(hits)
        hits, of_match = hits.at(with_other), of_match[with_other]
        stepped = self._stepped[hits.rules]
        if stepped.any():
            of_rule = [finder.patterns[one].at for one in found.patterns[first][of_match[stepped]].tolist()]
            later = self._later(text, hits.at(stepped), of_rule)
            hits = joined_hits([hits.at(~stepped), later])
        return hits, found.at(ask)

    def _later(self, text: Text, hits: Hits, patterns: Sequence[int]) -> Hits:
        """What is left of matches of rules that have more steps than their patterns.

        `patterns` says of each match of which one, by its place in the rule.
        """
        rules: list[int] = []
        strings: list[int] = []
        spans: list[Span] = []
        columns = (
            hits.strings.tolist(),
            hits.rules.tolist(),
            patterns,
            map(tuple, hits.spans.tolist()),
        )
        asked = self._asked(text, hits)
        for (string, rule), group in groupby(zip(*columns, strict=True), itemgetter(0, 1)):
            known: dict[int, list[Span]] = {}
            for _, _, pattern, span in group:
                known.setdefault(pattern, []).append(span)
            value = text.decode(string)
            judge = partial(self._confirmers[rule].left, value, known, asked[string, rule])
            try:
                left = self._timed(rule, judge)
            except TimeoutError:
                continue
            rules += [rule] * len(left)
            strings += [string] * len(left)
            spans += left
        return hits_of(rules, strings, spans)

    def _asked(self, text: Text, hits: Hits) -> dict[tuple[int, int], Known]:
        """Of each string and rule of hits what the further steps ask for, as far as that can be told."""
        asked: dict[tuple[int, int], Known] = {}
        for rule in np.unique(hits.rules).tolist():
            if rule not in self._steps:
                self._steps[rule] = StepPatterns(self.rules[rule])
            strings = np.unique(hits.strings[hits.rules == rule])
            found = self._steps[rule].found(text, strings)
            asked.update(((string, rule), one) for string, one in zip(strings.tolist(), found, strict=True))
        return asked

    def _confirm(self, candidates: Iterable[Found]) -> Hits:
        rules: list[int] = []
        strings: list[int] = []
        spans: list[Span] = []
        for at, value, possible in candidates:
            for i, near in possible:
                try:
                    found = self.spans(self.rules[i], value, near)
                except TimeoutError:
                    continue
                if found:
                    rules += [i] * len(found)
                    strings += [at] * len(found)
                    spans += found
        return hits_of(rules, strings, spans)


def _every_string(text: Text, rules: list[int]) -> Iterator[Found]:
    for at in range(len(text.offsets) - 1):
        yield at, text.decode(at), [(i, None) for i in rules]


def _grouped(text: Text, pointers: Events, patterns: Sequence[PlannedPattern]) -> Iterator[Found]:
    """The events, in order, by string; strings and rules ascending."""
    triples = zip(*(column.tolist() for column in pointers[:3]), strict=True)
    for string, group in groupby(triples, itemgetter(0)):
        value = text.decode(string)
        begin = int(text.offsets[string])
        is_ascii = value.isascii()
        candidates: list[Candidate] = []
        near: dict[int, Near | None] | None = None
        rule = -1
        for number, inner in groupby(group, itemgetter(1)):
            pattern = patterns[number]
            ends = [end for _, _, end in inner]
            if pattern.rule != rule:
                rule, near = pattern.rule, {} if ends[0] >= 0 else None
                candidates.append((rule, near))
            if near is not None:
                reach = pattern.plan.reach
                if reach is None:
                    near[pattern.at] = None
                    continue
                ends = [end - begin for end in ends] if is_ascii else places(text, string, ends)
                near[pattern.at] = Near(ends, reach)
        yield string, value, candidates
