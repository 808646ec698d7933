"""Roles of records that are Arrow tables, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.errors import UsageError
from dataaudit.records.bindings import Binding, FieldKind, Layout
from dataaudit.records.byte_text import decoded, is_bytes, named_like_text
from dataaudit.records.chatjson import HOLDERS, chat_in
from dataaudit.records.content import Beside
from dataaudit.records.extracted import Extracted, Place, RoleBuilder, TurnBuilder
from dataaudit.records.fieldnames import PREFERENCES, TRANSLATIONS, TURN_COLUMNS
from dataaudit.records.layouts import Overrides, detect, with_chats
from dataaudit.records.leaves import Rest, rest_of_pieces, rest_of_table
from dataaudit.records.paths import EACH, Steps, parse
from dataaudit.records.shapes import Shapes
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS
from dataaudit.records.types import NUMBER, LayoutNote

ClassNames = Mapping[str, tuple[str, ...]]
"""Column → names of its classes (a ClassLabel feature of the `datasets` library)."""


def class_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """The ClassLabel features that the schema's `huggingface` metadata declares."""
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw is None:
        return {}
    try:
        features = json.loads(raw)["info"]["features"]
        return {
            name: tuple(str(one) for one in feature["names"])
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # metadata of another shape declares nothing


def is_string(kind: pa.DataType) -> bool:
    """Is this a type of text, plain or dictionary-encoded?"""
    if pa.types.is_dictionary(kind):
        return is_string(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_list(kind: pa.DataType) -> bool:
    """Is this a type of list?"""
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def kind_of_type(kind: pa.DataType, name: str = "") -> str:  # noqa: PLR0911 - one line per kind reads best
    """The kind letter of an Arrow type (see `bindings`)."""
    if is_string(kind):
        return "s"
    if pa.types.is_null(kind):
        return "n"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "i"
    if pa.types.is_floating(kind):
        return "f"
    if pa.types.is_struct(kind):
        return _struct_kind(kind, name)
    if is_list(kind):
        return _list_kind(kind.value_type, name)
    return "o" if pa.types.is_map(kind) and (holds_text(kind.key_type) or holds_text(kind.item_type)) else "x"


def _list_kind(inner: pa.DataType, name: str) -> str:
    if pa.types.is_struct(inner):
        names = {inner.field(i).name for i in range(inner.num_fields)}
        if {"from", "value"} <= names:
            return "v"
        if {one.strip().lower() for one in names} & set(ROLE_KEYS[:3]):
            return "t"
    if pa.types.is_integer(inner):
        return "k"
    if is_string(inner) or pa.types.is_null(inner):
        return "l" if is_string(inner) else "e"
    if not holds_text(inner):
        return "x"
    return "t" if name.lower() in TURN_COLUMNS else "o"


def _struct_kind(kind: pa.StructType, name: str) -> str:
    names = {kind.field(i).name.strip().lower(): kind.field(i).type for i in range(kind.num_fields)}
    if name.lower() in (*TURN_COLUMNS, *PREFERENCES) and names.keys() & set(ROLE_KEYS):
        lists = {one for one, inner in names.items() if is_list(inner)}
        return "q" if lists & set(ROLE_KEYS) and lists & set(CONTENT_KEYS) else "m"
    if name.lower() in TRANSLATIONS and all(map(is_string, names.values())):
        return "d:" + ",".join(sorted(kind.field(i).name for i in range(kind.num_fields)))
    return "o" if holds_text(kind) else "d"


def holds_text(kind: pa.DataType) -> bool:
    """Is there a string anywhere below values of this type?"""
    if isinstance(kind, pa.ExtensionType):
        return holds_text(kind.storage_type)
    if pa.types.is_struct(kind):
        return any(holds_text(kind.field(i).type) for i in range(kind.num_fields))
    if pa.types.is_map(kind):
        return holds_text(kind.key_type) or holds_text(kind.item_type)
    return holds_text(kind.value_type) if is_list(kind) else is_string(kind)


def table_layout(schema: pa.Schema, overrides: Overrides, shapes: Shapes = ()) -> Layout:
    """The layout of a table. Raises UsageError where an override names a column the table lacks."""
    classes = class_names(schema)
    fields = tuple(FieldKind(one.name, _kind(one, classes)) for one in schema)
    for _, path in overrides:
        if parse(path)[0] not in schema.names:
            raise UsageError(f"--columns names {path!r}, but the columns are: {', '.join(schema.names)}")
    return detect(fields, overrides, shapes)


def _kind(field: pa.Field, classes: ClassNames) -> str:
    kind = kind_of_type(field.type, field.name)
    if is_bytes(field.type):
        return "s" if named_like_text(field.name) else "b"
    return "c" if kind == "i" and field.name in classes else kind


def columns_of(layout: Layout) -> list[str]:
    """The top-level columns a layout reads, chats in strings or not."""
    held = _holders(layout)
    layouts = [layout, *(with_chats(layout, (name,)) for name in held), with_chats(layout, held)]
    bindings = [binding for one in layouts for binding in one.bindings]
    found = dict.fromkeys(parse(binding.path)[0] for binding in bindings)
    found |= dict.fromkeys(binding.speaker for binding in bindings if binding.speaker is not None)
    return [one.name for one in layout.fields if one.name in found] if held else list(found)


def _holders(layout: Layout) -> tuple[str, ...]:
    """String columns in which chats may be written as JSON."""
    return tuple(one.name for one in layout.fields if one.kind == "s" and one.name.lower() in HOLDERS)


Walked = tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Values, the record each belongs to, its place in the list or -1."""


def walk_column(column: pa.Array, steps: Steps) -> Walked:
    """The values at a path below a column."""
    values = column
    rows = np.arange(len(column), dtype=np.int64)
    index = np.full(len(column), -1, np.int64)
    for step in steps:
        if step == EACH:
            if not is_list(values.type):
                return pa.nulls(0), rows[:0], index[:0]
            values, parents, index = unnest(values)
            rows = rows[parents]
        elif pa.types.is_struct(values.type) and values.type.get_field_index(step) >= 0:
            values = pc.struct_field(values, step)
        else:
            return pa.nulls(0), rows[:0], index[:0]
    return values, rows, index


def unnest(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The elements of a list array, the list each belongs to, its place in that list."""
    # By length, as `list_parent_indices` counts elements that a null list covers and `flatten` leaves out.
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    parents = np.repeat(np.arange(len(values), dtype=np.int64), lengths)
    starts = np.cumsum(lengths) - lengths
    return values.flatten(), parents, np.arange(len(parents), dtype=np.int64) - starts[parents]


def as_text(values: pa.Array, role: str, names: tuple[str, ...] | None = None) -> pa.Array | None:
    """The values as large_string, or None where the type holds no text for this role."""
    if is_string(values.type):
        return values.cast(pa.large_string())
    if role == NUMBER and pa.types.is_floating(values.type):
        return values.cast(pa.float64()).cast(pa.large_string())
    if role not in ("label", NUMBER):
        return None
    if names is not None and pa.types.is_integer(values.type):
        lookup = pa.array([*names, None], pa.large_string())
        inside = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(names)))
        return lookup.take(pc.if_else(inside, values.cast(pa.int64()), len(names)).fill_null(len(names)))
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type):
        return values.cast(pa.large_string())
    return None


def extract_table(
    batch: pa.RecordBatch, layout: Layout, classes: ClassNames, *, valid: bool = False
) -> Extracted:
    """The roles of a record batch under a layout.

    Raises pyarrow.ArrowInvalid where text is not valid UTF-8, which is not looked for where it is known to be `valid`.
    """
    builder, turns, beside = RoleBuilder(valid=valid), TurnBuilder(), Beside()
    rows_in_all = batch.num_rows
    expects, readable = np.zeros(rows_in_all, np.bool_), np.zeros(rows_in_all, np.bool_)
    counts: dict[str, int] = {}
    notes: dict[LayoutNote, None] = {}
    rest: list[tuple[npt.NDArray[np.int64] | None, Rest]] = []
    texts, remarks = decoded(batch, columns_of(layout))
    layout = replace(layout, notes=(*layout.notes, *remarks))
    for one, at in _by_layout(texts, layout):
        builder.rows = at
        turns.among(at)
        notes[_read(builder, turns, one, (_taken(texts, at), classes), beside)] = None
        rest.append((at, rest_of_table(_taken(batch, at), one)))
        where = slice(None) if at is None else at
        expects[where], readable[where] = one.expects_response, one.readable
        if (n := rows_in_all if at is None else len(at)) > 0:
            counts[one.name] = counts.get(one.name, 0) + n
    labels = {b.path for b in layout.bindings if b.role == "label"}
    return Extracted(
        roles=builder.build(),
        turns=turns.build(),
        expects_response=expects,
        readable=readable,
        layouts=tuple(sorted(counts.items())),
        described=tuple(notes),
        rest=rest_of_pieces(rest, rows_in_all),
        label_names=tuple((name, names) for name, names in classes.items() if name in labels),
        skipped=tuple(sorted(beside.skipped.items())),
    )


def _taken(batch: pa.RecordBatch, at: npt.NDArray[np.int64] | None) -> pa.RecordBatch:
    return batch if at is None else batch.take(pa.array(at))


def _by_layout(
    batch: pa.RecordBatch, layout: Layout
) -> Iterator[tuple[Layout, npt.NDArray[np.int64] | None]]:
    """The layouts of the records, as some may hold chats written as JSON; with each its records (None: all)."""
    held = [name for name in _holders(layout) if name in batch.schema.names]
    chats = np.zeros((batch.num_rows, len(held)), np.bool_)
    for j, name in enumerate(held):
        values = batch.column(name).cast(pa.large_string())
        maybe = pc.starts_with(pc.utf8_ltrim(values, " \t\r\n"), pattern="[").fill_null(False)
        for i in np.flatnonzero(maybe.to_numpy(zero_copy_only=False)).tolist():
            chats[i, j] = chat_in(values[i].as_py()) is not None
    if not chats.any():
        yield layout, None
        return
    kinds, which = np.unique(chats, axis=0, return_inverse=True)
    for k, kind in enumerate(kinds):
        names = tuple(name for name, holds in zip(held, kind.tolist(), strict=True) if holds)
        yield with_chats(layout, names), np.flatnonzero(which.reshape(-1) == k).astype(np.int64)


def _read(
    builder: RoleBuilder,
    turns: TurnBuilder,
    layout: Layout,
    table: tuple[pa.RecordBatch, ClassNames],
    beside: Beside,
) -> LayoutNote:
    """Read the columns of a layout."""
    from dataaudit.records.table_turns import read_spoken, read_turns

    batch, classes = table
    seen: set[tuple[str, str]] = set()
    unread: set[str] = set()
    notes: set[str] = set()
    for binding in layout.bindings:
        steps = parse(binding.path)
        column = batch.column(steps[0]) if steps[0] in batch.schema.names else pa.nulls(0)
        if binding.speaker is not None:
            seen |= read_spoken(builder, binding, batch)
            continue
        if binding.is_turns:
            below = walk_column(column, tuple(step for step in steps[1:] if step is not EACH))[0]
            met = read_turns(builder, turns, (binding, layout.chats.index(binding)), below)
            seen |= met.seen
            unread |= met.unread
            notes |= met.notes
            beside.merge(met.beside)
            continue
        assert binding.role is not None
        values, rows, index = walk_column(column, steps[1:])
        text = as_text(values, binding.role, classes.get(steps[0]))
        if text is not None:
            add_strings(builder, binding, (text, rows, index))
    return layout.describe(sorted(seen), sorted(unread), sorted(notes))


def add_strings(builder: RoleBuilder, binding: Binding, walked: Walked) -> None:
    """Add the values that are not null. Raises pyarrow.ArrowInvalid where they are not valid UTF-8."""
    values, rows, index = walked
    if values.null_count:
        valid = values.is_valid()
        at = np.flatnonzero(valid.to_numpy(zero_copy_only=False))
        values, rows, index = values.filter(valid), rows[at], index[at]
    if not builder.valid:
        values.validate(full=True)  # a table may hold bytes that are not UTF-8
    builder.add(binding, values, Place(rows, index))
