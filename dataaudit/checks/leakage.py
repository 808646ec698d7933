"""Benchmark leakage: which items of known benchmarks stand in the data (see `benchmarks.detect` for what counts)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.benchmarks.detect import Detector, Found, Strings
from dataaudit.benchmarks.index import Index, open_index, read_manifest
from dataaudit.checks.base import CheckOptions, FindingKind, RowEntries, Rows
from dataaudit.checks.excerpts import excerpt
from dataaudit.records.findings import CheckResult, Evaluated, Example, Finding
from dataaudit.records.types import TEXT_ROLES, Batch, RoleStrings, pack_row
from dataaudit.records.words import words_of
from dataaudit.sketches.counts import FindingCounts
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "leakage"
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
LOG_WIDTH = 2  # row id, item


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
    """Benchmark → item → 1 question, 2 with choices, 3 with its answer; the most that any row has."""
    log: bytes = b""


class LeakageState:
    """Rows and items found, per benchmark."""

    def __init__(self, frame: _Frame, log: Spill) -> None:
        self.frame = frame
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
        return LeakageState(_Frame(), Spill(work, LOG_WIDTH, name=NAME))

    def load(self, data: bytes, work: Workspace) -> LeakageState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=_Frame)
        return LeakageState(frame, Spill.from_bytes(frame.log, work, name=NAME))

    def _detector(self) -> Detector:
        if self.loaded.detector is None:
            self.loaded.detector = Detector([open_index(Path(path)) for path in self.paths])
        return self.loaded.detector

    def update(self, state: LeakageState, batch: Batch) -> None:
        """Look for items in a batch."""
        state.frame.of += int(batch.has_role(TEXT_ROLES).sum())
        laid = _laid(batch)
        if laid is None:
            return
        detector = self._detector()
        first: list[tuple[Index, Found]] = []
        for number, (index, label, found) in enumerate(
            zip(detector.indexes, self.labels, detector.find(laid.strings), strict=True)
        ):
            if len(found) == 0:
                continue
            first.append((index, found))
            records = laid.strings.records[found.strings]
            items = state.frame.items.setdefault(label, {})
            part = np.where(found.choices > 1, 2, np.where(found.answers > 0, 3, 1))
            for item, most in zip(found.items.tolist(), part.tolist(), strict=True):
                items[str(item)] = max(most, items.get(str(item), 0))
            _count(
                state.frame.counts.setdefault(f"{NAME}:{label}", FindingCounts()),
                batch,
                laid,
                [(index, found)],
            )
            if self.record:
                both = np.stack([_row_ids(batch, records), found.items.astype(np.uint64)], axis=1)
                pairs = np.unique(both, axis=0)
                state.log.add(np.full(len(pairs), number, np.int64), pairs)
        if first:
            _count(state.frame.counts.setdefault(NAME, FindingCounts()), batch, laid, first)

    def finalize(self, state: LeakageState, rows: Rows) -> CheckResult:
        """What leaked: all benchmarks together, then one by one."""
        told, details = [], {}
        for label, path in zip(self.labels, self.paths, strict=True):
            items = state.frame.items.get(label, {})
            of = read_manifest(Path(path)).counts.get("items", 0)
            details[label] = {
                "items": len(items),
                "of": of,
                "with_answer": sum(x == 3 for x in items.values()),
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
                said = [one for one in told if not label or one.startswith(f"{label} ")]
                more = {label: details[label]} if label else details
                findings.append(_finding(kind, counts, state.frame.of, rows, said, more))
        return CheckResult(tuple(findings), tuple(evaluated))

    def entries(self, state: LeakageState, rows: Rows) -> Iterator[RowEntries]:
        """The rows, by item."""
        for number in state.log.partitions():
            table = state.log.read(number)
            index, label = self._detector().indexes[number], self.labels[number]
            table = table[np.lexsort((table[:, 0], table[:, 1]))]
            cuts = np.flatnonzero(np.diff(table[:, 1])) + 1
            for piece in np.split(table, cuts):
                note = f"item {index.id_of(int(piece[0, 1]))} of {label}"
                for name in (NAME, f"{NAME}:{label}"):
                    if name in self.active and ("*" in self.record or name in self.record):
                        yield RowEntries(name, piece[:, 0], note=note)


def _finding(
    kind: FindingKind,
    counts: FindingCounts,
    of: int,
    rows: Rows,
    said: list[str],
    details: Mapping[str, object],
) -> Finding:
    return kind.finding(
        f"Items of benchmarks stand in the data: {'; '.join(said)} items.",
        counts.rows,
        of,
        by_source=counts.by_source(rows.files),
        by_split=counts.by_split(rows.files),
        by_role=dict(sorted(counts.by_role.items())),
        details={"benchmarks": details, "note": "Rephrased items are not found by matching."},
        examples=tuple(counts.sample.values()),
    )


@dataclass(frozen=True)
class _Laid:
    """The strings of a batch by record and place, and where each came from."""

    strings: Strings
    roles: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]


def _laid(batch: Batch) -> _Laid | None:
    mine = [
        (role, batch.roles[role]) for role in TEXT_ROLES if role in batch.roles and len(batch.roles[role])
    ]
    if not mine:
        return None
    values = pa.concat_arrays([one.values for _, one in mine])
    records, ordinals = (
        np.concatenate([getattr(one, name) for _, one in mine]) for name in ("rows", "ordinals")
    )
    role = np.concatenate([np.full(len(one), TEXT_ROLES.index(name)) for name, one in mine])
    at = np.concatenate([np.arange(len(one)) for _, one in mine])
    order = np.lexsort((ordinals, records))
    words = words_of(values.take(pa.array(order)))
    return _Laid(Strings(words.hashes, words.starts, records[order]), role[order], at[order])


def _count(counts: FindingCounts, batch: Batch, laid: _Laid, all_found: list[tuple[Index, Found]]) -> None:
    where = np.concatenate([found.strings for _, found in all_found])
    owner = np.concatenate([np.full(len(found), i) for i, (_, found) in enumerate(all_found)])
    place = np.concatenate([np.arange(len(found)) for _, found in all_found])
    records, first = np.unique(laid.strings.records[where], return_index=True)
    counts.add_rows(batch.file, len(records))

    def example(i: int) -> Example:
        index, found = all_found[int(owner[first[i]])]
        return _example(batch, laid, index, found, int(place[first[i]]))

    counts.sample.offer(_row_ids(batch, records), example)


def _example(batch: Batch, laid: _Laid, index: Index, found: Found, k: int) -> Example:
    string = int(found.strings[k])
    role = TEXT_ROLES[int(laid.roles[string])]
    strings: RoleStrings = batch.roles[role]
    at = int(laid.at[string])
    text = strings.values[at].as_py()
    words = words_of(pa.array([text], pa.large_string()), spans=True)
    data = text.encode("utf-8")
    start = len(data[: int(words.begins[found.first[k]])].decode("utf-8"))
    end = len(data[: int(words.ends[found.last[k]])].decode("utf-8"))
    shown, mark = excerpt(text, start, end)
    record = int(strings.rows[at])
    extra = ", with its choices" if found.choices[k] > 1 else ", with its answer" if found.answers[k] else ""
    note = f"{found.share[k] / 10:.0f} % of item {index.id_of(int(found.items[k]))} of {index.manifest.label}{extra}"
    offset = int(strings.starts[at])
    return Example(
        file=batch.file.uri,
        row=int(batch.rows[record]),
        line=None if batch.lines is None else int(batch.lines[record]),
        path=strings.path_of(at),
        role=role,
        span=(start + offset, end + offset),
        text=shown,
        mark=mark,
        note=note,
    )


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
