"""The turns of chats in JSON values: lists of turns, chats in one string, chats stored column by column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from dataaudit.records.bindings import Binding
from dataaudit.records.chatjson import chat_in, turns_of_lists
from dataaudit.records.content import (
    Beside,
    below,
    deep,
    holds_text,
    is_laden,
    joined,
    speaker_of,
    step,
    strings_of,
)
from dataaudit.records.dialogue import split_dialogue
from dataaudit.records.extracted import Place, RoleBuilder, TurnBuilder
from dataaudit.records.paths import EACH
from dataaudit.records.rendered import split_rendered
from dataaudit.records.turn_keys import Keys, keys_of
from dataaudit.records.turns import TURN_ROLES, turn_code, turn_role
from dataaudit.records.types import ROLE_CODE

Record = dict[str, Any]

_NUMBER = re.compile(r"\[\d+\]")
_KEY = re.compile(r"\.?(?:[^.\\]|\\.)+", re.DOTALL)
DESCRIBED = 3
"""Keys below a turn that a path tells, such as `tool_calls[*].function.arguments`."""


class _Strings(NamedTuple):
    """The strings of one role and path while they are collected."""

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
        self._whole = binding.path.removesuffix(EACH)
        self._each = self._whole + EACH
        self._found: dict[tuple[str, str], _Strings] = {}
        self._leaves: dict[tuple[bool, str], str] = {}
        self.beside = Beside()
        """Parts that hold no text, fields that are not read."""

    def read(self, values: Iterable[tuple[int, Any]]) -> None:
        """Take the (record, value) pairs of the field: chats in any form, or with a deep binding anything."""
        if self._binding.deep:
            for row, value in values:
                for sub, held in enumerate(deep(value, "", self.beside)):
                    self._add(
                        (held.role or self._binding.fallback, joined(self._whole, held.leaf)),
                        held.text,
                        (row, -1, 0, sub),
                    )
            return
        for row, value in values:
            if isinstance(value, str):
                chat = chat_in(value)
                if chat is None:
                    self._said_in(row, value)
                else:
                    self._elements(row, chat)
            elif isinstance(value, list):
                self._elements(row, value)
            elif isinstance(value, dict):
                listed = turns_of_lists(value)
                if listed is None:
                    self._turn(row, -1, value)
                else:
                    self._elements(row, listed)

    def _elements(self, row: int, chat: list[Any]) -> None:
        for place, turn in enumerate(chat):
            if isinstance(turn, dict):
                self._turn(row, place, turn)
            elif turn is not None:
                self._odd(row, place, turn)

    def _turn(self, row: int, place: int, turn: Record) -> None:
        keys = keys_of(tuple(turn))
        if keys.plain is not None and self._plain(row, place, turn, keys.plain):
            return
        if keys.pair:
            self._pair(row, place, [(who, step(key), turn[key]) for who, key in keys.pair])
            self._leave(turn, keys)
            return
        name = speaker_of(turn, keys)
        self._turns.add(row, turn_code(name), self._chat, laden=is_laden(turn, keys))
        role, path = turn_role(name), self._whole if place < 0 else self._each
        for sub, held in enumerate(strings_of(turn, keys, self.beside)):
            self._add((held.role or role, joined(path, held.leaf)), held.text, (row, place, 0, sub))

    def _plain(self, row: int, place: int, turn: Record, fields: tuple[str, str]) -> bool:
        """Take a turn that is a role known as it is written and one string; False where it is not."""
        who, text = turn[fields[0]], turn[fields[1]]
        role = TURN_ROLES.get(who) if isinstance(who, str) else None
        if role is None or not isinstance(text, str):
            return False
        self._turns.add(row, ROLE_CODE[role], self._chat, laden=False)
        self._add((role, self._leaf(place, fields[1])), text, (row, place, 0, 0))
        return True

    def _leaf(self, place: int, key: str) -> str:
        """The path of a field of a turn."""
        at = (place < 0, key)
        path = self._leaves.get(at)
        if path is None:
            path = self._leaves[at] = joined(self._whole if place < 0 else self._each, step(key))
        return path

    def _pair(self, row: int, place: int, said: list[tuple[str, str, Any]]) -> None:
        """An element that holds a prompt and its response: (who, path, value)."""
        sub, path = 0, self._whole if place < 0 else self._each
        for who, leaf, value in said:
            if value is not None:
                self._turns.add(row, turn_code(who), self._chat, laden=not isinstance(value, str))
            for at, text in below(value, leaf):
                self._add((turn_role(who), joined(path, at)), text, (row, place, 0, sub))
                sub += 1

    def _leave(self, turn: Record, keys: Keys) -> None:
        self.beside.unread.update(key for key in keys.others if holds_text(turn[key]))
        self.beside.masks.update(key for key in keys.masks if turn[key] is not None)

    def _odd(self, row: int, place: int, turn: Any) -> None:
        """An element that is no object: `[who, text]`, `[prompt, response]`, or strings without a role."""
        if self._binding.talk and isinstance(turn, str):
            # Who speaks is taken for granted, so nothing is claimed of the order of turns.
            self._add((("prompt", "response")[place % 2], self._each), turn, (row, place, 0, 0))
            return
        if (
            isinstance(turn, list)
            and len(turn) == 2
            and all(one is None or isinstance(one, str) for one in turn)
        ):
            who = turn[0].strip().lower() if turn[0] is not None else ""
            named = [(who, "[1]", turn[1])] if who in TURN_ROLES else None
            self._pair(row, place, named or [("user", "[0]", turn[0]), ("assistant", "[1]", turn[1])])
            return
        texts = list(below(turn, ""))
        if not texts:
            self.beside.skip("number")
            return
        self._turns.add(row, turn_code(None), self._chat, laden=False)
        for sub, (leaf, text) in enumerate(texts):
            self._add((turn_role(None), joined(self._each, leaf)), text, (row, place, 0, sub))

    def _said_in(self, row: int, text: str) -> None:
        """A string that may be a dialogue."""
        said = split_rendered(text)[1] if self._binding.declared else split_dialogue(text)
        if not said:
            self._add((self._binding.fallback, self._whole), text, (row, -1, 0, 0))
            return
        for sub, one in enumerate(said):
            self._turns.add(row, turn_code(one.name), self._chat, laden=False)
            self._add(
                (turn_role(one.name), self._whole), text[one.start : one.end], (row, -1, one.start, sub)
            )

    def _add(self, key: tuple[str, str], text: str, at: tuple[int, int, int, int]) -> None:
        strings = self._found.get(key)
        if strings is None:
            strings = self._found[key] = _Strings([], [], [], [], [])
        texts, rows, places, starts, subs = strings
        row, place, start, sub = at
        texts.append(text)
        rows.append(row)
        places.append(place)
        starts.append(start)
        subs.append(sub)

    def finish(self) -> set[tuple[str, str]]:
        """Hand over what was collected; returns the (role, path) pairs that were seen."""
        for (role, path), strings in self._found.items():
            place = Place(
                np.asarray(strings.rows, np.int64),
                np.asarray(strings.places, np.int64),
                np.asarray(strings.starts, np.int64),
                np.asarray(strings.subs, np.int64),
            )
            self._builder.add(self._binding, strings.texts, place, role=role, path=path)
        if self._binding.deep:
            return {(role, self._whole) for role, _ in self._found}
        return {(role, self._described(path)) for role, path in self._found}

    def _described(self, path: str) -> str:
        """A path as the report names it: parts without their number, and no keys of what a tool is called with."""
        told = _NUMBER.sub("[*]", path)
        if not told.startswith(self._each):
            return told
        keys = _KEY.findall(told[len(self._each) :])
        return self._each + "".join(keys[:DESCRIBED])

    def masked(self) -> set[str]:
        """What there is to say of turns that are marked as not trained on."""
        return mask_notes(self._each, self.beside.masks)

    def unread(self) -> set[str]:
        """Paths of the fields of turns that hold strings and are not read."""
        return {joined(self._each, step(key)) for key in self.beside.unread}


def mask_notes(path: str, masks: set[str]) -> set[str]:
    """What there is to say of fields that mark turns as trained on or not."""
    return {
        f"{joined(path, step(key))} says which turns are trained on; all turns are searched" for key in masks
    }
