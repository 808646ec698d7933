"""What a layout is made of: the kinds of fields it is detected by, and the fields it reads with their roles."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from dataaudit.records.types import NUMBER, LayoutNote

# Kinds of a field, one letter each: s string, n null, i integer or boolean, c class label, f float, d object without
# text, t turns with role/content, v turns with from/value, q an object of lists that are turns, m an object that is one
# turn, j a string that is a chat written as JSON, l list of strings, k list of integers, e empty list, o an object or
# list with text somewhere in it, b bytes that no name calls text, x anything else. A struct of strings under a known
# name is "d:" and its keys.
STRINGS = "sln"
TURNS = "tvqmj"
TEXTUAL = frozenset("slob" + TURNS)
"""Kinds that hold text, or may: where no role reads them, the report says so."""
CHAT = "chat"
"""Stands in `--columns` for a role: the field holds whole chats, whose turns say which role each text has."""


class FieldKind(NamedTuple):
    """Name and kind of a top-level field."""

    name: str
    kind: str


class Binding(msgspec.Struct, frozen=True):
    """A field that is read. `role` None: the turns of the list say which role each string has."""

    path: str
    role: str | None
    rank: int
    """Place among the bindings; high bits of the ordinal of its strings. See `_Places`."""
    fallback: str = "text"
    """For turns: the role of a string that turns out to be no dialogue."""
    declared: bool = False
    """Was it named as a chat in `--columns`? Then a string may be a chat rendered by a template."""
    deep: bool = False
    """Is every string below it read, as nobody knows its shape?"""
    talk: bool = False
    """Is it a list of strings that two say in turn, the first of them asking?"""
    speaker: str | None = None
    """For a record that is one turn: the column that says who speaks."""

    @property
    def is_turns(self) -> bool:
        """Is this a chat in any form, or something else whose parts say what role they have?"""
        return self.role is None


@dataclass(frozen=True, slots=True)
class Layout:
    """A detected or declared layout."""

    name: str
    bindings: tuple[Binding, ...]
    expects_response: bool
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fields: tuple[FieldKind, ...] = ()
    """The fields it was detected in, and the overrides and shapes given: what `with_chats` needs."""
    overrides: tuple[tuple[str, str], ...] = ()
    shapes: tuple[tuple[str, str], ...] = ()

    @property
    def readable(self) -> bool:
        """Does it bind anything but labels?"""
        return any(binding.role != "label" for binding in self.bindings)

    @property
    def chats(self) -> list[Binding]:
        """Its bindings of turns, in order."""
        return [binding for binding in self.bindings if binding.is_turns]

    def describe(
        self,
        turns: Sequence[tuple[str, str]] = (),
        unread: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> LayoutNote:
        """The layout in words, with what was seen in turns: (role, path) pairs, unread fields, remarks."""
        plain = [(binding.role, binding.path) for binding in self.bindings if binding.role is not None]
        return LayoutNote(self.name, (*plain, *turns), (*self.unread, *unread), (*self.notes, *notes))


class Places:
    """The places of bindings: by role, then by number within the role, so that fields a record lacks move nothing.

    Fields that are one of many (unknown columns, labels) are numbered by a hash of their names: the order of the keys
    of a JSON object says nothing.
    """

    ORDER: tuple[str | None, ...] = ("system", "prompt", None, "response", "text", "tool", "label", NUMBER)
    BITS = 16

    def __init__(self, taken: Iterable[int] = ()) -> None:
        self._taken = set(taken)

    def take(self, role: str | None, name: str | None = None) -> int:
        """The next place of a role, or the place of a name in it."""
        start = self.ORDER.index(role) << self.BITS
        within = 0 if name is None else zlib.crc32(name.encode("utf-8", "surrogatepass")) >> self.BITS
        while start + within in self._taken:
            within = (within + 1) % (1 << self.BITS)
        self._taken.add(start + within)
        return start + within
