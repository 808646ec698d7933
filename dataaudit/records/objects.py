"""Roles of records that are Python objects (parsed JSON), a shape at a time.

Records with the same keys and kinds share one layout, so a key that first comes late, or a file that changes its
schema half way, is read like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.extracted import Extracted, Place, RoleBuilder, TurnBuilder
from dataaudit.records.layouts import TRANSLATIONS, Binding, FieldKind, Overrides, detect
from dataaudit.records.messages import TurnReader
from dataaudit.records.paths import parse, walk
from dataaudit.records.remainder import Record, Shape, rest_of_objects, shape_of
from dataaudit.records.turns import ROLE_KEYS
from dataaudit.records.types import LayoutNote

_KINDS: dict[type, str] = {str: "s", type(None): "n", int: "i", bool: "i", float: "f", dict: "d"}


def _list_kind(value: list[Any]) -> str:
    first = value[0] if value else None
    if isinstance(first, dict):
        if "from" in first and "value" in first:
            return "v"
        if any(key in first for key in ROLE_KEYS):
            return "t"
    some = [item for item in value if item is not None]
    if not some:
        return "e"
    if all(isinstance(item, str) for item in some):
        return "l"
    if type(some[0]) is int:
        return "k"
    return (
        "t" if any(isinstance(item, dict) and any(key in item for key in ROLE_KEYS) for item in some) else "x"
    )


def kind_of(value: object, name: str = "") -> str:
    """The kind of the value of a field (see layouts)."""
    if isinstance(value, list):
        return _list_kind(value)
    if (
        isinstance(value, dict)
        and name.lower() in TRANSLATIONS
        and all(isinstance(v, str) for v in value.values())
    ):
        return "d:" + ",".join(sorted(value))
    return _KINDS.get(type(value), "x")


def _shapes(records: Sequence[Record]) -> dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]]:
    """The records by the names and kinds of their fields, in order of first appearance."""
    by_type: dict[tuple[tuple[str, ...], tuple[type, ...]], list[int]] = {}
    for i, record in enumerate(records):
        seen = (tuple(record), tuple(map(type, record.values())))
        if seen in by_type:
            by_type[seen].append(i)
        else:
            by_type[seen] = [i]
    shapes: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    for (names, types), members in by_type.items():
        if list not in types and dict not in types:
            shapes.setdefault((names, tuple([_KINDS.get(one, "x") for one in types])), []).extend(members)
            continue
        for i in members:  # what a list is depends on what it holds
            kinds = tuple([kind_of(value, name) for name, value in records[i].items()])
            shapes.setdefault((names, kinds), []).append(i)
    return shapes


def extract_objects(records: Sequence[Record], overrides: Overrides) -> Extracted:
    """The roles of a batch of JSON objects."""
    shapes = _shapes(records)
    builder, turns = RoleBuilder(), TurnBuilder()
    expects = np.zeros(len(records), np.bool_)
    readable = np.zeros(len(records), np.bool_)
    counts: dict[str, int] = {}
    notes: dict[LayoutNote, None] = {}
    skipped: dict[str, int] = {}
    planned: list[Shape] = []
    for (names, kinds), members in shapes.items():
        layout = detect(tuple(map(FieldKind, names, kinds)), overrides)
        planned.append(shape_of(layout, names, kinds, members))
        counts[layout.name] = counts.get(layout.name, 0) + len(members)
        at = np.asarray(members, np.int64)
        expects[at] = layout.expects_response
        readable[at] = layout.readable
        seen: set[tuple[str, str]] = set()
        chats = [binding for binding in layout.bindings if binding.is_turns]
        for binding in layout.bindings:
            if binding.is_turns:
                reader = TurnReader(builder, turns, binding, chats.index(binding))
                reader.read(records, members)
                seen |= reader.finish()
                for kind, count in reader.skipped.items():
                    skipped[kind] = skipped.get(kind, 0) + count
            else:
                _add_values(builder, binding, records, members, at)
        notes[layout.describe(sorted(seen))] = None
    return Extracted(
        roles=builder.build(),
        turns=turns.build(),
        expects_response=expects,
        readable=readable,
        layouts=tuple(sorted(counts.items())),
        described=tuple(notes),
        rest=rest_of_objects(records, planned),
        skipped=tuple(sorted(skipped.items())),
    )


def _add_values(
    builder: RoleBuilder,
    binding: Binding,
    records: Sequence[Record],
    members: list[int],
    at: npt.NDArray[np.int64],
) -> None:
    assert binding.role is not None
    steps = parse(binding.path)
    if len(steps) == 1:
        key = steps[0]
        if binding.role == "label":
            values = [_text(records[i].get(key), binding.role) for i in members]
        else:
            values = [records[i].get(key) for i in members]
            if not set(map(type, values)) <= {str, type(None)}:
                values = [value if isinstance(value, str) else None for value in values]
        if None in values:
            kept = [j for j, value in enumerate(values) if value is not None]
            values = [values[j] for j in kept]
            at = at[kept]
        builder.add(binding, values, Place(at, np.full(len(at), -1, np.int64)))
        return
    texts: list[str] = []
    rows: list[int] = []
    index: list[int] = []
    for i in members:
        for value, place in walk(records[i], steps):
            text = _text(value, binding.role)
            if text is not None:
                texts.append(text)
                rows.append(i)
                index.append(place)
    builder.add(binding, texts, Place(np.asarray(rows, np.int64), np.asarray(index, np.int64)))


def _text(value: object, role: str) -> str | None:
    if isinstance(value, str):
        return value
    if role != "label" or not isinstance(value, (bool, int)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
