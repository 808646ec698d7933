"""Redaction in Arrow columns: replaces single strings, however deep they lie, and nothing else."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.export.redact import CannotRedactError, Span, Step, parse_path, redact_text

Edit = tuple[int, tuple[Step, ...], str]
"""(index in the array, steps to the string below it, the new text)."""


def plan_edits(table: pa.Table, index: int, places: dict[str, list[Span]]) -> list[tuple[str, Edit]]:
    """The edits that redact one row: (column, edit). Raises CannotRedactError where a place is not there."""
    merged: dict[tuple[Step, ...], tuple[str, list[Span]]] = {}
    for path, spans in places.items():
        steps, text = _resolve(table, index, path)
        merged.setdefault(steps, (text, []))[1].extend(spans)
    return [
        (str(steps[0]), (index, steps[1:], redact_text(text, spans)))
        for steps, (text, spans) in merged.items()
    ]


def _resolve(table: pa.Table, index: int, path: str) -> tuple[tuple[Step, ...], str]:
    """The steps to a string as the columns are nested, and the string."""
    steps = list(parse_path(path))
    if table.schema.names.count(steps[0]) != 1:
        raise CannotRedactError(f"no single column for {path}")
    scalar = table.column(steps[0])[index]
    at = 1
    while at < len(steps):
        step = steps[at]
        kind = scalar.type
        if (
            pa.types.is_struct(kind)
            and isinstance(step, int)
            and isinstance(steps[min(at + 1, len(steps) - 1)], str)
        ):
            # A `Sequence` of a dict is stored as a struct of lists: `turns[2].value` is at `turns.value[2]`.
            steps[at : at + 2] = [steps[at + 1], step]
            step = steps[at]
        try:
            fits = _is_list(kind) if isinstance(step, int) else pa.types.is_struct(kind)
            if not fits or not scalar.is_valid:
                raise CannotRedactError(f"nothing at {path}")
            scalar = scalar[step]
        except (KeyError, IndexError) as error:
            raise CannotRedactError(f"nothing at {path}") from error
        at += 1
    if pa.types.is_dictionary(scalar.type):
        scalar = scalar.value
    if not scalar.is_valid or not _is_string(scalar.type):
        raise CannotRedactError(f"no string at {path}")
    return tuple(steps), scalar.as_py()


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def apply_edits(table: pa.Table, edits: list[tuple[str, Edit]]) -> pa.Table:
    """The table with the edits made; schema and chunks stay as they are."""
    by_column: dict[str, list[Edit]] = defaultdict(list)
    for column, edit in edits:
        by_column[column].append(edit)
    for name, changes in by_column.items():
        at = table.schema.names.index(name)
        table = table.set_column(at, table.schema.field(at), _edit_chunks(table.column(at), changes))
    return table


def _edit_chunks(column: pa.ChunkedArray, edits: list[Edit]) -> pa.ChunkedArray:
    starts = [0]
    for chunk in column.chunks:
        starts.append(starts[-1] + len(chunk))
    per_chunk: dict[int, list[Edit]] = defaultdict(list)
    for index, steps, text in edits:
        which = bisect_right(starts, index) - 1
        per_chunk[which].append((index - starts[which], steps, text))
    chunks = [
        _edit(chunk, per_chunk[i]) if i in per_chunk else chunk for i, chunk in enumerate(column.chunks)
    ]
    return pa.chunked_array(chunks, type=column.type)


def _edit(array: Any, edits: list[Edit]) -> Any:
    """The array with strings below it replaced; validity, offsets and untouched children are shared."""
    kind = array.type
    if pa.types.is_struct(kind):
        return _edit_struct(array, edits)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        offsets = array.offsets
        inner = [(offsets[i].as_py() + int(steps[0]), steps[1:], text) for i, steps, text in edits]
        return _with_child(array, 2, _edit(array.values, inner))
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        inner = [((array.offset + i) * size + int(steps[0]), steps[1:], text) for i, steps, text in edits]
        return _with_child(array, 1, _edit(array.values, inner))
    if pa.types.is_dictionary(kind):
        return _edit_dictionary(array, edits)
    return _replace(array, edits)


def _with_child(array: Any, buffers: int, child: Any) -> Any:
    own = array.buffers()[:buffers]
    return pa.Array.from_buffers(
        array.type, len(array), own, null_count=array.null_count, offset=array.offset, children=[child]
    )


def _edit_struct(array: Any, edits: list[Edit]) -> Any:
    children = [array.field(i) for i in range(array.type.num_fields)]
    groups: dict[int, list[Edit]] = defaultdict(list)
    for index, steps, text in edits:
        groups[array.type.get_field_index(str(steps[0]))].append((index, steps[1:], text))
    for at, changes in groups.items():
        children[at] = _edit(children[at], changes)
    return pa.StructArray.from_arrays(children, fields=list(array.type), mask=array.is_null())


def _replace(array: Any, edits: list[Edit]) -> Any:
    edits = sorted(edits)
    wide = array.cast(pa.large_string()) if pa.types.is_string_view(array.type) else array
    texts = pa.array([text for _, _, text in edits], wide.type)
    done = pc.replace_with_mask(wide, _mask(len(array), edits), texts)
    return done.cast(array.type) if wide is not array else done


def _edit_dictionary(array: Any, edits: list[Edit]) -> Any:
    """New texts go to the end of the dictionary."""
    edits = sorted(edits)
    values = array.dictionary
    texts = pa.array([text for _, _, text in edits], values.type)
    try:
        new = pa.array(np.arange(len(values), len(values) + len(edits))).cast(array.type.index_type)
    except pa.ArrowInvalid as error:
        raise CannotRedactError("the dictionary has no room for another text") from error
    indices = pc.replace_with_mask(array.indices, _mask(len(array), edits), new)
    dictionary = pa.concat_arrays([values, texts])
    return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=array.type.ordered)


def _mask(length: int, edits: list[Edit]) -> pa.BooleanArray:
    flags = np.zeros(length, np.bool_)
    flags[[index for index, _, _ in edits]] = True
    return pa.array(flags)
