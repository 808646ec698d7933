"""The check protocol: a frozen configuration and a mergeable state, four verbs and no others.

A check never opens files, prints, or knows an engine. Its module sits in this folder and is found by walking it;
the module's `build(options)` returns the configured check, or None where the options leave it nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.near_settings import NearSettings
from dataaudit.records.findings import SEVERITIES, CheckResult, Evaluated, Finding
from dataaudit.records.types import Batch, FileRef
from dataaudit.rules.allow import Allow
from dataaudit.rules.model import DEFAULT, Rule
from dataaudit.sketches.counts import EXAMPLES
from dataaudit.sketches.workspace import Workspace


class FindingKind(msgspec.Struct, frozen=True):
    """What is fixed about a finding of a check, known before any data is read."""

    id: str
    check: str
    category: str
    severity: str
    confidence: str
    title: str
    why: str
    tags: tuple[str, ...] = ()
    action: str = "flag"
    whole: bool = False
    """Is it about the dataset as a whole? Then no row can be dropped by it."""
    rated: bool = False
    """Is its value a share of rows, which `CheckResult.rates` holds under its id?"""
    default: bool = True
    """Is it on when nothing is selected? If not, nothing but its id turns it on."""

    def finding(self, message: str, rows: int | None, of: int, **more: Any) -> Finding:
        """A finding of this kind; `more` are further fields of `Finding`, overriding those fixed here."""
        fixed: dict[str, Any] = {
            "id": self.id,
            "check": self.check,
            "category": self.category,
            "severity": self.severity,
            "confidence": self.confidence,
            "title": self.title,
            "why": self.why,
            "tags": self.tags,
            "action": self.action,
        }
        return Finding(**{**fixed, "message": message, "rows": rows, "of": of, **more})

    def evaluated(self, rows: int | None, of: int) -> Evaluated:
        """The statement that this was evaluated."""
        return Evaluated(self.id, self.check, self.category, rows, of)

    def matches(self, selector: str) -> bool:
        """Does a selector name this: its id, a prefix of it, its check, its category, a tag, or `default`?"""
        if not self.default:
            return selector == self.id
        return (
            selector in (self.id, self.check, self.category, DEFAULT)
            or self.id.startswith(f"{selector}:")
            or selector in self.tags
        )


class Selection(msgspec.Struct, frozen=True):
    """What `--select`, `--ignore` and `--min-severity` leave on."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_severity: str = "info"

    def takes(self, kind: FindingKind) -> bool:
        """Is this finding on?"""
        if SEVERITIES.index(kind.severity) < SEVERITIES.index(self.min_severity):
            return False
        if not any(kind.matches(one) for one in self.select or (DEFAULT,)):
            return False
        return not any(kind.matches(one) for one in self.ignore)


class Costs(msgspec.Struct, frozen=True):
    """What rows take that have to be compared with others."""

    per_byte: float = 0.0
    """Bytes of the work directory per byte of their text."""
    per_row: int = 0
    """Bytes of memory."""


class CheckOptions(msgspec.Struct, frozen=True):
    """What every check is built from."""

    rules: tuple[Rule, ...] = ()
    """The rules left on by the selection."""
    selection: Selection = Selection()
    record: tuple[str, ...] = ()
    """Findings whose rows are recorded one by one (see `Check.entries`); `*` is all."""
    reference: bool = False
    """Match row by row with `regex` alone."""
    ignore_quoted: bool = False
    """Exempt matches in code and quotations, of rules that are often quoted."""
    allow: tuple[Allow, ...] = ()
    """Hits that are meant to be there: counted apart, and nowhere else."""

    examples: int = EXAMPLES
    """Examples kept of every rule."""
    near: NearSettings = NearSettings()
    """How near-duplicates are looked for."""
    benchmarks: tuple[str, ...] = ()
    """Paths of the benchmark indexes whose items are looked for."""

    soft: tuple[Rule, ...] = ()
    """All rules that name a soft category, whatever the selection."""

    def records(self, finding: str) -> bool:
        """Are the rows of this finding recorded?"""
        return "*" in self.record or finding in self.record


class RowEntries(msgspec.Struct, frozen=True):
    """Row-level entries of one finding: which rows, and per row a twin and/or a span. Arrays of one length."""

    finding: str
    row_ids: npt.NDArray[np.uint64]
    """`pack_row` of file id and row number."""
    twins: npt.NDArray[np.uint64] | None = None
    """Row id of the row that stays, for duplicates."""
    similarities: npt.NDArray[np.float64] | None = None
    """Jaccard similarity to that row, for near-duplicates."""
    spans: npt.NDArray[np.int64] | None = None
    """(n, 5): role code, index into `paths`, place in the list or -1, start, end (code points), for matches."""
    note: str | None = None
    """What holds for all of these rows, e.g. the reason they are malformed."""
    paths: tuple[str, ...] = ()
    """Path templates that `spans` refers to, e.g. `messages[*].content`."""


class State(Protocol):
    """A mergeable, serialisable, bounded state. `merge` commutes and associates; a fresh state is its identity."""

    def to_bytes(self) -> bytes:
        """Serialise without pickle."""
        ...

    def merge(self, other: Self) -> None:
        """Take in another state of the same check; the other must not be used afterwards."""
        ...


Texts = dict[str, list[tuple[str, str]]]
"""The texts of a row: role → (path, text) in order."""


class Rows(Protocol):
    """What `finalize` may ask of the engine about the data."""

    @property
    def files(self) -> tuple[FileRef, ...]:
        """The files of the input."""
        ...

    @property
    def threads(self) -> int:
        """How many threads may work side by side, and ask this object."""
        ...

    @property
    def total(self) -> int:
        """Records, malformed ones included."""
        ...

    @property
    def parsed(self) -> int:
        """Parsed records."""
        ...

    def line_of(self, row_id: int) -> int | None:
        """1-based physical line of a row, or None where the format has no lines."""
        ...

    def batches(self, row_ids: Sequence[int], *, keep: bool = False) -> Iterator[Batch]:
        """Batches of nothing but these rows, read again from their source; with `keep`, so that `fetch` need not read
        all of them once more."""
        ...

    def stretches(self, row_ids: Sequence[int], most: int) -> list[list[int]]:
        """Rows in stretches of some `most`, of which none is read again with what another needs."""
        ...

    def fetch(self, row_ids: list[int]) -> dict[int, Texts]:
        """Texts of rows read again from their source: row id → role → [(path, text)]."""
        ...

    def numbers(self, row_ids: Sequence[int], path: str) -> dict[int, float]:
        """The numbers in a field of rows, read again; a row without one is left out."""
        ...


S = TypeVar("S", bound=State)


class Check(Protocol[S]):
    """A configured check."""

    name: str

    def start(self, work: Workspace) -> S:
        """The empty state."""
        ...

    def update(self, state: S, batch: Batch) -> None:
        """Take in a batch."""
        ...

    def load(self, data: bytes, work: Workspace) -> S:
        """A state from `to_bytes`."""
        ...

    def finalize(self, state: S, rows: Rows) -> CheckResult:
        """Turn the state into findings."""
        ...

    def entries(self, state: S, rows: Rows) -> Iterator[RowEntries]:
        """Row-level entries, for the findings whose rows the options asked to record."""
        ...
