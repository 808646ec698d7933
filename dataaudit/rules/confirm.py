"""What `regex` says about one string: the word that counts, whatever a prefilter suggests."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from dataaudit.rules.compile import Compiled, compile_pattern
from dataaudit.rules.model import Rule

Span = tuple[int, int]
"""Half-open range of a match in a string, in code points."""


class Confirmer:
    """The compiled patterns of one rule. Matching that takes longer than `timeout` seconds raises
    `TimeoutError`."""

    def __init__(self, rule: Rule, timeout: float) -> None:
        self.rule = rule
        self.timeout = timeout
        self._patterns: Sequence[Compiled] = [compile_pattern(pattern) for pattern in rule.patterns]
        self._unless: Sequence[Compiled] = [compile_pattern(pattern) for pattern in rule.unless]

    def spans(self, text: str) -> list[Span]:
        """Non-empty matches of all patterns, each span once, in order; none where an `unless` pattern
        matches.

        Raises:
            TimeoutError: The string could not be judged in time.
        """
        spans = self._raw(text)
        if spans and self.exempt(text):
            return []
        return spans

    def exempt(self, text: str) -> bool:
        """Does an `unless` pattern match anywhere in the string? Raises `TimeoutError`."""
        return any(pattern.search(text, timeout=self.timeout) for pattern in self._unless)

    def captures(self, text: str) -> dict[str, str | None]:
        """Named groups of the first match of the first pattern that matches. Raises `TimeoutError`."""
        for pattern in self._patterns:
            match = pattern.search(text, timeout=self.timeout)
            if match is not None:
                groups: dict[str, str | None] = match.groupdict()
                return groups
        return {}

    def _raw(self, text: str) -> list[Span]:
        found: set[Span] = set()
        deadline = monotonic() + self.timeout
        for pattern in self._patterns:
            for match in pattern.finditer(text, timeout=self.timeout):
                start, end = match.span()
                if end > start:
                    found.add((start, end))
                # The timeout of `regex` is not a bound on the sum of many slow matches.
                if monotonic() > deadline:
                    raise TimeoutError
        return sorted(found)
