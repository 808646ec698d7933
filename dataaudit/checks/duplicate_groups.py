"""Groups of equal keys: who is kept, who is extra, who leaked into another split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import FindingKind, Rows, Texts
from dataaudit.checks.excerpts import opening
from dataaudit.records.findings import Example, Finding
from dataaudit.records.types import ROW_BITS, FileRef, unpack_row
from dataaudit.sketches.counts import FindingCounts, add_counts
from dataaudit.sketches.groups import repeated, starts

U64 = npt.NDArray[np.uint64]

LARGEST = 5
"""Groups listed in a finding."""

SHOWN = ("response", "text", "prompt", "tool", "system")
"""Roles by how much their strings say of a row."""

SPLIT_ORDER = ("train", "validation", "test")
"""A row that is in two splits belongs to the first of these and leaked into the others."""


class Extras(NamedTuple):
    """Rows that repeat another: their ids, the row each repeats, and the sizes of their groups."""

    rows: U64
    twins: U64
    sizes: npt.NDArray[np.int64]
    """Per group with extras."""
    kept: U64
    """Per group the row that stays."""


def extras(table: U64) -> Extras:
    """The rows beyond the smallest row id of every group of equal keys. `table` is (n, 3): hi, lo, row id."""
    table = repeated(table, 2)
    row, first = table[:, 2], starts(table, 2)
    sizes = np.diff(np.append(first, len(row)))
    kept = row[first]
    extra = np.ones(len(row), np.bool_)
    extra[first] = False
    return Extras(row[extra], np.repeat(kept, sizes)[extra], sizes, kept)


def leaks(table: U64, files: Sequence[FileRef]) -> Extras:
    """The rows of a group that lie outside its home split. Files without a split take no part."""
    table = repeated(table, 2)
    split = _split_codes(files)[(table[:, 2] >> np.uint64(ROW_BITS)).astype(np.int64)]
    table, split = table[split >= 0], split[split >= 0]
    row, begins = table[:, 2], starts(table, 2)
    if len(begins) == 0:
        return Extras(row, row, np.empty(0, np.int64), row)
    sizes = np.diff(np.append(begins, len(row)))
    home = np.minimum.reduceat(split, begins)
    away = split > np.repeat(home, sizes)
    at_home = np.where(away, np.iinfo(np.uint64).max, row)
    first = np.minimum.reduceat(at_home, begins)
    several = np.add.reduceat(away.astype(np.int64), begins) > 0
    return Extras(row[away], np.repeat(first, sizes)[away], sizes[several], first[several])


def _split_codes(files: Sequence[FileRef]) -> npt.NDArray[np.int64]:
    others = sorted({file.split for file in files if file.split is not None} - set(SPLIT_ORDER))
    order = {split: i for i, split in enumerate((*SPLIT_ORDER, *others))}
    return np.asarray([-1 if file.split is None else order[file.split] for file in files], np.int64)


_WHAT = {
    "split-leakage": "The row repeats one of an earlier split",
    "near-duplicates": "The row says nearly the same as one that stays",
}


class GroupTally:
    """What a finding says of its groups, added up over key ranges."""

    def __init__(self, files: Sequence[FileRef]) -> None:
        self._files = files
        self.counts = FindingCounts()
        self.groups = 0
        self._largest: list[tuple[int, int]] = []

    def add(self, found: Extras, similarities: npt.NDArray[np.float64] | None = None) -> None:
        """Add the extras of a key range, with the similarity of each to the row that stays where that is not 1."""
        counts = self.counts
        if len(found.rows) == 0:
            return
        ids, per_file = np.unique(found.rows >> np.uint64(ROW_BITS), return_counts=True)
        counts.rows += len(found.rows)
        add_counts(counts.by_file, {str(i): n for i, n in zip(ids.tolist(), per_file.tolist(), strict=True)})
        self.groups += len(found.sizes)
        top = _largest(found)
        self._largest += [(int(found.sizes[i]), int(found.kept[i])) for i in top.tolist()]
        self._largest = sorted(self._largest, key=lambda one: (-one[0], one[1]))[:LARGEST]

        def example(i: int) -> Example:
            file_id, row = unpack_row(int(found.rows[i]))
            twin_file, twin_row = unpack_row(int(found.twins[i]))
            twin = (self._files[twin_file].uri, twin_row)
            similarity = None if similarities is None else float(similarities[i])
            return Example(self._files[file_id].uri, row, twin=twin, similarity=similarity)

        counts.sample.offer(found.rows, example)

    def sampled(self) -> list[int]:
        """Row ids of the examples, ascending."""
        return sorted(row_id for _, row_id, _ in self.counts.sample.items)

    def finding(self, kind: FindingKind, of: int, rows: Rows, texts: Mapping[int, Texts]) -> Finding:
        """The finding, its examples with their texts (by row id)."""
        sampled = self.sampled()
        examples = []
        for row_id, example in zip(sampled, self.counts.sample.values(), strict=True):
            role, path, text = _shown(texts.get(row_id, {}), kind.id.split(":"))
            examples.append(
                Example(
                    example.file,
                    example.row,
                    rows.line_of(row_id),
                    path=path,
                    role=role,
                    text=None if text is None else opening(text),
                    twin=example.twin,
                    similarity=example.similarity,
                )
            )
        largest = [
            {"size": size, "file": self._files[unpack_row(kept)[0]].uri, "row": unpack_row(kept)[1]}
            for size, kept in self._largest
        ]
        groups = "group" if self.groups == 1 else "groups"
        what = _WHAT.get(kind.check, "The row repeats an earlier one")
        return kind.finding(
            f"{what} ({self.groups:,} {groups}, the largest of {self._largest[0][0]:,} rows).",
            self.counts.rows,
            of,
            by_source=self.counts.by_source(self._files),
            by_split=self.counts.by_split(self._files),
            details={"groups": self.groups, "largest": largest},
            examples=tuple(examples),
        )


def _largest(found: Extras) -> npt.NDArray[np.int64]:
    """Groups among which the `LARGEST` largest are, and of groups of one size those that keep the smallest row ids."""
    at = np.arange(len(found.sizes))
    if len(at) > LARGEST:
        least = np.partition(found.sizes, -LARGEST)[-LARGEST]
        more, equal = np.flatnonzero(found.sizes > least), np.flatnonzero(found.sizes == least)
        if len(equal) > LARGEST:
            equal = equal[np.argpartition(found.kept[equal], LARGEST)[:LARGEST]]
        at = np.concatenate([more, equal])
    return at


def _shown(roles: Texts, compared: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """The string of a row that says most, of the compared role if it is one: (role, path, text)."""
    for role in sorted(SHOWN, key=lambda one: one not in compared):
        for path, text in roles.get(role, ()):
            if text.strip():
                return role, path, text
    return None, None, None
