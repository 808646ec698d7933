"""How many characters a part of a pattern can match: the fewest and the most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dataaudit.rules.reach import MAX_RUNS, run_of
from dataaudit.rules.tree import LINE_FEED, Alt, Chars, Gap, Node, Rep

MOST = 1 << 20
"""More characters than this are without limit."""


class Spread(NamedTuple):
    """A number of characters. Runs without a limit, of white space and of what words are made of, are counted at their
    usual length, `reach.MAX_RUNS`; whoever relies on that looks whether there is a longer one."""

    fewest: int
    most: int | None
    """None: without limit."""
    runs: int = 0
    """Bits: 1 where a run of white space was counted so, 2 where one of words was."""
    line: bool = False
    """Is it known that none of them is a line feed?"""

    def then(self, after: Spread) -> Spread:
        """One after the other."""
        most = None if self.most is None or after.most is None else self.most + after.most
        return _spread(self.fewest + after.fewest, most, self.runs | after.runs, self.line and after.line)

    def either(self, other: Spread) -> Spread:
        """One or the other."""
        most = None if self.most is None or other.most is None else max(self.most, other.most)
        line = self.line and other.line
        return Spread(min(self.fewest, other.fewest), most, self.runs | other.runs, line)

    def times(self, low: int, high: int | None) -> Spread:
        """So many times."""
        most = 0 if self.most == 0 else None if self.most is None or high is None else self.most * high
        return _spread(self.fewest * low, most, self.runs, self.line)


NO_SPREAD = Spread(0, 0, 0, line=True)


def _spread(fewest: int, most: int | None, runs: int, line: bool) -> Spread:
    return Spread(min(fewest, MOST), None if most is None or most > MOST else most, runs, line)


def one_of(chars: Chars) -> Spread:
    """One character of a set."""
    return Spread(1, 1, 0, LINE_FEED not in chars.chars.ascii)


def spread_of(node: Node) -> Spread:
    """The characters of a node."""
    if isinstance(node, Chars):
        return one_of(node)
    if isinstance(node, Gap):
        return Spread(0, None)
    if isinstance(node, Rep):
        return _turns(node)
    if isinstance(node, Alt):
        first, *others = map(spread_of, node.branches)
        for other in others:
            first = first.either(other)
        return first
    return total(map(spread_of, node.items))


def _turns(node: Rep) -> Spread:
    if node.high is not None or not isinstance(node.item, Chars):
        return spread_of(node.item).times(node.low, node.high)
    run, line = run_of(node.item), one_of(node.item).line
    if run is None:
        return Spread(node.low, None, 0, line)
    return Spread(node.low, max(MAX_RUNS[run], node.low), 1 << run, line)


def total(parts: Iterable[Spread]) -> Spread:
    """One after the other."""
    whole = NO_SPREAD
    for part in parts:
        whole = whole.then(part)
    return whole
