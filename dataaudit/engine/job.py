"""What the engine is asked to do, and the states one process holds while it does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from dataaudit.checks import build_all
from dataaudit.checks.base import Check, CheckOptions
from dataaudit.engine.head import head
from dataaudit.engine.tally import Lost, Tally
from dataaudit.errors import SourceError
from dataaudit.records.compiling import expect
from dataaudit.records.types import Batch, FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Damage, Partition, ReadOptions
from dataaudit.sources.readers import reader_for

HEAVY = 32 << 20
"""Bytes of text of a batch from which on memory that Arrow keeps for later use is given back."""


class Job(msgspec.Struct, frozen=True):
    """Files, how to read them, and what the checks are built from; can be sent to a worker."""

    files: tuple[FileRef, ...]
    read: ReadOptions
    options: CheckOptions
    workspace: str
    """Root of the work directory, shared by all workers."""


class Progress(msgspec.Struct, frozen=True):
    """Something was read."""

    rows: int
    nbytes: int
    total: int = 0
    """Bytes there are to read; the first step says so."""
    expected: str = ""
    """What a large scan is expected to take; a step without rows says so."""


class States(msgspec.Struct, frozen=True):
    """All states of a process, as bytes."""

    checks: dict[str, bytes]
    tally: bytes


class Session:
    """The checks of a job with their states: what one process holds while it works."""

    def __init__(self, job: Job, work: Workspace) -> None:
        self.job = job
        self.work = work
        self.checks: dict[str, Check[Any]] = build_all(job.options)
        self.states = {name: check.start(work) for name, check in self.checks.items()}
        self.tally = Tally()

    def read(self, partition: Partition, limit: int | None = None) -> Iterator[Progress]:
        """Read a partition, at most `limit` records of it, and show its batches to every check.

        What cannot be read is noted in the tally, not raised.
        """
        mine = self.tally.of(partition.file.id)
        options = msgspec.structs.replace(self.job.read, limit=limit)
        if limit is None:
            expect(partition.nbytes)
        try:
            for item in reader_for(partition.file.format).read(partition, options):
                if isinstance(item, Damage):
                    mine.lost.append(Lost(item.reason, item.rows))
                    continue
                batch = item if limit is None else head(item, limit)
                del item
                self.take(batch)
                rows, nbytes = len(batch) + len(batch.malformed), batch.nbytes
                del batch  # it may be large, and the next one is read now
                yield Progress(rows, nbytes)
                if limit is not None:
                    limit -= rows
                    if limit <= 0:
                        return
        except SourceError as error:
            mine.lost.append(Lost(str(error).removeprefix(f"{partition.file.uri}: ")))

    def take(self, batch: Batch) -> None:
        """Show a batch to every check."""
        heavy = batch.text_bytes > HEAVY
        self.tally.of(batch.file.id).add(batch)
        for name, check in self.checks.items():
            if heavy:  # what was freed is wanted back before more is asked for
                pa.default_memory_pool().release_unused()
            check.update(self.states[name], batch)

    def dump(self) -> States:
        """The states as bytes."""
        return States({name: state.to_bytes() for name, state in self.states.items()}, self.tally.to_bytes())

    def merge(self, other: States) -> None:
        """Take in the states of another process."""
        for name, check in self.checks.items():
            self.states[name].merge(check.load(other.checks[name], self.work))
        self.tally.merge(Tally.from_bytes(other.tally))
