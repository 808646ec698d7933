"""The turns of chats in JSON objects: plain contents, lists of typed parts, tool calls, dialogues in one string."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.dialogue import split_dialogue
from dataaudit.records.extracted import Place, RoleBuilder, TurnBuilder
from dataaudit.records.layouts import Binding
from dataaudit.records.paths import parse
from dataaudit.records.turns import CALL_KEYS, CONTENT_KEYS, ROLE_KEYS, turn_code, turn_role

Record = dict[str, Any]

_NUMBER = re.compile(r"\[\d+\]")


class Held(NamedTuple):
    """A string below a turn: the role if it is not the turn's, the path below the turn, the string."""

    role: str | None
    leaf: str
    text: str


class _Strings(NamedTuple):
    """The strings of one role and leaf while they are collected."""

    texts: list[str]
    rows: list[int]
    places: list[int]
    starts: list[int]
    subs: list[int]


class TurnReader:
    """Collects the turns of one binding, record by record."""

    def __init__(self, builder: RoleBuilder, turns: TurnBuilder, binding: Binding, chat: int) -> None:
        self._builder = builder
        self._turns = turns
        self._binding = binding
        self._chat = chat
        self._found: dict[tuple[str, str | None], _Strings] = {}
        self.skipped: dict[str, int] = {}
        """Parts that hold no text, by their type."""

    def read(self, records: Sequence[Record], members: list[int]) -> None:
        """Take the turns of these records: lists of messages, or strings that are dialogues."""
        steps = parse(self._binding.path)
        for i in members:
            value: Any = records[i].get(steps[0])
            if isinstance(value, list):
                for place, turn in enumerate(value):
                    if isinstance(turn, dict):
                        self._turn(i, place, turn)
            elif isinstance(value, str):
                self._dialogue(i, value)

    def _turn(self, row: int, place: int, turn: Record) -> None:
        name = next((turn[key] for key in ROLE_KEYS if turn.get(key) is not None), None)
        self._turns.add(row, turn_code(name), self._chat, laden=_is_laden(turn))
        role = turn_role(name)
        for sub, held in enumerate(_strings_of(turn, self.skipped)):
            self._add((held.role or role, held.leaf), held.text, (row, place, 0, sub))

    def _dialogue(self, row: int, text: str) -> None:
        said = split_dialogue(text)
        if not said:
            self._add((self._binding.fallback, None), text, (row, -1, 0, 0))
            return
        for sub, one in enumerate(said):
            self._turns.add(row, turn_code(one.name), self._chat, laden=False)
            self._add((turn_role(one.name), None), text[one.start : one.end], (row, -1, one.start, sub))

    def _add(self, key: tuple[str, str | None], text: str, at: tuple[int, int, int, int]) -> None:
        strings = self._found.get(key)
        if strings is None:
            strings = self._found[key] = _Strings([], [], [], [], [])
        strings.texts.append(text)
        for column, value in zip(strings[1:], at, strict=True):
            column.append(value)

    def finish(self) -> set[tuple[str, str]]:
        """Hand over what was collected; returns the (role, path) pairs that were seen."""
        for (role, leaf), strings in self._found.items():
            place = Place(
                np.asarray(strings.rows, np.int64),
                np.asarray(strings.places, np.int64),
                np.asarray(strings.starts, np.int64),
                np.asarray(strings.subs, np.int64),
            )
            self._builder.add(self._binding, strings.texts, place, role=role, leaf=leaf)
        return {(role, described(self._binding, leaf)) for role, leaf in self._found}


def described(binding: Binding, leaf: str | None) -> str:
    """A path as the report names it: the number of a part is not told."""
    return binding.path if leaf is None else f"{binding.path}.{_NUMBER.sub('[*]', leaf)}"


def _strings_of(turn: Record, skipped: dict[str, int]) -> Iterator[Held]:
    for key in CONTENT_KEYS:
        content = turn.get(key)
        if isinstance(content, str):
            yield Held(None, key, content)
        elif isinstance(content, list):
            yield from _parts_of(content, key, skipped)
    for key in CALL_KEYS:
        if turn.get(key) is not None:
            yield from (
                Held("tool", path, text) for path, text in _below(turn[key], key) if _says_something(path)
            )


def _parts_of(parts: list[Any], key: str, skipped: dict[str, int]) -> Iterator[Held]:
    for j, part in enumerate(parts):
        if isinstance(part, str):
            yield Held(None, f"{key}[{j}]", part)
        elif isinstance(part, dict):
            text = part.get("text")
            if isinstance(text, str):
                yield Held(None, f"{key}[{j}].text", text)
            else:
                kind = str(part.get("type", "other"))[:40]
                skipped[kind] = skipped.get(kind, 0) + 1


def _below(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every string below a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for j, item in enumerate(value):
            yield from _below(item, f"{path}[{j}]")
    elif isinstance(value, dict):
        for name, item in sorted(value.items()):  # the order of keys says nothing
            yield from _below(item, f"{path}.{name}")


def _says_something(path: str) -> bool:
    """Is this string of a tool call content? Its id and type are not."""
    return path.rsplit(".", 1)[-1] not in ("id", "type", "name")


def _is_laden(turn: Record) -> bool:
    return any(_holds(turn.get(key)) for key in CALL_KEYS) or any(
        not isinstance(value := turn.get(key), str) and _holds(value) for key in CONTENT_KEYS
    )


def _holds(value: object) -> bool:
    """Is there anything in a value?"""
    if isinstance(value, dict):
        return any(one is not None for one in value.values())
    return value not in (None, "", [])
