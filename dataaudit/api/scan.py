"""`scan`: read a source once, report what is in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from dataaudit.api.assemble import assemble, interrupted
from dataaudit.api.columns import shapes_of
from dataaudit.api.inputs import Input, open_input
from dataaudit.api.plan import Asked, ask
from dataaudit.api.room import expected, require_room
from dataaudit.config import Config
from dataaudit.engine.job import Progress
from dataaudit.engine.run import Outcome, Plan, processors, run
from dataaudit.errors import InterruptedRunError
from dataaudit.records.types import FileRef
from dataaudit.report.model import Report, Timing
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import ReadOptions

Watch = Callable[[Progress], None]
"""Called with every step of progress."""

ALONE_MEMORY = 400 << 20
"""What one process that does all the work holds at most, on ordinary rows (docs/memory.md): the libraries (about 200
MB), a batch in all its forms, its buffers, and groups of rows while they are reduced."""
WORKER_MEMORY = 150 << 20
"""What each further process adds; libraries are shared, and count once."""


class ScanInterruptedError(InterruptedRunError):
    """A scan that was stopped; `report` says how far it came."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"interrupted after {report.rows:,} rows")
        self.report = report


class Scanned(msgspec.Struct, frozen=True):
    """A finished run, its workspace still open."""

    report: Report
    outcome: Outcome
    asked: Asked
    input: Input
    work: Workspace


def scan(
    source: Any, *, config: Config | None = None, progress: Watch | None = None, **options: Any
) -> Report:
    """Scan a source and return its report.

    `source` is a path, a glob, a list of them, or data: a `datasets.Dataset` or `IterableDataset` (or a dict of them by
    split), a polars or pandas frame, an Arrow table, dataset or record batch reader, or any iterable of dicts. What an
    iterable raises goes through. `options` are the fields of
    `Config`, named like the flags of `dataaudit scan`. A gate that fails is said in the report, not raised; whatever
    is wrong with the call raises a `DataauditError`, a stopped run ScanInterruptedError.
    """
    settings = (config or Config()).with_options(options)
    rows_output = [one.partition("=")[2] for one in settings.output if one.startswith("rows=")]
    with scanning(source, settings, record=("*",) if rows_output else (), progress=progress) as done:
        for path in rows_output:
            _write_rows(Path(path), done)
        return done.report


@contextmanager
def scanning(
    source: Any,
    config: Config,
    *,
    record: Sequence[str] = (),
    drop: Sequence[str] = (),
    cleaning: bool = False,
    progress: Watch | None = None,
    opened: Callable[[Input], None] | None = None,
) -> Iterator[Scanned]:
    """Scan a source and keep its workspace open for what comes after.

    `opened` is called with the files before they are read.
    """
    asked = ask(config, drop=drop, record=record, cleaning=cleaning)
    with scanning_for(asked, source, config, again=cleaning, progress=progress, opened=opened) as done:
        yield done


@contextmanager
def scanning_for(
    asked: Asked,
    source: Any,
    config: Config,
    *,
    again: bool = False,
    progress: Watch | None = None,
    opened: Callable[[Input], None] | None = None,
) -> Iterator[Scanned]:
    """The same for what is asked already. `again`: every file must lie on the disk, as it will be opened once more."""
    started, clock = datetime.now(UTC), time.monotonic()
    seen = [0, 0]

    def watch(step: Progress) -> None:
        seen[0] += step.rows
        seen[1] += step.nbytes
        if progress is not None:
            progress(step)

    with ExitStack() as stack:
        files: tuple[FileRef, ...] = ()
        try:
            work = stack.enter_context(_workspace(config))
            found = stack.enter_context(open_input(source, config, work, again=again))
            files = found.files
            if opened is not None:
                opened(found)
            watch(Progress(0, 0, sum(file.size for file in files)))
            if config.limit is None:
                _look_ahead(config, asked, files, work, watch)
            plan = _plan(config, asked, found)
            outcome = run(plan, work, watch)
        except KeyboardInterrupt:
            timing = Timing(started.isoformat(timespec="seconds"), time.monotonic() - clock, seen[1], 0)
            raise ScanInterruptedError(interrupted(config, asked, files, seen[0], timing)) from None
        timing = Timing(
            started.isoformat(timespec="seconds"), time.monotonic() - clock, seen[1], outcome.workers
        )
        report = assemble(config, asked, outcome, found.skipped, timing, plan.read.shapes)
        yield Scanned(report, outcome, asked, found, work)


def _look_ahead(
    config: Config, asked: Asked, files: tuple[FileRef, ...], work: Workspace, watch: Watch
) -> None:
    """Say what a large scan is expected to take, and refuse what there is no room for."""
    workers = _jobs(config) or processors()
    needed = expected(asked.options, files, config.sample_share or 1.0, _memory_of(workers))
    if needed is not None:
        require_room(needed, work)
        budget = config.memory_bytes
        over = budget is not None and needed.memory + needed.more_memory > budget
        watch(Progress(0, 0, expected=f"{needed}; --memory is {config.memory}" if over else str(needed)))


def _plan(config: Config, asked: Asked, found: Input) -> Plan:
    checks = {"exact-duplicates:record", "exact-duplicates:record:normalised", "split-leakage:record"}
    whole = any(asked.options.selection.takes(kind) for kind in _kinds() if kind.id in checks)
    read = ReadOptions(
        batch_rows=config.batch_rows,
        overrides=config.overrides,
        need_rest=whole,
        sample=config.sample_share,
        seed=config.seed,
    )
    read = msgspec.structs.replace(read, shapes=shapes_of(found, read))
    return Plan(found.files, read, asked.options, _jobs(config), config.limit, found.supply)


def _kinds() -> tuple[Any, ...]:
    from dataaudit.checks import finding_kinds

    return finding_kinds()


def _jobs(config: Config) -> int | None:
    if config.memory_bytes is None:
        return config.jobs
    beside = (config.memory_bytes - ALONE_MEMORY) // WORKER_MEMORY
    return min(config.jobs or processors(), 1 + max(0, beside))


def _memory_of(workers: int) -> int:
    return ALONE_MEMORY + (workers - 1) * WORKER_MEMORY


def _workspace(config: Config) -> Workspace:
    parent = None if config.work_dir is None else Path(config.work_dir)
    return Workspace(parent)


def _write_rows(path: Path, done: Scanned) -> None:
    from dataaudit.export.rows import write_rows

    meta = {one.id: {"category": one.category, "severity": one.severity} for one in done.report.findings}
    entries = ((meta.get(one.finding, {}), one) for one in done.outcome.entries())
    write_rows(path, entries, done.input.files, done.outcome.rows.lines_of)
