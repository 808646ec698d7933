"""Excerpts of texts for examples."""

from __future__ import annotations

CONTEXT = 60
"""Code points shown on either side of a match."""
LONGEST = 240
"""Code points of a match or a text that are shown at most."""


def excerpt(text: str, start: int = 0, end: int = 0) -> tuple[str, tuple[int, int]]:
    """A window of `text` around [start, end), and where that range lies in the window. Cuts are shown as `…`."""
    end = min(end, start + LONGEST)
    left, right = max(0, start - CONTEXT), min(len(text), end + CONTEXT)
    head, tail = "…" if left else "", "…" if right < len(text) else ""
    offset = len(head) - left
    return head + text[left:right] + tail, (start + offset, end + offset)


def opening(text: str) -> str:
    """The first code points of a text."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
