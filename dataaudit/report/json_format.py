"""The report as JSON: keys in one fixed order, described by `report.schema.json` and docs/report.md."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from typing import Any

from dataaudit.records.findings import Allowed, Evaluated, Example, Finding, LabelInfo, NotEvaluated
from dataaudit.report.model import Gate, Rate, Report, SourceInfo, Timing

TEXT_KEYS = frozenset({"text", "texts", "excerpt", "excerpts", "difference"})
"""Keys of `Finding.details`, at any depth, whose values are text of rows; `hide_text` removes them."""

# What JSON allows raw and yet acts on whoever shows the file: DEL and C1 controls, format and bidirectional
# characters, line separators, tags, selectors; and what would end a script element or open a comment in a
# page.
_HAZARD = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]|</|<!--"
)


def to_json(report: Report) -> bytes:
    """The report as UTF-8 JSON, two spaces of indent, a line feed at the end. Equal reports give equal bytes.

    Hazardous characters (C1 controls, bidirectional marks, tags, `</`) are escaped as JSON allows, so a
    parser gets the original text back. Only an unpaired surrogate, which UTF-8 cannot hold, becomes the
    text `\\udxxx`.
    """
    text = json.dumps(to_dict(report), ensure_ascii=False, indent=2, allow_nan=False)
    return (_HAZARD.sub(_escaped, text) + "\n").encode("utf-8")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every report validates against."""
    text = resources.files("dataaudit.report").joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def hide_text(report: Report) -> Report:
    """The report without any text of rows: excerpts and marks of examples, and `TEXT_KEYS` in details.

    Row numbers, spans, paths and label names stay: they place a finding, and labels are classes, not text.
    """
    return replace(report, findings=tuple(_without_text(finding) for finding in report.findings))


def to_dict(report: Report) -> dict[str, Any]:
    """The report as plain JSON values in the published shape and key order."""
    shape = {
        "schema_version": report.schema_version,
        "tool_version": report.tool_version,
        "status": report.status,
        "rows": report.rows,
        "malformed": report.malformed,
        "sample": report.sample,
        "sources": [_source(source) for source in report.sources],
        "rates": {name: _rate(report.rates[name]) for name in sorted(report.rates)},
        "gates": [_gate(gate) for gate in report.gates],
        "findings": [_finding(finding) for finding in report.findings],
        "evaluated": [_evaluated(entry) for entry in report.evaluated],
        "not_evaluated": [_not_evaluated(entry) for entry in report.not_evaluated],
        "allowed": [_allowed(entry) for entry in report.allowed],
        "labels": [_labels(label) for label in report.labels],
        "notes": list(report.notes),
        "options": report.options,
        "timing": _timing(report.timing),
    }
    plain: dict[str, Any] = _plain(shape)
    return plain


def _source(source: SourceInfo) -> dict[str, Any]:
    return {
        "uri": source.uri,
        "format": source.format,
        "rows": source.rows,
        "malformed": source.malformed,
        "bytes": source.bytes,
        "split": source.split,
        "layout": source.layout,
        "layouts": _by_key(source.layouts),
        "roles": _by_key(source.roles),
        "unread": list(source.unread),
        "shapes": _by_key(source.shapes),
        "notes": list(source.notes),
        "error": source.error,
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"rows": rate.rows, "of": rate.of, "rate": rate.rate, "low": rate.low, "high": rate.high}


def _gate(gate: Gate) -> dict[str, Any]:
    return {
        "name": gate.name,
        "kind": gate.kind,
        "limit": gate.limit,
        "value": gate.value,
        "rows": gate.rows,
        "of": gate.of,
        "upper": gate.upper,
        "outcome": gate.outcome,
        "reason": gate.reason,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "check": finding.check,
        "category": finding.category,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "title": finding.title,
        "message": finding.message,
        "why": finding.why,
        "rows": finding.rows,
        "of": finding.of,
        "value": finding.value,
        "limit": finding.limit,
        "matches": finding.matches,
        "by_split": _by_key(finding.by_split),
        "by_source": _by_key(finding.by_source),
        "by_role": _by_key(finding.by_role),
        "details": _by_key(finding.details),
        "examples": [_example(example) for example in finding.examples],
        "action": finding.action,
        "tags": list(finding.tags),
        "references": list(finding.references),
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "file": example.file,
        "row": example.row,
        "line": example.line,
        "role": example.role,
        "path": example.path,
        "span": example.span,
        "text": example.text,
        "mark": example.mark,
        "note": example.note,
        "twin": None if example.twin is None else {"file": example.twin[0], "row": example.twin[1]},
        "similarity": example.similarity,
    }


def _evaluated(entry: Evaluated) -> dict[str, Any]:
    return {
        "id": entry.id,
        "check": entry.check,
        "category": entry.category,
        "rows": entry.rows,
        "of": entry.of,
    }


def _not_evaluated(entry: NotEvaluated) -> dict[str, Any]:
    return {"id": entry.id, "reason": entry.reason, "incomplete": entry.incomplete}


def _allowed(entry: Allowed) -> dict[str, Any]:
    return {
        "rule": entry.rule,
        "source": entry.source,
        "field": entry.path,
        "text": entry.text,
        "reason": entry.reason,
        "expires": entry.expires,
        "state": entry.state,
        "why": entry.why,
        "hits": entry.hits,
        "rows": entry.rows,
        "by_rule": _by_key(entry.by_rule),
    }


def _labels(label: LabelInfo) -> dict[str, Any]:
    return {
        "path": label.path,
        "rows": label.rows,
        "classes": label.classes,
        "ratio": label.ratio,
        "entropy": label.entropy,
        "effective_classes": label.effective_classes,
        # Most frequent first, as a person reads it; ties by name.
        "counts": dict(sorted(label.counts.items(), key=lambda item: (-item[1], item[0]))),
        "by_split": {split: _by_key(counts) for split, counts in sorted(label.by_split.items())},
        "split_distance": _by_key(label.split_distance),
    }


def _timing(timing: Timing) -> dict[str, Any]:
    return {
        "started": timing.started,
        "seconds": timing.seconds,
        "bytes": timing.bytes,
        "workers": timing.workers,
    }


def _by_key(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mapping[key] for key in sorted(mapping)}


def _plain(value: Any) -> Any:
    """JSON values only: tuples as lists, no NaN or infinity, no unpaired surrogate."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    # Options may hold paths and the like; their text is what the user wrote.
    return value if value is None or isinstance(value, int) else _plain(str(value))


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith("<"):
        return f"<\\/{text[2:]}" if text.startswith("</") else "<\\u0021--"
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _without_text(finding: Finding) -> Finding:
    examples = tuple(replace(example, text=None, mark=None) for example in finding.examples)
    details = {key: _drop_text(value) for key, value in finding.details.items() if key not in TEXT_KEYS}
    return replace(finding, examples=examples, details=details)


def _drop_text(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _drop_text(item) for key, item in value.items() if key not in TEXT_KEYS}
    if isinstance(value, (list, tuple)):
        return [_drop_text(item) for item in value]
    return value
