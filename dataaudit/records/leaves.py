"""Keys of the leaves of a table that are not role strings, for comparing whole records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from dataaudit.records.bindings import Layout
from dataaudit.records.byte_text import is_bytes
from dataaudit.records.hashing import Keys, add_keys, mix64, string_keys, sum_by_record, tagged
from dataaudit.records.normalise_long import normalised_keys
from dataaudit.records.paths import EACH, parse
from dataaudit.records.pyvalues import python_values
from dataaudit.records.turns import CONTENT_KEYS

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


Rest = Callable[[bool], Keys]
"""Gives the keys of a batch; the argument asks for the normalised form."""


def rest_of_pieces(pieces: Sequence[tuple[I64 | None, Rest]], n: int) -> Rest:
    """The keys of a batch of `n` records that is read in pieces; with each its records (None: all of them)."""
    if len(pieces) == 1 and pieces[0][0] is None:
        return pieces[0][1]

    def keys(normalised: bool) -> Keys:
        hi, lo = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        for at, rest in pieces:
            hi[at], lo[at] = rest(normalised)
        return Keys(hi, lo)

    return keys


def rest_of_table(batch: pa.RecordBatch, layout: Layout) -> Rest:
    """A function that gives, per record, the key of everything the layout does not read as text."""
    bound, chats = set(), set()
    raw = {field.name for field in batch.schema if is_bytes(field.type)}  # not all of it may be text
    kinds = {one.name: one.kind for one in layout.fields}
    for binding in layout.bindings:
        steps = parse(binding.path)
        if kinds.get(steps[0], "") in ("o", "m", "q", "j") or steps[0] in raw:
            continue  # all of it: a chat that is JSON in a string, say, has ids and weights beside its texts
        if binding.is_turns and steps[1:] == (EACH,) and not binding.talk:
            chats.add(steps[0])
        elif steps[1:] in ((), (EACH,)):
            bound.add(steps[0])

    def keys(normalised: bool) -> Keys:
        n = batch.num_rows
        total = Keys(np.zeros(n, np.uint64), np.zeros(n, np.uint64))
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in bound:
                continue
            skip = CONTENT_KEYS if name in chats else ()
            for path, values, rows, places in _leaves(
                name, column, np.arange(n, dtype=np.int64), np.zeros(n, np.uint64)
            ):
                if skip and path.rsplit(".", 1)[-1] in skip and path.count(".") == 1 and _is_text(values):
                    continue
                total = add_keys(total, _leaf_keys(path, values, rows, places, normalised, n))
        return total

    return keys


def require_utf8(batch: pa.RecordBatch) -> None:
    """Raise pyarrow.ArrowInvalid where any string of a record batch, however deep, is not UTF-8."""
    n = batch.num_rows
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for _, values, _, _ in _leaves(name, column, np.arange(n, dtype=np.int64), np.zeros(n, np.uint64)):
            if _is_text(values):
                values.validate(full=True)


def _is_text(values: pa.Array) -> bool:
    kind = values.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _leaves(path: str, values: pa.Array, rows: I64, places: U64) -> Iterator[tuple[str, pa.Array, I64, U64]]:
    """Every leaf array below a column: its path, its values, the record and the place of each."""
    from dataaudit.records.tables import is_list, unnest

    kind = values.type
    if isinstance(kind, pa.ExtensionType):
        yield from _leaves(path, values.storage, rows, places)
    elif pa.types.is_dictionary(kind):
        yield from _leaves(path, values.cast(kind.value_type), rows, places)
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            name = kind.field(i).name
            yield from _leaves(f"{path}.{name}", pc.struct_field(values, [i]), rows, places)
    elif pa.types.is_map(kind):
        listed = values.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
        yield from _leaves(path, listed, rows, places)
    elif is_list(kind):
        inner, parents, index = unnest(values)
        deeper = mix64(places[parents]) + index.astype(np.uint64) + np.uint64(1)
        yield from _leaves(f"{path}[*]", inner, rows[parents], deeper)
    else:
        yield path, values, rows, places


def _leaf_keys(path: str, values: pa.Array, rows: I64, places: U64, normalised: bool, n: int) -> Keys:
    if values.null_count:
        at = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
        values, rows, places = values.drop_null(), rows[at], places[at]
    tags = mix64(places) ^ np.uint64(xxhash.xxh3_64_intdigest(path.encode("utf-8", "surrogatepass")))
    return sum_by_record(tagged(_value_keys(values, normalised), tags), rows, n)


def _value_keys(values: pa.Array, normalised: bool) -> Keys:
    if pa.types.is_temporal(values.type) and values.type.bit_width in (32, 64):
        # As stored: Python has no name for nanoseconds, nor for years past 9999.
        values = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())
    kind = values.type
    if _is_text(values):
        text = values.cast(pa.large_string())
        return normalised_keys(text) if normalised else string_keys(text)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return string_keys(values.cast(pa.large_binary()))
    if pa.types.is_boolean(kind) or pa.types.is_signed_integer(kind):
        lane = values.cast(pa.int64()).to_numpy().astype(np.uint64)
    elif pa.types.is_unsigned_integer(kind):
        lane = values.cast(pa.uint64()).to_numpy()
    elif pa.types.is_floating(kind):
        with np.errstate(invalid="ignore"):  # a signalling NaN
            lane = (values.cast(pa.float64()).to_numpy() + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    else:  # decimals, fixed-size binary and whatever else: by their printed form
        return string_keys(pa.array([repr(one) for one in python_values(values)], pa.large_string()))
    return Keys(mix64(lane), mix64(~lane))
