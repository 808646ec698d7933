"""What the laws compare: results and row entries of checks, as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dataaudit.checks.base import Check, RowEntries
from dataaudit.engine.rows import RowsAgain
from dataaudit.engine.tally import Tally
from dataaudit.records.types import Batch, FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.base import ReadOptions
from dataaudit.sources.discover import discover
from dataaudit.sources.readers import reader_for

WHOLE = ReadOptions()


def files_of(folder: Path) -> tuple[FileRef, ...]:
    return discover([str(folder)]).files


def batches_of(files: Iterable[FileRef], options: ReadOptions, target: int = 1 << 62) -> Iterator[Batch]:
    """The batches of files in order."""
    for file in files:
        reader = reader_for(file.format)
        for partition in reader.plan(file, target):
            for item in reader.read(partition, options):
                assert isinstance(item, Batch)
                yield item


def rows_of(files: tuple[FileRef, ...], batches: Iterable[Batch]) -> RowsAgain:
    tally = Tally()
    for batch in batches:
        tally.of(batch.file.id).add(batch)
    return RowsAgain(files, tally, WHOLE)


def state_of(check: Check[Any], batches: Iterable[Batch], work: Workspace) -> Any:
    state = check.start(work)
    for batch in batches:
        check.update(state, batch)
    return state


def again(check: Check[Any], state: Any, work: Workspace) -> Any:
    """The state after a trip through its bytes."""
    return check.load(state.to_bytes(), work)


def merged(check: Check[Any], states: Sequence[Any], work: Workspace) -> Any:
    """All states merged from the left; the states given stay usable."""
    into = again(check, states[0], work)
    for other in states[1:]:
        into.merge(again(check, other, work))
    return into


def outcome(check: Check[Any], state: Any, rows: RowsAgain) -> bytes:
    """Everything a state says: its result, and its row entries in their order."""
    entries = [line for one in check.entries(state, rows) for line in _entry_lines(one)]
    return msgspec.json.encode([check.finalize(state, rows), entries])


def _entry_lines(entries: RowEntries) -> Iterator[str]:
    for i, row_id in enumerate(entries.row_ids.tolist()):
        twin = None if entries.twins is None else int(entries.twins[i])
        span: list[Any] = []
        if entries.spans is not None:
            role, path, *rest = entries.spans[i].tolist()
            span = [role, entries.paths[path], *rest]
        alike = None if entries.similarities is None else float(entries.similarities[i])
        yield repr((entries.finding, row_id, twin, alike, span, entries.note))
