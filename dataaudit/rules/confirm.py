"""What `regex` says about one string: the word that counts, whatever a prefilter suggests.

A match passes five steps, in this order: the pattern itself, its place (`where`), the checksum (`validate`), a second
marker (`needs`), no exemption (`unless`, and quotation where that is asked for).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from time import monotonic
from typing import Any, Literal, NamedTuple

import regex

from dataaudit.rules.compile import Compiled, compile_pattern
from dataaudit.rules.model import Exemption, Pattern, Rule
from dataaudit.rules.places import region
from dataaudit.rules.quoted import is_quoted, quoted_spans
from dataaudit.rules.reach import MARGIN, Reach, holds_long_run, windows
from dataaudit.rules.validators import VALIDATE

Span = tuple[int, int]
"""Half-open range of a match in a string, in code points."""

Stage = Literal["pattern", "where", "validate", "needs", "unless", "quoted"]
"""The step that a string did not pass."""

Match = Any
"""`regex.Match`; the module ships no types."""


FEW_PLACES = 64
"""Places at which a match is tried one by one, not by a search."""
FEW_STEPS = 1_000_000
"""Steps of matching that take some hundredths of a second at most."""


class _Clock:
    """What is left of the time for one string. `regex` bounds one call; many short calls add up.

    It runs from the first time it is asked.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def left(self) -> float:
        """Seconds, above zero. Raises `TimeoutError`."""
        if self._end is None:
            self._end = monotonic() + self._seconds
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


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
    clock: _Clock
    known: dict[Pattern, list[Span]]
    """What the patterns of the rule have matched, for steps that ask for the same."""


_Step = Callable[[_Case, list[Span]], list[Span]]


class Near(NamedTuple):
    """Where in a string the matches of a pattern can lie."""

    ends: Sequence[int]
    """Every match holds the character before one of these places; ascending."""
    reach: Reach


class _Searcher:
    """One compiled pattern, and where its matches must begin."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    @cached_property
    def _compiled(self) -> Compiled:
        """Compiled when first needed: most rules meet no candidate, and compiling all takes a quarter of a second."""
        return compile_pattern(self.pattern)

    @cached_property
    def _forward(self) -> bool:
        return not self._compiled.flags & regex.REVERSE

    def found(self, text: str, clock: _Clock, *, anywhere: bool = False) -> Iterator[Match]:
        """Matches in place, those without length included. Raises `TimeoutError`."""
        if anywhere or self.pattern.where == "anywhere":
            start, end = 0, len(text) + 1
        else:
            # The search itself begins at the place, so that no match from before it runs into it.
            start, end = region(text, self.pattern.where)
            if self.pattern.where == "start" and self._forward and end - start <= FEW_PLACES:
                yield from self._found_from(text, range(start, end), clock)
                return
        for match in self._compiled.finditer(text, start, timeout=clock.left()):
            if start <= match.start() < end:
                yield match
            elif self._forward:
                return
            clock.left()

    def _found_from(self, text: str, places: range, clock: _Clock | None) -> Iterator[Match]:
        """Matches that begin at one of a few places: a search would go on through all of the text behind them.

        Without a clock where so few steps are to be taken that asking for the time would take longer.
        """
        free = places.start
        for at in places:
            if at < free:
                continue
            compiled = self._compiled
            match = (
                compiled.match(text, at) if clock is None else compiled.match(text, at, timeout=clock.left())
            )
            if match is not None and match.start() < places.stop:
                yield match
                free = max(match.end(), at + 1)

    def spans(self, text: str, clock: _Clock, *, anywhere: bool = False) -> Iterator[Span]:
        """The ranges of the matches in place that hold at least one character. Raises `TimeoutError`."""
        for match in self.found(text, clock, anywhere=anywhere):
            start, end = match.span()
            if end > start:
                yield start, end

    def spans_near(self, text: str, near: Near, clock: _Clock) -> list[Span]:
        """What `spans` gives, found without a look at the whole text. Raises `TimeoutError`."""
        width, steps, runs = near.reach
        if len(near.ends) * width > len(text):
            return list(self.spans(text, clock))
        first, last = 0, len(text) + 1
        if self.pattern.where != "anywhere":
            first, last = region(text, self.pattern.where)
            if self.pattern.where == "start" and last - first <= FEW_PLACES:
                if not runs and near.ends[0] - width > last:
                    return []
                few = steps * (last - first) <= FEW_STEPS
                matches = self._found_from(text, range(first, last), None if few else clock)
                return [match.span() for match in matches if match.end() > match.start()]
        search = self._compiled.search
        found: list[Span] = []
        at = first
        for low, high in windows(near.ends, width):
            # Beyond `stop` nothing is looked at from a place of the window, unless by a long run.
            stop = high + width + MARGIN
            if runs and holds_long_run(text[low:stop], runs):
                return list(self.spans(text, clock))
            at = max(at, low)
            if at >= last:
                break
            while at <= high:
                if (
                    steps * (high - at + 1) <= FEW_STEPS
                ):  # asking for the time would take longer than the search
                    match = search(text, at, stop)
                else:
                    match = search(text, at, stop, timeout=clock.left())
                if match is None:
                    break
                start, end = match.span()
                if start > high or start >= last:
                    break
                found.append((start, end))
                at = end if end > start else start + 1
        return found


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
        self._patterns = [_Searcher(pattern) for pattern in rule.patterns]
        self._anywhere: Mapping[int, Near | None] = dict.fromkeys(range(len(self._patterns)))
        self._needs = [_Searcher(pattern) for pattern in rule.needs]
        self._unless = [(_Searcher(pattern), pattern.within) for pattern in rule.unless]
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

    def left(self, text: str, known: Mapping[int, list[Span]]) -> list[Span]:
        """What `spans` gives, from the matches of the patterns (by their place in the rule; others have none).

        Raises:
            TimeoutError: The string could not be judged in time.
        """
        with _BOUNDED:
            spans = [span for found in known.values() for span in found]
            by_pattern = {one.pattern: known.get(at, []) for at, one in enumerate(self._patterns)}
            found = self._pass(_Case(text, _Clock(self.timeout), by_pattern), spans)[0]
        return sorted(set(found))

    def captures(self, text: str) -> dict[str, str | None]:
        """Named groups of the first confirmed match of the first pattern that has one. Raises `TimeoutError`."""
        with _BOUNDED:
            confirmed = set(self._judge(text)[0])
            clock = _Clock(self.timeout)
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
                clock = _Clock(self.timeout)
                if any(True for one in self._patterns for _ in one.spans(text, clock, anywhere=True)):
                    return "where"
        return stage

    def _judge(
        self, text: str, near: Mapping[int, Near | None] | None = None
    ) -> tuple[list[Span], Stage | None]:
        """The confirmed matches; where there are none, the step that took the last."""
        clock = _Clock(self.timeout)
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
            if within is None:
                if next(one.found(text, clock), None) is not None:
                    return []
                continue
            near = sorted(match.span() for match in one.found(text, clock))
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
        self._searcher = _Searcher(pattern)
        self._within = pattern.within
        self._timeout = timeout

    def beside(self, text: str, spans: Sequence[Span]) -> list[bool]:
        """Per span: is there a match near enough? Raises `TimeoutError`."""
        with _BOUNDED:
            found = sorted(self._searcher.spans(text, _Clock(self._timeout)))
        within = len(text) if self._within is None else self._within
        return [_near(found, span, within) for span in spans]


def _near(spans: Sequence[Span], span: Span, within: int) -> bool:
    """Is one of `spans` (ascending, without overlap) at most `within` code points before or behind `span`?"""
    at = bisect_right(spans, span[1] + within, key=lambda one: one[0])
    # The last one that begins early enough also ends last.
    return at > 0 and spans[at - 1][1] >= span[0] - within
