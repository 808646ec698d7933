"""`schema`: what the tool makes of a source before anything is searched: layouts, roles, and some rows by role."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dataaudit.api.columns import UNKNOWN, shapes_of
from dataaudit.api.inputs import Input, open_input
from dataaudit.config import Config
from dataaudit.engine.rows import texts_of
from dataaudit.errors import SourceError
from dataaudit.records.paths import EACH
from dataaudit.records.rendered import rendered_notes
from dataaudit.records.shapes import why_unread
from dataaudit.records.types import Batch, FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.readers import reader_for

ROWS = 3
"""Sample rows shown per file."""
LOOKED_AT = 1000
"""Records looked at per file."""

_INDEX = re.compile(r"(?<!\\)\[\d+\]")


@dataclass(frozen=True)
class RowShown:
    """One row by role: (path, text) per string."""

    row: int
    texts: dict[str, list[tuple[str, str]]]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FileSchema:
    """What was detected in the first records of one file."""

    uri: str
    format: str
    split: str | None
    layouts: dict[str, int]
    roles: dict[str, tuple[str, ...]]
    unread: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[RowShown, ...]
    malformed: int = 0
    error: str | None = None
    shapes: dict[str, str] = field(default_factory=dict)
    """Of columns that are not read because their strings are no text: what they are."""
    suggested: tuple[str, ...] = ()
    """Overrides, `ROLE=PATH`, for the strings of columns that no layout knows."""


def schema(source: Any, *, config: Config | None = None, **options: Any) -> list[FileSchema]:
    """What is detected in the first records of every file of a source. Raises like `scan`."""
    settings = (config or Config()).with_options(options)
    read = ReadOptions(batch_rows=LOOKED_AT, overrides=settings.overrides, need_rest=False)
    parent = None if settings.work_dir is None else Path(settings.work_dir)
    with Workspace(parent) as work, open_input(source, settings, work) as found:
        read = msgspec.structs.replace(read, shapes=shapes_of(found, read))
        return [_there(found, file, read) for file in found.files]


def _there(found: Input, file: FileRef, options: ReadOptions) -> FileSchema:
    if found.supply is None:
        return _file(file, options)
    try:
        with found.supply.there(file):
            return _file(file, options)
    except SourceError as error:
        text = str(error).removeprefix(f"{file.uri}: ")
        return FileSchema(file.uri, file.format, file.split, {}, {}, (), (), (), error=text)


def _file(file: FileRef, options: ReadOptions) -> FileSchema:
    try:
        batch = _first(file, options)
    except SourceError as error:
        text = str(error).removeprefix(f"{file.uri}: ")
        return FileSchema(file.uri, file.format, file.split, {}, {}, (), (), (), error=text)
    if batch is None:
        return FileSchema(file.uri, file.format, file.split, {}, {}, (), ("no records",), ())
    roles: dict[str, dict[str, None]] = {}
    for note in batch.described:
        for role, path in note.roles:
            roles.setdefault(role, {})[path] = None
    noted = [text for note in batch.described for text in note.notes]
    noted += rendered_notes(batch.rendered, len(batch))
    unread = tuple(dict.fromkeys(name for note in batch.described for name in note.unread))
    shown = tuple(_shown(batch, i) for i in range(min(ROWS, len(batch))))
    return FileSchema(
        uri=file.uri,
        format=file.format,
        split=file.split,
        layouts=dict(sorted(batch.layouts, key=lambda one: (-one[1], one[0]))),
        roles={role: tuple(paths) for role, paths in roles.items()},
        unread=unread,
        shapes=why_unread([name for name, _ in batch.layouts], unread, options.shapes),
        notes=tuple(dict.fromkeys((*file.notes, *noted))),
        rows=shown,
        malformed=len(batch.malformed),
        suggested=_suggested(batch, shown),
    )


def _suggested(batch: Batch, shown: tuple[RowShown, ...]) -> tuple[str, ...]:
    """Overrides that would work on these rows, where names alone did not say what is what.

    Only paths with one list can be named; strings deeper down are read without a role of their own.
    """
    if all(name != UNKNOWN for name, _ in batch.layouts):
        return ()
    paths = (_INDEX.sub(EACH, path) for row in shown for path, _ in row.texts.get("text", ()))
    return tuple(dict.fromkeys(f"response={path}" for path in paths if path.count(EACH) <= 1))


def _first(file: FileRef, options: ReadOptions) -> Batch | None:
    """The first batch with records in it; else the first of all."""
    first: Batch | None = None
    reader = reader_for(file.format)
    for partition in reader.plan(file, 1 << 62):
        for item in reader.read(partition, options):
            if isinstance(item, Batch):
                if len(item):
                    return item
                first = first or item
    return first


def _shown(batch: Batch, i: int) -> RowShown:
    labels = batch.roles.get("label")
    found: list[tuple[str, str]] = []
    if labels is not None:
        found = [
            (labels.path_of(j), labels.values[j].as_py()) for j in range(len(labels)) if labels.rows[j] == i
        ]
    return RowShown(int(batch.rows[i]), texts_of(batch, i), tuple(found))
