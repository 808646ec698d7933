"""Places in a string at which a pattern may be asked to match: the start, the last line, the last paragraph.

A line ends at a line feed. White space is what `str.isspace` says. A match is in a place when it begins there; it may
end anywhere.
"""

from __future__ import annotations

import re

from dataaudit.rules.model import Where

Region = tuple[int, int]
"""Half-open range of code points in which a match must begin."""

_LEAD = re.compile(r"[\s\"'`“”„‟‘’‚‛«»‹›「『*_#>~(\[\ufeff-]*")
r"""What may stand before the start: white space, opening quotation marks and brackets, Markdown (`* _ # > ~ - \``),
a byte order mark."""


def region(text: str, where: Where) -> Region:
    """Where in `text` a match must begin.

    `start`: anywhere up to the first character that is not white space, a quotation mark, an opening bracket or
    Markdown. `last-line`: from the start of the last line that is not empty or white space alone. `last-paragraph`:
    from the start of the last run of such lines.
    """
    if where == "start":
        lead = _LEAD.match(text)
        assert lead is not None  # it matches the empty string
        return 0, lead.end() + 1
    if where == "last-line":
        return _line_start(text, len(text.rstrip())), len(text) + 1
    if where == "last-paragraph":
        return _paragraph_start(text), len(text) + 1
    return 0, len(text) + 1


def _line_start(text: str, at: int) -> int:
    """Start of the line that ends at or holds `at`."""
    return text.rfind("\n", 0, at) + 1


def _paragraph_start(text: str) -> int:
    start = _line_start(text, len(text.rstrip()))
    while start:
        above = _line_start(text, start - 1)
        line = text[above : start - 1]
        if not line or line.isspace():
            break
        start = above
    return start
