"""Near-duplicates: rows whose word 5-grams overlap by 80 % or more, found by MinHash and verified exactly.

Every record with text leaves a key of its sequence of shingles and one key per band, which spill to disk. Records of
equal sequences are equal by that alone; of the others, those that share a band are candidates. Candidates are read
again, and two are united only if the Jaccard similarity of their sets of shingles reaches the threshold. In a bucket
the smallest row id is compared with all others, what it does not resemble is gathered around the next, a few times
over: linear in the bucket. One row of a cluster stays, by default the one of the smallest row id.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from dataaudit.checks.base import CheckOptions, Costs, FindingKind, RowEntries, Rows
from dataaudit.checks.near_clusters import Clusters, Keys, clusters
from dataaudit.checks.near_documents import LongDocument, documents
from dataaudit.checks.near_finding import finding
from dataaudit.checks.near_settings import NearSettings
from dataaudit.records.findings import CheckResult, Evaluated, Finding, NotEvaluated
from dataaudit.records.types import TEXT_ROLES, Batch
from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.long_sets import keys_of
from dataaudit.sketches.minhash import band_keys, sequence_keys
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "near-duplicates"
EFFORT = 0.15
"""See `effort_of`."""
WHY = "Rows that differ in a few words weigh like repeated ones, and exact comparison does not see them."
WHY_ROLE = (
    "One prompt with many answers, or one answer to many prompts, may be meant; where it is not, it is repetition that "
    "comparing whole records does not see."
)

SET_BYTES = 1.6
"""Of a set of shingles per byte of text: 8 for each word, which in prose comes with its space every 5 to 6 bytes."""
CANDIDATE_BYTES = 400
"""In memory, of a row that is compared. Measured: 38, 106 and 133 MB for 50,000, 200,000 and 400,000 of them."""

VARIANTS: tuple[str | None, ...] = (None, *TEXT_ROLES)
"""What is compared: whole records, or the strings of one role."""


def _kind(role: str | None) -> FindingKind:
    if role is None:
        title = "Near-duplicates: texts that share most of their word 5-grams"
        return FindingKind(NAME, NAME, "duplicates", "medium", "high", title, WHY)
    title = f"Near-duplicates by {role}: most of their word 5-grams are shared"
    return FindingKind(f"{NAME}:{role}", NAME, "duplicates", "info", "high", title, WHY_ROLE, default=False)


KINDS = tuple(_kind(role) for role in VARIANTS)
FINDINGS = KINDS


class _Frame(msgspec.Struct):
    of: dict[str, int] = {}
    """Rows compared, by variant."""
    sequences: bytes = b""
    bands: bytes = b""


class NearState:
    """Rows compared by variant; (hi, lo, row id, bytes of text) of their sequences; (key, row id) by band."""

    def __init__(self, of: dict[str, int], sequences: Spill, bands: Spill, work: Workspace) -> None:
        self.of = of
        self.work = work
        self.found: dict[int, Clusters] = {}
        """By variant, once reduced; it stays in this process."""
        self.sequences = sequences
        self.bands = bands

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(_Frame(self.of, self.sequences.to_bytes(), self.bands.to_bytes()))

    def merge(self, other: NearState) -> None:
        """Take in another state."""
        add_counts(self.of, other.of)
        self.found = {}
        self.sequences.merge(other.sequences)
        self.bands.merge(other.bands)


class NearDuplicates(msgspec.Struct, frozen=True):
    """The check: which variants are on, by their place in `VARIANTS`, and which findings are recorded."""

    active: tuple[int, ...]
    settings: NearSettings = NearSettings()
    record: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> NearState:
        """The empty state."""
        return NearState({}, Spill(work, 4, name="near-sequences"), Spill(work, 2, name="near-bands"), work)

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
        settings = self.settings
        for variant in self.active:
            for found in documents(batch, settings.words, state.work, VARIANTS[variant]):
                if isinstance(found, LongDocument):
                    row_ids, nbytes = (np.asarray([one], np.uint64) for one in (found.row_id, found.nbytes))
                    keys, hi, lo = keys_of(found.shingles(), settings.banding)
                else:
                    row_ids, nbytes = found.row_ids, found.nbytes.astype(np.uint64)
                    hi, lo = sequence_keys(found.hashes, found.starts)
                    keys = band_keys(found.hashes, found.starts, settings.banding)
                add_counts(state.of, {str(variant): len(row_ids)})
                state.sequences.add_keys(variant, hi[:, None], np.stack([lo, row_ids, nbytes], axis=1))
                state.bands.add_keys(variant * settings.bands, keys, row_ids[:, None])

    def _found(self, state: NearState, rows: Rows, variant: int) -> Clusters:
        if variant not in state.found:
            keys = Keys(state.sequences, state.bands, variant, self.settings.bands)
            state.found[variant] = clusters(keys, VARIANTS[variant], rows, self.settings, state.work)
        return state.found[variant]

    def finalize(self, state: NearState, rows: Rows) -> CheckResult:
        """The findings with their clusters."""
        findings: list[Finding] = []
        evaluated: list[Evaluated] = []
        unknown: list[NotEvaluated] = []
        for variant in self.active:
            of = state.of.get(str(variant), 0)
            if of == 0:
                continue
            found, kind = self._found(state, rows, variant), KINDS[variant]
            count = int((~found.members.head).sum())
            evaluated.append(kind.evaluated(count, of))
            unknown += _unknown(kind, found)
            if count:
                findings.append(finding(kind, of, found.members, rows, self.settings))
        return CheckResult(tuple(findings), tuple(evaluated), tuple(unknown))

    def entries(self, state: NearState, rows: Rows) -> Iterator[RowEntries]:
        """The rows beyond the kept one, each with the row that stays and its similarity to that one."""
        for variant in self.record:
            if not state.of.get(str(variant)):
                continue
            members = self._found(state, rows, variant).members
            gone = ~members.head
            if gone.any():
                kept = members.rows[members.head][members.cluster[gone]]
                order = np.argsort(members.rows[gone])
                yield RowEntries(
                    KINDS[variant].id,
                    members.rows[gone][order],
                    twins=kept[order],
                    similarities=members.similarity[gone][order],
                )


def _unknown(kind: FindingKind, found: Clusters) -> tuple[NotEvaluated, ...]:
    if not found.missing:
        return ()
    reason = (
        f"{found.missing:,} of {found.candidates:,} rows that may be near-duplicates could not be read again"
    )
    return (NotEvaluated(kind.id, reason, incomplete=True),)


def spilled_per_row(options: CheckOptions) -> int:
    """Bytes of the keys of a row: four numbers of its sequence, two of each band."""
    on = sum(options.selection.takes(kind) for kind in KINDS)
    return on * (4 * 8 + options.near.bands * 2 * 8)


def costs_of_candidates(options: CheckOptions) -> Costs:
    """Of a row that may be a near-duplicate: its set of shingles on disk, its id, size and label in memory."""
    on = sum(options.selection.takes(kind) for kind in KINDS)
    return Costs(on * SET_BYTES, on * CANDIDATE_BYTES)


def build(options: CheckOptions) -> NearDuplicates | None:
    """The check over the findings left on, or None if there are none."""
    active = tuple(i for i, kind in enumerate(KINDS) if options.selection.takes(kind))
    record = tuple(i for i in active if options.records(KINDS[i].id))
    return NearDuplicates(active, options.near, record) if active else None
