"""Arrow's string views and runs in the older layouts that every kernel takes; the values are the same."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def without_views(table: pa.RecordBatch) -> pa.RecordBatch:
    """The record batch with its string views, at any depth, and columns stored as runs laid out anew."""
    columns, changed = [], False
    for column in table.columns:
        if pa.types.is_run_end_encoded(column.type):
            column, changed = pc.run_end_decode(column), True  # noqa: PLW2901
        kind = _plain(column.type)
        if not kind.equals(column.type):
            column, changed = column.cast(kind), True  # noqa: PLW2901
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=table.schema.names) if changed else table


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type with no string view in it."""
    types = pa.types
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _field(kind.value_field)
        if not inner.equals(kind.value_field):
            return pa.list_(inner) if types.is_list(kind) else pa.large_list(inner)
    elif types.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        plain = [_field(one) for one in fields]
        if plain != fields:
            return pa.struct(plain)
    return kind


def _field(field: pa.Field) -> pa.Field:
    kind = _plain(field.type)
    return field if kind.equals(field.type) else field.with_type(kind)
