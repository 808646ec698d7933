"""What the strings of a column look like: text, or identifiers, addresses, dates and the like, which hold none.

Needed where names do not say it: in columns that no layout knows, and in columns named like a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dataaudit.records import fieldnames

Shapes = tuple[tuple[str, str], ...]
"""(column, shape) of columns whose strings were looked at, sorted by column."""

TEXT = "text"
IDENTIFIERS = "identifiers"
ADDRESSES = "addresses"
DATES = "dates"
NUMBERS = "numbers"
FEW_VALUES = "few short values"

LOOKED_AT = 400
"""Characters of a string that are looked at; a longer one is text unless it is an address."""
LONGEST_TOKEN = 200
"""Characters; what is longer is no identifier."""
MARKED = 0.8
"""Share of strings without spaces that must hold a digit or a sign for a column to be one of identifiers: words are
text."""
FEW_ROWS = 20
"""Strings below which few values mean nothing."""
FEW_SHARE = 0.05
"""A column of few values has at most this many different ones per string."""
FEW_LENGTH = 40
FEW_WORDS = 3
LABEL_WORDS = 4
"""Words from which on the strings of a column named like a label, most of them different, are text."""

_ADDRESS = re.compile(
    r"(?:[a-zA-Z][a-zA-Z0-9+.-]{1,15}://|www\.|mailto:)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII
)
_NUMBER = re.compile(r"[-+\d.,:;/%eE() ]*\d[-+\d.,:;/%eE() ]*")
_DATE = re.compile(
    r"(?:\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
    r"(?:[T ]\d{1,2}:\d{2}\S*)?(?: ?(?:UTC|[AP]M))?"
)
_TOKEN = re.compile(r"[!-~]+")
"""Printable ASCII without spaces: other scripts write text without spaces."""
_SIGN = re.compile(r"[\d_/:#@=\\|]|\w\.\w|\w-\w.*-")
_SAID = re.compile(r"[.!?…:]$|[<>\[\]{}|]")
"""What ends a sentence, and what markers are made of: no label has it."""


def shape_of_column(values: Sequence[str]) -> str | None:
    """What the strings of a column are; None where there are none to tell by.

    Every one must be of the shape: a single text makes a column one of text, so that none is lost.
    """
    seen = [value.strip()[:LOOKED_AT] for value in values]
    seen = [value for value in seen if value]
    if not seen:
        return None
    for shape, pattern in ((ADDRESSES, _ADDRESS), (DATES, _DATE), (NUMBERS, _NUMBER)):
        if all(pattern.fullmatch(value) for value in seen):
            return shape
    if _are_identifiers(seen):
        return IDENTIFIERS
    few = len(seen) >= FEW_ROWS and len(set(seen)) <= FEW_SHARE * len(seen)
    if few and all(_is_short(value) for value in set(seen)):
        return FEW_VALUES
    return TEXT


def _are_identifiers(values: Sequence[str]) -> bool:
    if not all(len(value) <= LONGEST_TOKEN and _TOKEN.fullmatch(value) for value in values):
        return False
    return sum(1 for value in values if _SIGN.search(value)) >= MARKED * len(values)


def _is_short(value: str) -> bool:
    return len(value) <= FEW_LENGTH and len(value.split()) <= FEW_WORDS and not _SAID.search(value)


def shape_of_label(values: Sequence[str]) -> str | None:
    """`TEXT` where the strings of a column named like a label are texts, most of them different; else None."""
    if len(values) < FEW_ROWS or len(set(values)) * 2 < len(values):
        return None
    words = sorted(len(value.split()) for value in values)
    return TEXT if words[len(words) // 2] >= LABEL_WORDS else None


def why_unread(layouts: Iterable[str], unread: Iterable[str], shapes: Shapes) -> dict[str, str]:
    """Of columns that no layout knows and that are not read: what their strings are instead of text."""
    if "unknown-columns" not in layouts:
        return {}
    left = set(unread)
    return {name: shape for name, shape in shapes if name in left and shape != TEXT}


def is_label(name: str) -> bool:
    """Is a column named like a label?"""
    return name.lower() in fieldnames.LABELS
