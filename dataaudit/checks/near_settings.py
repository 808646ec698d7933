"""What near-duplicates compares, how alike is alike, and which row of a cluster stays."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dataaudit.errors import UsageError
from dataaudit.records.paths import parse as parse_path
from dataaudit.sketches.minhash import Banding

FLAG = "--near-duplicates"
KEYS = ("words", "threshold", "bands", "rows", "keep")
KEEP = ("first", "longest")
BEST = "best:"
MOST_WORDS = 100
MOST_PERMUTATIONS = 1024
"""Of all bands together: 1,024 numbers of 32 bits a row while its signature is made, 8 bytes a band on disk."""


class NearSettings(msgspec.Struct, frozen=True):
    """The settings of the check, as one value."""

    words: int = 5
    """Words of a shingle."""
    threshold: float = 0.8
    """Jaccard similarity from which two rows are near-duplicates."""
    bands: int = 14
    rows: int = 8
    """Permutations of a band."""
    keep: str = "first"
    """Which row of a cluster stays: `first`, `longest`, or `best:FIELD`, the largest number in a field."""

    @property
    def banding(self) -> Banding:
        """The bands of a signature."""
        return Banding(self.bands, self.rows)

    @property
    def best(self) -> str | None:
        """The path of the field by which the best row stays."""
        return self.keep.removeprefix(BEST) if self.keep.startswith(BEST) else None


def parse(given: Sequence[str]) -> NearSettings:
    """Settings written KEY=VALUE, the later of two winning. Raises UsageError."""
    values: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals or key not in KEYS:
            raise UsageError(f"{FLAG} {one!r}: write it as KEY=VALUE; keys are {', '.join(KEYS)}")
        values[key] = value.strip()
    words = _whole(values, "words", 5, MOST_WORDS)
    bands = _whole(values, "bands", 14, MOST_PERMUTATIONS)
    rows = _whole(values, "rows", 8, MOST_PERMUTATIONS)
    if bands * rows > MOST_PERMUTATIONS:
        raise UsageError(
            f"{FLAG}: {bands} bands of {rows} rows are {bands * rows:,} permutations, more than {MOST_PERMUTATIONS:,}"
        )
    return NearSettings(
        words, _share(values.get("threshold", "0.8")), bands, rows, _keep(values.get("keep", "first"))
    )


def _whole(values: dict[str, str], key: str, default: int, most: int) -> int:
    text = values.get(key, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
        raise UsageError(f"{FLAG} {key}={text}: {key} must be a whole number from 1 to {most:,}")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise UsageError(
            f"{FLAG} threshold={text}: the threshold is a similarity above 0 and at most 1, such as 0.8"
        )
    return share


def _keep(text: str) -> str:
    field = text.removeprefix(BEST)
    if text.startswith(BEST) and field:
        parse_path(field)
    elif text not in KEEP:
        raise UsageError(
            f"{FLAG} keep={text}: keep first, longest, or best:FIELD, the largest number in that field"
        )
    return text
