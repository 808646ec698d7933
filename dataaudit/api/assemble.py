"""From what a run found to a report."""

from __future__ import annotations

from collections.abc import Sequence

import dataaudit
from dataaudit.api.drift import drift_notes
from dataaudit.api.plan import Asked
from dataaudit.benchmarks.shipped import NONE
from dataaudit.checks import finding_kinds
from dataaudit.config import Config
from dataaudit.engine.run import Outcome
from dataaudit.engine.tally import FileTally
from dataaudit.errors import UsageError
from dataaudit.records.bindings import CHAT
from dataaudit.records.findings import Evaluated, Finding, LabelInfo, NotEvaluated
from dataaudit.records.paths import EACH
from dataaudit.records.rendered import rendered_notes
from dataaudit.records.shapes import Shapes, why_unread
from dataaudit.records.types import ROLES, FileRef
from dataaudit.report import gates as judging
from dataaudit.report.model import Gate, Rate, Report, SourceInfo, Timing
from dataaudit.report.rank import rank
from dataaudit.sketches.stats import clopper_pearson
from dataaudit.sources.candidates import Skipped

NO_LAYOUT = "none"

NO_ROW = "no row was evaluated for it"
"""Why a gate on something that is on, but met no row it could look at, was not evaluated."""

PASSED_OVER = 8
"""Names given of files that were passed over for one reason."""
REASONS_NAMED = 10


def assemble(
    config: Config,
    asked: Asked,
    outcome: Outcome,
    skipped: Sequence[Skipped],
    timing: Timing,
    shapes: Shapes = (),
) -> Report:
    """The report of a finished run. `shapes`: what columns look like whose names do not say it."""
    files = outcome.rows.files
    _require_columns(config, outcome)
    tally = outcome.session.tally
    drift = drift_notes(files, tally)
    sources = tuple(_source(file, tally.of(file.id), drift.get(file.id), shapes) for file in files)
    findings = rank([finding for result in outcome.results for finding in result.findings])
    evaluated = sorted(
        (one for result in outcome.results for one in result.evaluated), key=lambda one: one.id
    )
    labels = tuple(info for result in outcome.results for info in result.labels)
    sampled = config.sample is not None
    rates = {
        name: _rate(rows, of, sampled)
        for result in outcome.results
        for name, (rows, of) in sorted(result.rates.items())
    }
    late = [one for result in outcome.results for one in result.not_evaluated]
    late += _unread(files, outcome)
    values = _values(evaluated, findings, labels)
    seen = {*rates, *(one.id for one in findings), *(one.id for one in evaluated)}
    gates = tuple(
        judging.evaluate(spec, rates, findings, evaluated, sample=sampled, values=values)
        if spec.name in seen or spec.kind == "severity"
        else Gate(spec.name, spec.kind, spec.limit, None, None, 0, None, "not-evaluated", NO_ROW)
        for spec in asked.gates
    )
    incomplete = any(one.incomplete for one in late)
    return Report(
        status=judging.status(gates, incomplete=incomplete, rows_evaluated=_readable(outcome)),
        rows=sum(source.rows for source in sources),
        malformed=sum(source.malformed for source in sources),
        sources=sources,
        rates=rates,
        gates=gates,
        findings=findings,
        evaluated=tuple(evaluated),
        not_evaluated=tuple(late),
        labels=labels,
        allowed=tuple(one for result in outcome.results for one in result.allowed),
        notes=(*_notes(config, skipped), *_without_benchmarks(config, asked)),
        options=options_of(config),
        timing=timing,
        sample=_sample(config, outcome),
        tool_version=dataaudit.__version__,
    )


def interrupted(config: Config, asked: Asked, files: Sequence[FileRef], rows: int, timing: Timing) -> Report:
    """The report of a run that was stopped: how far it came, and nothing that could be taken for a result."""
    reason = f"interrupted after {rows:,} rows"
    gates = tuple(
        Gate(spec.name, spec.kind, spec.limit, None, None, None, None, "not-evaluated", reason)
        for spec in asked.gates
    )
    return Report(
        status="interrupted",
        rows=rows,
        malformed=0,
        sources=tuple(
            SourceInfo(file.uri, 0, 0, NO_LAYOUT, {}, file.split, file.format, file.size) for file in files
        ),
        rates={},
        gates=gates,
        findings=(),
        evaluated=(),
        not_evaluated=(NotEvaluated("scan", reason, incomplete=True),),
        labels=(),
        notes=(),
        options=options_of(config),
        timing=timing,
        tool_version=dataaudit.__version__,
    )


def _source(file: FileRef, tally: FileTally, drift: str | None, shapes: Shapes) -> SourceInfo:
    layouts = dict(sorted(tally.layouts.items(), key=lambda one: (-one[1], one[0])))
    roles = {
        role: ", ".join(sorted(tally.roles[role], key=lambda path: (tally.roles[role][path], path)))
        for role in sorted(tally.roles, key=ROLES.index)
    }
    lost = sorted({one.reason for one in tally.lost})
    return SourceInfo(
        uri=file.uri,
        rows=tally.rows,
        malformed=tally.malformed,
        layout=next(iter(layouts), NO_LAYOUT),
        roles=roles,
        split=file.split,
        format=file.format,
        bytes=file.size,
        layouts=layouts if len(layouts) > 1 else {},
        unread=tuple(sorted(tally.unread)),
        shapes=why_unread(tally.layouts, tally.unread, shapes),
        notes=(
            *file.notes,
            *((drift,) if drift else ()),
            *sorted(tally.notes),
            *_skipped(tally),
            *_rendered(tally),
        ),
        error="; ".join(lost) or None,
    )


def _require_columns(config: Config, outcome: Outcome) -> None:
    """Refuse --columns on a path that no record has: what it was to show would pass unsearched."""
    if not outcome.rows.parsed:
        return
    tallies = outcome.session.tally.files.values()
    for role, path in config.overrides:
        if not any(_has(tally, role, path) for tally in tallies):
            raise UsageError(f"--columns names {path!r}, but no record has such a column")


def _has(tally: FileTally, role: str, path: str) -> bool:
    if role != CHAT:
        return path in tally.roles.get(role, ())
    stem = path.removesuffix(EACH)
    found = (one for paths in tally.roles.values() for one in paths)
    return any(one == stem or one.startswith((stem + EACH, stem + ".")) for one in found)


def _skipped(tally: FileTally) -> tuple[str, ...]:
    """What of the turns is no text and was not read."""
    return tuple(
        f"{count:,} parts of type {kind} hold no text" for kind, count in sorted(tally.skipped.items())
    )


def _rendered(tally: FileTally) -> tuple[str, ...]:
    """Texts that are whole rendered chats, where most of the rows have such."""
    counts = [
        ((path, dialect), count)
        for path, dialects in tally.rendered.items()
        for dialect, count in dialects.items()
    ]
    return rendered_notes(counts, tally.rows - tally.malformed)


def _readable(outcome: Outcome) -> int:
    """Records that had a layout."""
    return sum(
        count
        for tally in outcome.session.tally.files.values()
        for name, count in tally.layouts.items()
        if name != NO_LAYOUT
    )


def _unread(files: Sequence[FileRef], outcome: Outcome) -> list[NotEvaluated]:
    found = []
    for file in files:
        tally = outcome.session.tally.of(file.id)
        for reason in sorted({one.reason for one in tally.lost}):
            found.append(NotEvaluated(file.uri, reason, incomplete=True))
        read = sum(count for name, count in tally.layouts.items() if name != NO_LAYOUT)
        if tally.rows and not read and not tally.lost:
            why = (
                "no record could be parsed"
                if tally.malformed == tally.rows
                else "; ".join(sorted(tally.notes)) or "no column with text was found"
            )
            found.append(
                NotEvaluated(
                    file.uri, f"none of its {tally.rows:,} rows was evaluated: {why}", incomplete=True
                )
            )
    return found


def _rate(rows: int, of: int, sampled: bool) -> Rate:
    if of == 0:
        return Rate(rows, of, None)
    if not sampled:
        return Rate(rows, of, rows / of)
    low, high = clopper_pearson(rows, of)
    return Rate(rows, of, rows / of, low, high)


def _values(
    evaluated: Sequence[Evaluated], findings: Sequence[Finding], labels: Sequence[LabelInfo]
) -> dict[str, float]:
    """Dataset-level values of what was evaluated and made no finding."""
    values = {one.id: 0.0 for one in evaluated if one.rows is None}
    if "class-imbalance" in values and labels:
        values["class-imbalance"] = max(info.ratio or 1.0 for info in labels)
    values.update({one.id: one.value for one in findings if one.rows is None and one.value is not None})
    return values


def _notes(config: Config, skipped: Sequence[Skipped]) -> tuple[str, ...]:
    notes = []
    if config.reference:
        notes.append("matched row by row, without the prefilter (--reference)")
    if config.limit is not None:
        notes.append(f"only the first {config.limit:,} records were read (--limit)")
    reasons: dict[str, list[str]] = {}
    for one in skipped:
        if one.reason != "hidden":
            reasons.setdefault(one.reason, []).append(one.uri)
    for reason, names in list(reasons.items())[:REASONS_NAMED]:
        more = f" and {len(names) - PASSED_OVER:,} more" if len(names) > PASSED_OVER else ""
        files = "file" if len(names) == 1 else "files"
        shown = ", ".join(names[:PASSED_OVER])
        notes.append(f"passed over {len(names):,} {files} ({reason}): {shown}{more}")
    if rest := list(reasons.values())[REASONS_NAMED:]:
        notes.append(f"passed over {sum(map(len, rest)):,} more files for other reasons")
    return tuple(notes)


def _without_benchmarks(config: Config, asked: Asked) -> tuple[str, ...]:
    """What to say where leakage is on, and no index to look for: those that come with the tool were removed."""
    on = any(asked.options.selection.takes(kind) for kind in finding_kinds() if kind.check == "leakage")
    if not on or asked.options.benchmarks or NONE in config.benchmarks:
        return ()
    return ("leakage was not looked for: this installation lacks the indexes that come with dataaudit",)


def options_of(config: Config) -> dict[str, object]:
    """The options that shape the result, as given."""
    reading = (
        "columns field encoding split subset revision limit sample seed "
        "rules select ignore ignore_quoted near_duplicates min_severity benchmarks"
    )
    gating = "max_contamination max_rate max_count fail_on"
    found: dict[str, object] = {}
    for name in f"{reading} {gating}".split():
        value = getattr(config, name)
        if value != getattr(Config(), name):
            found[name.replace("_", "-")] = list(value) if isinstance(value, tuple) else value
    if config.allow:
        found["allow"] = [one.as_dict() for one in config.allow]
    return found


def _sample(config: Config, outcome: Outcome) -> dict[str, object] | None:
    if config.sample is None and config.limit is None:
        return None
    seen = sum(spot.rows for tally in outcome.session.tally.files.values() for spot in tally.spots)
    if config.sample is not None:
        return {"fraction": config.sample_share, "seed": config.seed, "rows_seen": seen}
    return {"limit": config.limit, "rows_seen": seen}
