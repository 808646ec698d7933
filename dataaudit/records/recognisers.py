"""The shapes records have, as an ordered list of recognisers over the names and kinds of their fields.

The first that fits wins, and what it passed over is said in notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dataaudit.records.bindings import STRINGS, TURNS, Binding, FieldKind, Layout
from dataaudit.records.fieldnames import (
    ANSWERS,
    CHOICES,
    COMPARED,
    CONTEXTS,
    HISTORY,
    INSTANCES,
    LABELS,
    PREFERENCES,
    PROMPTS,
    RESPONSES,
    SEVERAL,
    SUMMARIES,
    SYSTEM,
    TEXTS,
    TOKENS,
    TURN_COLUMNS,
    TWO_SPEAKERS,
    stem,
)
from dataaudit.records.fields import EITHER, Fields
from dataaudit.records.paths import render as render_path
from dataaudit.records.shapes import FEW_VALUES, TEXT, Shapes

ASIDE = ("response", "thought")
"""What names beside a chat or a response may say for the column to be read as a response too (see `NOUNS`)."""


def _preference(fields: Fields) -> Layout | None:
    chosen, rejected = (fields.first((name,), EITHER + "e") for name in PREFERENCES)
    if chosen is None or rejected is None:
        return None
    fields.bind(fields.first(SYSTEM, "s"), "system")
    prompt = _prompt(fields)
    fields.bind_either(prompt, "prompt")
    if prompt is None:
        fields.bind(fields.first(TURN_COLUMNS, TURNS) or _shared(fields), None)
    for one in (chosen, rejected):
        # A string may be a whole dialogue, so what is no list of strings is read as turns.
        fields.bind(one, "response" if one.kind == "l" else None, fallback="response")
    fields.bind_more(ASIDE, "response")
    return fields.layout("preference", response=True)


def _messages(fields: Fields) -> Layout | None:
    found = [f for name in TURN_COLUMNS if (f := fields.by_name.get(name)) is not None and f.kind in TURNS]
    lettered = fields.numbered([one.rstrip("s") for one in TURN_COLUMNS], TURNS) if not found else []
    if not found and not lettered:
        found = [one for one in [_shared(fields)] if one is not None]
    if not found and not lettered:
        return _talk(fields)
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        fields.notes.append(f"several columns hold turns ({names}); {found[0].name} is read")
    fields.bind(fields.first(SYSTEM, "so"), "system")
    for one in lettered or found[:1]:
        fields.bind(one, None, by_name=bool(lettered))
    fields.bind_more(ASIDE, "response")
    return fields.layout("messages", response=True)


def _shared(fields: Fields) -> FieldKind | None:
    """Turns of `from` and `value`, which are turns under any name."""
    return next((one for one in fields.all if one.kind == "v" and one.name.lower() not in PREFERENCES), None)


def _talk(fields: Fields) -> Layout | None:
    """A chat that is no list of turns: a list of strings, said by two in turn; nothing yet; one turn a record."""
    turn, said = fields.first(("role",), "s"), fields.first(("text", "content"), "s")
    others = fields.first((*PROMPTS, *RESPONSES), EITHER)
    if turn is not None and said is not None and others is None:
        place = fields.places.take(None)
        fields.bindings.append(Binding(render_path((said.name,)), None, place, speaker=turn.name))
        fields.used |= {turn.name, said.name}
        return fields.layout("messages", response=False)
    found = fields.first(TWO_SPEAKERS, "l") or fields.first(TURN_COLUMNS[:2], "en")
    if found is None or fields.first(TEXTS + PROMPTS + RESPONSES, "s") is not None:
        return None
    fields.bind(fields.first(SYSTEM, "s"), "system")
    fields.bind(found, None if found.kind == "l" else "prompt", talk=found.kind == "l")
    return fields.layout("messages", response=True)


def _prompt(fields: Fields) -> FieldKind | None:
    """What is asked, by its name or the last word of it."""
    found = fields.first(PROMPTS, EITHER)
    if found is not None and (found.name.lower() != "user" or "assistant" in fields.by_name):
        return found
    return next(iter(fields.called("prompt", STRINGS)), None)


def _response(fields: Fields, used: FieldKind) -> FieldKind | None:
    """What is answered, by its name or the last word of it; where nothing is, a label that reads as text.

    Then what stands beside a thought that led to it, and a query beside the question that it puts in other words.
    """
    label = next(
        (one for one in sorted(fields.all) if one.name.lower() in LABELS and fields.is_text(one)), None
    )
    named = fields.first(RESPONSES, EITHER)
    thoughts = fields.called("thought", "sl")
    led_to = fields.first(("content", "text"), "s") if thoughts else None
    put = fields.first(("query",), "s") if used.name.lower() == "question" else None
    found = [named, *fields.called("response", "sl"), label, led_to, *thoughts, put]
    return next((one for one in found if one is not None and one != used), None)


def _pair(fields: Fields) -> Layout | None:
    prompt = _prompt(fields) or fields.first(("context",), EITHER)
    listed = fields.first(RESPONSES, EITHER) is None and fields.first(ANSWERS, "o" + TURNS) is not None
    if prompt is None or listed or _responses(fields):
        return None
    response = _response(fields, prompt)
    instances = fields.first(INSTANCES, "ot") if response is None else None
    label_answer = fields.first(RESPONSES, "c") if response is None else None
    if response is None and label_answer is None and instances is None:
        return None
    _ask(fields, prompt)
    earlier = instances or fields.first(HISTORY, "ot")
    if earlier is not None:
        fields.bind(FieldKind(earlier.name, "t"), None)
    if response is not None:
        fields.bind_either(response, "response")
        fields.bind_more(ASIDE, "response")
    name = _pair_name(prompt.name.lower(), response)
    return fields.layout(name, response=response is not None or instances is not None)


def _ask(fields: Fields, prompt: FieldKind) -> None:
    """Bind a prompt and what goes with it."""
    fields.bind(fields.first(SYSTEM, "s"), "system")
    fields.bind_either(prompt, "prompt")
    for one in fields.every(CONTEXTS, STRINGS + "o"):
        fields.bind(one, "prompt")
    for one in fields.numbered(CHOICES, "s"):
        fields.bind(one, "prompt", by_name=True)


def _pair_name(prompt: str, response: FieldKind | None) -> str:
    if prompt == "instruction":
        return "instruction"
    if prompt in ("question", "query", "problem"):
        return "question-answer"
    if response is not None and response.name.lower().startswith("completion"):
        return "prompt-completion"
    return "prompt-response"


def _responses(fields: Fields) -> list[FieldKind]:
    """Columns that hold one of several responses each."""
    several = [one for one in fields.all if SEVERAL.fullmatch(one.name) and one.kind in "sl" + TURNS]
    return sorted(several) if len(several) > 1 else []


def _several(fields: Fields) -> Layout | None:
    """A prompt and several responses: in columns that are numbered or lettered, or in a list of objects."""
    names = (*PROMPTS, *HISTORY, "context", "post", "info")
    prompt = fields.first(names, EITHER) or fields.first(names, "o") or _prompt(fields)
    several = _responses(fields)
    listed = fields.first(ANSWERS, "o" + TURNS) if not several else None
    if prompt is None or (not several and listed is None):
        return None
    _ask(fields, prompt)
    for one in several if listed is None else [listed]:
        chat = one.kind in TURNS + "o"
        fields.bind(one, None if chat else "response", by_name=True, fallback="response")
    fields.bind_more(ASIDE, "response")
    return fields.layout("several-responses", response=True)


def _text(fields: Fields) -> Layout | None:
    asked = [one for one in fields.numbered((*TEXTS, *PROMPTS, "message"), "s") if stem(one.name) != "code"]
    compared = fields.every(COMPARED, STRINGS + "o")
    texts = fields.every(TEXTS, STRINGS)
    if not texts and not asked and len(compared) + bool(_prompt(fields)) < 2:
        return None
    for one in texts:
        fields.bind(one, "text")
    for one in (*asked, *fields.every(COMPARED, STRINGS + "o"), *fields.numbered(CHOICES, "s")):
        fields.bind(one, "text", by_name=True)
    fields.bind(fields.first(SUMMARIES, "s"), "response")
    fields.bind(fields.first(ANSWERS, "o"), "response", by_name=True)
    fields.bind(fields.first(SYSTEM, "s"), "system")
    prompt = _prompt(fields)
    if prompt is not None:
        if compared:
            fields.bind(prompt, "text" if prompt.kind not in TURNS else None, by_name=True)
        else:
            _ask(fields, prompt)
    layout = fields.layout("text", response=False)
    if any(binding.role == "label" for binding in layout.bindings):
        return Layout("labelled", layout.bindings, False, layout.unread, layout.notes)
    return layout


def _prompt_only(fields: Fields) -> Layout | None:
    prompt = fields.first(PROMPTS, EITHER)
    if prompt is None or prompt != _prompt(fields):
        return None
    _ask(fields, prompt)
    return fields.layout("prompt", response=False)


def _translation(fields: Fields) -> Layout | None:
    found = next((one for one in fields.all if one.kind.startswith("d:")), None)
    if found is None:
        return None
    for key in found.kind[2:].split(","):
        path = render_path((found.name, key))
        fields.bindings.append(Binding(path, "text", fields.places.take("text")))
    fields.used.add(found.name)
    return fields.layout("translation", response=False)


def _nameless(fields: Fields) -> Layout | None:
    """Rows without names, of which one column is a label and another a text, as in delimited text without a header."""
    if not fields.all or not all(one.name.isdecimal() for one in fields.all):
        return None
    few = sorted(one for one in fields.all if one.kind == "s" and fields.shapes.get(one.name) == FEW_VALUES)
    texts = sorted(one for one in fields.all if fields.is_text(one))
    if not few or not texts:
        return None
    for one in texts:
        fields.bind(one, "text", by_name=True)
    fields.bind(few[0], "label", by_name=True)
    fields.notes.append(
        f"column {few[0].name} is read as the label, column {', '.join(one.name for one in texts)} as text; "
        "name roles with --columns"
    )
    return fields.layout("labelled", response=False)


def _fallback(fields: Fields) -> Layout | None:
    names = {one.name for one in fields.labels()}
    known = [one for one in fields.all if one.kind in "slo" + TURNS and one.name not in names]
    read = [one for one in known if one.kind in TURNS or fields.shapes.get(one.name, TEXT) == TEXT]
    for one in sorted(read):
        deep = one.kind == "o" or one.kind in TURNS
        fields.bind(one, None if deep else "text", by_name=True)
    if not known:
        ids = [one.name for one in fields.all if one.kind == "k"]
        if ids:
            fields.notes.append(
                f"only token ids ({', '.join(ids)}) and no text: decode them to have them searched"
            )
        return fields.layout("none", response=False)
    tokens = [one.name for one in fields.all if one.kind == "k" and one.name.lower() in TOKENS]
    if tokens:
        fields.notes.append(f"token ids ({', '.join(tokens)}) are no text: decode them to have them searched")
    fields.notes.append("no known column names: what reads as text is searched; name roles with --columns")
    return fields.layout("unknown-columns", response=False)


RECOGNISERS: tuple[Callable[[Fields], Layout | None], ...] = (
    _preference,
    _messages,
    _pair,
    _several,
    _text,
    _prompt_only,
    _translation,
    _nameless,
    _fallback,
)


def recognise(fields: Sequence[FieldKind], shapes: Shapes = ()) -> Layout:
    """The layout of records with these fields: that of the first recogniser that fits.

    `shapes`: what the strings of columns look like whose names do not say it.
    """
    return next(found for one in RECOGNISERS if (found := one(Fields(fields, shapes))) is not None)
