"""Paths into a record: keys joined by dots, `[*]` for every element of a list. `messages[*].content`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dataaudit.errors import UsageError


class _Each(str):
    """The step into every element of a list; no key is equal to it, not even one of the same letters."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = str.__hash__


EACH: Final = _Each("[*]")

_STEP = re.compile(
    r'(?P<empty>"")(?![^.\[])|(?P<key>(?:[^.\[\]\\]|\\.)+)|(?P<each>\[\*\])|(?P<dot>\.)', re.DOTALL
)

Steps = tuple[str, ...]
"""Parsed path: keys and `EACH`."""


def parse(path: str) -> Steps:
    """Parse a path; a backslash takes the next character of a key literally, `""` is the empty key.

    Raises UsageError.
    """
    steps: list[str] = []
    at, want_key = 0, True
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or (match["key"] is not None or match["empty"] is not None) != want_key:
            raise UsageError(
                f"cannot read the path {path!r} at character {at + 1}: write it like messages[*].content"
            )
        if match["key"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", match["key"], flags=re.DOTALL))
            want_key = False
        elif match["empty"] is not None:
            steps.append("")
            want_key = False
        elif match["each"] is not None:
            steps.append(EACH)
        else:
            want_key = True
        at = match.end()
    if want_key:
        raise UsageError(f"the path {path!r} ends without a key: write it like messages[*].content")
    if steps.count(EACH) > 1:
        raise UsageError(
            f"the path {path!r} goes through more than one list, which --columns cannot name; "
            "one [*] works, as in messages[*].content, and records of unknown columns are read however deep"
        )
    return tuple(steps)


def render(steps: Steps) -> str:
    """The text of a path."""
    text = ""
    for step in steps:
        if step == EACH:
            text += EACH
        else:
            text += ("." if text else "") + (re.sub(r'([.\[\]\\"])', r"\\\1", step) or '""')
    return text


def walk(value: object, steps: Steps, index: int = -1) -> Iterator[tuple[object, int]]:
    """The values at a path in a JSON value, each with its place in the list (-1 without one)."""
    for at, step in enumerate(steps):
        if step == EACH:
            if isinstance(value, list):
                for i, item in enumerate(value):
                    yield from walk(item, steps[at + 1 :], i)
            return
        if not isinstance(value, dict) or step not in value:
            return
        value = value[step]
    yield value, index
