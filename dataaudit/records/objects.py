"""Roles of records that are Python objects (parsed JSON), a shape at a time.

Records with the same keys and kinds share one layout, so a key that first comes late, or a file that changes its
schema half way, is read like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.bindings import Binding, FieldKind, Layout
from dataaudit.records.chatjson import HOLDERS, chat_in
from dataaudit.records.content import Beside
from dataaudit.records.extracted import Extracted, Place, RoleBuilder, TurnBuilder
from dataaudit.records.kinds import KINDS, kind_of
from dataaudit.records.layouts import Overrides, detect
from dataaudit.records.messages import TurnReader
from dataaudit.records.paths import EACH, parse, walk
from dataaudit.records.remainder import Record, Shape, rest_of_objects, shape_of
from dataaudit.records.shapes import Shapes
from dataaudit.records.turns import turn_role
from dataaudit.records.types import NUMBER, LayoutNote


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
        if list not in types and dict not in types and not _chats_in_strings(records, names, types, members):
            shapes.setdefault((names, tuple([KINDS.get(one, "x") for one in types])), []).extend(members)
            continue
        for i in members:  # what a list is depends on what it holds
            kinds = tuple([kind_of(value, name) for name, value in records[i].items()])
            shapes.setdefault((names, kinds), []).append(i)
    return shapes


def _chats_in_strings(
    records: Sequence[Record], names: tuple[str, ...], types: tuple[type, ...], members: list[int]
) -> bool:
    """Is there a chat written as JSON in a string of these records?"""
    held = [name for name, one in zip(names, types, strict=True) if one is str and name.lower() in HOLDERS]
    return any(chat_in(records[i][name]) is not None for name in held for i in members)


def extract_objects(records: Sequence[Record], overrides: Overrides, shapes: Shapes = ()) -> Extracted:
    """The roles of a batch of JSON objects."""
    kinds_of_records = _shapes(records)
    builder, turns = RoleBuilder(), TurnBuilder()
    expects = np.zeros(len(records), np.bool_)
    readable = np.zeros(len(records), np.bool_)
    counts: dict[str, int] = {}
    notes: dict[LayoutNote, None] = {}
    beside = Beside()
    planned: list[Shape] = []
    for (names, kinds), members in kinds_of_records.items():
        layout = detect(tuple(map(FieldKind, names, kinds)), overrides, shapes)
        planned.append(shape_of(layout, names, kinds, members))
        counts[layout.name] = counts.get(layout.name, 0) + len(members)
        at = np.asarray(members, np.int64)
        expects[at] = layout.expects_response
        readable[at] = layout.readable
        notes[_read(builder, turns, layout, records, members, beside)] = None
    return Extracted(
        roles=builder.build(),
        turns=turns.build(),
        expects_response=expects,
        readable=readable,
        layouts=tuple(sorted(counts.items())),
        described=tuple(notes),
        rest=rest_of_objects(records, planned),
        skipped=tuple(sorted(beside.skipped.items())),
    )


def _read(
    builder: RoleBuilder,
    turns: TurnBuilder,
    layout: Layout,
    records: Sequence[Record],
    members: list[int],
    beside: Beside,
) -> LayoutNote:
    """Read the fields of a layout from these records."""
    seen: set[tuple[str, str]] = set()
    unread: set[str] = set()
    notes: set[str] = set()
    chats = layout.chats
    for binding in layout.bindings:
        if binding.speaker is not None:
            seen |= _add_spoken(builder, binding, records, members)
        elif binding.is_turns:
            reader = TurnReader(builder, turns, binding, chats.index(binding))
            reader.read(_values(records, members, binding))
            seen |= reader.finish()
            unread |= reader.unread()
            notes |= reader.masked()
            beside.merge(reader.beside)
        else:
            _add_values(builder, binding, records, members, np.asarray(members, np.int64))
    return layout.describe(sorted(seen), sorted(unread), sorted(notes))


def _add_spoken(
    builder: RoleBuilder, binding: Binding, records: Sequence[Record], members: Sequence[int]
) -> set[tuple[str, str]]:
    """Add the texts of records that are one turn each; the (role, path) pairs seen."""
    assert binding.speaker is not None
    key = parse(binding.path)[0]
    by_role: dict[str, list[int]] = {}
    for i in members:
        if isinstance(records[i].get(key), str):
            by_role.setdefault(turn_role(records[i].get(binding.speaker)), []).append(i)
    for role, at in by_role.items():
        place = Place(np.asarray(at, np.int64), np.full(len(at), -1, np.int64))
        builder.add(binding, [records[i][key] for i in at], place, role=role)
    return {(role, binding.path) for role in by_role}


def _values(records: Sequence[Record], members: Sequence[int], binding: Binding) -> Iterator[tuple[int, Any]]:
    """The values of the field of a binding of turns."""
    steps = parse(binding.path)
    steps = steps[:-1] if steps[-1] == EACH else steps
    for i in members:
        value: Any = records[i].get(steps[0])
        for step in steps[1:]:
            value = value.get(step) if isinstance(value, dict) else None
        yield i, value


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
        if binding.role in ("label", NUMBER):
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
    if role == NUMBER and isinstance(value, float):
        return repr(value)
    if role not in ("label", NUMBER) or not isinstance(value, (bool, int)):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
