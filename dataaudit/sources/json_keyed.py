"""Records that stand under keys of their own: `{"id-1": {…}, "id-2": {…}}`.

Such an object is told from one that is a record itself by its values: they are objects that share most of their keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from dataaudit.records.bindings import FieldKind
from dataaudit.records.kinds import kind_of
from dataaudit.records.layouts import detect
from dataaudit.sources.json_members import Member

MANY = 64
"""Members after which an object of objects alone is looked at no further: what follows is read as they are."""

FEW = 3
"""With fewer values nothing tells records from the parts of one record."""

USUAL = 10
"""Records below which only text under known names makes an object of objects a set of records: most settings files
are objects of a few objects."""

_KEY = re.compile(rb'"(?:[^"\\]++|\\.)*+"[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)


def key_length(element: bytes) -> int | None:
    """Bytes of the key before the value of a member, with its colon and white space; None where there is none."""
    found = _KEY.match(element)
    return None if found is None else found.end()


def by_key(members: Sequence[Member]) -> bool:
    """Are the members of an object records?"""
    members = members[:MANY]
    values = _values(members)
    if len(values) < FEW or any(one.kind != "object" for one in members) or by_column(members):
        return False
    shared = set(values[0]).intersection(*values)
    if not shared or 2 * len(shared) < min(map(len, values)):
        return False
    layouts = [
        detect(tuple(FieldKind(key, kind_of(item, key)) for key, item in one.items())) for one in values
    ]
    text = [layout for layout in layouts if layout.readable]
    return any(layout.name != "unknown-columns" for layout in text) or bool(text and len(members) >= USUAL)


def by_column(members: Sequence[Member]) -> bool:
    """Is it a table written column by column, `{"text": {"0": …, "1": …}, "label": {"0": …}}`, as pandas does?"""
    members = members[:MANY]
    values = _values(members)
    if not values or not values[0] or any(one.kind != "object" for one in members):
        return False
    first = values[0]
    return (
        all(key.isdigit() for key in first)
        and all(value.keys() == first.keys() for value in values)
        and not any(isinstance(item, dict) for item in first.values())
    )


def _values(members: Sequence[Member]) -> list[dict[str, Any]]:
    """The values of the members that are objects, and neither broken nor too long to be looked at."""
    values = map(_value, members)
    return [value for value in values if value]


def _value(member: Member) -> dict[str, Any] | None:
    if member.kind != "object" or member.end is None or member.end - member.start > len(member.head):
        return None
    try:
        value = orjson.loads(b"{" + member.head)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
