"""Shards of one data set whose columns differ: each is read by its own, and the report says what is not the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from dataaudit.engine.tally import Tally
from dataaudit.records.types import FileRef
from dataaudit.sources.compression import strip_suffix
from dataaudit.sources.splits import split_word

DELIMITED = ("csv", "text")
DIFFERENCES = 4
"""Differences that a note names; of more it gives the number."""
TYPE_LENGTH = 60
"""Characters of a type that a note shows: a struct may go on for pages."""

_WIDTH = re.compile(r"\blarge_(?=string|binary|list)|(?<=string|binary)_view\b|(?<=list)_view\b")
_ITEM = re.compile(r"<element: ")


def drift_notes(files: Sequence[FileRef], tally: Tally) -> dict[int, str]:
    """Per file id what its columns differ in from those of the first shard of its data set, where they do.

    Shards lie in one folder; their names differ in numbers and splits alone, or half of their columns are the same.
    Other files beside them are other data. Types that hold the same values in another layout in memory (`string` and
    `large_string`) are not told apart.
    """
    models: dict[tuple[str, bool], list[_Model]] = {}
    notes = {}
    for file in files:
        columns = tally.of(file.id).columns
        if not columns:
            continue
        here = _Model(file.uri, _stem(file.uri), {name: canonical(kind) for name, kind in columns.items()})
        beside = models.setdefault((str(Path(file.path).parent), file.format in DELIMITED), [])
        first = next((one for one in beside if one.is_of(here)), None)
        if first is None:
            beside.append(here)
        elif here.columns != first.columns:
            notes[file.id] = (
                f"columns differ from those of {first.uri}: {_differences(here.columns, first.columns)}"
            )
    return notes


class _Model(msgspec.Struct, frozen=True):
    """The first file of a data set."""

    uri: str
    stem: str
    columns: Mapping[str, str]

    def is_of(self, other: _Model) -> bool:
        """Is the other file a shard of the same data set?"""
        if self.stem == other.stem:
            return True
        shared = len(self.columns.keys() & other.columns.keys())
        return 2 * shared >= max(len(self.columns), len(other.columns))


def _stem(uri: str) -> str:
    """The name of a file without its endings, numbers and the names of splits."""
    words = re.split(r"[\W\d_]+", strip_suffix(Path(uri).name).rpartition(".")[0].lower())
    return " ".join(word for word in words if word and split_word(word) is None)


def canonical(kind: str) -> str:
    """An Arrow type as text, without how wide its offsets are and what the elements of its lists are called."""
    return _ITEM.sub("<item: ", _WIDTH.sub("", kind))


def _differences(here: Mapping[str, str], model: Mapping[str, str]) -> str:
    if not here.keys() & model.keys():
        return "none is shared"
    found = [f"no column {name}" for name in model if name not in here]
    found += [f"another column {name}" for name in here if name not in model]
    found += [
        f"{name} is {_short(here[name])}, not {_short(kind)}"
        for name, kind in model.items()
        if name in here and here[name] != kind
    ]
    more = len(found) - DIFFERENCES
    return "; ".join(found[:DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")


def _short(kind: str) -> str:
    return kind if len(kind) <= TYPE_LENGTH else f"{kind[: TYPE_LENGTH - 1]}…"
