"""The turns of chats in Arrow columns. Plain contents go column-wise; parts, tool calls and dialogues turn by turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.records.bindings import Binding
from dataaudit.records.content import Beside, joined, step
from dataaudit.records.dialogue import OPENINGS
from dataaudit.records.extracted import Place, RoleBuilder, TurnBuilder
from dataaudit.records.messages import TurnReader, mask_notes
from dataaudit.records.paths import EACH, parse
from dataaudit.records.pyvalues import python_values
from dataaudit.records.tables import as_text, holds_text, is_list, is_string, walk_column
from dataaudit.records.turn_keys import Keys, keys_of
from dataaudit.records.turns import turn_code, turn_role
from dataaudit.records.types import Turns

Chat = tuple[Binding, int]
"""A binding of turns, and its place among those of the layout."""


@dataclass(frozen=True)
class Met:
    """What was seen in the turns of a column: (role, path) pairs, unread fields, remarks, parts without text."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    beside: Beside = field(default_factory=Beside)


def read_turns(builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array) -> Met:
    """Add the turns of a column. Raises pyarrow.ArrowInvalid for text that is not UTF-8."""
    if pa.types.is_null(column.type):
        return Met()
    if is_string(column.type) and not chat[0].deep:
        return _read_strings(builder, turns, chat, column)
    if not chat[0].deep and is_list(column.type) and pa.types.is_struct(column.type.value_type):
        met = _read_plain(builder, turns, chat, column)
        if met is not None:
            return met
    return _read_objects(builder, turns, chat, column)


def read_spoken(builder: RoleBuilder, binding: Binding, batch: pa.RecordBatch) -> set[tuple[str, str]]:
    """Add the texts of records that are one turn each; the (role, path) pairs seen."""
    text = as_text(batch.column(parse(binding.path)[0]), "text")
    if text is None or binding.speaker is None:
        return set()
    text.validate(full=True)
    holds = text.is_valid().to_numpy(zero_copy_only=False)
    names = {"role": batch.column(binding.speaker)}
    roles = _roles(names, keys_of(("role",)), batch.num_rows)[1]
    seen = set()
    for role in sorted(set(roles[holds].tolist())):
        at = np.flatnonzero(holds & (roles == role))
        builder.add(binding, text.take(pa.array(at)), Place(at, np.full(len(at), -1, np.int64)), role=role)
        seen.add((role, binding.path))
    return seen


def _read_objects(builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array) -> Met:
    """Through Python objects, exactly as JSON is read."""
    column.validate(full=True)
    reader = TurnReader(builder, turns, *chat)
    reader.read(enumerate(python_values(column)))
    return Met(reader.finish(), reader.unread(), reader.masked(), reader.beside)


def _read_strings(builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array) -> Met:
    text = column.cast(pa.large_string())
    text.validate(full=True)
    binding = chat[0]
    if binding.declared or _may_be_chats(text):
        return _read_objects(builder, turns, chat, text)
    at = np.flatnonzero(text.is_valid().to_numpy(zero_copy_only=False))
    builder.add(binding, text.drop_null(), Place(at, np.full(len(at), -1, np.int64)), role=binding.fallback)
    return Met({(binding.fallback, binding.path)} if len(at) else set())


def _may_be_chats(text: pa.Array) -> bool:
    """Does any string open like a dialogue, or like a JSON array?"""
    if any(pc.any(pc.starts_with(text, pattern=opening)).as_py() for opening in OPENINGS):
        return True
    return bool(pc.any(pc.starts_with(pc.utf8_ltrim(text, " \t\r\n"), pattern="[")).as_py())


def _read_plain(builder: RoleBuilder, turns: TurnBuilder, chat: Chat, column: pa.Array) -> Met | None:
    """The turns of a column whose turns hold plain strings and nothing else to read; None where they hold more."""
    binding, place = chat
    kind = column.type.value_type
    types = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
    keys = keys_of(tuple(types))
    if not _is_plain(types, keys):
        return None
    items, rows, index = walk_column(column, (EACH,))
    if items.null_count:
        at = np.flatnonzero(items.is_valid().to_numpy(zero_copy_only=False))
        items, rows, index = items.filter(items.is_valid()), rows[at], index[at]
    if len(items) == 0:
        return Met()
    columns = {name: pc.struct_field(items, [kind.get_field_index(name)]) for name in types}
    spoken = [(key, as_text(columns[key], "text")) for key in keys.spoken]
    said = [(key, text) for key, text in spoken if text is not None]
    others = [key for key in keys.others if holds_text(types[key]) and columns[key].null_count < len(items)]
    if others and (
        not said or pc.all(pc.coalesce(*(text for _, text in said)).is_valid()).as_py() is not True
    ):
        return None  # a turn without text may have it in another field
    path = binding.path.removesuffix(EACH) + EACH
    codes, role_at = _roles(columns, keys, len(items))
    laden = np.zeros(len(items), np.bool_)
    turns.extend(Turns(rows, codes, np.full(len(items), place, np.int8), laden))
    met = Met(unread={joined(path, step(key)) for key in others})
    masks = {key for key in keys.masks if columns[key].null_count < len(items)}
    met.notes.update(mask_notes(path, masks))
    before = np.zeros(len(items), np.int64)  # strings of the turn so far
    for key, text in said:
        text.validate(full=True)  # a table may hold bytes that are not UTF-8
        holds = text.is_valid().to_numpy(zero_copy_only=False)
        for role in sorted(set(role_at[holds].tolist())):
            mask = holds & (role_at == role)
            told = joined(path, step(key))
            spot = Place(rows[mask], index[mask], subs=before[mask])
            builder.add(binding, text.filter(pa.array(mask)), spot, role=role, path=told)
            met.seen.add((role, told))
        before += holds
    return met


def _is_plain(types: dict[str, pa.DataType], keys: Keys) -> bool:
    if keys.pair or not keys.spoken:
        return False
    read = (*keys.roles, *keys.spoken)
    return all(is_string(types[key]) or pa.types.is_null(types[key]) for key in read) and all(
        pa.types.is_null(types[key]) for key in keys.calls
    )


def _roles(
    columns: dict[str, pa.Array], keys: Keys, n: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.object_]]:
    """Per turn: its code and its role."""
    named = [as_text(columns[key], "system") for key in keys.roles]
    known_as = [one for one in named if one is not None]
    names = pc.coalesce(*known_as) if known_as else pa.nulls(n, pa.large_string())
    coded = names.dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    at = coded.indices.fill_null(len(known) - 1).to_numpy().astype(np.int64)
    codes = np.asarray([turn_code(name) for name in known], np.int8)[at]
    return codes, np.asarray([turn_role(name) for name in known], dtype=object)[at]
