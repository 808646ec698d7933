"""What checks say: findings, examples and row-level entries. Plain values, no behaviour beyond ordering."""

from __future__ import annotations

from dataclasses import dataclass, field

SEVERITIES: tuple[str, ...] = ("info", "low", "medium", "high", "critical")
CONFIDENCES: tuple[str, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Example:
    """One row behind a finding. `file` is the reported name, `row` 0-based, `line` 1-based or None."""

    file: str
    row: int
    line: int | None = None
    path: str | None = None
    """Field the text came from, e.g. `messages[2].content`."""
    role: str | None = None
    span: tuple[int, int] | None = None
    """Half-open range of the match in the field, in Unicode code points."""
    text: str | None = None
    """An excerpt of the field. Untrusted: escape it wherever it is shown."""
    mark: tuple[int, int] | None = None
    """Half-open range of the match within `text`, in code points."""
    note: str | None = None
    """What else there is to say, e.g. the reason a record is malformed."""
    twin: tuple[str, int] | None = None
    """(file, row) of the row that is kept, for duplicates."""
    similarity: float | None = None
    """Jaccard similarity to that row, for near-duplicates."""


@dataclass(frozen=True)
class Finding:
    """One statement about the data: what, how bad, how sure, how many of how many.

    Dataset-level findings have `rows` None and carry `value` (and `limit`) instead.
    """

    id: str
    check: str
    category: str
    severity: str
    confidence: str
    title: str
    """A short name for people."""
    message: str
    """What was found, in one sentence."""
    why: str
    """Why it matters for training, in a sentence or two."""
    rows: int | None
    of: int
    value: float | None = None
    limit: float | None = None
    matches: int | None = None
    """Occurrences, where a row can hold several."""
    by_split: dict[str, int] = field(default_factory=dict)
    by_source: dict[str, int] = field(default_factory=dict)
    by_role: dict[str, int] = field(default_factory=dict)
    details: dict[str, object] = field(default_factory=dict)
    """Further figures of the check, JSON values only, keys documented with the check."""
    examples: tuple[Example, ...] = ()
    action: str = "flag"
    """What `clean` does with its rows by default: flag, redact or drop."""
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """A name that was evaluated, hit or not: what the report says of every rule and check that ran."""

    id: str
    check: str
    category: str
    rows: int | None
    of: int


@dataclass(frozen=True)
class NotEvaluated:
    """A name that could not be fully evaluated, and why."""

    id: str
    reason: str
    incomplete: bool = False
    """Does this make the whole scan incomplete (exit 3)?"""


@dataclass(frozen=True)
class Allowed:
    """An entry of `allow` in the configuration, and the hits it names. They count in nothing else unless it expired."""

    rule: str
    reason: str
    state: str
    """`used`, `unused`, `expired`, or `off`: none of its rules was on."""
    source: str | None = None
    path: str | None = None
    """The field of the entry."""
    text: str | None = None
    """The pattern of the entry, not text of the data."""
    expires: str | None = None
    hits: int = 0
    rows: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    """Hits by rule."""
    why: str = ""
    """Why it named no hit, in words, where it named none."""


@dataclass(frozen=True)
class LabelInfo:
    """Label counts of one label path: the figures behind `class-imbalance`."""

    path: str
    rows: int
    classes: int
    counts: dict[str, int]
    """The 50 most and 50 least frequent labels; all of them up to 100 classes."""
    ratio: float | None
    """Largest count / smallest count over observed classes."""
    entropy: float | None
    """Shannon entropy / log(classes): 1 is uniform."""
    effective_classes: float | None
    """exp(Shannon entropy): how many equally frequent classes would be as uncertain."""
    by_split: dict[str, dict[str, int]] = field(default_factory=dict)
    split_distance: dict[str, float] = field(default_factory=dict)
    """"a|b" → Jensen–Shannon distance (base 2, 0–1) of the label shares of two splits."""


@dataclass(frozen=True)
class CheckResult:
    """What `finalize` returns."""

    findings: tuple[Finding, ...] = ()
    evaluated: tuple[Evaluated, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    rates: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Category → (rows affected, rows evaluated)."""
    labels: tuple[LabelInfo, ...] = ()
    allowed: tuple[Allowed, ...] = ()
