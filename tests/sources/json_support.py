"""Reads files the way the engine does, without the engine."""

from __future__ import annotations

import bz2
import gzip
import lzma
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from dataaudit.errors import SourceError
from dataaudit.records.types import TEXT_ROLES, Batch, FileRef
from dataaudit.sources.base import Damage, ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

COMPRESS = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


@dataclass
class Seen:
    """What was read of a file, whatever batches it came in."""

    rows: int = 0
    strings: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)
    """Row → (role, path, text), sorted."""
    lines: dict[int, int] = field(default_factory=dict)
    malformed: list[tuple[int, str, int, int, int]] = field(default_factory=list)
    """(row, reason, line, offset, length)."""
    remarks: list[tuple[str, int]] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    layouts: set[str] = field(default_factory=set)
    error: str | None = None
    batches: list[Batch] = field(default_factory=list)


def read_file(file: FileRef, target: int = 1 << 62, **options: object) -> Seen:
    """Everything a file (or part) holds, in order of its partitions."""
    seen = Seen()
    reader = reader_for(file.format)
    try:
        for partition in reader.plan(file, target):
            for item in reader.read(partition, ReadOptions(**options)):
                assert not isinstance(item, Damage)
                add(seen, item)
    except SourceError as error:
        seen.error = str(error)
    seen.malformed.sort()
    return seen


def add(seen: Seen, batch: Batch) -> None:
    """Take in a batch."""
    seen.batches.append(batch)
    seen.rows += batch.span[0]
    numbers = batch.rows.tolist()
    for role in TEXT_ROLES:
        strings = batch.roles.get(role)
        for i in range(len(strings) if strings is not None else 0):
            row = numbers[int(strings.rows[i])]
            seen.strings.setdefault(row, []).append((role, strings.path_of(i), strings.values[i].as_py()))
    for row in numbers:
        seen.strings.setdefault(row, []).sort()
    if batch.lines is not None:
        seen.lines |= dict(zip(numbers, batch.lines.tolist(), strict=True))
    seen.malformed += [(m.row, m.reason, m.line, m.offset, m.length) for m in batch.malformed]
    seen.remarks += [(name, numbers[i]) for name, at in batch.remarks for i in at.tolist()]
    seen.layouts |= {name for name, _ in batch.layouts}
    for note in batch.described:
        seen.notes |= set(note.notes)


def write(path: Path, data: bytes) -> Path:
    """A file, compressed as its ending says."""
    ending = path.suffix if path.suffix in COMPRESS else ""
    path.write_bytes(COMPRESS[ending](data))
    return path


def files_of(path: Path, **options: object) -> tuple[FileRef, ...]:
    """The sources in a file that was named."""
    return discover([str(path)], **options).files


def read_path(path: Path, target: int = 1 << 62, **options: object) -> Seen:
    """Everything the only source of a file holds."""
    (file,) = files_of(path)
    return read_file(file, target, **options)
