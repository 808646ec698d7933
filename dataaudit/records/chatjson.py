"""Chats that are JSON inside a string, as CSV files and some exports hold them; and chats stored column by column."""

from __future__ import annotations

from typing import Any

import orjson

from dataaudit.records.content import speaker_of
from dataaudit.records.turn_keys import keys_of
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS

HOLDERS = (
    *("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns", "contents"),
    *("chosen", "rejected", "prompt", "completion"),
)
"""Names of fields whose strings may be chats written as JSON."""
_SPACES = " \t\r\n"


def chat_in(text: str) -> list[Any] | None:
    """The turns that a string holds as a JSON array, or None where it is anything else.

    Every element must be an object, and one at least must say who speaks or hold a prompt and its response.
    """
    if not text.startswith(("[", " ", "\n", "\t", "\r")) or not text.lstrip(_SPACES).startswith("["):
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    return value if any(_is_turn(one) for one in value) else None


def _is_turn(turn: dict[str, Any]) -> bool:
    keys = keys_of(tuple(turn))
    return bool(keys.pair) or (isinstance(speaker_of(turn, keys), str) and bool(keys.spoken or keys.calls))


def turns_of_lists(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The turns of an object of lists, `{"role": [...], "content": [...]}`, or None where it is none.

    The `datasets` library stores a `Sequence` of an object so.
    """
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    names = {key.strip().lower() for key in lists}
    if not names & set(ROLE_KEYS) or not names & set(CONTENT_KEYS):
        return None
    longest = max(map(len, lists.values()))
    return [{key: one[i] for key, one in lists.items() if i < len(one)} for i in range(longest)]
