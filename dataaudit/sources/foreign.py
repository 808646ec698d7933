"""Files that are named like data and are something else: refused with what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dataaudit.errors import SourceError
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.recognise import look


def plan(file: FileRef, target: int) -> list[Partition]:
    """Raises SourceError: there is nothing to read."""
    # Recognised under another name, it is foreign under any.
    raise SourceError(f"{file.uri}: {look(Path(file.path)).foreign('jsonl') or 'no data that is read'}")


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """Never called: nothing is planned."""
    raise SourceError(f"{partition.file.uri}: no data that is read")
