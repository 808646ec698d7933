"""Counts of one finding: rows, matches, where they are, a few examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from dataaudit.records.findings import Example
from dataaudit.records.types import FileRef
from dataaudit.sketches.sample import BottomK

EXAMPLES = 5
"""Examples kept per finding."""


def add_counts(into: dict[str, int], other: Mapping[str, int]) -> None:
    """Add the counts of `other` to `into`."""
    for key, count in other.items():
        into[key] = into.get(key, 0) + count


class FindingCounts(msgspec.Struct):
    """Mergeable counts of one finding."""

    rows: int = 0
    matches: int = 0
    by_file: dict[str, int] = {}
    """Rows by file id (as text: keys of JSON-like maps are strings)."""
    by_role: dict[str, int] = {}
    sample: BottomK[Example] = msgspec.field(default_factory=lambda: BottomK(EXAMPLES))

    def add_rows(self, file: FileRef, rows: int) -> None:
        """Count rows of a file."""
        if rows:
            self.rows += rows
            add_counts(self.by_file, {str(file.id): rows})

    def merge(self, other: FindingCounts) -> None:
        """Take in other counts of the same finding."""
        self.rows += other.rows
        self.matches += other.matches
        add_counts(self.by_file, other.by_file)
        add_counts(self.by_role, other.by_role)
        self.sample.merge(other.sample)

    def by_source(self, files: Sequence[FileRef]) -> dict[str, int]:
        """Rows by reported file name, in file order."""
        return {files[int(key)].uri: self.by_file[key] for key in sorted(self.by_file, key=int)}

    def by_split(self, files: Sequence[FileRef]) -> dict[str, int]:
        """Rows by split, for files that belong to one."""
        total: Counter[str] = Counter()
        for key, rows in self.by_file.items():
            split = files[int(key)].split
            if split is not None:
                total[split] += rows
        return dict(sorted(total.items()))
