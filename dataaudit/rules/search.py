"""One pattern searched for in one string by `regex`: all of it, or only where matches can lie; in bounded time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from time import monotonic
from typing import Any, NamedTuple

import regex

from dataaudit.rules.compile import Compiled, compile_pattern
from dataaudit.rules.model import Pattern
from dataaudit.rules.places import region
from dataaudit.rules.reach import MARGIN, Reach, holds_long_run, windows

Span = tuple[int, int]
"""Half-open range of a match in a string, in code points."""

Match = Any
"""`regex.Match`; the module ships no types."""


FEW_PLACES = 64
"""Places at which a match is tried one by one, not by a search."""
FEW_STEPS = 1_000_000
"""Steps of matching that take some hundredths of a second at most."""


class Clock:
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


class Near(NamedTuple):
    """Where in a string the matches of a pattern can lie."""

    ends: Sequence[int]
    """Every match holds the character before one of these places; ascending."""
    reach: Reach


class Searcher:
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

    def match(self, text: str, at: int, clock: Clock) -> Match | None:
        """The match that begins at a place, wherever matches must begin. Raises `TimeoutError`."""
        return self._compiled.match(text, at, timeout=clock.left())

    def found(self, text: str, clock: Clock, *, anywhere: bool = False) -> Iterator[Match]:
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

    def _found_from(self, text: str, places: range, clock: Clock | None) -> Iterator[Match]:
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

    def spans(self, text: str, clock: Clock, *, anywhere: bool = False) -> Iterator[Span]:
        """The ranges of the matches in place that hold at least one character. Raises `TimeoutError`."""
        for match in self.found(text, clock, anywhere=anywhere):
            start, end = match.span()
            if end > start:
                yield start, end

    def spans_near(self, text: str, near: Near, clock: Clock) -> list[Span]:
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
