"""Benchmark leakage: which items of known benchmarks stand in the data (see `benchmarks.detect` for what counts)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.detect import Detector
from dataaudit.benchmarks.found import ANSWER, Found
from dataaudit.benchmarks.index import Index, open_index, read_manifest
from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.leak_places import Laid, example, laid, said, spans
from dataaudit.checks.logged_paths import recall, remember
from dataaudit.records.findings import CheckResult, Evaluated, Example, Finding
from dataaudit.records.types import ROLE_CODE, TEXT_ROLES, Batch, pack_row
from dataaudit.sketches.counts import FindingCounts, add_counts
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "leakage"
EFFORT = 0.15
"""See `effort_of`."""
KIND = FindingKind(
    NAME,
    NAME,
    "leakage",
    "high",
    "high",
    "Benchmark items in the data",
    "A model trained on the items of a benchmark is measured by what it remembers: its score on it says little.",
)
FINDINGS = (KIND,)
REPHRASED = (4, 1_617)
"""Items found of those that a model rephrased: GSM8K test and, in two languages, HumanEval (docs/leakage.md)."""
MISSED = (
    f"Rephrased items are missed: of {REPHRASED[1]:,} that a model rephrased, matching found {REPHRASED[0]}."
)
LOG_WIDTH = 7  # row id; item, words covered, kind; role, path, place in the list + 1, start, end
COVER_AT, KIND_AT = np.uint64(32), np.uint64(48)


def kind_of(label: str) -> FindingKind:
    """The finding of one benchmark."""
    return FindingKind(
        f"{NAME}:{label}",
        NAME,
        KIND.category,
        KIND.severity,
        KIND.confidence,
        f"Items of {label} in the data",
        KIND.why,
    )


class _Frame(msgspec.Struct):
    of: int = 0
    counts: dict[str, FindingCounts] = {}
    items: dict[str, dict[str, int]] = {}
    """Benchmark → item → what of it (`Found.kinds`); the most that any row has."""
    paths: dict[str, str] = {}
    """Path templates by their 64-bit hash (as text)."""
    log: bytes = b""


class LeakageState:
    """Rows and items found, per benchmark."""

    def __init__(self, frame: _Frame, log: Spill, work: Workspace) -> None:
        self.frame = frame
        self.work = work
        self.log = log

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self.frame, log=self.log.to_bytes()))

    def merge(self, other: LeakageState) -> None:
        """Take in another state."""
        self.frame.of += other.frame.of
        for name, counts in other.frame.counts.items():
            self.frame.counts.setdefault(name, FindingCounts()).merge(counts)
        for name, items in other.frame.items.items():
            mine = self.frame.items.setdefault(name, {})
            for item, most in items.items():
                mine[item] = max(most, mine.get(item, 0))
        self.frame.paths.update(other.frame.paths)
        self.log.merge(other.log)


@dataclass
class _Loaded:
    """The indexes of this process, opened when the first text comes."""

    detector: Detector | None = None


class Leakage(msgspec.Struct, frozen=True):
    """The check: paths of the indexes, the labels of their benchmarks, which findings are on and recorded."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    active: tuple[str, ...]
    record: tuple[str, ...] = ()
    loaded: _Loaded = msgspec.field(default_factory=_Loaded)

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> LeakageState:
        """The empty state."""
        return LeakageState(_Frame(), Spill(work, LOG_WIDTH, name=NAME), work)

    def load(self, data: bytes, work: Workspace) -> LeakageState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return LeakageState(frame, Spill.from_bytes(frame.log, work, name=NAME), work)

    def _detector(self) -> Detector:
        if self.loaded.detector is None:
            self.loaded.detector = Detector([open_index(Path(path)) for path in self.paths])
        return self.loaded.detector

    def update(self, state: LeakageState, batch: Batch) -> None:
        """Look for items in a batch."""
        state.frame.of += int(batch.has_role(TEXT_ROLES).sum())
        place = laid(batch, state.work)
        if place is None:
            return
        detector = self._detector()
        everything: list[tuple[Index, Found]] = []
        for number, (index, label, found) in enumerate(
            zip(detector.indexes, self.labels, detector.find(place.strings), strict=True)
        ):
            if len(found) == 0:
                continue
            everything.append((index, found))
            items = state.frame.items.setdefault(label, {})
            for item, most in zip(found.items.tolist(), found.kinds.tolist(), strict=True):
                items[str(item)] = max(most, items.get(str(item), 0))
            counts = state.frame.counts.setdefault(f"{NAME}:{label}", FindingCounts())
            _count(counts, batch, place, [(index, found)])
            if self.record:
                table = _logged(state.frame.paths, batch, place, _best(place, found))
                state.log.add(np.full(len(table), number, np.int64), table)
        if everything:
            _count(state.frame.counts.setdefault(NAME, FindingCounts()), batch, place, everything)

    def finalize(self, state: LeakageState, rows: Rows) -> CheckResult:
        """What leaked: all benchmarks together, then one by one."""
        told, details = [], {}
        for label, path in zip(self.labels, self.paths, strict=True):
            items = state.frame.items.get(label, {})
            of = read_manifest(Path(path)).counts.get("items", 0)
            details[label] = {
                "items": len(items),
                "of": of,
                "with_answer": sum(x == ANSWER for x in items.values()),
            }
            if items:
                told.append(f"{label} {len(items):,} of {of:,}")
        findings, evaluated = [], []
        for name in self.active:
            counts = state.frame.counts.get(name, FindingCounts())
            label = name.partition(":")[2]
            kind = kind_of(label) if label else KIND
            evaluated.append(Evaluated(name, NAME, KIND.category, counts.rows, state.frame.of))
            if counts.rows:
                mine = [one for one in told if not label or one.startswith(f"{label} ")]
                more = {label: details[label]} if label else details
                findings.append(_finding(kind, counts, state.frame.of, rows, mine, more))
        return CheckResult(tuple(findings), tuple(evaluated))

    def entries(self, state: LeakageState, rows: Rows) -> Iterator[RowEntries]:
        """The rows, by item and by what of it they hold."""
        for number in state.log.partitions():
            table = state.log.read(number)
            index, label = self._detector().indexes[number], self.labels[number]
            percent = (table[:, 1] >> COVER_AT & np.uint64(0xFFFF)) // np.uint64(10) * np.uint64(10)
            what = (
                table[:, 1] >> KIND_AT << KIND_AT | percent << COVER_AT | table[:, 1] & np.uint64(0xFFFFFFFF)
            )
            order = np.lexsort((table[:, 0], what))
            table, what = table[order], what[order]
            names = [one for one in (NAME, f"{NAME}:{label}") if one in self.active and self._records(one)]
            for piece in np.split(np.arange(len(table)), np.flatnonzero(np.diff(what)) + 1):
                one = int(what[piece[0]])
                note = said(index.id_of(one & 0xFFFFFFFF), label, one >> 32 & 0xFFFF, one >> 48)
                placed = np.empty((len(piece), 5), np.int64)
                placed[:, 0] = table[piece, 2]
                paths, placed[:, 1] = recall(state.frame.paths, table[piece, 3])
                placed[:, 2] = table[piece, 4].astype(np.int64) - 1
                placed[:, 3:5] = table[piece, 5:7]
                for name in names:
                    yield RowEntries(name, table[piece, 0], spans=placed, note=note, paths=paths)

    def _records(self, name: str) -> bool:
        return "*" in self.record or name in self.record


def _best(place: Laid, found: Found) -> Found:
    """Of every item in a record its fullest place, the first of equals."""
    records = place.strings.records[found.strings]
    order = np.lexsort((found.first, found.strings, -found.cover, -found.kinds, found.items, records))
    key = np.stack([records[order], found.items[order]], axis=1)
    opens = np.ones(len(order), np.bool_)
    opens[1:] = (key[1:] != key[:-1]).any(axis=1)
    return found.take(order[opens])


def _logged(paths: dict[str, str], batch: Batch, place: Laid, found: Found) -> npt.NDArray[np.uint64]:
    """The rows of the log."""
    table = np.empty((len(found), LOG_WIDTH), np.uint64)
    table[:, 0] = _row_ids(batch, place.strings.records[found.strings])
    table[:, 1] = (found.kinds << int(KIND_AT)) | (found.cover << int(COVER_AT)) | found.items
    table[:, 5:7] = spans(batch, place, found)
    roles, at = place.roles[found.strings], place.at[found.strings]
    for code in np.unique(roles).tolist():
        strings = batch.roles[TEXT_ROLES[code]]
        mine = np.flatnonzero(roles == code)
        table[mine, 2] = ROLE_CODE[TEXT_ROLES[code]]
        table[mine, 3] = remember(paths, strings)[strings.path_ids[at[mine]]]
        table[mine, 4] = strings.index[at[mine]] + 1
    return table


def _finding(
    kind: FindingKind,
    counts: FindingCounts,
    of: int,
    rows: Rows,
    told: list[str],
    details: Mapping[str, object],
) -> Finding:
    return kind.finding(
        f"Items of benchmarks stand in the data: {'; '.join(told)} items. {MISSED}",
        counts.rows,
        of,
        by_source=counts.by_source(rows.files),
        by_split=counts.by_split(rows.files),
        by_role=dict(sorted(counts.by_role.items())),
        details={"benchmarks": details, "note": MISSED},
        examples=tuple(counts.sample.values()),
    )


def _count(counts: FindingCounts, batch: Batch, place: Laid, all_found: list[tuple[Index, Found]]) -> None:
    where = np.concatenate([found.strings for _, found in all_found])
    owner = np.concatenate([np.full(len(found), i) for i, (_, found) in enumerate(all_found)])
    number = np.concatenate([np.arange(len(found)) for _, found in all_found])
    records, first = np.unique(place.strings.records[where], return_index=True)
    counts.add_rows(batch.file, len(records))
    for code in np.unique(place.roles[where]).tolist():
        of_role = place.strings.records[where[place.roles[where] == code]]
        add_counts(counts.by_role, {TEXT_ROLES[code]: len(np.unique(of_role))})

    def made(i: int) -> Example:
        index, found = all_found[int(owner[first[i]])]
        return example(batch, place, index, found.take(number[first[i], None]))

    counts.sample.offer(_row_ids(batch, records), made)


def _row_ids(batch: Batch, records: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    return batch.rows[records].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))


def more_findings(options: CheckOptions) -> tuple[FindingKind, ...]:
    """A finding per benchmark."""
    return tuple(kind_of(read_manifest(Path(path)).label) for path in options.benchmarks)


def build(options: CheckOptions) -> Leakage | None:
    """The check over the indexes of the options, or None without any."""
    labels = tuple(read_manifest(Path(path)).label for path in options.benchmarks)
    active = tuple(kind.id for kind in (KIND, *map(kind_of, labels)) if options.selection.takes(kind))
    if not active or not labels:
        return None
    return Leakage(options.benchmarks, labels, active, options.record)
