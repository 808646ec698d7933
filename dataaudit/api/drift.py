"""Shards of one folder whose columns differ: each is read by its own, and the report says what is not the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataaudit.engine.tally import Tally
from dataaudit.records.types import FileRef

DIFFERENCES = 4
"""Differences that a note names; of more it gives the number."""
TYPE_LENGTH = 60
"""Characters of a type that a note shows: a struct may go on for pages."""

_WIDTH = re.compile(r"\blarge_(?=string|binary|list)|(?<=string|binary)_view\b|(?<=list)_view\b")
_ITEM = re.compile(r"<element: ")


def drift_notes(files: Sequence[FileRef], tally: Tally) -> dict[int, str]:
    """Per file id what its columns differ in from those of the first file of its folder, where they do.

    Types that hold the same values in another layout in memory (`string` and `large_string`) are not told apart.
    """
    first: dict[tuple[str, bool], tuple[str, Mapping[str, str]]] = {}
    notes = {}
    for file in files:
        columns = tally.of(file.id).columns
        if not columns:
            continue
        here = {name: canonical(kind) for name, kind in columns.items()}
        group = (str(Path(file.path).parent), file.format == "csv")
        uri, model = first.setdefault(group, (file.uri, here))
        if here != model:
            notes[file.id] = f"columns differ from those of {uri}: {_differences(here, model)}"
    return notes


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
