"""Read files through the source modules, and say what came out in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for


@dataclass
class Read:
    """What was read of one file."""

    rows: list[tuple[int, int | None]] = field(default_factory=list)
    """(row, line) of parsed records."""
    malformed: list[tuple[int, int | None, int | None, int | None, str]] = field(default_factory=list)
    """(row, line, offset, length, reason)."""
    texts: dict[int, list[str]] = field(default_factory=dict)
    """Row → its role strings but labels, in order."""
    twice: list[int] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    nbytes: int = 0


def read_file(path: Path, *, target: int = 1 << 62, **options: Any) -> Read:
    """Everything of a file."""
    (file,) = discover([str(path)]).files
    return read_ref(file, target=target, **options)


def read_ref(file: FileRef, *, target: int = 1 << 62, **options: Any) -> Read:
    found = Read()
    reader = reader_for(file.format)
    for partition in reader.plan(file, target):
        for item in reader.read(partition, ReadOptions(**options)):
            if isinstance(item, Damage):
                found.damage.append(item)
            else:
                _take(found, item)
    return found


def _take(found: Read, batch: Batch) -> None:
    rows = batch.rows.tolist()
    lines = [None] * len(rows) if batch.lines is None else batch.lines.tolist()
    found.rows += zip(rows, lines, strict=True)
    found.malformed += [(m.row, m.line, m.offset, m.length, m.reason) for m in batch.malformed]
    found.nbytes += batch.nbytes
    for name, at in batch.remarks:
        if name == "duplicate-key":
            found.twice += [rows[i] for i in at.tolist()]
    strings: list[tuple[int, int, str]] = []
    for role, one in batch.roles.items():
        if role != "label":
            values = one.values.to_pylist()
            strings += [(int(one.rows[i]), int(one.ordinals[i]), values[i]) for i in range(len(one))]
    for row in rows:
        found.texts.setdefault(row, [])
    for record, _, text in sorted(strings):
        found.texts[rows[record]].append(text)
    assert batch.span[0] >= len(rows) + len(batch.malformed)
