"""Structure: records without text or response, chats out of order, broken characters, outlying lengths."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.lengths import LengthHistogram
from dataaudit.checks.structure_tests import TESTS, Spot, lengths_of
from dataaudit.records.findings import CheckResult, Evaluated, Example, Finding
from dataaudit.records.types import TEXT_ROLES, Batch, pack_row
from dataaudit.sketches.counts import FindingCounts, add_counts
from dataaudit.sketches.sample import BottomK
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "structure"
EFFORT = 0.1
"""See `effort_of`."""


def _kind(name: str, severity: str, confidence: str, title: str, why: str) -> FindingKind:
    return FindingKind(f"{NAME}:{name}", NAME, "structure", severity, confidence, title, why)


FINDINGS = (
    _kind(
        "empty-text",
        "medium",
        "high",
        "No text",
        "A row without text teaches nothing, or teaches to say nothing.",
    ),
    _kind(
        "no-response",
        "medium",
        "high",
        "No response",
        "The model is trained to answer such a prompt with nothing.",
    ),
    _kind(
        "turn-order",
        "medium",
        "high",
        "Turns out of order",
        "Chat templates assume that prompts and responses alternate; others render wrongly or fail.",
    ),
    _kind(
        "unknown-turn-role",
        "low",
        "high",
        "Unknown turn roles",
        "A chat template has no place for such a turn; it is dropped or fails when rendered.",
    ),
    _kind(
        "replacement-character",
        "low",
        "high",
        "Replacement characters",
        "U+FFFD stands where text was decoded wrongly; the original characters are lost.",
    ),
    _kind(
        "control-character",
        "low",
        "high",
        "Control characters",
        "Control characters other than tab and line ends are seldom meant; they reach the tokenizer as they are.",
    ),
    _kind(
        "duplicate-key",
        "medium",
        "high",
        "A key named twice",
        "Loaders disagree on which value counts; the other one is hidden. Only the last one was searched.",
    ),
    _kind(
        "stray-quote",
        "low",
        "high",
        "Quotes inside unquoted fields",
        "Loaders disagree on such a record. Where a quote was lost, it may hold lines that belong to other records.",
    ),
    _kind(
        "length-outlier",
        "info",
        "medium",
        "Outlying lengths",
        "Rows far longer or shorter than the others are often parsing accidents, dumps or boilerplate.",
    ),
)
KINDS = {kind.id.split(":", 1)[1]: kind for kind in FINDINGS}
OUTLIER = "length-outlier"

MESSAGES = {
    "empty-text": "No role of the row holds any text.",
    "no-response": "The row has a prompt and no response.",
    "turn-order": "The turns of the chat do not alternate, starting from a prompt.",
    "unknown-turn-role": "A turn has a role name that no chat template knows.",
    "replacement-character": "The text holds U+FFFD, the replacement character.",
    "control-character": "The text holds control characters.",
    "duplicate-key": "An object of the row names a key twice.",
    "stray-quote": "The record has an odd number of quotes; one stands in a field that none opens.",
}


class _Frame(msgspec.Struct):
    counts: dict[str, FindingCounts] = {}
    of: dict[str, int] = {}
    lengths: LengthHistogram = msgspec.field(default_factory=LengthHistogram)
    longest: BottomK[Example] = msgspec.field(default_factory=lambda: BottomK(3))
    shortest: BottomK[Example] = msgspec.field(default_factory=lambda: BottomK(3))
    log: bytes = b""


class StructureState:
    """Counts per finding, a histogram of lengths, and rows where they are recorded."""

    def __init__(self, frame: _Frame, log: Spill) -> None:
        self.frame = frame
        self.log = log

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self.frame, log=self.log.to_bytes()))

    def merge(self, other: StructureState) -> None:
        """Take in another state."""
        mine, theirs = self.frame, other.frame
        for name, counts in theirs.counts.items():
            mine.counts.setdefault(name, FindingCounts()).merge(counts)
        add_counts(mine.of, theirs.of)
        mine.lengths.merge(theirs.lengths)
        mine.longest.merge(theirs.longest)
        mine.shortest.merge(theirs.shortest)
        self.log.merge(other.log)


class Structure(msgspec.Struct, frozen=True):
    """The check: which findings are on and which are recorded."""

    active: tuple[str, ...]
    record: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> StructureState:
        """The empty state."""
        return StructureState(_Frame(), Spill(work, 2, name="structure"))

    def load(self, data: bytes, work: Workspace) -> StructureState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return StructureState(frame, Spill.from_bytes(frame.log, work, name="structure"))

    def _records(self, name: str) -> bool:
        return "*" in self.record or KINDS[name].id in self.record

    def update(self, state: StructureState, batch: Batch) -> None:
        """Test the records of a batch."""
        for name, test in TESTS.items():
            if KINDS[name].id not in self.active:
                continue
            found = test(batch)
            add_counts(state.frame.of, {name: found.of})
            if not found.spots:
                continue
            counts = state.frame.counts.setdefault(name, FindingCounts())
            counts.add_rows(batch.file, len(found.spots))
            ids = _row_ids(batch, np.asarray([spot.record for spot in found.spots], np.int64))
            spots = found.spots
            counts.sample.offer(ids, lambda i, spots=spots: _example(batch, spots[i]))  # type: ignore[misc]
            self._log(state, name, ids, np.zeros(len(ids), np.uint64))
        if KINDS[OUTLIER].id in self.active:
            self._lengths(state, batch)

    def _lengths(self, state: StructureState, batch: Batch) -> None:
        present = np.flatnonzero(batch.has_role(TEXT_ROLES))
        lengths = lengths_of(batch)[present]
        frame = state.frame
        frame.lengths.add(lengths)
        if len(lengths) == 0:
            return
        ids = _row_ids(batch, present)
        for sample, sign in ((frame.longest, -1), (frame.shortest, 1)):
            for i in _smallest(sample, sign * lengths, ids):
                spot = Spot(int(present[i]), note=f"{int(lengths[i]):,} characters")
                sample.add(sign * int(lengths[i]), int(ids[i]), lambda spot=spot: _example(batch, spot))  # type: ignore[misc]
        self._log(state, OUTLIER, ids, lengths.astype(np.uint64))

    def _log(
        self, state: StructureState, name: str, ids: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]
    ) -> None:
        if self._records(name):
            partition = list(KINDS).index(name)
            state.log.add(np.full(len(ids), partition, np.int64), np.stack([ids, values], axis=1))

    def finalize(self, state: StructureState, rows: Rows) -> CheckResult:
        """Findings with their counts."""
        findings: list[Finding] = []
        evaluated: list[Evaluated] = []
        for name in TESTS:
            kind = KINDS[name]
            if kind.id not in self.active:
                continue
            counts, of = state.frame.counts.get(name, FindingCounts()), state.frame.of.get(name, 0)
            evaluated.append(kind.evaluated(counts.rows, of))
            if counts.rows:
                findings.append(
                    kind.finding(
                        MESSAGES[name],
                        counts.rows,
                        of,
                        by_source=counts.by_source(rows.files),
                        by_split=counts.by_split(rows.files),
                        examples=tuple(counts.sample.values()),
                    )
                )
        if KINDS[OUTLIER].id in self.active:
            found = self._outliers(state)
            evaluated.append(
                KINDS[OUTLIER].evaluated(0 if found is None else found.rows, state.frame.lengths.rows)
            )
            if found is not None:
                findings.append(found)
        return CheckResult(tuple(findings), tuple(evaluated))

    def _outliers(self, state: StructureState) -> Finding | None:
        frame = state.frame
        fence = frame.lengths.fence()
        if fence is None:
            return None
        below, above = frame.lengths.outside(fence)
        if below + above == 0:
            return None
        samples = ([frame.longest] if above else []) + ([frame.shortest] if below else [])
        return KINDS[OUTLIER].finding(
            f"The text is longer than {fence.high:,} characters ({above:,} rows)"
            f" or shorter than {fence.low:,} ({below:,} rows).",
            below + above,
            frame.lengths.rows,
            details={
                "low": fence.low,
                "high": fence.high,
                "below": below,
                "above": above,
                "median": fence.median,
            },
            examples=tuple(item for sample in samples for _, _, item in sample.items),
        )

    def entries(self, state: StructureState, rows: Rows) -> Iterator[RowEntries]:
        """The rows of the recorded findings."""
        fence = state.frame.lengths.fence()
        names = list(KINDS)
        for part in state.log.partitions():
            table = state.log.read_in_order(part)
            name = names[part]
            if name == OUTLIER:
                if fence is None:
                    continue
                table = table[(table[:, 1] < fence.low) | (table[:, 1] > fence.high)]
            if len(table):
                yield RowEntries(KINDS[name].id, table[:, 0])


def _smallest(
    sample: BottomK[Example], priorities: npt.NDArray[np.int64], ids: npt.NDArray[np.uint64]
) -> list[int]:
    """Which rows may enter a sample."""
    few = np.flatnonzero(priorities <= sample.most()) if sample.full else np.arange(len(ids))
    first: list[int] = few[np.lexsort((ids[few], priorities[few]))[: sample.k]].tolist()
    return first


def _row_ids(batch: Batch, records: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    return batch.rows[records].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))


def _example(batch: Batch, spot: Spot) -> Example:
    return Example(
        file=batch.file.uri,
        row=int(batch.rows[spot.record]),
        line=None if batch.lines is None else int(batch.lines[spot.record]),
        path=spot.path,
        role=spot.role,
        span=spot.span,
        text=spot.text,
        mark=spot.mark,
        note=spot.note,
    )


def build(options: CheckOptions) -> Structure | None:
    """The check over the findings left on, or None if there are none."""
    active = tuple(kind.id for kind in FINDINGS if options.selection.takes(kind))
    return Structure(active, options.record) if active else None
