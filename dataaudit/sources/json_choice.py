"""Which records of a JSON object are read: those of one array, of several, of all of its values, or the object.

See `json_survey` for the order in which this is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import orjson

from dataaudit.records.bindings import FieldKind
from dataaudit.records.kinds import kind_of
from dataaudit.records.layouts import detect
from dataaudit.records.paths import render
from dataaudit.records.types import Part
from dataaudit.sources.json import seek
from dataaudit.sources.json_encoding import is_plain_json, open_json
from dataaudit.sources.json_keyed import MANY, by_column, by_key
from dataaudit.sources.json_members import Member, Members, members_of, never
from dataaudit.sources.json_scan import ARRAY, Cutter

NO_RECORDS = "a JSON document without records"
BY_COLUMN = "a table written column by column; write it by rows (pandas: to_json(orient='records'))"
KEYED = "the records are the values of the document's keys; the keys are not searched"

_FIRST = re.compile(rb"[^ \t\r\n]")

SplitOf = Callable[[str], str | None]
"""The split a key names, in the Hub's words, or None."""


@dataclass(frozen=True)
class Records:
    """Records of a document that are read as one source."""

    part: Part
    split: str | None = None
    nbytes: int = 0
    """Its share of the bytes on disk."""


class Survey(msgspec.Struct, frozen=True):
    """What a file is."""

    kind: str
    """`lines`, `document`, or `none` for one that holds no records."""
    parts: tuple[Records, ...] = ()
    """The arrays of a document that are read, in order; none where all of it is."""
    reason: str | None = None
    """Why there are no records."""
    choice: bool = False
    """Are there records, but which is for the user to say?"""


LINES, DOCUMENT = Survey("lines"), Survey("document")


def keyed(at: int, line: int, path: str = "") -> Survey:
    """The records are the values of an object, whose bracket is before `at`."""
    return Survey("document", (Records(Part(path, at, line, notes=(KEYED,), keyed=True)),))


def members_at(path: Path, at: int, line: int, *, whole: bool) -> Members:
    """The members of an object; without `whole` those that tell that all of them are records are enough."""
    with open_json(path) as stream:
        seek(stream, path, at)
        return members_of(stream, at, line, MANY, never if whole else by_key)


def without(steps: Sequence[str]) -> Survey:
    """There is nothing under the path that was asked for."""
    return Survey("none", reason=f"no records under {render(tuple(steps))}")


class Document:
    """An object with what can be known of it without holding it."""

    def __init__(
        self, path: Path, members: Sequence[Member], total: int, damage: str | None, split_of: SplitOf
    ) -> None:
        self._path = path
        self._members = members
        self._total = total
        self._damage = damage
        self._split_of = split_of
        self._holds = {one.key: _holds(one) for one in members}

    def splits(self) -> Survey | None:
        """Arrays of records under the names of splits, or under every key."""
        rows = [one for one in self._members if self._holds[one.key] in ("records", "turns", "arrays")]
        names = [one for one in rows if self._split_of(one.key) is not None]
        usual = [one for one in rows if self._holds[one.key] == "records"]
        every = len(usual) > 1 and all(self._holds[one.key] in ("records", "empty") for one in self._members)
        if not names and not every:
            return None
        if not names and len(usual) > MANY:
            keys = ", ".join(render((one.key,)) for one in usual[:3])
            said = f"records under {len(usual):,} keys ({keys}, …); name one with --field, or write one array"
            return Survey("none", reason=said, choice=True)
        # Beside the name of a split any array of records or rows is a split, and an empty one is an empty split.
        taken = [one for one in self._members if one in rows or self._holds[one.key] == "empty"]
        notes = self._left(taken)
        return self._survey(
            [self._records(one, (one.key,), self._split_of(one.key) or one.key, notes) for one in taken]
        )

    def record(self) -> Survey | None:
        """The object is a record itself: its keys are those of a known layout of text."""
        if not self._is_record():
            return None
        notes = tuple(
            f"read as one record; --field {render((one.key,))} reads the objects under that key instead"
            for one in self._members
            if self._holds[one.key] == "records"
        )
        return Survey("document", (Records(Part("", 0, 1, notes=notes)),)) if notes else DOCUMENT

    def keyed(self, at: int, line: int) -> Survey | None:
        """The values of all keys are records, or a table column by column, which cannot be read row by row."""
        if by_column(self._members):
            return Survey("none", reason=BY_COLUMN, choice=True)
        return keyed(at, line) if by_key(self._members) else None

    def arrays(self, *, lone: bool) -> Survey | None:
        """The only array of objects; of several none is chosen.

        In a folder arrays without text do not count: many a log or settings file has one.
        """
        found = [
            one
            for one in self._members
            if self._holds[one.key] == "records" and (lone or self._damage or _has_text(one))
        ]
        if len(found) > 1:
            keys = ", ".join(render((one.key,)) for one in found)
            return Survey(
                "none", reason=f"records under several keys ({keys}); name one with --field", choice=True
            )
        if not found:
            rows = [render((one.key,)) for one in self._members if self._holds[one.key] == "arrays"]
            if not rows:
                return None
            return Survey("none", reason=f"rows without names; --field {rows[0]} reads them", choice=True)
        key = render((found[0].key,))
        notes = (f"the records are read from under the key {key}", *self._left(found))
        return self._survey([self._records(found[0], (found[0].key,), self._split_of(key), notes)])

    def other(self, *, lone: bool) -> Survey:
        """An object that is a record only because there is nothing else in the file."""
        return DOCUMENT if lone or self._damage else Survey("none", reason=NO_RECORDS)

    def under(self, steps: Sequence[str]) -> Survey:
        """The array, or object of records, under a path of keys."""
        members, member = self._members, None
        for i, step in enumerate(steps):
            member = next((one for one in members if one.key == step), None)
            if member is None or (i + 1 < len(steps) and member.kind != "object"):
                return without(steps)
            if i + 1 < len(steps):
                members = members_at(self._path, member.start, member.line, whole=True).members
        assert member is not None  # a path has a step
        if member.kind == "object" and by_key(
            members_at(self._path, member.start, member.line, whole=False).members
        ):
            return keyed(member.start, member.line, render(tuple(steps)))
        if member.kind != "array":
            return without(steps)
        return self._survey([self._records(member, steps, self._split_of(steps[-1]), ())])

    def _is_record(self) -> bool:
        kinds = {"string": "s", "integer": "i", "float": "f", "null": "n", "object": "d"}
        fields = tuple(
            FieldKind(one.key, _list_kind(one) if one.kind == "array" else kinds[one.kind])
            for one in self._members
        )
        layout = detect(fields)
        return layout.readable and layout.name != "unknown-columns"

    def _left(self, taken: Sequence[Member]) -> tuple[str, ...]:
        keys = [render((one.key,)) for one in self._members if one not in taken]
        return (f"keys beside the records are not read: {', '.join(keys)}",) if keys else ()

    def _records(
        self, member: Member, steps: Sequence[str], split: str | None, notes: tuple[str, ...]
    ) -> Records:
        arrays = self._holds.get(member.key, _holds(member)) == "arrays"
        part = Part(render(tuple(steps)), member.start, member.line, arrays, notes, self._damage)
        end = member.end if member.end is not None else self._total
        return Records(part, split, max(end - member.start, 0))

    def _survey(self, records: list[Records]) -> Survey:
        """Sizes become shares of the bytes on disk."""
        if is_plain_json(self._path):
            return Survey("document", tuple(records))
        disk = self._path.stat().st_size
        return Survey(
            "document",
            tuple(replace(one, nbytes=disk * one.nbytes // max(self._total, 1)) for one in records),
        )


def _holds(member: Member) -> str:
    """What an array holds, by its first element: `records`, `turns` of a chat, `arrays`, `empty` or `other`."""
    if member.kind != "array":
        return "other"
    found = _FIRST.search(member.head)
    first = found.group() if found else b""
    if first == b"{":
        return "turns" if kind_of([_first_value(member.head)]) in "tv" else "records"
    return {b"[": "arrays", b"]": "empty"}.get(first, "other")


def _has_text(member: Member) -> bool:
    """Has the first object of an array any string that is read? One that is too long to tell is taken to have."""
    first = _first_value(member.head)
    return (
        first is None
        or detect(tuple(FieldKind(key, kind_of(value)) for key, value in first.items())).readable
    )


def _first_value(head: bytes) -> Any:
    """The first element of an array, or None where it is longer than the head, or broken."""
    cut = Cutter(0, closes=ARRAY).feed(head)
    try:
        return orjson.loads(cut.texts(0, 1)[0]) if cut is not None and cut.spans else None
    except orjson.JSONDecodeError:
        return None


def _list_kind(member: Member) -> str:
    """The kind letter of an array (see `bindings`), as its first element has it."""
    if _holds(member) == "empty":
        return "e"
    return kind_of([_first_value(member.head)])
