"""Benchmark indexes: made of any source, and described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

import dataaudit
from dataaudit.api.columns import shapes_of
from dataaudit.api.inputs import open_input
from dataaudit.benchmarks.build import Item, columns_of, distinct
from dataaudit.benchmarks.index import (
    PUBLIC,
    SHORT,
    UNSEEN,
    Index,
    from_batch,
    read_manifest,
    require_writable,
    to_batch,
    write_index,
)
from dataaudit.benchmarks.known import NEVER, floors_of
from dataaudit.benchmarks.manifest import NAME, VERSION, Manifest, settings
from dataaudit.config import Config
from dataaudit.errors import BenchmarkError, UsageError
from dataaudit.records.types import Batch
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.readers import reader_for

FIELDS = {
    "question": ("prompt",),
    "answer": ("response", "label"),
    "choices": ("tool",),
    "id": ("label",),
    "correct": ("label",),
}
"""Fields of an item, and the roles that carry each while a source is read: labels may be numbers and booleans."""
TRUE = ("true", "1", "1.0")
"""What says that the choice of a row is the right one."""


class Described(msgspec.Struct, frozen=True):
    """What a benchmark is called and where it comes from."""

    name: str
    split: str = ""
    licence: str = ""
    source: str = ""


def build(
    source: Any, out: str, about: Described, columns: Sequence[str] = (), known_train: Sequence[str] = ()
) -> Manifest:
    """Make an index of a source. Raises like `scan` and `write_index`. `columns` are FIELD=PATH (see `FIELDS`).

    Where `correct` is among them, every row is one choice of an item and `answer` its text. `known_train` are files of
    the training split of the benchmark, with the same columns: what they hold of an item is no sign of a leak.
    """
    for one in (about.name, about.split or "x"):
        if not NAME.fullmatch(one):
            raise UsageError(f"{one!r} is no name: use a-z, 0-9, dot, dash and underscore")
    require_writable(Path(out))
    fields = dict(map(_field, columns))
    read, names = _read(source, fields)
    items, empty, duplicates = distinct(read)
    if not items:
        raise BenchmarkError(
            f"no item with a question in {len(read):,} records; name the field: --columns question=PATH"
        )
    made = columns_of(items)
    flags = made["flags"]
    counts = {"items": len(items), "empty": empty, "duplicates": duplicates, "shingles": len(made["grams"])}
    for name, flag in (("short", SHORT), ("public", PUBLIC), ("unseen", UNSEEN)):
        counts[name] = int((flags & flag > 0).sum())
    if counts["unseen"] == len(items):
        raise BenchmarkError(
            f"none of the {len(items):,} items could ever be found: their questions are of a word or two, or of a few "
            "without an answer; name the fields: --columns question=PATH --columns answer=PATH"
        )
    manifest = Manifest(
        VERSION,
        settings(),
        about.name,
        about.split,
        about.licence,
        about.source or names,
        counts,
        dataaudit.__version__,
    )
    if known_train:
        made["floors"], trained = _known(from_batch(to_batch(manifest, made)), known_train, fields)
        counts["known-train"] = int((made["floors"] > 0).sum())
        manifest = msgspec.structs.replace(manifest, counts=counts, known_train=trained)
    write_index(Path(out), to_batch(manifest, made))
    return manifest


def _known(index: Index, known_train: Sequence[str], fields: Mapping[str, str]) -> tuple[Any, str]:
    """The floors of items after a training split, and the names of its files."""
    trained, names = _read(list(known_train), fields)
    if not any(one.question.strip() for one in trained):
        raise BenchmarkError(
            f"{names}: no record with a question; --known-train is read with the same --columns"
        )
    floors = floors_of(index, ((one.question, *one.choices, one.answer) for one in trained))
    if (floors == NEVER).all():
        raise BenchmarkError(
            f"{names}: every item of the benchmark stands in it; nothing would be left to find"
        )
    return floors, names


def _read(source: Any, fields: Mapping[str, str]) -> tuple[list[Item], str]:
    """The items of a source, empty and repeated ones included, and the names of its files."""
    config = Config(columns=tuple(one for field, path in fields.items() for one in _bound(field, path)))
    with Workspace() as work, open_input(source, config, work) as found:
        read = ReadOptions(overrides=config.overrides, need_rest=False)
        read = msgspec.structs.replace(read, shapes=shapes_of(found, read))
        rows = [row for file in found.files for row in _rows(file, read, fields)]
        names = ", ".join(Path(file.uri).name for file in found.files)
    if "correct" in fields:
        return _grouped(rows), names
    return [_item(str(i), row) for i, row in enumerate(rows)], names


def show(path: str) -> Manifest:
    """The manifest of an index. Raises BenchmarkError."""
    return read_manifest(Path(path))


class _Row(msgspec.Struct, frozen=True):
    """One record of a source. `number` tells that its answer is a number, not text."""

    id: str
    question: str
    choices: tuple[str, ...]
    answer: str
    number: bool
    correct: str


def _field(text: str) -> tuple[str, str]:
    field, equals, path = text.partition("=")
    if not equals or field not in FIELDS:
        raise UsageError(f"--columns {text!r}: write it as FIELD=PATH; fields are {', '.join(FIELDS)}")
    return field, path


def _bound(field: str, path: str) -> Iterator[str]:
    """ROLE=PATH for a field; that of choices may be a list."""
    for role in FIELDS[field]:
        yield f"{role}={path}"
        if field == "choices" and not path.endswith("]"):
            yield f"{role}={path}[*]"


def _grouped(rows: Sequence[_Row]) -> list[Item]:
    """Items whose every choice is a row: rows next to each other with one id, or one question where they have none."""
    items: list[Item] = []
    for _, group in groupby(rows, lambda row: (row.id, row.question)):
        mine = list(group)
        right = [row.answer for row in mine if row.correct.lower() in TRUE]
        choices = tuple(row.answer for row in mine)
        items.append(Item(mine[0].id or str(len(items)), mine[0].question, choices, "\n".join(right)))
    return items


def _item(number: str, row: _Row) -> Item:
    """The item of a row. An answer that is no choice but names one, by place from 0 or by letter, stands for it."""
    answer, places = row.answer, len(row.choices)
    if places and (row.number or answer not in row.choices):
        if answer.isdecimal() and int(answer) < places:
            answer = row.choices[int(answer)]
        elif len(answer) == 1 and 0 <= ord(answer) - ord("A") < places:
            answer = row.choices[ord(answer) - ord("A")]
    return Item(row.id or number, row.question, row.choices, answer)


def _rows(file: Any, options: ReadOptions, fields: Mapping[str, str]) -> Iterator[_Row]:
    reader = reader_for(file.format)
    for partition in reader.plan(file, 1 << 62):
        for one in reader.read(partition, options):
            if isinstance(one, Damage):
                raise BenchmarkError(f"{file.uri}: {one.reason}")
            if one.malformed:
                bad = one.malformed[0]
                place = f"record {bad.row}" if bad.line is None else f"line {bad.line}"
                raise BenchmarkError(
                    f"{file.uri}: {place}: {bad.reason}; an index of what is left would miss it"
                )
            yield from _of_batch(one, fields)


def _of_batch(batch: Batch, fields: Mapping[str, str]) -> Iterator[_Row]:
    labels = {
        field: _strings(batch, "label", fields[field])
        for field in ("answer", "id", "correct")
        if field in fields
    }
    prompts, texts, responses, choices = (
        _strings(batch, role) for role in ("prompt", "text", "response", "tool")
    )
    for i in range(len(batch)):
        answer = responses.get(i)
        number, name, correct = (
            "\n".join(labels.get(field, {}).get(i, ())) for field in ("answer", "id", "correct")
        )
        yield _Row(
            name,
            (prompts.get(i) or texts.get(i) or [""])[0],
            tuple(choices.get(i, ())),
            number if answer is None else "\n".join(answer),
            answer is None,
            correct,
        )


def _strings(batch: Batch, role: str, path: str | None = None) -> dict[int, list[str]]:
    """Record → its strings of a role in order, only those at a path where one is given.

    Of responses those of the first field are the answer; what stands beside it (how it was reached, say) is none.
    """
    strings = batch.roles.get(role)
    found: dict[int, list[str]] = {}
    fields: dict[int, int] = {}
    if strings is not None:
        for i in sorted(range(len(strings)), key=lambda i: (strings.rows[i], strings.ordinals[i])):
            row, field = int(strings.rows[i]), int(strings.path_ids[i])
            first = role != "response" or fields.setdefault(row, field) == field
            if first and (path is None or strings.path_of(i) == path):
                found.setdefault(row, []).append(strings.values[i].as_py())
    return found
