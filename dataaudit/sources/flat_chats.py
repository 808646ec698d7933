"""The lists of turns in lines that were read fast: each turn says who speaks and what is said, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.bindings import Binding
from dataaudit.records.content import joined, step
from dataaudit.records.extracted import Place, RoleBuilder, TurnBuilder
from dataaudit.records.remainder import Repeated
from dataaudit.records.turn_keys import keys_of
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS, turn_code, turn_role
from dataaudit.records.types import Turns

I64 = npt.NDArray[np.int64]


class TurnFields(msgspec.Struct, frozen=True):
    """The two fields of every turn, in the order in which they are written."""

    names: tuple[str, str]
    who: int
    """Which of them says who speaks."""
    kind: str
    """The letter of `bindings` for a list of such turns."""


def turn_fields(names: tuple[str, ...]) -> TurnFields | None:
    """What turns with these fields are made of; None where only the strict reader knows."""
    plain = keys_of(names).plain
    if plain is None or plain[0] not in ROLE_KEYS[:3] or plain[1] not in CONTENT_KEYS:
        return None
    first, second = names
    return TurnFields((first, second), names.index(plain[0]), "v" if {"from", "value"} == {*names} else "t")


class Chats:
    """The turns of some lines."""

    def __init__(
        self, fields: TurnFields, count: int, strings: Callable[[int, I64], pa.LargeStringArray]
    ) -> None:
        """`strings` gives field `i` of these turns."""
        self._fields = fields
        self._strings = strings
        coded = strings(fields.who, np.arange(count, dtype=np.int64)).dictionary_encode()
        names = coded.dictionary.to_pylist()
        self._names = names
        self._said_by: I64 = coded.indices.to_numpy().astype(np.int64)
        """Per turn who speaks, as an index into the names."""
        self._codes = np.asarray([turn_code(name) for name in names], np.int8)
        self._roles = [turn_role(name) for name in names]

    def add(
        self, builder: RoleBuilder, turns: TurnBuilder, chat: tuple[Binding, int], lists: tuple[I64, I64, I64]
    ) -> set[tuple[str, str]]:
        """Add the turns of a field; returns the (role, path) pairs seen.

        `chat`: the binding and its place among those of turns. `lists`: rows, and per row its first turn and the one
        after its last.
        """
        binding, number = chat
        rows, begins, ends = lists
        counts = ends - begins
        total = int(counts.sum())
        if total == 0:
            return set()
        places = np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        at = np.repeat(begins, counts) + places
        of = np.repeat(rows, counts)
        said_by = self._said_by[at]
        turns.extend(
            Turns(of, self._codes[said_by], np.full(total, number, np.int8), np.zeros(total, np.bool_))
        )
        told = 1 - self._fields.who
        path = joined(binding.path, step(self._fields.names[told]))
        seen = {self._roles[name] for name in np.unique(said_by).tolist()}
        for role in sorted(seen):
            mask = np.asarray([one == role for one in self._roles])[said_by]
            values = self._strings(told, at[mask])
            builder.add(binding, values, Place(of[mask], places[mask]), role=role, path=path)
        return {(role, path) for role in seen}

    def without_texts(self, begins: I64, ends: I64) -> Repeated:
        """The lists of turns, each turn with nothing but who speaks."""
        key = self._fields.names[self._fields.who]
        said_by = self._said_by.astype(np.int32)
        places: dict[bytes, int] = {}
        distinct: list[list[dict[str, Any]]] = []
        which = np.empty(len(begins), np.int64)
        for i, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            speakers = said_by[begin:end].tobytes()
            place = places.get(speakers)
            if place is None:
                place = places[speakers] = len(distinct)
                distinct.append([{key: self._names[name]} for name in said_by[begin:end].tolist()])
            which[i] = place
        return Repeated(distinct, which)
