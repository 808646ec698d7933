"""Run a job: plan partitions, read them here or in worker processes, merge, finalize.

Nothing depends on the order in which partitions end: states merge commutatively, samples go by hash of the row id.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dataaudit.checks.base import CheckOptions, RowEntries
from dataaudit.engine.effort import pays
from dataaudit.engine.job import Job, Progress, Session
from dataaudit.engine.rows import RowsAgain
from dataaudit.engine.tally import Lost
from dataaudit.errors import DataauditError, SourceError
from dataaudit.records.compiling import expect
from dataaudit.records.findings import CheckResult
from dataaudit.records.garbage import give_back
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import Partition, ReadOptions
from dataaudit.sources.compression import codec_of
from dataaudit.sources.fetched import Supply
from dataaudit.sources.readers import reader_for

if TYPE_CHECKING:
    from dataaudit.engine.pool import Pool

PARTITION_BYTES = 16 << 20
"""Bytes of input per partition, at most."""
LEAST_BYTES = 1 << 20
"""Of small inputs: large enough to amortise opening."""
COUNTED = ("jsonl",)
"""Formats that are cut at lines, which are counted first."""
COUNTED_BYTES = 128 << 20
"""Bytes of such files from which on workers start before their lines are counted."""


class Plan(msgspec.Struct, frozen=True):
    """A job and how to run it."""

    files: tuple[FileRef, ...]
    read: ReadOptions
    options: CheckOptions
    jobs: int | None = None
    """Processes that read, this one among them; None: as many as there are processors, for inputs that are worth it."""
    limit: int | None = None
    """Stop after this many records, in order."""
    supply: Supply | None = None
    """Fetches files that lie elsewhere."""


class Outcome(msgspec.Struct, frozen=True):
    """What a run found. Row entries can be asked for until the workspace is closed."""

    results: tuple[CheckResult, ...]
    rows: RowsAgain
    session: Session
    workers: int

    def entries(self) -> Iterator[RowEntries]:
        """Row-level entries of all checks."""
        for name, check in self.session.checks.items():
            yield from check.entries(self.session.states[name], self.rows)


def processors() -> int:
    """Processors this process may use (containers and affinity respected)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(plan: Plan, work: Workspace, progress: Callable[[Progress], None]) -> Outcome:
    """Run a plan in a workspace. Raises KeyboardInterrupt through; no state survives it."""
    read = msgspec.structs.replace(plan.read, turn=str(work.root / "turn"))
    job = Job(plan.files, read, plan.options, str(work.root))
    session = Session(job, work)
    workers, left = 0, plan.limit
    for files, lost in _rounds(plan):
        for file_id, error in lost.items():
            _lose(session, plan.files[file_id], error)
        there = [file for file in files if file.id not in lost]
        wanted = _wanted(plan, there, session.checks)
        if plan.limit is None:
            expect(sum(file.size for file in there) // wanted)
        with ExitStack() as stack:
            early = min(wanted, _surely(there))
            pool = stack.enter_context(_pool(job, early)) if early > 1 else None
            partitions = _partitions(there, session, _target(there, wanted))
            count = min(wanted, len(partitions))
            workers = max(workers, count)
            if count > 1:
                pool = pool or stack.enter_context(_pool(job, count))
                pool.run(session, partitions, progress)
                continue
        left = _run_here(session, partitions, left, progress)
        if left is not None and left <= 0:
            break
    give_back()  # what reading took, so that what comes now does not come on top of it
    # What is fetched is there for one reader at a time.
    threads = workers if workers > 1 and plan.supply is None else 1
    rows = RowsAgain(plan.files, session.tally, plan.read, plan.supply, threads)
    results = tuple(check.finalize(session.states[name], rows) for name, check in session.checks.items())
    return Outcome(results, rows, session, workers)


def _pool(job: Job, count: int) -> Pool:
    """So many processes, this one among them."""
    from dataaudit.engine.pool import Pool

    return Pool(job, count - 1)


def _surely(files: Sequence[FileRef]) -> int:
    """Partitions there will surely be in files that are cut by a counting pass, which takes as long as workers do to

    start; 0 where it takes no time worth using.
    """
    sizes = [file.size for file in files if file.format in COUNTED and _is_plain(file)]
    return sum(size // PARTITION_BYTES for size in sizes) if sum(sizes) >= COUNTED_BYTES else 0


def _is_plain(file: FileRef) -> bool:
    try:
        return codec_of(Path(file.path)) is None
    except OSError:
        return False


def _rounds(plan: Plan) -> Iterator[tuple[Sequence[FileRef], Mapping[int, DataauditError]]]:
    """Groups of files that can be read, in order; by file id, why one cannot."""
    if plan.supply is None:
        yield plan.files, {}
    else:
        yield from plan.supply.rounds(plan.files, ahead=plan.limit is None)


def _lose(session: Session, file: FileRef, error: DataauditError) -> None:
    session.tally.of(file.id).lost.append(Lost(str(error).removeprefix(f"{file.uri}: ")))


def _partitions(files: Sequence[FileRef], session: Session, target: int) -> list[Partition]:
    partitions: list[Partition] = []
    for file in files:
        session.tally.of(file.id)
        try:
            partitions += reader_for(file.format).plan(file, target)
        except SourceError as error:
            _lose(session, file, error)
    return partitions


def _target(files: Sequence[FileRef], processes: int) -> int:
    """Bytes of a partition: a few for each process, so that none idles for long at the end."""
    if processes == 1:
        return 1 << 62
    return min(PARTITION_BYTES, max(LEAST_BYTES, sum(file.size for file in files) // (4 * processes)))


def _wanted(plan: Plan, files: Sequence[FileRef], checks: Iterable[str]) -> int:
    if plan.limit is not None or any(file.format == "memory" for file in files):
        return 1
    if plan.jobs is not None:
        return plan.jobs
    most = processors()
    return most if most > 1 and pays(files, checks) else 1


def _run_here(
    session: Session, partitions: list[Partition], limit: int | None, progress: Callable[[Progress], None]
) -> int | None:
    """Read partitions in this process; returns how many records are still wanted."""
    left = limit
    for partition in partitions:
        for step in session.read(partition, left):
            progress(step)
            if left is not None:
                left -= step.rows
        if left is not None and left <= 0:
            break
    return left
