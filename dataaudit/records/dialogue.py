"""Dialogues that come as one string, "Human: … Assistant: …", as the hh-rlhf data sets write them.

The labels are structure: rules and duplicates see what stands between them, and places in the string stay known.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LABEL = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant):[ \t]?")
OPENINGS = ("\n\nHuman:", "Human:", "\n\nAssistant:", "Assistant:")
"""How a string must begin to be read as a dialogue."""


class Said(NamedTuple):
    """One turn of a dialogue: who speaks, and where in the string (code points, half-open)."""

    name: str
    start: int
    end: int


def split_dialogue(text: str) -> list[Said]:
    """The turns of a string that is a dialogue of at least one label at its start; else nothing."""
    if not text.startswith(OPENINGS):
        return []
    labels = list(_LABEL.finditer(text))
    ends = [*(label.start() for label in labels[1:]), len(text)]
    return [Said(label[1], label.end(), end) for label, end in zip(labels, ends, strict=True)]
