"""Text that a table holds as bytes: files of older writers do not say that their strings are text."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from dataaudit.records.fieldnames import (
    COMPARED,
    CONTEXTS,
    LABELS,
    PREFERENCES,
    PROMPTS,
    RESPONSES,
    SUMMARIES,
    SYSTEM,
    TEXTS,
    TURN_COLUMNS,
    noun,
)

_NAMES = frozenset(
    (
        *(*TEXTS, *PROMPTS, *CONTEXTS, *RESPONSES, *SUMMARIES, *COMPARED, *SYSTEM),
        *(*TURN_COLUMNS, *PREFERENCES, *LABELS),
    )
)


def is_bytes(kind: pa.DataType) -> bool:
    """Is this a type of bytes of any length, plain or dictionary-encoded?"""
    if pa.types.is_dictionary(kind):
        return is_bytes(kind.value_type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def named_like_text(name: str) -> bool:
    """Does a name promise text, so that bytes under it are to be read as such?"""
    return name.lower() in _NAMES or noun(name) is not None


def decoded(batch: pa.RecordBatch, columns: Iterable[str]) -> tuple[pa.RecordBatch, list[str]]:
    """The record batch with these columns as strings where they are bytes, and a note per column that is not all UTF-8.

    Values that are no UTF-8 become null and are not malformed: the file never said that they are text.
    """
    notes: list[str] = []
    for name in columns:
        at = batch.schema.get_field_index(name)
        if at < 0 or not is_bytes(batch.schema.field(at).type):
            continue
        values = batch.column(at)
        texts = _texts(values)
        if texts.null_count > values.null_count:
            notes.append(f"{name} holds bytes, of which only what is UTF-8 is searched")
        batch = batch.set_column(at, name, texts)
    return batch, notes


def _texts(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        return values.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return pa.array([_text(one) for one in values.to_pylist()], pa.large_string())


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None
