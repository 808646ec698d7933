"""What a turn says, in JSON values of any shape: plain text, typed parts, tool calls, objects nobody foresaw.

Every string is either read or counted as unread, so that no turn can hide its text in an odd place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from dataaudit.records.paths import render
from dataaudit.records.turn_keys import Keys, is_about, keys_of
from dataaudit.records.turns import (
    TURN_ROLES,
    turn_role,
)

Turn = dict[str, Any]

MEDIA_TYPES = ("image", "input_image", "audio", "input_audio", "video", "input_video", "file", "input_file")
MEDIA_KEYS = (
    "image",
    "image_url",
    "images",
    "audio",
    "input_audio",
    "video",
    "file",
    "inline_data",
    "inlineData",
)
"""Parts that are no text: by their type (or its beginning, `image_url`), or by a field that holds something."""
CALL_TYPES = ("tool_use", "tool_call", "tool_result", "tool_response", "function_call", "function_response")
"""Typed parts that are read under the role `tool`."""
UNSAID = (
    *("id", "type", "name", "tool_use_id", "tool_call_id", "call_id", "content_type", "mime_type"),
    *("media_type", "signature", "cache_control", "status", "encrypted_content"),
)
"""Fields of typed parts that hold no text anyone is trained to say."""
UNSAID_CALL = ("id", "type", "name", "call_id")
"""The same of tool calls."""


class Held(NamedTuple):
    """A string below a turn: the role if it is not the turn's, the path below the turn, the string."""

    role: str | None
    leaf: str
    text: str


class Beside:
    """What is met beside the texts of turns: parts without text, fields that are not read, masks."""

    def __init__(self) -> None:
        self.skipped: dict[str, int] = {}
        """Parts that hold no text, by their type."""
        self.unread: set[str] = set()
        """Names of fields of turns that hold strings and are not read."""
        self.masks: set[str] = set()
        """Names of fields that say whether a turn is trained on."""

    def skip(self, kind: object) -> None:
        """Count a part without text."""
        name = str(kind or "other")[:40]
        self.skipped[name] = self.skipped.get(name, 0) + 1

    def merge(self, other: Beside) -> None:
        """Take in what another has met."""
        for kind, count in other.skipped.items():
            self.skipped[kind] = self.skipped.get(kind, 0) + count
        self.unread |= other.unread
        self.masks |= other.masks


def speaker_of(turn: Turn, keys: Keys) -> object:
    """Who speaks, as the turn says it; None where it does not."""
    for key in keys.roles:
        value = turn[key]
        if value is not None:
            return value.get("role", value.get("name")) if isinstance(value, dict) else value
    return None


def strings_of(turn: Turn, keys: Keys, beside: Beside) -> Iterator[Held]:
    """The strings of a turn that are read."""
    known = False
    for key in keys.spoken:
        value = turn[key]
        if isinstance(value, str):
            known = True
            yield Held(None, step(key), value)
        elif value is not None:
            known = True
            yield from _content(value, step(key), beside)
    for key in keys.calls:
        if turn[key] is not None:
            known = True
            yield from (Held("tool", *one) for one in below(turn[key], step(key), UNSAID_CALL))
    for key in keys.masks:
        if turn[key] is not None:
            beside.masks.add(key)
    if keys.others:
        yield from _others(turn, keys, known, beside)


def _others(turn: Turn, keys: Keys, known: bool, beside: Beside) -> Iterator[Held]:
    """The fields without a name that is known: read where the turn says nothing else, or said to be unread.

    Null is as absent, so that a table, in which every turn has every field, is read like JSON.
    """
    for key in keys.others:
        if not known and not is_about(key):
            yield from (Held(None, *one) for one in below(turn[key], step(key)))
        elif holds_text(turn[key]):
            beside.unread.add(key)


def _content(value: object, path: str, beside: Beside) -> Iterator[Held]:
    if isinstance(value, str):
        yield Held(None, path, value)
    elif isinstance(value, list):
        for j, part in enumerate(value):
            yield from _part(part, f"{path}[{j}]", beside)
    elif isinstance(value, dict):
        yield from _part(value, path, beside)
    elif value is not None:
        beside.skip("number")


def _part(part: object, path: str, beside: Beside) -> Iterator[Held]:
    if isinstance(part, str):
        yield Held(None, path, part)
        return
    if isinstance(part, list):
        yield from (Held(None, *one) for one in below(part, path))
        return
    if not isinstance(part, dict):
        if part is not None:
            beside.skip("number")
        return
    kind = part.get("type")
    media = _is_media(kind, part)
    role = "tool" if kind in CALL_TYPES else None
    found = False
    for held in below({"text": part.get("text")} if media else part, path, UNSAID):
        found = True
        yield Held(role, *held)
    if not found and any(value not in (None, "", [], {}) for value in part.values()):
        beside.skip(kind if isinstance(kind, str) else next((k for k in MEDIA_KEYS if part.get(k)), None))


def _is_media(kind: object, part: Turn) -> bool:
    if isinstance(kind, str) and kind.startswith(MEDIA_TYPES):
        return True
    return any(part.get(key) is not None for key in MEDIA_KEYS)


def below(value: object, path: str, unsaid: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every string below a value, with its path; fields named in `unsaid` are left out where they hold plain strings.

    Goes by a stack of its own: data may be nested deeper than Python calls.
    """
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, (list, tuple)):  # tuples: the entries of a map
            stack += [(f"{path}[{j}]", item) for j, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            inner = [
                (f"{path}.{step(name)}" if path else step(name), item)
                for name, item in sorted(value.items())  # the order of keys says nothing
                if not (isinstance(item, str) and name in unsaid)
            ]
            stack += inner[::-1]


def deep(value: object, path: str, beside: Beside) -> Iterator[Held]:
    """Every string below a value nobody has a layout for; what looks like a turn gives its text the role it names."""
    stack: list[tuple[str, object]] = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            yield Held(None, path, value)
        elif isinstance(value, (list, tuple)):
            stack += [(f"{path}[{j}]", item) for j, item in enumerate(value)][::-1]
        elif isinstance(value, dict):
            keys = keys_of(tuple(value))
            name = speaker_of(value, keys)
            left: Iterable[str] = sorted(value)  # the order of keys says nothing
            if isinstance(name, str) and keys.spoken and name.strip().lower() in TURN_ROLES:
                role = turn_role(name)
                for held in strings_of(value, replace(keys, others=()), beside):
                    yield Held(held.role or role, joined(path, held.leaf), held.text)
                left = [key for key in sorted(keys.others) if isinstance(value[key], (dict, list))]
            stack += [(joined(path, step(key)), value[key]) for key in left][::-1]


def joined(path: str, leaf: str | None) -> str:
    """The path of a leaf below a path; the leaf begins with a key or with `[`."""
    if not leaf or not path:
        return path or leaf or ""
    return f"{path}{leaf}" if leaf.startswith("[") else f"{path}.{leaf}"


def holds_text(value: object) -> bool:
    """Is there a string anywhere below a value?"""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            return True
        if isinstance(one, (list, tuple)):
            kinds = set(map(type, one))
            if str in kinds:
                return True
            if not kinds <= {int, float, bool, type(None)}:
                stack += one
        elif isinstance(one, dict):
            stack += one.values()
    return False


def is_laden(turn: Turn, keys: Keys) -> bool:
    """Does a turn carry something that is no string: a tool call, an image? Parts of text are what they say."""
    return any(_holds(turn[key]) for key in keys.calls) or any(_beyond_text(turn[key]) for key in keys.spoken)


def _beyond_text(value: object) -> bool:
    """Is there anything in a content but text?"""
    if value is None or isinstance(value, str):
        return False
    if isinstance(value, list):
        return any(_beyond_text(part) for part in value if not isinstance(part, list))
    if not isinstance(value, dict):
        return True
    kind = value.get("type")
    return _is_media(kind, value) or kind in CALL_TYPES or (_holds(value) and not holds_text(value))


def _holds(value: object) -> bool:
    """Is there anything in a value?"""
    if isinstance(value, dict):
        return any(one is not None for one in value.values())
    return value not in (None, "", [])


@lru_cache(maxsize=4096)
def step(key: str) -> str:
    """A key as a step of a path."""
    return render((key,))
