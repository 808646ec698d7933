"""How far from where it begins a match of a pattern can lie or look: what lets a search be kept to a window.

Computed over the parse tree of `regex`; whatever is not on the list of understood nodes has no bound. Repeats without
a bound are counted as runs of the usual length, of white space or of what words are made of; a window in which a longer
run stands must not be used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from regex import _regex_core as rc

from dataaudit.rules.tree import SPACES, Chars, parsed, widened

SPACE_RUN, WORDY = 0, 1
"""Kinds of runs."""
MAX_RUNS = (8, 40)
"""Characters that an unbounded repeat of white space is counted as, and one of letters, digits, `_`, `-` and
apostrophes; longer runs are rare in text."""
MAX_REACH = 512
"""Beyond this a window gains little over the whole text."""
MAX_WAYS = 1 << 40
"""Cap of a count, so that it stays a small number."""
MARGIN = 3
"""Characters that a condition without width (an end of line, a word boundary) may look at further on."""

_LONG = (
    re.compile(rf"\s{{{MAX_RUNS[SPACE_RUN] + 1}}}"),
    re.compile(rf"[0-9A-Za-z_'\-\u0080-\U0010ffff]{{{MAX_RUNS[WORDY] + 1}}}"),
)
"""Runs that are longer than they were counted."""

_ONCE_SPACES = "\u180e\u200b"
"""In `tree.SPACES`, though white space no longer."""
_ASCII_SPACES = frozenset((*range(9, 14), *range(28, 33)))
_ASCII_WORDY = frozenset(map(ord, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'-"))
_ONE = frozenset((
    "Character", "Range", "SetUnion", "SetDiff", "SetInter", "SetSymDiff", "Property", "Any", "AnyAll", "AnyU",
))  # fmt: skip
_NONE = frozenset((
    "Boundary", "StartOfWord", "EndOfWord", "StartOfLine", "StartOfLineU", "EndOfLine", "EndOfLineU",
    "StartOfString", "EndOfString", "EndOfStringLine", "EndOfStringLineU",
))  # fmt: skip
"""Conditions that look one or two characters ahead at most, and do not depend on where a search begins."""


class Reach(NamedTuple):
    """Bounds of a match of a pattern, of what it looks at, and of the steps to find it or not at one place."""

    width: int
    """Characters from its start that it holds or looks at ahead."""
    steps: int
    """Ways through the pattern, times `width`: no more steps of matching are taken from one place."""
    runs: tuple[int, ...]
    """What it repeats without a bound, as `holds_long_run` takes it."""


class _UnboundedError(Exception):
    pass


def reach_of(pattern: str, flags: int) -> Reach | None:
    """The bounds of a pattern, or None where there are none of use."""
    try:
        tree = parsed(pattern, flags)[0]
        width, ways = _bounds(tree)
        found = (_run_of(node.subpattern) for node in _below(tree) if _is_unbounded(node))
        runs = {run for run in found if run is not None}
    except Exception:  # no bound, or the inside of `regex` changed shape: slower, still right
        return None
    return Reach(width, width * ways, tuple(sorted(runs))) if width <= MAX_REACH else None


def holds_long_run(window: str, runs: Sequence[int]) -> bool:
    """Is there a run in a window that is longer than it was counted? Then the window must not be used."""
    if SPACE_RUN in runs:
        words = window.split()
        # White space beyond one character a word: a long run alone makes this much.
        spare = len(window) - sum(map(len, words)) - len(words)
        if spare >= MAX_RUNS[SPACE_RUN] - 1 and _LONG[SPACE_RUN].search(window):
            return True
        if any(odd in window for odd in _ONCE_SPACES):
            return True
    if WORDY in runs:
        longest = max(map(len, window.split(" ")))
        return longest > MAX_RUNS[WORDY] and _LONG[WORDY].search(window) is not None
    return False


def windows(ends: Sequence[int], width: int) -> Iterator[tuple[int, int]]:
    """Ranges of places in which every match begins that holds the character before one of `ends` (ascending).

    One place more than the reach: a match that is longer, thanks to a long run of white space, then shows that run.
    """
    if len(ends) == 1:
        yield max(0, ends[0] - width - 1), ends[0]
        return
    low = high = -1
    for end in ends:
        if low >= 0 and end - width - 1 <= high:
            high = end
            continue
        if low >= 0:
            yield low, high
        low, high = max(0, end - width - 1), end
    if low >= 0:
        yield low, high


_Bounds = tuple[int, int]
"""Width, and ways through: choices of branch and of counts that backtracking may go through one after the other."""


def _bounds(node: Any) -> _Bounds:
    """The bounds of a node. Raises `_UnboundedError`."""
    kind = type(node).__name__
    if kind in _ONE:
        if getattr(node, "case_flags", 0) & rc.FULLCASE:
            raise _UnboundedError
        return 1, 1
    if kind in _NONE:
        return 0, 1
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise _UnboundedError
    width, ways = handler(node)
    return width, min(ways, MAX_WAYS)


def _sequence(node: Any) -> _Bounds:
    width, ways = 0, 1
    for item in node.items:
        more, times = _bounds(item)
        width, ways = width + more, min(ways * times, MAX_WAYS)
    return width, ways


def _branch(node: Any) -> _Bounds:
    widths, ways = zip(*map(_bounds, node.branches), strict=True)
    return max(widths), sum(ways)


def _inner(node: Any) -> _Bounds:
    return _bounds(node.subpattern)


def _string(node: Any) -> _Bounds:
    if node.case_flags & rc.FULLCASE:
        raise _UnboundedError
    return len(node.characters), 1


def _repeat(node: Any) -> _Bounds:
    width, ways = _bounds(node.subpattern)
    low = int(node.min_count)
    if node.max_count is not None:
        high = int(node.max_count)
    elif width == 0:
        high = low + 1
    elif width == 1 and (run := _run_of(node.subpattern)) is not None:
        high = max(MAX_RUNS[run], low)
    else:
        raise _UnboundedError
    if ways == 1:
        return width * high, high - low + 1
    times = 0
    for count in range(low, high + 1):
        times += ways**count
        if times >= MAX_WAYS:
            break
    return width * high, times


def _is_unbounded(node: Any) -> bool:
    return isinstance(node, rc.GreedyRepeat) and node.max_count is None


def _run_of(node: Any) -> int | None:
    """What a repeat of a node is a run of, where it matches one character of one kind and nothing else."""
    if type(node).__name__ == "Group":
        return _run_of(node.subpattern)
    if type(node).__name__ not in _ONE:
        return None
    chars = widened(node)
    return run_of(chars) if isinstance(chars, Chars) else None


def run_of(chars: Chars) -> int | None:
    """What a repeat of a set is a run of: white space (0), what words are made of (1), or neither."""
    members, others = chars.chars.ascii, chars.chars.others
    if members <= _ASCII_SPACES and others is not None and others <= SPACES:
        return SPACE_RUN
    return WORDY if members <= _ASCII_WORDY else None


def _look_around(node: Any) -> _Bounds:
    """What is looked at ahead. What lies behind can always be seen; but it must not look ahead in turn."""
    width, ways = _bounds(node.subpattern)
    if not node.behind:
        return width, ways
    if any(type(one).__name__ not in _BEHIND for one in _below(node.subpattern)):
        raise _UnboundedError
    return 0, ways * (width + 1)


def _below(node: Any) -> Iterator[Any]:
    yield node
    for value in vars(node).values():
        for child in value if isinstance(value, list | tuple) else (value,):
            if isinstance(child, rc.RegexBase):
                yield from _below(child)


_HANDLERS: dict[str, Callable[[Any], _Bounds]] = {
    "Sequence": _sequence,
    "Branch": _branch,
    "Group": _inner,
    "Atomic": _inner,
    "GreedyRepeat": _repeat,
    "LazyRepeat": _repeat,
    "PossessiveRepeat": _repeat,
    "String": _string,
    "LookAround": _look_around,
}
_BEHIND = (_ONE | _NONE | _HANDLERS.keys()) - {"LookAround"}
