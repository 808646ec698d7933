"""Class imbalance: exact label counts, their ratio and entropy, classes that are missing, splits that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np

from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.label_stats import LabelStats, gather
from dataaudit.records.findings import CheckResult, Finding
from dataaudit.records.types import Batch
from dataaudit.sketches.counter import SpillCounter
from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.workspace import Workspace

NAME = "class-imbalance"

SEVERE_RATIO = 100.0
"""Largest class : smallest class above which imbalance is severe."""
NOTABLE_RATIO = 10.0
"""Above this the imbalance is worth a line."""
FAR_SPLITS = 0.1
"""Jensen–Shannon distance of the label shares of two splits above which they are called different."""


def _kind(suffix: str, severity: str, title: str, why: str) -> FindingKind:
    return FindingKind(f"{NAME}{suffix}", NAME, "labels", severity, "high", title, why, whole=True)


IMBALANCE = _kind(
    "",
    "high",
    "Class imbalance",
    "A model can ignore a class this rare and still score well; plain accuracy hides it.",
)
SINGLE = _kind(
    ":single-class", "medium", "A single class", "With one class there is nothing to learn from the label."
)
ABSENT = _kind(
    ":absent-class", "medium", "Classes declared but absent", "The model is never shown these classes."
)
MISSING = _kind(
    ":missing-in-split",
    "low",
    "Classes missing from a split",
    "What is missing from one split cannot be learned there, or cannot be measured.",
)
SHIFT = _kind(
    ":split-shift",
    "low",
    "Label shares differ between splits",
    "Scores on one split do not carry over to the other.",
)
FINDINGS = (IMBALANCE, SINGLE, ABSENT, MISSING, SHIFT)

SEPARATOR = "\x1f"


class _Frame(msgspec.Struct):
    rows: dict[str, int] = {}
    """Rows with a label, by path."""
    declared: dict[str, list[str]] = {}
    counter: bytes = b""


class LabelState:
    """Counts by path, split and label."""

    def __init__(self, frame: _Frame, counter: SpillCounter) -> None:
        self.frame = frame
        self.counter = counter

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self.frame, counter=self.counter.to_bytes()))

    def merge(self, other: LabelState) -> None:
        """Take in another state."""
        add_counts(self.frame.rows, other.frame.rows)
        _declare(self.frame, other.frame.declared)
        self.counter.merge(other.counter)


def _declare(frame: _Frame, declared: dict[str, list[str]]) -> None:
    for path, names in declared.items():
        frame.declared[path] = sorted({*frame.declared.get(path, ()), *names})


class ClassImbalance(msgspec.Struct, frozen=True):
    """The check: which of its findings are on."""

    active: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> LabelState:
        """The empty state."""
        return LabelState(_Frame(), SpillCounter(work))

    def load(self, data: bytes, work: Workspace) -> LabelState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return LabelState(frame, SpillCounter.from_bytes(frame.counter, work))

    def update(self, state: LabelState, batch: Batch) -> None:
        """Count the labels of a batch."""
        _declare(state.frame, {path: list(names) for path, names in batch.label_names})
        labels = batch.roles.get("label")
        if labels is None:
            return
        split = batch.file.split or ""
        for path_id in np.unique(labels.path_ids).tolist():
            path = labels.paths[path_id]
            at = np.flatnonzero(labels.path_ids == path_id)
            counted = labels.values.take(at).value_counts()
            pairs = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
            state.counter.add({SEPARATOR.join((path, split, label)): count for label, count in pairs})
            add_counts(state.frame.rows, {path: len(np.unique(labels.rows[at]))})

    def finalize(self, state: LabelState, rows: Rows) -> CheckResult:
        """Findings per label path, and the figures behind them."""
        stats = gather(state.counter, state.frame.rows, state.frame.declared)
        findings = [finding for one in stats for finding in self._judge(one) if finding.id in self.active]
        evaluated = []
        for kind in FINDINGS:
            if kind.id in self.active and stats:
                evaluated.append(kind.evaluated(None, sum(one.info.rows for one in stats)))
        return CheckResult(_one_each(findings), tuple(evaluated), labels=tuple(one.info for one in stats))

    def _judge(self, stats: LabelStats) -> Iterator[Finding]:
        info = stats.info
        about = {"path": info.path}
        if info.classes == 1:
            yield SINGLE.finding(
                f"In {info.path}: all rows have the same label",
                None,
                info.rows,
                value=1.0,
                limit=1.0,
                details=about,
            )
        elif info.ratio is not None and info.ratio > NOTABLE_RATIO:
            severe = info.ratio > SEVERE_RATIO
            yield IMBALANCE.finding(
                f"In {info.path}: {stats.most[1]:,} rows of the largest class to {stats.least[1]:,} of the smallest"
                f" ({info.ratio:,.1f} : 1, {info.classes:,} classes)",
                None,
                info.rows,
                value=info.ratio,
                limit=SEVERE_RATIO,
                severity="high" if severe else "low",
                details={**about, "largest": stats.most[0], "smallest": stats.least[0]},
            )
        if stats.absent:
            yield ABSENT.finding(
                f"In {info.path}: {len(stats.absent):,} declared classes have no row",
                None,
                info.rows,
                value=float(len(stats.absent)),
                limit=0.0,
                details={**about, "classes": stats.absent[:50]},
            )
        for split, missing in stats.missing.items():
            yield MISSING.finding(
                f"In {info.path}: {missing:,} of {info.classes:,} classes have no row in {split}",
                None,
                info.rows,
                value=float(missing),
                limit=0.0,
                details={**about, "split": split},
            )
        for pair, distance in info.split_distance.items():
            if distance > FAR_SPLITS:
                yield SHIFT.finding(
                    f"In {info.path}: label shares of {pair.replace('|', ' and ')} lie {distance:.2f} apart",
                    None,
                    info.rows,
                    value=distance,
                    limit=FAR_SPLITS,
                    details={**about, "splits": pair},
                )

    def entries(self, state: LabelState, rows: Rows) -> Iterator[RowEntries]:
        """None: these findings are about the whole, not about rows."""
        return iter(())


def _one_each(findings: list[Finding]) -> tuple[Finding, ...]:
    """One finding per id, the worst first said; the others in its details, so that ids stay unique."""
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    merged = []
    for group in by_id.values():
        group.sort(key=lambda one: (-(one.value or 0.0), one.message))
        worst, others = group[0], group[1:]
        if others:
            worst = replace(worst, details={**worst.details, "also": [other.message for other in others]})
        merged.append(worst)
    return tuple(merged)


def build(options: CheckOptions) -> ClassImbalance | None:
    """The check over the findings left on, or None if there are none."""
    active = tuple(kind.id for kind in FINDINGS if options.selection.takes(kind))
    return ClassImbalance(active) if active else None
