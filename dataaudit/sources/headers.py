"""Does delimited text begin with a header, and which column is the label where nothing has a name?"""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np

from dataaudit.records import fieldnames
from dataaudit.records.layouts import Overrides
from dataaudit.records.paths import parse
from dataaudit.sources.csvfields import Fields

KNOWN = frozenset(
    (
        *fieldnames.TURN_COLUMNS,
        *fieldnames.SYSTEM,
        *fieldnames.TEXTS,
        *fieldnames.PROMPTS,
        *fieldnames.CONTEXTS,
        *fieldnames.RESPONSES,
        *fieldnames.LABELS,
        *(
            "chosen",
            "rejected",
            "id",
            "index",
            "title",
            "source",
            "split",
            "name",
            "type",
            "date",
            "url",
            "score",
        ),
    )
)
"""Names, in lower case, that only a header has in its cells; those of roles, and a few that stand beside them."""
NAME_LENGTH = 40
"""Characters; the cells of a header are names, not sentences."""
LABEL_LENGTH = 40
LABEL_ROWS = 20
"""Rows below which nothing is concluded about columns without names."""
LABEL_VALUES = 0.05
"""A label has at most this many different values per row."""

_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?%?")
_MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"))
_SENTENCE = re.compile(r"[.!?;:,](?:\s|$)|\s\S+\s\S+\s\S+\s")


class Table:
    """The texts of the first records, those that have as many fields as the very first."""

    def __init__(self, fields: Fields, width: int) -> None:
        self._fields = fields
        self.width = width
        self.rows = len(fields.good)

    @cached_property
    def columns(self) -> list[list[str]]:
        """By column; bytes that are not UTF-8 are replaced."""
        every = np.arange(self.rows)
        return [
            [
                one.decode("utf-8", "replace")
                for one in self._fields.column(i, every).view("large_binary").to_pylist()
            ]
            for i in range(self.width)
        ]

    @property
    def first(self) -> list[str]:
        """The cells of the first record."""
        return [column[0] for column in self.columns]


def is_header(table: Table, overrides: Overrides = ()) -> bool:
    """Is the first record a header?

    Columns named with `--columns` decide: a header has all of them in its cells; where all are numbers that no cell
    holds, there is none. Else a header's cells are different, no numbers, no longer than a name, and one of these is
    so: one of them is a well-known column name (then others may be empty); all columns that hold numbers alone have
    a name in the first record; or none comes again in its own column, none reads like a sentence, and there is a
    second record to tell. The first cell may be empty, as a data frame writes it over its index.
    """
    if table.rows == 0 or table.width == 0:
        return False
    cells = [cell.strip() for cell in table.first]
    tops = {parse(path)[0] for _, path in overrides}
    if tops and (tops <= set(cells) or all(top.isdecimal() for top in tops)):
        return tops <= set(cells)
    filled = [cell for cell in cells if cell]
    if not filled or any(
        len(cell) > NAME_LENGTH or "\n" in cell or _NUMBER.fullmatch(cell) for cell in filled
    ):
        return False
    if any(cell.lower() in KNOWN for cell in filled):
        return True
    if not all(cells[1:]) or len(set(cells)) < len(cells) or table.rows < 2:
        return False
    return _numbers_are_named(table) or _reads_like_names(table)


def _reads_like_names(table: Table) -> bool:
    """Is no cell of the first record a sentence, or found again below it?"""
    return not any(_SENTENCE.search(column[0]) or column[0] in column[1:] for column in table.columns)


def _numbers_are_named(table: Table) -> bool:
    """Are there columns of numbers alone below the first record, and is none of them a number or empty there?"""
    named = [column[0].strip() for i, column in enumerate(table.columns) if i and _are_numbers(column[1:])]
    return bool(named) and not _MISSING & set(named)


def _are_numbers(cells: list[str]) -> bool:
    held = [cell for cell in map(str.strip, cells) if cell not in _MISSING]
    return bool(held) and all(map(_NUMBER.fullmatch, held))


def columns_from(cells: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names a header gives the columns, and what must be said of them.

    A column without a name goes by its number; one whose name is taken already gets a number after it, as data
    frames do it.
    """
    names: list[str] = []
    notes: list[str] = []
    for i, cell in enumerate(cells):
        name = base = cell.strip() or str(i)
        again = 0
        while name in names:
            again += 1
            name = f"{base}.{again}"
        if again:
            notes.append(f"two columns are named {base}; the later one is called {name}")
        names.append(name)
    return tuple(names), tuple(notes)


def label_column(table: Table) -> tuple[int, int] | None:
    """Of columns without names the one that is a label, and how many values it has; None where none stands out.

    A label is short and has few values, two at least; and some other column must look like text: long and varied.
    """
    if table.rows < LABEL_ROWS or table.width < 2:
        return None
    found: tuple[int, int] | None = None
    text = False
    for i, column in enumerate(table.columns):
        values = set(column)
        longest = max(map(len, column))
        if 2 <= len(values) <= max(2, LABEL_VALUES * table.rows) and longest <= LABEL_LENGTH:
            found = found or (i, len(values))
        elif longest > LABEL_LENGTH and len(values) * 2 > table.rows:
            text = True
    return found if text else None
