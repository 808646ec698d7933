"""The report: one typed value that every output format prints and every gate is judged on."""

from __future__ import annotations

from dataclasses import dataclass, field

from dataaudit.records.findings import Allowed, Evaluated, Finding, LabelInfo, NotEvaluated

SCHEMA_VERSION = "1.0"
STATUSES = ("pass", "fail", "no-gate", "incomplete", "not-evaluated", "interrupted")


@dataclass(frozen=True)
class SourceInfo:
    """What was read of one file."""

    uri: str
    rows: int
    """Records, malformed ones included."""
    malformed: int
    layout: str
    """The layout of most of its records; `none` where nothing was read."""
    roles: dict[str, str]
    """Role → path(s) it was read from, comma separated, e.g. {"prompt": "instruction, input"}."""
    split: str | None = None
    format: str = ""
    bytes: int = 0
    layouts: dict[str, int] = field(default_factory=dict)
    """Layout → records, where a file holds more than one."""
    unread: tuple[str, ...] = ()
    """String columns that belong to no role and were not searched."""
    shapes: dict[str, str] = field(default_factory=dict)
    """Of those that were not searched because their strings are no text: what they are, e.g. `identifiers`."""
    notes: tuple[str, ...] = ()
    """What the layout detection found ambiguous, in words."""
    error: str | None = None
    """Why the file could not be read to its end."""


@dataclass(frozen=True)
class Rate:
    """Share of rows: `rows` of `of`. `rate` is None when nothing was evaluated."""

    rows: int
    of: int
    rate: float | None
    low: float | None = None
    """Two-sided 95 % Clopper–Pearson interval; only in a sampled scan."""
    high: float | None = None


@dataclass(frozen=True)
class Gate:
    """A limit and how it went. `kind`: rate, count or severity. `upper` is what a sampled gate compares."""

    name: str
    kind: str
    limit: float | str
    value: float | str | None
    rows: int | None
    of: int | None
    upper: float | None
    outcome: str
    """pass, fail or not-evaluated."""
    reason: str | None = None


@dataclass(frozen=True)
class Timing:
    """How long the scan took, and on how many workers; the only part that differs between equal runs."""

    started: str
    """ISO 8601, UTC."""
    seconds: float
    bytes: int
    """Bytes of input read."""
    workers: int


@dataclass(frozen=True)
class Report:
    """What a scan says."""

    status: str
    rows: int
    malformed: int
    sources: tuple[SourceInfo, ...]
    rates: dict[str, Rate]
    gates: tuple[Gate, ...]
    findings: tuple[Finding, ...]
    """In rank order: severity, confidence, lower 95 % bound of the share, id."""
    evaluated: tuple[Evaluated, ...]
    not_evaluated: tuple[NotEvaluated, ...]
    labels: tuple[LabelInfo, ...]
    notes: tuple[str, ...]
    """What the reader should know about how the scan was run, e.g. that the reference matcher was used."""
    options: dict[str, object]
    """The options that shape the result, flag names as keys."""
    timing: Timing
    allowed: tuple[Allowed, ...] = ()
    """The entries of `allow`, in their order, with the hits they name."""
    sample: dict[str, object] | None = None
    """None, or {"fraction"|"limit": …, "seed": …, "rows_seen": …}."""
    tool_version: str = ""
    schema_version: str = SCHEMA_VERSION

    @property
    def exit_code(self) -> int:
        """Exit code of a scan with this report (before --exit-zero)."""
        return {"incomplete": 3, "not-evaluated": 4, "fail": 1, "interrupted": 130}.get(self.status, 0)

    def finding(self, finding_id: str) -> Finding | None:
        """The finding of that id, or None if it has no rows."""
        return next((f for f in self.findings if f.id == finding_id), None)
