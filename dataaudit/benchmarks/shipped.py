"""The indexes that come with the tool, which every scan looks into unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

NONE = "none"
"""In place of an index: without those that come with the tool."""
SUFFIX = ".benchmark"


def shipped() -> tuple[str, ...]:
    """Paths of the indexes inside the installed package, or beside it in a checkout; none where they were removed."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_benchmarks", package.parent / "benchmark_indexes"):
        found = tuple(str(path) for path in sorted(folder.glob(f"*{SUFFIX}")))
        if found:
            return found
    return ()


def chosen(given: Sequence[str]) -> tuple[str, ...]:
    """The indexes to look into: those that come with the tool, unless `NONE` is among the given, and the given."""
    own = tuple(one for one in given if one != NONE)
    return own if len(own) < len(given) else (*shipped(), *own)
