"""Near-duplicates: rows whose word 5-grams overlap by 80 % or more, found by MinHash and verified exactly.

Every record with text leaves a key of its sequence of shingles and one key per band, which spill to disk. Records of
equal sequences are equal by that alone; of the others, those that share a band are candidates. Candidates are read
again, and two are united only if the Jaccard similarity of their sets of shingles reaches the threshold. In a bucket
the smallest row id is compared with all others, what it does not resemble is gathered around the next, a few times
over: linear in the bucket. The row that stays is the smallest row id of its cluster.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.duplicate_groups import GroupTally, extras, partition_of
from dataaudit.checks.near_clusters import BANDS, REDUCE_ROWS, SEQUENCES, Clusters, Settings, clusters
from dataaudit.checks.near_documents import LongDocument, documents
from dataaudit.records.findings import CheckResult, NotEvaluated
from dataaudit.records.types import Batch
from dataaudit.sketches.long_sets import keys_of
from dataaudit.sketches.minhash import band_keys, sequence_keys
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "near-duplicates"


KIND = FindingKind(
    NAME,
    NAME,
    "duplicates",
    "medium",
    "high",
    "Near-duplicates: texts that share most of their word 5-grams",
    "Rows that differ in a few words weigh like repeated ones, and exact comparison does not see them.",
)
FINDINGS = (KIND,)


class _Frame(msgspec.Struct):
    of: int = 0
    sequences: bytes = b""
    bands: bytes = b""


class NearState:
    """Rows compared; (hi, lo, row id) of their sequences; (key, row id) by band."""

    def __init__(self, of: int, sequences: Spill, bands: Spill, work: Workspace) -> None:
        self.of = of
        self.work = work
        self.found: Clusters | None = None
        """Once reduced; it stays in this process."""
        self.sequences = sequences
        self.bands = bands

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(_Frame(self.of, self.sequences.to_bytes(), self.bands.to_bytes()))

    def merge(self, other: NearState) -> None:
        """Take in another state."""
        self.of += other.of
        self.found = None
        self.sequences.merge(other.sequences)
        self.bands.merge(other.bands)


class NearDuplicates(msgspec.Struct, frozen=True):
    """The check."""

    record: bool = False

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> NearState:
        """The empty state."""
        return NearState(0, Spill(work, 3, name="near-sequences"), Spill(work, 2, name="near-bands"), work)

    def load(self, data: bytes, work: Workspace) -> NearState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return NearState(
            frame.of,
            Spill.from_bytes(frame.sequences, work, name="near-sequences"),
            Spill.from_bytes(frame.bands, work, name="near-bands"),
            work,
        )

    def update(self, state: NearState, batch: Batch) -> None:
        """Add the documents of a batch."""
        settings = Settings()
        for found in documents(batch, settings.words, state.work.new_file):
            if isinstance(found, LongDocument):
                row_ids = np.asarray([found.row_id], np.uint64)
                keys, hi, lo = keys_of(found.shingles(), settings.banding)
            else:
                row_ids = found.row_ids
                hi, lo = sequence_keys(found.hashes, found.starts)
                keys = band_keys(found.hashes, found.starts, settings.banding)
            state.of += len(row_ids)
            state.sequences.add(partition_of(SEQUENCES, hi), np.stack([hi, lo, row_ids], axis=1))
            for band in range(settings.banding.bands):
                mine = keys[:, band]
                state.bands.add(partition_of(BANDS + band, mine), np.stack([mine, row_ids], axis=1))

    def _found(self, state: NearState, rows: Rows) -> Clusters:
        if state.found is None:
            last = (SEQUENCES + 1 << 32) - 1
            equal = (extras(table) for table in state.sequences.chunks(SEQUENCES << 32, last, REDUCE_ROWS))
            state.found = clusters(equal, state.bands, rows, Settings(), state.work)
        return state.found

    def finalize(self, state: NearState, rows: Rows) -> CheckResult:
        """The finding with its clusters."""
        if state.of == 0:
            return CheckResult()
        found = self._found(state, rows)
        tally = GroupTally(rows.files)
        tally.add(found.extras)
        count = tally.counts.rows
        evaluated, unknown = (KIND.evaluated(count, state.of),), _unknown(found)
        if not count:
            return CheckResult(evaluated=evaluated, not_evaluated=unknown)
        texts = rows.fetch(tally.sampled())
        return CheckResult((tally.finding(KIND, state.of, rows, texts),), evaluated, unknown)

    def entries(self, state: NearState, rows: Rows) -> Iterator[RowEntries]:
        """The rows beyond the kept one, each with the row that stays."""
        if self.record and state.of:
            found = self._found(state, rows).extras
            if len(found.rows):
                yield RowEntries(NAME, found.rows, twins=found.twins)


def _unknown(found: Clusters) -> tuple[NotEvaluated, ...]:
    if not found.missing:
        return ()
    reason = (
        f"{found.missing:,} of {found.candidates:,} rows that may be near-duplicates could not be read again"
    )
    return (NotEvaluated(NAME, reason, incomplete=True),)


def build(options: CheckOptions) -> NearDuplicates | None:
    """The check, or None if it is off."""
    return NearDuplicates(options.records(NAME)) if options.selection.takes(KIND) else None
