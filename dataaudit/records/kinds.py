"""The kinds of JSON values that layouts are detected by; see the letters in `bindings`."""

from __future__ import annotations

from typing import Any

from dataaudit.records.chatjson import HOLDERS, chat_in, turns_of_lists
from dataaudit.records.content import holds_text
from dataaudit.records.fieldnames import PREFERENCES, TRANSLATIONS, TURN_COLUMNS
from dataaudit.records.turn_keys import keys_of
from dataaudit.records.turns import ROLE_KEYS

KINDS: dict[type, str] = {str: "s", type(None): "n", int: "i", bool: "i", float: "f", dict: "d"}
"""The kind of a value by its type, for what is neither list nor object nor a chat in a string."""

_NAMED = frozenset(ROLE_KEYS[:3])
"""Keys that make a list of objects a list of turns under any name."""


def kind_of(value: object, name: str = "") -> str:
    """The kind of the value of a field."""
    if isinstance(value, list):
        return _list_kind(value, name.lower())
    if isinstance(value, dict):
        return _object_kind(value, name.lower())
    if isinstance(value, str) and name.lower() in HOLDERS and chat_in(value) is not None:
        return "j"
    return KINDS.get(type(value), "x")


def _list_kind(value: list[Any], name: str) -> str:  # noqa: PLR0911 - one line per kind reads best
    first = value[0] if value else None
    if isinstance(first, dict):
        if "from" in first and "value" in first:
            return "v"
        if any(key in first for key in ROLE_KEYS[:3]):
            return "t"
    some = [item for item in value if item is not None]
    if not some:
        return "e"
    kinds = set(map(type, some))
    if kinds == {str}:
        return "l"
    if type(some[0]) is int:
        return "k" if not kinds & {str, list, dict} else "o" if holds_text(some) else "x"
    if any(isinstance(item, dict) and _has_role(item) for item in some):
        return "t"
    if not holds_text(some):
        return "x"
    return "t" if name in TURN_COLUMNS else "o"


def _has_role(item: dict[str, Any]) -> bool:
    return any(key.strip().lower() in _NAMED for key in item)


def _object_kind(value: dict[str, Any], name: str) -> str:
    if name in (*TURN_COLUMNS, *PREFERENCES):
        if turns_of_lists(value) is not None:
            return "q"
        if keys_of(tuple(value)).roles:
            return "m"
    if name in TRANSLATIONS and all(isinstance(one, str) for one in value.values()):
        return "d:" + ",".join(sorted(value))
    return "o" if holds_text(value) else "d"
