"""Files that lie elsewhere and are read in pieces where they lie: their path stands for them in this process alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

Opener = Callable[[], IO[bytes]]
"""Opens a file for reading any part of it; its errors are OSErrors, in one line."""

_openers: dict[str, Opener] = {}


def offer(path: str, opener: Opener) -> None:
    """Make a file readable under a path that is not there."""
    _openers[path] = opener


def release(path: str) -> None:
    """Forget it."""
    _openers.pop(path, None)


def opened(path: str) -> IO[bytes] | None:
    """The file that a path stands for, opened; None for any other path. Raises OSError."""
    opener = _openers.get(path)
    return opener() if opener is not None else None
