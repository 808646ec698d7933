"""Are the offsets, indices and lengths of Arrow arrays what they must be, whatever their text is?

What comes from a file may hold offsets that point anywhere; kernels trust them, and read memory that is not theirs.
Arrow's own full validation tells, but it stops at the first thing it finds, which may be text that is not UTF-8. So
here every level is looked at alone, and text as bytes.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def require_sound(batch: pa.RecordBatch) -> None:
    """Raise pyarrow.ArrowInvalid where an array is not sound, however deep. The record batch must be no slice."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            _check(column)
        except pa.ArrowException as error:
            raise pa.ArrowInvalid(f"column {name} is damaged: {error}") from None


def _check(array: Any) -> None:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        _check(array.storage)
    elif pa.types.is_dictionary(kind):
        _check(array.dictionary)
        _check_indices(array.indices, len(array.dictionary))
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            _check(array.field(i))
    elif pa.types.is_union(kind):
        _check_union(array)
    elif pa.types.is_run_end_encoded(kind):
        _check(array.run_ends)
        pa.RunEndEncodedArray.from_arrays(array.run_ends, pa.nulls(len(array.values))).validate(full=True)
        _check(array.values)
    else:
        values = getattr(array, "values", None)
        own, twin = _twin(kind)
        children = [] if values is None else [pa.nulls(len(values))]
        pa.Array.from_buffers(twin, len(array), array.buffers()[:own], -1, array.offset, children).validate(
            full=True
        )
        if values is not None:
            _check(values)


def _twin(kind: pa.DataType) -> tuple[int | None, pa.DataType]:
    """How many buffers are an array's own (None: all), and the type that holds just them."""
    nothing = pa.null()
    types = pa.types
    for is_kind, own, twin in (
        (types.is_list, 2, pa.list_(nothing)),
        (types.is_map, 2, pa.list_(nothing)),
        (types.is_large_list, 2, pa.large_list(nothing)),
        (types.is_list_view, 3, pa.list_view(nothing)),
        (types.is_large_list_view, 3, pa.large_list_view(nothing)),
        (types.is_string, None, pa.binary()),
        (types.is_large_string, None, pa.large_binary()),
        (types.is_string_view, None, pa.binary_view()),
    ):
        if is_kind(kind):
            return own, twin
    if types.is_fixed_size_list(kind):
        return 1, pa.list_(nothing, kind.list_size)
    return None, kind


def _check_indices(indices: Any, length: int) -> None:
    indices.validate(full=True)
    ends = pc.min_max(indices)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    if low is not None and (low < 0 or high >= length):
        raise pa.ArrowInvalid(f"an index into a dictionary of {length} is {low if low < 0 else high}")


def _check_union(array: Any) -> None:
    kind = array.type
    children = [array.field(i) for i in range(kind.num_fields)]
    stand_ins = [pa.nulls(len(child)) for child in children]
    if kind.mode == "dense":
        twin = pa.UnionArray.from_dense(
            array.type_codes, array.offsets, stand_ins, type_codes=kind.type_codes
        )
    else:
        twin = pa.UnionArray.from_sparse(array.type_codes, stand_ins, type_codes=kind.type_codes)
    twin.validate(full=True)
    for child in children:
        _check(child)
