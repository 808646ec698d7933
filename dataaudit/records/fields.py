"""The fields of a record while a layout is sought among them."""

from __future__ import annotations

from collections.abc import Sequence

from dataaudit.records.bindings import STRINGS, TEXTUAL, TURNS, Binding, FieldKind, Layout, Places
from dataaudit.records.fieldnames import LABELS, TOOLS, noun, stem
from dataaudit.records.paths import EACH
from dataaudit.records.paths import render as render_path
from dataaudit.records.shapes import TEXT, Shapes


class Fields:
    """The fields of a record by lower-case name, and the bindings chosen so far."""

    def __init__(self, fields: Sequence[FieldKind], shapes: Shapes = ()) -> None:
        self.all = fields
        self.shapes = dict(shapes)
        self.by_name: dict[str, FieldKind] = {}
        for one in fields:
            self.by_name.setdefault(one.name.lower(), one)
        self.bindings: list[Binding] = []
        self.places = Places()
        self.used: set[str] = set()
        self.notes: list[str] = []

    def first(self, names: Sequence[str], kinds: str) -> FieldKind | None:
        """The first field of these names that has one of these kinds and is not bound yet."""
        for name in names:
            found = self.by_name.get(name)
            if found is not None and found.kind in kinds and found.name not in self.used:
                return found
        return None

    def every(self, names: Sequence[str], kinds: str) -> list[FieldKind]:
        """All fields of these names that have one of these kinds and are not bound yet, in the order of the names."""
        found = [self.by_name[name] for name in names if name in self.by_name]
        return [one for one in found if one.kind in kinds and one.name not in self.used]

    def called(self, meaning: str, kinds: str) -> list[FieldKind]:
        """The fields whose name says that by its last word, by name; none that is bound yet."""
        return sorted(
            one
            for one in self.all
            if one.kind in kinds and one.name not in self.used and noun(one.name) == meaning
        )

    def numbered(self, names: Sequence[str], kinds: str) -> list[FieldKind]:
        """Two fields or more that are one of these names and a number or letter each, by name."""
        found: dict[str, list[FieldKind]] = {}
        for one in sorted(self.all):
            if one.kind in kinds and one.name not in self.used and (base := stem(one.name)) is not None:
                found.setdefault(base, []).append(one)
        return [
            one for base in sorted(found) if base in names and len(found[base]) > 1 for one in found[base]
        ]

    def bind(
        self,
        found: FieldKind | None,
        role: str | None,
        *,
        by_name: bool = False,
        fallback: str = "text",
        talk: bool = False,
    ) -> None:
        """Bind a field to a role (None: turns); `by_name` if its place among others of the role is to depend on it.

        Of an object that is not turns every string is read: under the role, or the one that a turn below it names.
        """
        if found is None:
            return
        key = render_path((found.name,))
        path = key + EACH if found.kind in "ltvq" else key
        deep = found.kind == "o"
        bound = None if deep else role
        place = self.places.take(bound, found.name if by_name else None)
        self.bindings.append(
            Binding(path, bound, place, role if deep and role else fallback, deep=deep, talk=talk)
        )
        self.used.add(found.name)

    def bind_either(self, found: FieldKind | None, role: str) -> None:
        """Bind a field that may hold a string or turns."""
        if found is not None:
            self.bind(found, None if found.kind in TURNS else role)

    def bind_more(self, meanings: Sequence[str], role: str) -> None:
        """Bind the strings that stand beside what was recognised and whose names say what they are."""
        for meaning in meanings:
            for one in self.called(meaning, "sl"):
                self.bind(one, role, by_name=True)

    def is_text(self, one: FieldKind) -> bool:
        """Do the strings of the column read as text, whatever its name promises?"""
        return one.kind == "s" and self.shapes.get(one.name) == TEXT

    def labels(self) -> list[FieldKind]:
        """The fields that are labels by their kind or their name, and are not bound yet, by name."""
        return sorted(
            one
            for one in self.all
            if one.name not in self.used
            and (
                one.kind == "c"
                or (one.name.lower() in LABELS and one.kind in "nsil" and not self.is_text(one))
            )
        )

    def layout(self, name: str, *, response: bool) -> Layout:
        """The layout, with tools and label columns bound and unread string columns listed."""
        if any(one.role in ("prompt", "response", None) for one in self.bindings):
            for tools in self.every(TOOLS, "slo"):
                self.bind(tools, "tool", by_name=True)
        for one in self.labels():
            self.bind(one, "label", by_name=True)
        unread = tuple(one.name for one in self.all if one.kind in TEXTUAL and one.name not in self.used)
        return Layout(name, tuple(self.bindings), response, unread, tuple(self.notes))


EITHER = STRINGS + TURNS
"""Kinds of a field that may hold a string or turns."""
