"""Keys of what is left of JSON objects when their role strings are taken away, for comparing whole records.

Null, empty and absent are the same here, and a whole float is the integer it equals, as they are in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeGuard

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import xxhash

from dataaudit.records.bindings import Layout
from dataaudit.records.hashing import Keys, string_keys, tagged
from dataaudit.records.normalise import normalise_text
from dataaudit.records.normalise_long import normalised_keys
from dataaudit.records.paths import EACH, parse
from dataaudit.records.strings import string_array
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS

Record = dict[str, Any]

_SEPARATOR = "\x1f"
_DUMPED = np.uint64(1)
"""Sets keys of dumped values apart from keys of strings that look like them."""


class Shape(msgspec.Struct, frozen=True):
    """The records of one shape, and the fields that are not wholly role strings, with their kinds."""

    members: list[int]
    left: tuple[tuple[str, str], ...]
    chats: frozenset[str]


def shape_of(layout: Layout, names: Sequence[str], kinds: Sequence[str], members: list[int]) -> Shape:
    """What a layout leaves of records with these fields."""
    kind = dict(zip(names, kinds, strict=True))
    whole = {b.path for b in layout.bindings if b.is_turns and kind.get(parse(b.path)[0]) == "s"}
    bound, chats = set(), set()
    for binding in layout.bindings:
        steps = parse(binding.path)
        if binding.path in whole or binding.talk:
            bound.add(steps[0])  # a dialogue in one string: its labels are in the roles of its turns
        elif binding.is_turns:
            if kind.get(steps[0]) != "j":
                chats.add(steps[0])
        elif steps[1:] in ((), (EACH,)) and kind.get(steps[0], "") in (
            "s",
            "l",
            "i" if binding.role == "label" else "s",
        ):
            bound.add(steps[0])
    kind = {
        name: "s" if one == "j" else one for name, one in kind.items()
    }  # a chat that is JSON: as it stands
    left = tuple((name, kind[name]) for name in names if name not in bound and kind[name] not in ("n", "e"))
    return Shape(members, left, frozenset(chats))


class Repeated(NamedTuple):
    """Values of which many are the same: value `i` is `distinct[which[i]]`."""

    distinct: Sequence[Any]
    which: npt.NDArray[np.int64]


Column = Callable[[str, Sequence[int]], "Sequence[Any] | pa.Array | Repeated"]
"""Gives the values of a field of these records."""


def rest_of_objects(records: Sequence[Record], shapes: list[Shape]) -> Callable[[bool], Keys]:
    """A function that gives, per record, the key of everything the layout does not read as text."""
    # Only what is asked for is held on to: the records have their texts in them, which may be long.
    names = {name for shape in shapes for name, _ in shape.left}
    left = [{name: record[name] for name in names if name in record} for record in records] if names else []
    return rest_of_columns(len(records), lambda name, members: [left[i][name] for i in members], shapes)


def rest_of_columns(n: int, column: Column, shapes: list[Shape]) -> Callable[[bool], Keys]:
    """The same of `n` records whose fields `column` gives."""

    # By field rather than by shape: where every record has keys of its own there are as many shapes as records.
    fields: dict[tuple[str, str], list[int]] = {}
    for shape in shapes:
        for name, kind in shape.left:
            fields.setdefault((name, "t" if name in shape.chats else kind), []).extend(shape.members)

    plain: dict[tuple[str, str], tuple[Keys, list[int] | None]] = {}  # the same, normalised or not

    def keys(normalised: bool) -> Keys:
        hi, lo = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        for (name, kind), members in fields.items():
            if (name, kind) in plain:
                found, present = plain[name, kind]
            elif _are_plain(values := column(name, members)):
                found, present = plain[name, kind] = _dumped_keys(_dump_plain(values))
            else:
                found, present = _column_keys(values, kind, normalised)
            tag = np.uint64(xxhash.xxh3_64_intdigest(name.encode("utf-8")))
            marked = tagged(
                found, np.full(len(found.hi), tag ^ (_DUMPED if kind != "s" else np.uint64(0)), np.uint64)
            )
            rows = members if present is None else [members[i] for i in present]
            hi[rows] += marked.hi
            lo[rows] += marked.lo
        return Keys(hi, lo)

    return keys


def _column_keys(
    values: Sequence[Any] | pa.Array | Repeated, kind: str, normalised: bool
) -> tuple[Keys, list[int] | None]:
    """Keys of the values of one field, and which of them count (None: all)."""
    if isinstance(values, Repeated):
        return _repeated_keys(values, kind, normalised)
    if kind == "s":
        texts = values if isinstance(values, pa.Array) else string_array(values)
        return (normalised_keys(texts) if normalised else string_keys(texts)), None
    dump = _dump_turns if kind == "t" else _dump
    return _dumped_keys([dump(value, normalised) for value in values])


def _dumped_keys(dumped: Sequence[bytes]) -> tuple[Keys, list[int] | None]:
    present = [i for i, one in enumerate(dumped) if one]
    return string_keys(pa.array([dumped[i] for i in present], pa.large_binary())), present


def _repeated_keys(values: Repeated, kind: str, normalised: bool) -> tuple[Keys, list[int] | None]:
    keys, present = _column_keys(values.distinct, kind, normalised)
    if present is None:
        return Keys(keys.hi[values.which], keys.lo[values.which]), None
    place = np.full(len(values.distinct), -1, np.int64)
    place[present] = np.arange(len(present))
    at = place[values.which]
    counted = at >= 0
    at = at[counted]
    return Keys(keys.hi[at], keys.lo[at]), np.flatnonzero(counted).tolist()


_PLAIN = {int, float, bool, type(None)}


def _are_plain(values: Sequence[Any] | pa.Array | Repeated) -> TypeGuard[list[Any]]:
    """Are these numbers, truth values and nulls, and nothing else?"""
    return isinstance(values, list) and set(map(type, values)) <= _PLAIN


def _dump_plain(values: list[Any]) -> list[bytes]:
    """What `_dump` gives of each of such values, from one call for all."""
    kept = [_canonical(value, False) for value in values]
    parts = orjson.dumps(kept)[1:-1].split(b",") if kept else []
    return [b"" if value is None else part for value, part in zip(kept, parts, strict=True)]


def _dump(value: object, normalised: bool) -> bytes:
    kept = _canonical(value, normalised)
    return b"" if kept is None else orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def _dump_turns(value: object, normalised: bool) -> bytes:
    """Turns without their texts: mostly the names of the roles in order, so those have a short form."""
    if not isinstance(value, list):
        return _dump(value, normalised)
    left = [_without_text(turn) for turn in value]
    names = [next(iter(turn.values())) for turn in left if isinstance(turn, dict) and len(turn) == 1]
    if len(names) == len(left) and all(isinstance(one, str) for one in names):
        key = next(iter(left[0])) if left else ""
        if key in ROLE_KEYS and all(key in turn for turn in left):
            joined = _SEPARATOR.join(normalise_text(one) if normalised else one for one in names)
            return f"{key}{_SEPARATOR}{joined}".encode()
    return _dump(left, normalised)


def _without_text(turn: object) -> Any:
    if not isinstance(turn, dict):
        return turn
    return {k: v for k, v in turn.items() if _holds(v) and not (k in CONTENT_KEYS and isinstance(v, str))}


def _holds(value: object) -> bool:
    """Is there anything in a value?"""
    return value is not None and not (isinstance(value, (list, dict)) and _canonical(value, False) is None)


def _canonical(value: object, normalised: bool) -> object:
    """A value in which equal means equal: no nulls or empty containers, whole floats as integers."""
    if isinstance(value, str):
        return normalise_text(value) if normalised else value
    if isinstance(value, dict):
        inner = {k: kept for k, v in value.items() if (kept := _canonical(v, normalised)) is not None}
        return inner or None
    if isinstance(value, list):
        items = [_canonical(item, normalised) for item in value]
        while items and items[-1] is None:
            items.pop()
        return items or None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
