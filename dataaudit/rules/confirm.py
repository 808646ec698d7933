"""What `regex` says about one string: the word that counts, whatever a prefilter suggests.

A match passes five steps, in this order: the pattern itself, its place (`where`), the checksum (`validate`), a second
marker (`needs`), no exemption (`unless`, and quotation where that is asked for).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from dataaudit.rules.model import Exemption, Pattern, Rule
from dataaudit.rules.quoted import is_quoted, quoted_spans
from dataaudit.rules.search import Clock, Near, Searcher, Span
from dataaudit.rules.validators import VALIDATE

Stage = Literal["pattern", "where", "validate", "needs", "unless", "quoted"]
"""The step that a string did not pass."""


class _Bounded:
    """A pattern that calls itself without end makes `regex` give up at some 800 MB with a `MemoryError`. That is the
    pattern's fault and not the machine's: to the caller the string could not be judged."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, MemoryError):
            raise TimeoutError from None


_BOUNDED = _Bounded()


class _Case(NamedTuple):
    """A string that is judged."""

    text: str
    clock: Clock
    known: dict[Pattern, list[Span]]
    """What the patterns of the rule have matched, for steps that ask for the same."""


_Step = Callable[[_Case, list[Span]], list[Span]]


class Confirmer:
    """The compiled patterns of one rule. A string that takes longer than `timeout` seconds raises `TimeoutError`.

    Args:
        rule: What to match.
        timeout: Seconds for one string.
        ignore_quoted: Exempt matches in code and quotations, where the rule says that it is often quoted.
    """

    def __init__(self, rule: Rule, timeout: float, *, ignore_quoted: bool = False) -> None:
        self.rule = rule
        self.timeout = timeout
        self._patterns = [Searcher(pattern) for pattern in rule.patterns]
        self._anywhere: Mapping[int, Near | None] = dict.fromkeys(range(len(self._patterns)))
        self._needs = [Searcher(pattern) for pattern in rule.needs]
        self._unless = [(Searcher(pattern), pattern.within) for pattern in rule.unless]
        steps: list[tuple[Stage, _Step]] = []
        if rule.validate is not None:
            steps.append(("validate", self._validated))
        if rule.needs:
            steps.append(("needs", self._supported))
        if rule.unless:
            steps.append(("unless", self._not_exempt))
        if ignore_quoted and rule.quotable:
            steps.append(("quoted", self._not_quoted))
        self.steps = tuple(steps)
        """What matches of the patterns must pass besides; a rule without any is hit where a pattern matches."""
        self.only_needs_itself = [stage for stage, _ in steps] == ["needs"] and set(rule.needs) == set(
            rule.patterns
        )
        """Is the one step that a match needs another one that does not overlap it?"""

    def spans(self, text: str, near: Mapping[int, Near | None] | None = None) -> list[Span]:
        """Confirmed matches of all patterns that are not empty, each span once, in order.

        `near` says where the patterns (by their place in the rule) can match, None that they can anywhere; those that
        are not in it do not match.

        Raises:
            TimeoutError: The string could not be judged in time.
        """
        with _BOUNDED:
            found = self._judge(text, near)[0]
        return sorted(set(found)) if len(found) > 1 else found

    def left(
        self, text: str, known: Mapping[int, list[Span]], steps: Mapping[Pattern, list[Span]]
    ) -> list[Span]:
        """What `spans` gives, from the matches of the patterns (by their place in the rule; others have none), and of
        some of the patterns that further steps ask for.

        Raises:
            TimeoutError: The string could not be judged in time.
        """
        with _BOUNDED:
            spans = [span for found in known.values() for span in found]
            by_pattern = {one.pattern: known.get(at, []) for at, one in enumerate(self._patterns)}
            by_pattern.update(steps)
            found = self._pass(_Case(text, Clock(self.timeout), by_pattern), spans)[0]
        return sorted(set(found))

    def captures(self, text: str, known: Sequence[Span] = ()) -> dict[str, str | None]:
        """Named groups of the first confirmed match of the first pattern that has one.

        `known` are confirmed matches to look at, in order; without any the string is judged.

        Raises:
            TimeoutError: The string could not be judged in time.
        """
        with _BOUNDED:
            clock = Clock(self.timeout)
            for one in self._patterns:
                for start, end in known:
                    match = one.match(text, start, clock)
                    if match is not None and match.span() == (start, end):
                        return dict(match.groupdict())
            confirmed = set(self._judge(text)[0])
            for one in self._patterns if confirmed else ():
                for match in one.found(text, clock):
                    if match.span() in confirmed:
                        groups: dict[str, str | None] = match.groupdict()
                        return groups
        return {}

    def lost_at(self, text: str) -> Stage | None:
        """The step at which the last matches of a string were lost; None where it is hit. Raises `TimeoutError`."""
        with _BOUNDED:
            stage = self._judge(text)[1]
            if stage == "pattern" and any(one.pattern.where != "anywhere" for one in self._patterns):
                clock = Clock(self.timeout)
                if any(True for one in self._patterns for _ in one.spans(text, clock, anywhere=True)):
                    return "where"
        return stage

    def _judge(
        self, text: str, near: Mapping[int, Near | None] | None = None
    ) -> tuple[list[Span], Stage | None]:
        """The confirmed matches; where there are none, the step that took the last."""
        clock = Clock(self.timeout)
        spans: list[Span] = []
        known: dict[Pattern, list[Span]] = {}
        if near is None:
            near = self._anywhere
        for at, where in near.items():
            one = self._patterns[at]
            found = list(one.spans(text, clock)) if where is None else one.spans_near(text, where, clock)
            spans += found
            known[one.pattern] = found
        return self._pass(_Case(text, clock, known), spans)

    def _pass(self, case: _Case, spans: list[Span]) -> tuple[list[Span], Stage | None]:
        """The matches of the patterns that pass the further steps, and the step that took the last."""
        stage: Stage = "pattern"
        for following, step in self.steps:
            if not spans:
                return spans, stage
            spans, stage = step(case, spans), following
        return spans, None if spans else stage

    def _validated(self, case: _Case, spans: list[Span]) -> list[Span]:
        assert self.rule.validate is not None
        valid = VALIDATE[self.rule.validate]
        return [(start, end) for start, end in spans if valid(case.text[start:end])]

    def _supported(self, case: _Case, spans: list[Span]) -> list[Span]:
        """Those with a match of a `needs` pattern that does not overlap them."""
        markers: list[Span] = []
        for one in self._needs:
            known = case.known.get(one.pattern)
            markers += one.spans(case.text, case.clock) if known is None else known
        if not markers:
            return []
        first_end, last_start = min(end for _, end in markers), max(start for start, _ in markers)
        return [(start, end) for start, end in spans if first_end <= start or last_start >= end]

    def _not_exempt(self, case: _Case, spans: list[Span]) -> list[Span]:
        text, clock = case.text, case.clock
        for one, within in self._unless:
            known = case.known.get(one.pattern)
            found = (match.span() for match in one.found(text, clock)) if known is None else iter(known)
            if within is None:
                if next(found, None) is not None:
                    return []
                continue
            near = sorted(found)
            spans = [span for span in spans if not _near(near, span, within)]
        return spans

    def _not_quoted(self, case: _Case, spans: list[Span]) -> list[Span]:
        quoted = quoted_spans(case.text)
        return [span for span in spans if not is_quoted(quoted, *span)]


class Neighbour:
    """A pattern beside which confirmed matches are exempt, in no rule of its own.

    Args:
        pattern: What to look for. Matches without length do not count.
        timeout: Seconds for one string.
    """

    def __init__(self, pattern: Exemption, timeout: float) -> None:
        self._searcher = Searcher(pattern)
        self._within = pattern.within
        self._timeout = timeout

    def beside(self, text: str, spans: Sequence[Span]) -> list[bool]:
        """Per span: is there a match near enough? Raises `TimeoutError`."""
        with _BOUNDED:
            found = sorted(self._searcher.spans(text, Clock(self._timeout)))
        within = len(text) if self._within is None else self._within
        return [_near(found, span, within) for span in spans]


def _near(spans: Sequence[Span], span: Span, within: int) -> bool:
    """Is one of `spans` (ascending, without overlap) at most `within` code points before or behind `span`?"""
    at = bisect_right(spans, span[1] + within, key=lambda one: one[0])
    # The last one that begins early enough also ends last.
    return at > 0 and spans[at - 1][1] >= span[0] - within
