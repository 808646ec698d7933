"""Exact duplicates and split leakage, by 128-bit keys that spill to disk and are reduced one range at a time.

What is compared (CONTRACT of the names):

    exact-duplicates          all role strings of a record, labels included, other columns not
    exact-duplicates:record   everything in the record
    exact-duplicates:ROLE     the strings of one role
    …:normalised              the same after NFC(casefold(NFC)) and collapsing of white space

`rows` counts the rows beyond the one that is kept, which is the smallest row id. Split leakage compares the same keys
between splits: the row in the later split is the one that leaked (train before validation before test before others).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.duplicate_groups import Extras, GroupTally, extras, leaks
from dataaudit.checks.duplicate_keys import ALL, RECORD, SCOPES, code_of, codes_of, compared
from dataaudit.records.findings import CheckResult
from dataaudit.records.types import Batch, pack_row
from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.side_by_side import side_by_side
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "exact-duplicates"
EFFORT = 0.2
"""See `effort_of`."""
LEAKAGE = "split-leakage"
BASES = (NAME, LEAKAGE)

REDUCE_ROWS = 1 << 18
"""Keys that a thread reduces together: 6 MB of them, and as much again while they are."""

U64 = npt.NDArray[np.uint64]


class Variant(NamedTuple):
    """A way of comparing."""

    scope: str
    normalised: bool

    @property
    def suffix(self) -> str:
        """What follows the base id."""
        return (f":{self.scope}" if self.scope else "") + (":normalised" if self.normalised else "")


VARIANTS = tuple(Variant(scope, normalised) for scope in SCOPES for normalised in (False, True))

_WHAT = {ALL: "the same text in every role", RECORD: "the same record in every column"}


def _kind(base: str, variant: Variant) -> FindingKind:
    what = _WHAT.get(variant.scope, f"the same {variant.scope}")
    alike = " after case and white space are folded" if variant.normalised else ""
    whole = variant.scope in (ALL, RECORD)
    if base == NAME:
        severity = "medium" if whole else ("low" if variant.scope in ("text", "response") else "info")
        title = f"Exact duplicates: {what}{alike}"
        why = "Repeated rows weigh more in the loss, are memorised, and make a held-out split look easier than it is."
    else:
        severity = "high" if whole else ("medium" if variant.scope in ("text", "prompt") else "low")
        title = f"Split leakage: {what}{alike} in two splits"
        why = "A row of an evaluation split that is also trained on measures memory, not skill."
    return FindingKind(f"{base}{variant.suffix}", base, "duplicates", severity, "high", title, why)


KINDS = {(base, variant): _kind(base, variant) for base in BASES for variant in VARIANTS}
FINDINGS = tuple(KINDS.values())


class _Frame(msgspec.Struct):
    of: dict[str, int] = {}
    """Rows compared, by suffix."""
    keys: bytes = b""


class DuplicateState:
    """Rows compared, and their keys: (hi, lo, row id), partitioned by code (see `code_of`) and key range."""

    def __init__(self, frame: _Frame, keys: Spill) -> None:
        self.frame = frame
        self.keys = keys

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self.frame, keys=self.keys.to_bytes()))

    def merge(self, other: DuplicateState) -> None:
        """Take in another state."""
        add_counts(self.frame.of, other.frame.of)
        self.keys.merge(other.keys)

    def codes(self, variants: Sequence[Variant]) -> list[tuple[int, ...]]:
        """The codes under which the keys of each variant are. Where two variants have the same, so are their keys."""
        every = self.keys.uppers()
        return [codes_of(one.scope, one.normalised, every) for one in variants]


class ExactDuplicates(msgspec.Struct, frozen=True):
    """The check: which findings are on and which are recorded."""

    active: tuple[str, ...]
    record: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def _variants(self) -> list[Variant]:
        on = set(self.active)
        return [one for one in VARIANTS if {NAME + one.suffix, LEAKAGE + one.suffix} & on]

    def start(self, work: Workspace) -> DuplicateState:
        """The empty state."""
        return DuplicateState(_Frame(), Spill(work, 3, name="duplicates"))

    def load(self, data: bytes, work: Workspace) -> DuplicateState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return DuplicateState(frame, Spill.from_bytes(frame.keys, work, name="duplicates"))

    def update(self, state: DuplicateState, batch: Batch) -> None:
        """Add the keys of a batch."""
        if len(batch) == 0:
            return
        ids = batch.rows.astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
        for normalised in (False, True):
            scopes = [one.scope for one in self._variants() if one.normalised == normalised]
            for found in compared(batch, scopes, normalised):
                of = {Variant(one, normalised).suffix: len(found.records) for one in found.scopes}
                add_counts(state.frame.of, of)
                rest = np.stack([found.keys.lo, ids[found.records]], axis=1)
                state.keys.add_keys(code_of(found.scopes, normalised), found.keys.hi[:, None], rest)

    def finalize(self, state: DuplicateState, rows: Rows) -> CheckResult:
        """Findings with their groups."""
        splits = {file.split for file in rows.files if file.split is not None}
        tallies: list[tuple[FindingKind, int, GroupTally]] = []
        known: dict[tuple[str, tuple[int, ...]], GroupTally] = {}
        variants = self._variants()
        for variant, codes in zip(variants, state.codes(variants), strict=True):
            of = state.frame.of.get(variant.suffix, 0)
            for base in BASES:
                kind = KINDS[base, variant]
                if kind.id not in self.active or not of or (base == LEAKAGE and len(splits) < 2):
                    continue
                if (base, codes) not in known:
                    known[base, codes] = self._tally(state, codes, base, rows)
                tallies.append((kind, of, known[base, codes]))
        texts = rows.fetch(sorted({row_id for _, _, tally in tallies for row_id in tally.sampled()}))
        findings = [tally.finding(kind, of, rows, texts) for kind, of, tally in tallies if tally.counts.rows]
        evaluated = [kind.evaluated(tally.counts.rows, of) for kind, of, tally in tallies]
        return CheckResult(tuple(findings), tuple(evaluated))

    def _tally(self, state: DuplicateState, codes: tuple[int, ...], base: str, rows: Rows) -> GroupTally:
        tally = GroupTally(rows.files)
        for found in _reduced(state, codes, base, rows):
            tally.add(found)
        return tally

    def entries(self, state: DuplicateState, rows: Rows) -> Iterator[RowEntries]:
        """The rows beyond the kept one, and those that leaked, each with the row it repeats."""
        variants = self._variants()
        for variant, codes in zip(variants, state.codes(variants), strict=True):
            for base in BASES:
                name = base + variant.suffix
                if name in self.active and ("*" in self.record or name in self.record):
                    for found in _reduced(state, codes, base, rows):
                        if len(found.rows):
                            yield RowEntries(name, found.rows, twins=found.twins)


def _reduced(state: DuplicateState, codes: tuple[int, ...], base: str, rows: Rows) -> Iterator[Extras]:
    """The duplicates or leaks among the keys under these codes, some key ranges at a time."""

    def reduced(between: tuple[int, int]) -> Extras:
        table = state.keys.read_together(codes, *between)
        return extras(table) if base == NAME else leaks(table, rows.files)

    yield from side_by_side(reduced, state.keys.lowers(codes, REDUCE_ROWS), rows.threads)


def spilled_per_row(options: CheckOptions) -> int:
    """Bytes of the keys of a row: three numbers of each variant."""
    on = {one for base, one in KINDS if options.selection.takes(KINDS[base, one])}
    return len([one for one in on if one.scope in (ALL, RECORD)]) * 3 * 8


def build(options: CheckOptions) -> ExactDuplicates | None:
    """The check over the findings left on, or None if there are none."""
    active = tuple(kind.id for kind in FINDINGS if options.selection.takes(kind))
    return ExactDuplicates(active, options.record) if active else None
