"""Layouts: what shape a record has, and which of its fields play which role.

Detection looks at names and kinds of the top-level fields only, so it is the same for every batch and every worker.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from dataaudit.records.bindings import CHAT, TEXTUAL, Binding, FieldKind, Layout, Places
from dataaudit.records.paths import parse
from dataaudit.records.recognisers import recognise
from dataaudit.records.shapes import Shapes

Overrides = tuple[tuple[str, str], ...]
"""(role, path) pairs as given with --columns."""


@lru_cache(maxsize=4096)
def detect(fields: tuple[FieldKind, ...], overrides: Overrides = (), shapes: Shapes = ()) -> Layout:
    """The layout of records with these fields. Overrides replace what was detected for the roles they name.

    `shapes`: what the strings of columns look like whose names do not say it.
    """
    found = _detect(fields, overrides, shapes)
    return replace(found, fields=fields, overrides=overrides, shapes=shapes)


def with_chats(layout: Layout, names: tuple[str, ...]) -> Layout:
    """The layout of the records of a table in which these string fields hold chats written as JSON."""
    if not names:
        return layout
    other = detect(
        tuple(FieldKind(one.name, "j") if one.name in names else one for one in layout.fields),
        layout.overrides,
        layout.shapes,
    )
    own = detect(
        layout.fields, layout.overrides, layout.shapes
    ).notes  # what the reader of the file has noted stays
    return replace(other, notes=(*(note for note in layout.notes if note not in own), *other.notes))


def _detect(fields: tuple[FieldKind, ...], overrides: Overrides, shapes: Shapes) -> Layout:
    base = recognise(fields, shapes)
    if not overrides:
        return base
    kept = _kept(base, overrides)
    places = Places(b.rank for b in kept)
    ranked = [*kept, *(_declared(role, path, places) for role, path in overrides)]
    present = {one.name for one in fields}
    bindings = tuple(binding for binding in ranked if parse(binding.path)[0] in present)
    tops = {parse(binding.path)[0] for binding in bindings}
    unread = tuple(one.name for one in fields if one.kind in TEXTUAL and one.name not in tops)
    response = any(binding.role in ("response", None) and not binding.deep for binding in bindings)
    name = (base.name if kept else "custom") if bindings else "none"
    if any(binding.declared for binding in bindings):
        name = "messages"
    return Layout(name, bindings, response, unread)


def _kept(base: Layout, overrides: Overrides) -> list[Binding]:
    """What was detected and stays beside what was named."""
    named = {role for role, _ in overrides}
    if CHAT in named:  # a chat is the whole of it
        return [b for b in base.bindings if b.role in ("system", "label") and b.role not in named]
    if base.name == "unknown-columns" and named != {"label"}:
        return []
    if not named - {"label", "system"}:
        return [b for b in base.bindings if b.role not in named]
    return [b for b in base.bindings if b.role is not None and b.role not in named]


def _declared(role: str, path: str, places: Places) -> Binding:
    if role == CHAT:
        return Binding(path, None, places.take(None), declared=True)
    return Binding(path, role, places.take(role))
