"""Roles of records that are Arrow tables, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.errors import UsageError
from dataaudit.records.extracted import Extracted, Place, RoleBuilder, TurnBuilder
from dataaudit.records.layouts import TRANSLATIONS, Binding, FieldKind, Layout, Overrides, detect
from dataaudit.records.leaves import rest_of_table
from dataaudit.records.paths import EACH, Steps, parse
from dataaudit.records.turns import ROLE_KEYS

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


def kind_of_type(kind: pa.DataType) -> str:  # noqa: PLR0911 - one line per kind reads best
    """The kind letter of an Arrow type (see layouts)."""
    if is_string(kind):
        return "s"
    if pa.types.is_null(kind):
        return "n"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "i"
    if pa.types.is_floating(kind):
        return "f"
    if pa.types.is_struct(kind):
        return "d"
    if not is_list(kind):
        return "x"
    inner = kind.value_type
    if pa.types.is_struct(inner):
        names = {inner.field(i).name for i in range(inner.num_fields)}
        if {"from", "value"} <= names:
            return "v"
        return "t" if names & set(ROLE_KEYS) else "x"
    if pa.types.is_integer(inner):
        return "k"
    return "l" if is_string(inner) else ("e" if pa.types.is_null(inner) else "x")


def table_layout(schema: pa.Schema, overrides: Overrides) -> Layout:
    """The layout of a table. Raises UsageError where an override names a column the table lacks."""
    classes = class_names(schema)
    fields = tuple(FieldKind(one.name, _kind(one, classes)) for one in schema)
    for _, path in overrides:
        if parse(path)[0] not in schema.names:
            raise UsageError(f"--columns names {path!r}, but the columns are: {', '.join(schema.names)}")
    return detect(fields, overrides)


def _kind(field: pa.Field, classes: ClassNames) -> str:
    kind = kind_of_type(field.type)
    if kind == "i" and field.name in classes:
        return "c"
    if kind == "d" and field.name.lower() in TRANSLATIONS:
        inner = [field.type.field(i) for i in range(field.type.num_fields)]
        if all(is_string(one.type) for one in inner):
            return "d:" + ",".join(sorted(one.name for one in inner))
    return kind


def columns_of(layout: Layout) -> list[str]:
    """The top-level columns a layout reads."""
    return list(dict.fromkeys(parse(binding.path)[0] for binding in layout.bindings))


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
    if role != "label":
        return None
    if names is not None and pa.types.is_integer(values.type):
        lookup = pa.array([*names, None], pa.large_string())
        inside = pc.and_(pc.greater_equal(values, 0), pc.less(values, len(names)))
        return lookup.take(pc.if_else(inside, values.cast(pa.int64()), len(names)).fill_null(len(names)))
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type):
        return values.cast(pa.large_string())
    return None


def extract_table(batch: pa.RecordBatch, layout: Layout, classes: ClassNames) -> Extracted:
    """The roles of a record batch under a layout. Raises pyarrow.ArrowInvalid where text is not valid UTF-8."""
    from dataaudit.records.table_turns import read_turns

    builder, turns = RoleBuilder(), TurnBuilder()
    chats = [binding for binding in layout.bindings if binding.is_turns]
    seen: set[tuple[str, str]] = set()
    skipped: dict[str, int] = {}
    for binding in layout.bindings:
        steps = parse(binding.path)
        column = batch.column(steps[0]) if steps[0] in batch.schema.names else pa.nulls(0)
        if binding.is_turns:
            seen |= read_turns(builder, turns, (binding, chats.index(binding)), column, skipped)
            continue
        assert binding.role is not None
        values, rows, index = walk_column(column, steps[1:])
        text = as_text(values, binding.role, classes.get(steps[0]))
        if text is not None:
            add_strings(builder, binding, (text, rows, index))
    labels = {b.path for b in layout.bindings if b.role == "label"}
    rows_in_all = batch.num_rows
    return Extracted(
        roles=builder.build(),
        turns=turns.build(),
        expects_response=np.full(rows_in_all, layout.expects_response, np.bool_),
        readable=np.full(rows_in_all, layout.readable, np.bool_),
        layouts=((layout.name, rows_in_all),) if rows_in_all else (),
        described=(layout.describe(sorted(seen)),),
        rest=rest_of_table(batch, layout),
        label_names=tuple((name, names) for name, names in classes.items() if name in labels),
        skipped=tuple(sorted(skipped.items())),
    )


def add_strings(
    builder: RoleBuilder,
    binding: Binding,
    walked: Walked,
    *,
    role: str | None = None,
    leaf: str | None = None,
) -> None:
    """Add the values that are not null. Raises pyarrow.ArrowInvalid where they are not valid UTF-8."""
    values, rows, index = walked
    if values.null_count:
        valid = values.is_valid()
        at = np.flatnonzero(valid.to_numpy(zero_copy_only=False))
        values, rows, index = values.filter(valid), rows[at], index[at]
    values.validate(full=True)  # a table may hold bytes that are not UTF-8
    builder.add(binding, values, Place(rows, index), role=role, leaf=leaf)
