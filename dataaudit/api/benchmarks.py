"""Benchmark indexes: made of any source, and described."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataaudit
from dataaudit.api.inputs import open_input
from dataaudit.benchmarks.build import Item, columns_of, distinct
from dataaudit.benchmarks.index import (
    PUBLIC,
    SHORT,
    UNSEEN,
    VERSION,
    Manifest,
    read_manifest,
    settings,
    to_batch,
    write_index,
)
from dataaudit.config import Config
from dataaudit.errors import BenchmarkError, UsageError
from dataaudit.records.types import Batch
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.readers import reader_for

FIELDS = {"question": "prompt", "answer": "response", "choices": "tool", "id": "label"}
"""Fields of an item, and the role that carries each while a source is read."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Described:
    """What a benchmark is called and where it comes from."""

    name: str
    split: str = ""
    licence: str = ""
    source: str = ""


def build(source: Any, out: str, about: Described, columns: Sequence[str] = ()) -> Manifest:
    """Make an index of a source. `columns` are FIELD=PATH, fields those of `FIELDS`. Raises like `scan`."""
    for one in (about.name, about.split or "x"):
        if not NAME.fullmatch(one):
            raise UsageError(f"{one!r} is no name: use a-z, 0-9, dot, dash and underscore")
    config = Config(columns=tuple(_role(one) for one in columns))
    with Workspace() as work, open_input(source, config, work) as found:
        read = [item for file in found.files for item in _items(file, config)]
        names = ", ".join(Path(file.uri).name for file in found.files)
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
    write_index(Path(out), to_batch(manifest, made))
    return manifest


def show(path: str) -> Manifest:
    """The manifest of an index. Raises BenchmarkError."""
    return read_manifest(Path(path))


def _role(text: str) -> str:
    field, equals, path = text.partition("=")
    if not equals or field not in FIELDS:
        raise UsageError(f"--columns {text!r}: write it as FIELD=PATH; fields are {', '.join(FIELDS)}")
    return f"{FIELDS[field]}={path}"


def _items(file: Any, config: Config) -> Iterator[Item]:
    reader = reader_for(file.format)
    for partition in reader.plan(file, 1 << 62):
        for one in reader.read(partition, ReadOptions(overrides=config.overrides, need_rest=False)):
            if isinstance(one, Damage):
                raise BenchmarkError(f"{file.uri}: {one.reason}")
            if one.malformed:
                raise BenchmarkError(f"{file.uri}: record {one.malformed[0].row}: {one.malformed[0].reason}")
            yield from _of_batch(one)


def _of_batch(batch: Batch) -> Iterator[Item]:
    texts: dict[str, dict[int, list[str]]] = {}
    for role in (*FIELDS.values(), "text"):
        strings = batch.roles.get(role)
        mine = texts.setdefault(role, {})
        if strings is not None:
            order = sorted(range(len(strings)), key=lambda i: (strings.rows[i], strings.ordinals[i]))
            for i in order:
                mine.setdefault(int(strings.rows[i]), []).append(strings.values[i].as_py())
    for i in range(len(batch)):
        question, answer, choices, name = (texts[FIELDS[field]].get(i, []) for field in FIELDS)
        question = question or texts["text"].get(i, [])
        yield Item(
            name[0] if name else str(int(batch.rows[i])),
            question[0] if question else "",
            tuple(choices),
            "\n".join(answer),
        )
