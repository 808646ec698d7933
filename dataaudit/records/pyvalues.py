"""Arrow values as Python objects, and without pandas, which takes longer to import than a small scan takes."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa


def forgo_pandas() -> None:
    """Keep pyarrow from importing pandas at its first conversion, for the life of the process.

    For processes of our own: what pyarrow could do with pandas it cannot do afterwards. Nothing here needs it but times
    with nanoseconds, for which see `python_values`.
    """
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([None])  # pyarrow looks for it once
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder that knows that there is no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """None for any other module: the next finder is asked. Raises ModuleNotFoundError."""
        if name == "pandas":
            raise ModuleNotFoundError(f"no module named {name!r}", name=name)


def python_values(values: pa.Array) -> list[Any]:
    """The values as Python objects; times of a precision that Python lacks as numbers."""
    try:
        found: list[Any] = values.to_pylist()
    except ValueError:
        found = values.cast(_plain(values.type)).to_pylist()
    return found


def _plain(kind: pa.DataType) -> pa.DataType:  # noqa: PLR0911 - one line per kind reads best
    """The type with integers in place of times in nanoseconds."""
    if pa.types.is_temporal(kind):
        if kind.bit_width == 64:
            return pa.int64()
        return pa.int32() if kind.bit_width == 32 else kind
    if pa.types.is_struct(kind):
        return pa.struct(
            [kind.field(i).with_type(_plain(kind.field(i).type)) for i in range(kind.num_fields)]
        )
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return kind
