"""What a report says in words, shared by the formats for people. All text returned is still to be escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dataaudit.records.findings import SEVERITIES, Allowed, Example, Finding, LabelInfo
from dataaudit.report.model import Gate, Report
from dataaudit.report.numbers import count, limit_percent, percent, percent_beside, percent_of, plural, ratio

VERDICTS = {
    "pass": "PASS",
    "fail": "FAIL",
    "no-gate": "NO GATE",
    "incomplete": "INCOMPLETE",
    "not-evaluated": "NOT EVALUATED",
    "interrupted": "INTERRUPTED",
}

IMBALANCE_TOLD = 10.0
"""Ratio of the largest to the smallest class from which label counts are shown without being asked for. The
literature has no agreed threshold; from about 10 : 1 plain accuracy hides the small class."""

_SHELL_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]*\Z")
_DROPS_SUGGESTED = 3


@dataclass(frozen=True)
class Step:
    """A command worth running next, and what for."""

    command: str
    purpose: str


@dataclass(frozen=True)
class Group:
    """A finding and the variants of the same check folded under it, e.g. `exact-duplicates:response`."""

    head: Finding
    variants: tuple[Finding, ...] = ()


def verdict(report: Report) -> str:
    """The verdict in one sentence without its word, e.g. `1 of 3 gates failed · contamination 38 of …`."""
    parts = [_why(report)]
    if report.status in {"incomplete", "interrupted"} and (failed := _failed(report.gates)):
        parts.append(failed)
    parts.append(headline(report))
    return " · ".join(part for part in parts if part)


def headline(report: Report) -> str:
    """The one figure to remember: contamination where it was measured, else the number of findings."""
    rate = report.rates.get("contamination")
    if rate is not None and rate.of:
        if not rate.rows:
            return f"no contamination in {plural(rate.of, 'row')}"
        return (
            f"contamination {count(rate.rows)} of {plural(rate.of, 'row')} ({percent_of(rate.rows, rate.of)})"
        )
    if not report.rows:
        return ""
    return f"{plural(len(report.findings), 'finding')} in {plural(report.rows, 'row')}"


def _why(report: Report) -> str:
    gates = len(report.gates)
    sentences = {
        "fail": _failed(report.gates),
        "pass": "the gate passed" if gates == 1 else f"all {gates} gates passed",
        "no-gate": "no gate was set",
        "interrupted": "stopped before the end; figures cover what was read",
        "incomplete": _incomplete(report),
    }
    if report.status in sentences:
        return sentences[report.status]
    unanswered = sum(gate.outcome == "not-evaluated" for gate in report.gates)
    return f"{unanswered} of {plural(gates, 'gate')} had no row to judge" if gates else "no row was evaluated"


def _failed(gates: tuple[Gate, ...]) -> str:
    failed = sum(gate.outcome == "fail" for gate in gates)
    if not failed:
        return ""
    return "the gate failed" if len(gates) == 1 else f"{failed} of {len(gates)} gates failed"


def _incomplete(report: Report) -> str:
    unread = sum(source.error is not None for source in report.sources)
    missing = sum(entry.incomplete for entry in report.not_evaluated)
    parts = []
    if unread:
        parts.append(f"{plural(unread, 'file')} could not be read to the end")
    if missing:
        parts.append(f"{plural(missing, 'name')} could not be fully evaluated")
    return ", ".join(parts) or "not everything was evaluated"


def comparison(gate: Gate) -> str:
    """What a gate compared: `0.28 % > 0.1 %`, `79 ≤ 100`, `3 findings of severity high or worse`."""
    if gate.outcome == "not-evaluated":
        return gate.reason or "no row was evaluated"
    if gate.kind == "severity":
        return gate.reason or f"worst {gate.value or 'none'}"
    sign = ">" if gate.outcome == "fail" else "≤"
    if gate.kind == "rate":
        limit = float(gate.limit)
        value = gate.upper if gate.upper is not None else float(gate.value or 0.0)
        return f"{percent_beside(value, limit)} {sign} {limit_percent(limit)}"
    return f"{_number(gate.value)} {sign} {_number(gate.limit)}"


def gate_basis(gate: Gate) -> str:
    """The rows behind a gate's value: `38 of 13,685 rows`; in a sample also that the bound was compared."""
    if gate.outcome == "not-evaluated" or gate.rows is None or gate.of is None:
        return ""
    basis = f"{count(gate.rows)} of {plural(gate.of, 'row')}"
    return basis if gate.upper is None else f"{basis}, 95 % upper bound"


def _number(value: float | str | None) -> str:
    if isinstance(value, int):
        return count(value)
    return ratio(value) if isinstance(value, float) else str(value)


def figures(finding: Finding) -> str:
    """A finding's figures on their own: `38 of 13,685`, or `36 (limit 10)` for the dataset as a whole."""
    if finding.rows is not None:
        return f"{count(finding.rows)} of {count(finding.of)}"
    if finding.value is None:
        return "whole dataset"
    said = percent if finding.details.get("unit") == "share" else ratio
    limit = "" if finding.limit is None else f" (limit {said(finding.limit)})"
    return f"{said(finding.value)}{limit}"


def share(finding: Finding) -> str:
    """A finding's share in percent; empty for the dataset as a whole."""
    return "" if finding.rows is None else percent_of(finding.rows, finding.of)


def sentence(text: str) -> str:
    """A message as a sentence: checks phrase theirs as a predicate (`cannot be parsed`)."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def place(example: Example) -> str:
    """Where an example is: `train.jsonl row 1203 (line 1204)`. No separators: row numbers are names."""
    line = "" if example.line is None else f" (line {example.line})"
    return f"{example.file} row {example.row}{line}"


def origin(example: Example) -> str:
    """What the text of an example is for and where it stood: `response in output`."""
    if example.role and example.path and example.role != example.path:
        return f"{example.role} in {example.path}"
    return example.role or example.path or ""


def remark(example: Example) -> str:
    """What else is known of an example: its twin, how similar it is to that one, its note."""
    twin = "" if example.twin is None else f"same as {example.twin[0]} row {example.twin[1]}"
    if example.twin is not None and example.similarity is not None:
        kept = f"{example.twin[0]} row {example.twin[1]}"
        twin = f"near-duplicate of {kept}, similarity {similarity(example.similarity)}"
    return "; ".join(part for part in (twin, example.note) if part)


def similarity(value: float) -> str:
    """A similarity of four decimals in two, rounded down: `0.87`, and `1.00` only for what is equal."""
    return f"{round(value * 10_000) // 100 / 100:.2f}"


def clusters(finding: Finding) -> str:
    """The sizes of the clusters of near-duplicates: `clusters of 2: 4,100 · 3: 800 · 4-5: 67`; else nothing."""
    sizes = finding.details.get("sizes")
    if not isinstance(sizes, dict) or not sizes:
        return ""
    return "clusters of " + " · ".join(f"{name}: {count(number)}" for name, number in sizes.items())


def allowed_what(entry: Allowed) -> str:
    """What an entry of `allow` is about: `chat-markers in docs/**, field messages, text /tokenizer/`."""
    parts = [entry.rule + (f" in {entry.source}" if entry.source else "")]
    if entry.path is not None:
        parts.append(f"field {entry.path}")
    if entry.text is not None:
        parts.append(f"text /{entry.text}/")
    return ", ".join(parts)


def allowed_hits(entry: Allowed) -> str:
    """What it named: `12 hits in 10 rows`, or that it named nothing."""
    if entry.hits:
        hits = f"{plural(entry.hits, 'hit')} in {plural(entry.rows, 'row')}"
        return f"{hits}, not allowed any more" if entry.state == "expired" else hits
    return {"off": "not looked for", "expired": "expired"}.get(entry.state, "unused")


def allowed_why(entry: Allowed) -> str:
    """The reason of an entry, and what is wrong with it."""
    parts = [entry.reason]
    if entry.expires is not None:
        parts.append(
            f"expired after {entry.expires}" if entry.state == "expired" else f"until {entry.expires}"
        )
    if entry.why:
        parts.append(entry.why)
    return "; ".join(parts)


COMPARED = ("duplicates", "leakage")
"""Categories whose findings `CHECK:…` ask one question in several ways; those of other checks each say their own."""


def fold(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Findings with the variants of a check (`CHECK:…`) folded under one of them; rank order otherwise."""
    members: dict[str, list[Finding]] = {}
    for finding in findings:
        base = finding.id.partition(":")[0]
        variant = base == finding.check and finding.category in COMPARED
        key = base if variant else f"\0{finding.id}"
        members.setdefault(key, []).append(finding)
    groups = []
    for key, found in members.items():
        # The plain finding leads its variants even where one of them ranks higher.
        head = next((finding for finding in found if finding.id == key), found[0])
        groups.append(Group(head, tuple(sorted((f for f in found if f is not head), key=lambda f: f.id))))
    return tuple(groups)


def labels_that_matter(report: Report) -> tuple[LabelInfo, ...]:
    """Label paths whose counts deserve a reader's attention: one class only, or far from balanced."""
    return tuple(
        label
        for label in report.labels
        if label.rows and (label.classes < 2 or (label.ratio is not None and label.ratio >= IMBALANCE_TOLD))
    )


def next_steps(report: Report) -> tuple[Step, ...]:
    """Commands that act on this report. Names that a shell would read otherwise are left out."""
    steps = []
    rule = next((f for f in report.findings if f.check == "rules" and _SHELL_SAFE.match(f.id)), None)
    if rule is not None:
        steps.append(Step(f"dataaudit rules show {rule.id}", "what this rule looks for, and why"))
    worth = [f.id for f in report.findings if _worth_dropping(f)]
    # `--drop leakage` drops what `leakage:NAME` names as well.
    drops = [one for one in worth if one.partition(":")[0] not in set(worth) - {one}][:_DROPS_SUGGESTED]
    if drops or any(f.action != "flag" for f in report.findings):
        flags = "".join(f" --drop {name}" for name in drops)
        steps.append(Step(f"dataaudit clean DATA -o clean/{flags}", "move these rows to quarantine"))
    if not report.gates and report.rows:
        gate = "--max-contamination 0.1%" if "contamination" in report.rates else "--fail-on high"
        steps.append(Step(f"dataaudit scan DATA {gate}", "make it a gate: exit 1 above the limit"))
    return tuple(steps)


def _worth_dropping(finding: Finding) -> bool:
    return bool(
        finding.rows
        and finding.confidence == "high"
        and SEVERITIES.index(finding.severity) >= SEVERITIES.index("medium")
        and finding.action == "flag"
        and _SHELL_SAFE.match(finding.id)
    )


def sample_note(report: Report) -> str:
    """One sentence on a partial scan; empty for a full one."""
    sample = report.sample
    if sample is None:
        return ""
    seen = sample.get("rows_seen", report.rows)
    rows = plural(seen, "row") if isinstance(seen, int) else f"{seen} rows"
    if "limit" in sample:
        return f"Only the first {rows} were read (--limit): the figures say nothing of the rest."
    fraction = sample.get("fraction")
    part = percent(fraction) if isinstance(fraction, float) else str(fraction)
    return f"Sample of {rows} ({part}, seed {sample.get('seed')}): shares are estimates; gates use bounds."
