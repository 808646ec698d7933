"""Verdicts: per row what to do with it and why, collected on disk and read back file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import RowEntries
from dataaudit.errors import UsageError
from dataaudit.records.types import ROW_BITS, ROW_MASK, unpack_row
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

MALFORMED = "malformed-record"
"""Finding id of records that could not be parsed; they are always dropped."""

_ACTIONS: dict[str, int] = {"redact": 1, "drop": 2}
_BLOCK_BITS = 22
"""Rows are read back in blocks of 2**22: the verdicts of a very long file are never all in memory."""
_NO_TWIN = np.uint64(2**64 - 1)
_WIDTH = 8
_ROW, _WHAT, _TWIN, _PATH, _START, _END, _NOTE, _ALIKE = range(_WIDTH)
_DECIMALS = 10_000
"""Similarities are kept as whole numbers of this fraction, plus one; they have four decimals."""


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why a row is dropped or redacted."""

    id: str
    """The finding."""
    path: str | None = None
    """Field of the match, e.g. `messages[2].content`."""
    span: tuple[int, int] | None = None
    """Half-open range of the match in the field, in code points."""
    twin: tuple[int, int] | None = None
    """(file id, row) of the row that stays, for duplicates."""
    note: str | None = None
    """What else there is to say, e.g. why a record is malformed."""
    similarity: float | None = None
    """To the row that stays, for near-duplicates; four decimals."""


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What happens to a row that is not simply kept. `action` is `drop` or `redact`; reasons are sorted."""

    row: int
    action: str
    reasons: tuple[Reason, ...]


class VerdictStore:
    """Row-level entries of all findings that drop or redact.

    Memory is bounded by the entries of one block of 2**22 rows of one file; the rest lies in the workspace.
    Distinct notes are held in memory: they are meant to be the few reasons for which a record is malformed.
    """

    def __init__(self, work: Workspace) -> None:
        self._spill = Spill(work, _WIDTH, name="verdicts")
        self._findings: dict[str, int] = {}
        self._paths: dict[str, int] = {}
        self._notes: dict[str, int] = {}

    def add(self, entries: RowEntries, action: str, notes: Sequence[str | None] | None = None) -> None:
        """Record entries, all with one action (`drop` or `redact`); `notes` has one text per entry.

        Raises UsageError for a redaction without spans: there is nothing to replace.
        """
        if action not in _ACTIONS:
            raise ValueError(f"no such action: {action!r}")
        if action == "redact" and entries.spans is None:
            raise UsageError(f"{entries.finding} has no places to redact, only rows; use drop")
        count = len(entries.row_ids)
        ids = entries.row_ids.astype(np.uint64, copy=False)
        table = np.zeros((count, _WIDTH), np.uint64)
        table[:, _ROW] = ids & np.uint64(ROW_MASK)
        finding = self._findings.setdefault(entries.finding, len(self._findings))
        table[:, _WHAT] = finding << 8 | _ACTIONS[action]
        table[:, _TWIN] = _NO_TWIN if entries.twins is None else entries.twins
        if entries.spans is not None and count:
            places = np.array([self._paths.setdefault(p, len(self._paths)) for p in entries.paths], np.int64)
            packed = (places[entries.spans[:, 1]] + 1) << 32 | (entries.spans[:, 2] + 1)
            table[:, _PATH] = packed.astype(np.uint64)
            table[:, _START:_NOTE] = entries.spans[:, 3:5].astype(np.uint64)
        if entries.similarities is not None:
            table[:, _ALIKE] = np.round(entries.similarities * _DECIMALS).astype(np.uint64) + np.uint64(1)
        if notes is not None:
            codes = [0 if n is None else self._notes.setdefault(n, len(self._notes)) + 1 for n in notes]
            table[:, _NOTE] = np.array(codes, np.uint64)
        blocks = (ids >> np.uint64(_BLOCK_BITS)).astype(np.int64)
        self._spill.add(blocks, table)

    def for_file(self, file_id: int) -> Iterator[RowVerdict]:
        """The verdicts of one file in ascending row order, one per row."""
        names = list(self._findings), list(self._paths), list(self._notes)
        shift = ROW_BITS - _BLOCK_BITS
        for block in self._spill.partitions():
            if block >> shift == file_id:
                yield from _verdicts(self._spill.read(block), *names)

    def count(self, file_id: int) -> int:
        """Rows of the file that are dropped or redacted."""
        shift = ROW_BITS - _BLOCK_BITS
        blocks = [block for block in self._spill.partitions() if block >> shift == file_id]
        return sum(len(np.unique(self._spill.read(block)[:, _ROW])) for block in blocks)


def _verdicts(
    table: npt.NDArray[np.uint64], findings: list[str], paths: list[str], notes: list[str]
) -> Iterator[RowVerdict]:
    """Group a block's entries by row; whatever order they came in, the result is the same."""
    # np.unique sorts by all columns, so rows come grouped and entries added twice count once.
    table = np.unique(table, axis=0)
    edges = np.flatnonzero(np.diff(table[:, _ROW], prepend=table[:1, _ROW] + np.uint64(1)))
    bounds = [*edges.tolist(), len(table)]
    plain = table.tolist()
    for start, stop in pairwise(bounds):
        group = plain[start:stop]
        code = max(entry[_WHAT] & 0xFF for entry in group)
        reasons = {_reason(entry, findings, paths, notes) for entry in group}
        action = "drop" if code == _ACTIONS["drop"] else "redact"
        yield RowVerdict(group[0][_ROW], action, tuple(sorted(reasons, key=_reason_key)))


def _reason(entry: list[int], findings: list[str], paths: list[str], notes: list[str]) -> Reason:
    path = span = None
    if entry[_PATH]:
        path = paths[(entry[_PATH] >> 32) - 1]
        at = (entry[_PATH] & 0xFFFFFFFF) - 1
        if at >= 0:
            path = path.replace("[*]", f"[{at}]", 1)
        span = (entry[_START], entry[_END])
    twin = None if entry[_TWIN] == int(_NO_TWIN) else unpack_row(entry[_TWIN])
    note = notes[entry[_NOTE] - 1] if entry[_NOTE] else None
    similarity = (entry[_ALIKE] - 1) / _DECIMALS if entry[_ALIKE] else None
    return Reason(findings[entry[_WHAT] >> 8], path, span, twin, note, similarity)


def _reason_key(reason: Reason) -> tuple[str, str, tuple[int, int], tuple[int, int], str]:
    return (
        reason.id,
        reason.path or "",
        reason.span or (-1, -1),
        reason.twin or (-1, -1),
        reason.note or "",
    )
