"""The shapes records have, as an ordered list of recognisers over the names and kinds of their fields.

The first that fits wins, and what it passed over is said in notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dataaudit.records.bindings import STRINGS, TEXTUAL, TURNS, Binding, FieldKind, Layout, Places
from dataaudit.records.fieldnames import (
    ANSWERS,
    CONTEXTS,
    HISTORY,
    LABELS,
    PROMPTS,
    RESPONSES,
    SEVERAL,
    SUMMARIES,
    SYSTEM,
    TEXTS,
    TOKENS,
    TURN_COLUMNS,
)
from dataaudit.records.paths import EACH
from dataaudit.records.paths import render as render_path


class _Fields:
    """The fields of a record by lower-case name, and the bindings chosen so far."""

    def __init__(self, fields: Sequence[FieldKind]) -> None:
        self.all = fields
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

    def bind(
        self, found: FieldKind | None, role: str | None, *, by_name: bool = False, fallback: str = "text"
    ) -> None:
        """Bind a field to a role (None: turns); `by_name` if its place among others of the role is to depend on it."""
        if found is None:
            return
        key = render_path((found.name,))
        path = key + EACH if found.kind in "ltvq" else key
        place = self.places.take(role, found.name if by_name else None)
        self.bindings.append(Binding(path, role, place, fallback, deep=found.kind == "o"))
        self.used.add(found.name)

    def bind_either(self, found: FieldKind | None, role: str) -> None:
        """Bind a field that may hold a string or turns."""
        if found is not None:
            self.bind(found, None if found.kind in TURNS else role)

    def layout(self, name: str, *, response: bool) -> Layout:
        """The layout, with label columns bound and unread string columns listed."""
        labels = [
            one for one in self.all if one.kind == "c" or (one.name.lower() in LABELS and one.kind in "nsil")
        ]
        labels = [one for one in labels if one.name not in self.used]
        for one in sorted(labels, key=lambda label: label.name):
            self.bind(one, "label", by_name=True)
        unread = tuple(one.name for one in self.all if one.kind in TEXTUAL and one.name not in self.used)
        return Layout(name, tuple(self.bindings), response, unread, tuple(self.notes))


def _preference(fields: _Fields) -> Layout | None:
    either = STRINGS + TURNS + "e"
    chosen, rejected = fields.first(("chosen",), either), fields.first(("rejected",), either)
    if chosen is None or rejected is None:
        return None
    fields.bind(fields.first(SYSTEM, "s"), "system")
    prompt = fields.first(PROMPTS, STRINGS + TURNS)
    fields.bind_either(prompt, "prompt")
    for one in (chosen, rejected):
        # A string may be a whole dialogue, so what is no list of strings is read as turns.
        fields.bind(one, "response" if one.kind == "l" else None, fallback="response")
    return fields.layout("preference", response=True)


def _messages(fields: _Fields) -> Layout | None:
    found = [f for name in TURN_COLUMNS if (f := fields.by_name.get(name)) is not None and f.kind in TURNS]
    if not found:
        found = [
            f for name in TURN_COLUMNS[:2] if (f := fields.by_name.get(name)) is not None and f.kind in "en"
        ]
        others = fields.first(TEXTS + PROMPTS + RESPONSES, "s")
        if not found or others is not None:
            return None
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        fields.notes.append(f"several columns hold turns ({names}); {found[0].name} is read")
    fields.bind(fields.first(SYSTEM, "s"), "system")
    fields.bind(found[0], None if found[0].kind in TURNS else "prompt")
    return fields.layout("messages", response=True)


def _pair(fields: _Fields) -> Layout | None:
    prompt = fields.first(PROMPTS, STRINGS + TURNS)
    response = fields.first(RESPONSES, STRINGS + TURNS)
    if prompt is None:
        return None
    label_answer = fields.first(RESPONSES, "c") if response is None else None
    if response is None and label_answer is None:
        return None
    fields.bind(fields.first(SYSTEM, "s"), "system")
    fields.bind_either(prompt, "prompt")
    fields.bind(fields.first(CONTEXTS, STRINGS), "prompt")
    earlier = fields.first(HISTORY, "ot")
    if earlier is not None:
        fields.bind(FieldKind(earlier.name, "t"), None)
    if response is not None:
        fields.bind_either(response, "response")
        second = fields.first(RESPONSES, "s")
        if second is not None:
            fields.notes.append(
                f"{response.name} and {second.name} could both be the response; {response.name} is read"
            )
    return fields.layout(_pair_name(prompt.name.lower(), response), response=response is not None)


def _pair_name(prompt: str, response: FieldKind | None) -> str:
    if prompt == "instruction":
        return "instruction"
    if prompt in ("question", "query", "problem"):
        return "question-answer"
    if response is not None and response.name.lower().startswith("completion"):
        return "prompt-completion"
    return "prompt-response"


def _several(fields: _Fields) -> Layout | None:
    """A prompt and several responses: in columns that are numbered or lettered, or in a list of objects."""
    prompt = fields.first((*PROMPTS, *HISTORY), STRINGS + TURNS)
    several = [one for one in fields.all if SEVERAL.fullmatch(one.name) and one.kind in "sl" + TURNS]
    listed = fields.first(ANSWERS, "o" + TURNS) if len(several) < 2 else None
    if prompt is None or (len(several) < 2 and listed is None):
        return None
    fields.bind(fields.first(SYSTEM, "s"), "system")
    fields.bind_either(prompt, "prompt")
    fields.bind(fields.first(CONTEXTS, STRINGS), "prompt")
    for one in sorted(several if listed is None else [listed]):
        chat = one.kind in TURNS + "o"
        fields.bind(one, None if chat else "response", by_name=True, fallback="response")
    return fields.layout("several-responses", response=True)


def _text(fields: _Fields) -> Layout | None:
    text = fields.first(TEXTS, STRINGS)
    if text is None:
        return None
    fields.bind(text, "text")
    fields.bind(fields.first(SUMMARIES, "s"), "response")
    layout = fields.layout("text", response=False)
    if any(binding.role == "label" for binding in layout.bindings):
        return Layout("labelled", layout.bindings, False, layout.unread, layout.notes)
    return layout


def _prompt_only(fields: _Fields) -> Layout | None:
    prompt = fields.first(PROMPTS, STRINGS + TURNS)
    if prompt is None:
        return None
    fields.bind_either(prompt, "prompt")
    fields.bind(fields.first(CONTEXTS, STRINGS), "prompt")
    return fields.layout("prompt", response=False)


def _translation(fields: _Fields) -> Layout | None:
    found = next((one for one in fields.all if one.kind.startswith("d:")), None)
    if found is None:
        return None
    for key in found.kind[2:].split(","):
        path = render_path((found.name, key))
        fields.bindings.append(Binding(path, "text", fields.places.take("text")))
    fields.used.add(found.name)
    return fields.layout("translation", response=False)


def _fallback(fields: _Fields) -> Layout | None:
    names = {one.name for one in fields.all if one.name.lower() in LABELS}
    columns = [one for one in fields.all if one.kind in "sl" and one.name not in names]
    turns = [one for one in fields.all if one.kind in TURNS or one.kind == "o"]
    for one in sorted(turns):
        fields.bind(one, None, by_name=True)
    for one in sorted(columns):
        fields.bind(one, "text", by_name=True)
    if not columns and not turns:
        ids = [one.name for one in fields.all if one.kind == "k"]
        if ids:
            fields.notes.append(
                f"only token ids ({', '.join(ids)}) and no text: decode them to have them searched"
            )
        return fields.layout("none", response=False)
    tokens = [one.name for one in fields.all if one.kind == "k" and one.name.lower() in TOKENS]
    if tokens:
        fields.notes.append(f"token ids ({', '.join(tokens)}) are no text: decode them to have them searched")
    listed = ", ".join(one.name for one in fields.all if one in turns or one in columns)
    fields.notes.append(
        f"no known column names; every string column is read as text ({listed}); name roles with --columns"
    )
    return fields.layout("unknown-columns", response=False)


RECOGNISERS: tuple[Callable[[_Fields], Layout | None], ...] = (
    _preference,
    _messages,
    _pair,
    _several,
    _text,
    _prompt_only,
    _translation,
    _fallback,
)


def recognise(fields: Sequence[FieldKind]) -> Layout:
    """The layout of records with these fields: that of the first recogniser that fits."""
    return next(found for one in RECOGNISERS if (found := one(_Fields(fields))) is not None)
