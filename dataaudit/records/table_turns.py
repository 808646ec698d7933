"""The turns of chats in Arrow columns. Plain contents go column-wise; parts, tool calls and dialogues turn by turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.records.dialogue import OPENINGS
from dataaudit.records.extracted import Place, RoleBuilder, TurnBuilder
from dataaudit.records.layouts import Binding
from dataaudit.records.messages import TurnReader
from dataaudit.records.paths import EACH, parse
from dataaudit.records.tables import add_strings, as_text, is_list, is_string, walk_column
from dataaudit.records.turns import CALL_KEYS, CONTENT_KEYS, ROLE_KEYS, turn_code, turn_role
from dataaudit.records.types import Turns

Chat = tuple[Binding, int]
"""A binding of turns, and its place among those of the layout."""
Seen = set[tuple[str, str]]
"""(role, path) pairs."""


def read_turns(
    builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array, skipped: dict[str, int]
) -> Seen:
    """Add the turns of a column; returns what was seen. Raises pyarrow.ArrowInvalid for text that is not UTF-8."""
    if is_string(column.type):
        return _read_strings(builder, turns, chat, column, skipped)
    if not is_list(column.type) or not pa.types.is_struct(column.type.value_type):
        return set()
    if _plain(column.type.value_type):
        return _read_plain(builder, turns, chat, column)
    return _read_objects(builder, turns, chat, column, skipped)


def _plain(kind: pa.StructType) -> bool:
    """Do turns of this type hold nothing but plain strings that are worth reading?"""
    fields = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
    if any(name in fields and not pa.types.is_null(fields[name]) for name in CALL_KEYS):
        return False
    return not any(name in fields and is_list(fields[name]) for name in CONTENT_KEYS)


def _read_objects(
    builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array, skipped: dict[str, int]
) -> Seen:
    """Through Python objects, exactly as JSON is read."""
    column.validate(full=True)
    binding, place = chat
    name = parse(binding.path)[0]
    records: list[dict[str, Any]] = [{name: value} for value in column.to_pylist()]
    reader = TurnReader(builder, turns, binding, place)
    reader.read(records, list(range(len(records))))
    for kind, count in reader.skipped.items():
        skipped[kind] = skipped.get(kind, 0) + count
    return reader.finish()


def _read_strings(
    builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array, skipped: dict[str, int]
) -> Seen:
    text = column.cast(pa.large_string())
    text.validate(full=True)
    opens = [pc.any(pc.starts_with(text, pattern=opening)).as_py() for opening in OPENINGS]
    if any(opens):
        return _read_objects(builder, turns, chat, text, skipped)
    binding = chat[0]
    at = np.flatnonzero(text.is_valid().to_numpy(zero_copy_only=False))
    builder.add(binding, text.drop_null(), Place(at, np.full(len(at), -1, np.int64)), role=binding.fallback)
    return {(binding.fallback, binding.path)} if len(at) else set()


def _read_plain(builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array) -> Seen:
    binding, place = chat
    items, rows, index = walk_column(column, (EACH,))
    if items.null_count:
        at = np.flatnonzero(items.is_valid().to_numpy(zero_copy_only=False))
        items, rows, index = items.filter(items.is_valid()), rows[at], index[at]
    if len(items) == 0:
        return set()
    fields = {items.type.field(i).name for i in range(items.type.num_fields)}
    named = [as_text(pc.struct_field(items, key), "system") for key in ROLE_KEYS if key in fields]
    known_as = [one for one in named if one is not None]
    names = pc.coalesce(*known_as) if known_as else pa.nulls(len(items), pa.large_string())
    coded = names.dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    at = coded.indices.fill_null(len(known) - 1).to_numpy().astype(np.int64)
    codes = np.asarray([turn_code(name) for name in known], np.int8)[at]
    role_at = np.asarray([turn_role(name) for name in known], dtype=object)[at]
    laden = np.zeros(len(items), np.bool_)
    for key in fields & set(CONTENT_KEYS):
        if not is_string(items.type.field(key).type):
            laden |= _holds(pc.struct_field(items, key))
    turns.extend(Turns(rows, codes, np.full(len(items), place, np.int8), laden))
    seen: Seen = set()
    for content in CONTENT_KEYS:
        text = as_text(pc.struct_field(items, content), "text") if content in fields else None
        if text is None:
            continue
        for role in sorted(set(role_at.tolist())):
            mask = role_at == role
            chosen = text.filter(pa.array(mask))
            add_strings(builder, binding, (chosen, rows[mask], index[mask]), role=role, leaf=content)
            if chosen.null_count < len(chosen):
                seen.add((role, f"{binding.path}.{content}"))
    return seen


def _holds(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Per value that is neither text nor list: is there anything in it?"""
    if pa.types.is_struct(values.type):
        inner = np.zeros(len(values), np.bool_)
        for i in range(values.type.num_fields):
            inner |= pc.struct_field(values, [i]).is_valid().to_numpy(zero_copy_only=False)
        return inner
    held: npt.NDArray[np.bool_] = values.is_valid().to_numpy(zero_copy_only=False)
    return held
