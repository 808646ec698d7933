"""What the strings of columns look like whose names do not say it, found once for all files before they are read.

One decision for all of them: shards of a data set are read alike, however their rows happen to be spread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataaudit.api.inputs import Input
from dataaudit.errors import DataauditError
from dataaudit.records.paths import parse
from dataaudit.records.shapes import LOOKED_AT, TEXT, Shapes, is_label, shape_of_column, shape_of_label
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources import parquet
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.readers import reader_for

UNKNOWN = "unknown-columns"

ROWS_AT_ONCE = 256
"""Records of a batch; so many tell whether there is anything to find out."""
ROWS = 2_048
"""Records looked at per file where there is."""
STRINGS = 8_192
"""Strings looked at per column of a file."""
SHARDS = 8
"""Files looked at of those whose names differ in their numbers alone."""
FILES = 256
"""Files looked at. A column that was not looked at is read."""

_DIGITS = re.compile(r"\d+")


def shapes_of(found: Input, options: ReadOptions) -> Shapes:
    """The shapes of the columns that need one, from the first records of some files.

    Files that cannot be read say nothing here; the run will say why. A column of several files is judged by the strings
    of all of them. Where nothing in a file would be text, all of its columns are.
    """
    values: dict[str, list[str]] = {}
    labels: dict[str, list[str]] = {}
    said: set[str] = set()  # columns with turns in them
    files: list[set[str]] = []
    for file in _chosen(found):
        columns: dict[str, list[str]] = {}
        for role, column, strings in _strings(found, file, options):
            if role == "label":
                labels.setdefault(column, []).extend(strings)
            else:
                columns.setdefault(column, []).extend(strings)
                if role != TEXT:
                    said.add(column)
        for column, strings in columns.items():
            values.setdefault(column, []).extend(strings[:STRINGS])
        files.append(set(columns))
    shapes = {name: shape for name, strings in values.items() if (shape := shape_of_column(strings))}
    shapes.update(dict.fromkeys(said, TEXT))
    for names in files:
        if names and all(shapes.get(one, TEXT) != TEXT for one in names):
            shapes.update(dict.fromkeys(names, TEXT))
    shapes |= {name: TEXT for name, strings in labels.items() if shape_of_label(strings) is not None}
    return tuple(sorted(shapes.items()))


def _chosen(found: Input) -> list[FileRef]:
    """The files looked at: of those whose names differ in their numbers alone some, spread evenly."""
    groups: dict[tuple[str, str], list[FileRef]] = {}
    for file, root in zip(found.files, found.roots, strict=True):
        groups.setdefault((root, _DIGITS.sub("0", file.uri)), []).append(file)
    most = SHARDS if found.supply is None else 1  # what lies elsewhere would have to be fetched
    chosen = [
        files[i]
        for files in groups.values()
        for i in sorted(set(np.linspace(0, len(files) - 1, min(most, len(files))).astype(int).tolist()))
    ]
    return chosen[:FILES]


def _strings(found: Input, file: FileRef, options: ReadOptions) -> Iterator[tuple[str, str, Sequence[str]]]:
    """(role, column, strings) of what has to be looked at in the first records of a file."""
    there = nullcontext() if found.supply is None else found.supply.there(file)
    # With a limit, lines are read strictly, which for so few is the fastest.
    read = msgspec.structs.replace(
        options, batch_rows=ROWS_AT_ONCE, need_rest=False, sample=None, shapes=(), limit=ROWS
    )
    try:
        with there:
            if (only := _only_column(file, read)) is not None:
                yield from only
                return
            # Counted in records, never in batches: these depend on how a file happens to be cut.
            few = msgspec.structs.replace(read, limit=ROWS_AT_ONCE)
            if any(map(_asks, _batches(file, few))):
                yield from _of_batches(_batches(file, read))
    except DataauditError:
        return


def _only_column(file: FileRef, options: ReadOptions) -> list[tuple[str, str, Sequence[str]]] | None:
    """The answer, where the schema of a table gives it: a column that has no other beside it needs no look."""
    if file.format != "parquet":
        return None
    layout = parquet.layout_of(file, options)
    bound = [(one.role or TEXT, parse(one.path)[0]) for one in layout.bindings]
    if layout.name != UNKNOWN:
        return None if any(role == "label" and is_label(name) for role, name in bound) else []
    return [(role, name, ()) for role, name in bound] if len(bound) == 1 else None


def _batches(file: FileRef, options: ReadOptions) -> Iterator[Batch]:
    reader = reader_for(file.format)
    seen = 0
    for partition in reader.plan(file, 1 << 62):
        for item in reader.read(partition, options):
            if isinstance(item, Batch):
                yield item
                seen += len(item)
                if seen >= ROWS:
                    return


def _asks(batch: Batch) -> bool:
    """Is there a column whose name does not say what it holds?"""
    return any(name == UNKNOWN for name, _ in batch.layouts) or any(
        role == "label" and is_label(_column(path)) for note in batch.described for role, path in note.roles
    )


def _of_batches(batches: Iterator[Batch]) -> list[tuple[str, str, Sequence[str]]]:
    unknown = False
    found: list[tuple[str, str, Sequence[str]]] = []
    for batch in batches:
        unknown = unknown or any(name == UNKNOWN for name, _ in batch.layouts)
        found += _of_batch(batch)
    return [one for one in found if unknown or one[0] == "label"]


def _of_batch(batch: Batch) -> Iterator[tuple[str, str, Sequence[str]]]:
    for role, strings in batch.roles.items():
        heads = pc.utf8_slice_codeunits(strings.values, 0, LOOKED_AT)
        for number, path in enumerate(strings.paths):
            at = np.flatnonzero(strings.path_ids == number)
            if len(at) and (role != "label" or is_label(_column(path))):
                yield role, _column(path), heads.take(pa.array(at)).to_pylist()


def _column(path: str) -> str:
    """The column that a path goes through; the paths of what is deep in a record have numbers in them."""
    return parse(re.split(r"(?<!\\)\[", path, maxsplit=1)[0])[0]
