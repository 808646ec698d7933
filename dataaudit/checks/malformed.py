"""Records that could not be parsed."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.records.findings import CheckResult, Example
from dataaudit.records.types import Batch, pack_row
from dataaudit.sketches.counts import FindingCounts, add_counts
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "malformed-record"
KIND = FindingKind(
    NAME,
    NAME,
    "structure",
    "high",
    "high",
    "Malformed records",
    "A loader stops at such a record, skips it in silence, or reads it as something else.",
    action="drop",
)
FINDINGS = (KIND,)

REASONS = (
    "invalid-json",
    "not-an-object",
    "invalid-utf8",
    "nul-byte",
    "lone-surrogate",
    "too-deep",
    "wrong-field-count",
    "unbalanced-quote",
)
"""Every reason a reader gives; the place in this tuple is stored, so new ones go to the end."""


class _Frame(msgspec.Struct):
    counts: FindingCounts = msgspec.field(default_factory=FindingCounts)
    of: int = 0
    reasons: dict[str, int] = {}
    log: bytes = b""


class MalformedState:
    """Counts per reason; rows are always recorded, since `clean` must remove them."""

    def __init__(self, frame: _Frame, log: Spill) -> None:
        self.frame = frame
        self.log = log

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self.frame, log=self.log.to_bytes()))

    def merge(self, other: MalformedState) -> None:
        """Take in another state."""
        self.frame.counts.merge(other.frame.counts)
        self.frame.of += other.frame.of
        add_counts(self.frame.reasons, other.frame.reasons)
        self.log.merge(other.log)


class MalformedRecords(msgspec.Struct, frozen=True):
    """The check."""

    report: bool = True
    record: bool = False

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> MalformedState:
        """The empty state."""
        return MalformedState(_Frame(), Spill(work, 2, name="malformed"))

    def load(self, data: bytes, work: Workspace) -> MalformedState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return MalformedState(frame, Spill.from_bytes(frame.log, work, name="malformed"))

    def update(self, state: MalformedState, batch: Batch) -> None:
        """Count the malformed records the reader met."""
        frame = state.frame
        frame.of += len(batch) + len(batch.malformed)
        if not batch.malformed:
            return
        frame.counts.add_rows(batch.file, len(batch.malformed))
        ids = np.asarray([pack_row(batch.file.id, one.row) for one in batch.malformed], np.uint64)
        codes = np.asarray([REASONS.index(one.reason) for one in batch.malformed], np.uint64)
        for one in batch.malformed:
            add_counts(frame.reasons, {one.reason: 1})

        def example(i: int) -> Example:
            one = batch.malformed[i]
            where = "" if one.offset is None else f" at byte {one.offset:,}, {one.length:,} bytes long"
            return Example(batch.file.uri, one.row, one.line, note=f"{one.reason}{where}")

        frame.counts.sample.offer(ids, example)
        if self.record:
            state.log.add(np.zeros(len(ids), np.int64), np.stack([ids, codes], axis=1))

    def finalize(self, state: MalformedState, rows: Rows) -> CheckResult:
        """The finding, if there is one."""
        counts, of = state.frame.counts, state.frame.of
        if not self.report:
            return CheckResult()
        evaluated = (KIND.evaluated(counts.rows, of),)
        if not counts.rows:
            return CheckResult(evaluated=evaluated)
        reasons = dict(sorted(state.frame.reasons.items()))
        listed = ", ".join(f"{name} {count:,}" for name, count in reasons.items())
        finding = KIND.finding(
            f"The record cannot be parsed ({listed}).",
            counts.rows,
            of,
            by_source=counts.by_source(rows.files),
            by_split=counts.by_split(rows.files),
            details={"reasons": reasons},
            examples=tuple(counts.sample.values()),
        )
        return CheckResult((finding,), evaluated)

    def entries(self, state: MalformedState, rows: Rows) -> Iterator[RowEntries]:
        """The malformed rows, by reason."""
        for part in state.log.partitions():
            table = state.log.read_in_order(part)
            for code in np.unique(table[:, 1]).tolist():
                ids = table[table[:, 1] == code, 0]
                yield RowEntries(NAME, ids, note=REASONS[int(code)])


def build(options: CheckOptions) -> MalformedRecords:
    """Always built: rows that cannot be read are never passed over. `--ignore` leaves the finding out."""
    report = not any(KIND.matches(one) for one in options.selection.ignore)
    return MalformedRecords(report, options.records(NAME))
