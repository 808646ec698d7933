"""Which parts of a text are quoted: Markdown code and quotation marks. Linear in the length of the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

Span = tuple[int, int]

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_TICKS = re.compile(r"`+")
_BLANK = re.compile(r"\n[^\S\n]*\n")
_QUOTES = re.compile(
    r"\"[^\"\n]*\""
    r"|“[^”“\n]*”|„[^“”„\n]*[“”]|«[^»«\n]*»|‹[^›‹\n]*›|「[^」「\n]*」|『[^』『\n]*』"
    r"|(?<!\w)['‘][^'’‘\n]*['’](?!\w)"
)
"""A quotation stays on one line and holds no second opening mark, so that matching is linear. A single
quotation mark beside a letter is an apostrophe."""


def quoted_spans(text: str) -> list[Span]:
    """The quoted parts of a text, ascending and without overlap: fenced code blocks (one that is never closed runs to
    the end), code between runs of backticks in one paragraph, and what stands between quotation marks on one line."""
    spans: list[Span] = []
    at = 0
    for start, end in [*_fenced(text), (len(text), len(text))]:
        spans.extend(_outside_fences(text, at, start))
        if end > start:
            spans.append((start, end))
        at = end
    return spans


def is_quoted(spans: list[Span], start: int, end: int) -> bool:
    """Does one of the spans hold the range?"""
    at = bisect_right(spans, (start, end)) - 1
    # A span that begins at `start` itself may sort behind (start, end).
    return any(low <= start and end <= high for low, high in spans[max(0, at) : at + 2])


def _fenced(text: str) -> Iterator[Span]:
    opened: tuple[int, str] | None = None
    for fence in _FENCE.finditer(text):
        marks = fence[1]
        if opened is None:
            if not (marks[0] == "`" and "`" in fence[2]):  # such a line is code within a line
                opened = fence.start(), marks
        elif marks.startswith(opened[1]) and not fence[2].strip():
            yield opened[0], fence.end()
            opened = None
    if opened is not None:
        yield opened[0], len(text)


def _outside_fences(text: str, start: int, end: int) -> Iterator[Span]:
    """Code between backticks, paragraph by paragraph, and quotations beside it."""
    at = start
    for blank in [*(one.span() for one in _BLANK.finditer(text, start, end)), (end, end)]:
        for low, high in [*_ticked(text, at, blank[0]), (blank[0], blank[0])]:
            yield from (one.span() for one in _QUOTES.finditer(text, at, low))
            if high > low:
                yield low, high
            at = high
        at = blank[1]


def _ticked(text: str, start: int, end: int) -> Iterator[Span]:
    """Runs of backticks, each with the next run of the same length."""
    runs = [run.span() for run in _TICKS.finditer(text, start, end)]
    following: dict[int, list[int]] = {}
    for place in range(len(runs) - 1, -1, -1):
        following.setdefault(runs[place][1] - runs[place][0], []).append(place)
    place = 0
    while place < len(runs):
        low, high = runs[place]
        same = following[high - low]
        while same and same[-1] <= place:
            same.pop()
        if same:
            yield low, runs[same[-1]][1]
            place = same[-1]
        place += 1
