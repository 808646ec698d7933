"""The report for a terminal: verdict first, then what was read, gates, rates, findings, what to do next."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dataaudit.records.findings import LabelInfo
from dataaudit.report import words
from dataaudit.report.model import Rate, Report
from dataaudit.report.numbers import count, percent, percent_of, plural, ratio
from dataaudit.report.terminal_findings import render_findings
from dataaudit.report.terminal_page import Page, first_cells
from dataaudit.report.terminal_sources import render_sources

_VERDICT_STYLES = {
    "pass": "bold black on green",
    "fail": "bold white on red",
    "no-gate": "bold black on cyan",
    "incomplete": "bold black on yellow",
    "not-evaluated": "bold black on yellow",
    "interrupted": "bold black on yellow",
}
_OUTCOMES = {"pass": ("pass", "green"), "fail": ("FAIL", "bold red"), "not-evaluated": ("n/a", "yellow")}
_REASONS_LISTED = 12
_LABELS_LISTED = 3
_BAR = 24


def render(report: Report, console: Console, *, verbose: int = 0) -> None:
    """Print the report. No animation and no cursor movement; without colour no escape codes at all.

    `verbose` 1 shows every finding with up to five examples, why it matters, and every file; 2 all examples.
    """
    page = Page(console)
    _verdict(page, report)
    render_sources(page, report, verbose)
    if report.gates:
        _gates(page, report)
    if any(rate.of for rate in report.rates.values()):
        _rates(page, report)
    render_findings(page, report, verbose)
    labels = report.labels if verbose else words.labels_that_matter(report)
    if labels:
        _labels(page, labels)
    _not_evaluated(page, report, verbose)
    if report.allowed:
        _allowed(page, report)
    if report.notes:
        page.heading("Notes")
        for note in report.notes:
            page.prose(page.data(note), 2, 2)
    _next(page, report)


def _verdict(page: Page, report: Report) -> None:
    word = words.VERDICTS.get(report.status, report.status.upper())
    shown = Text(f" {word} " if page.styled else word, _VERDICT_STYLES.get(report.status, "bold"))
    page.prose(Text.assemble(shown, "  ", page.say(words.verdict(report), "bold")), 0, 2)
    note = words.sample_note(report)
    if note:
        page.prose(page.say(note, "yellow"))


def _gates(page: Page, report: Report) -> None:
    page.heading("Gates")
    names = [page.data(gate.name) for gate in report.gates]
    name_width = min(max(name.cell_len for name in names), page.width // 2)
    for gate, name in zip(report.gates, names, strict=True):
        word, style = _OUTCOMES.get(gate.outcome, (gate.outcome, ""))
        left = Text.assemble(
            (word.ljust(4), style), "  ", name, " " * max(0, name_width - name.cell_len), "  "
        )
        left.append_text(page.say(words.comparison(gate)))
        page.spread(left, page.say(words.gate_basis(gate), "dim"), 2)


def _rates(page: Page, report: Report) -> None:
    """Share of rows per category: all that was searched for, in words where nothing was hit."""
    hit = {name: rate for name, rate in sorted(report.rates.items()) if rate.rows}
    clean = [name for name, rate in sorted(report.rates.items()) if rate.of and not rate.rows]
    page.heading("Rates", "rows hit by at least one rule of the category")
    rows = max((len(count(rate.rows)) for rate in hit.values()), default=1)
    of = max((len(count(rate.of)) for rate in hit.values()), default=1)
    for name, rate in sorted(hit.items(), key=_rate_order):
        figures = f"{count(rate.rows):>{rows}} of {count(rate.of):>{of}}  {percent_of(rate.rows, rate.of):>8}"
        if rate.low is not None and rate.high is not None:
            figures += f"  ({percent(rate.low)} to {percent(rate.high)})"
        page.spread(page.data(name), page.say(figures), 2)
    if clean:
        page.prose(page.say("no row: ", "dim").append_text(page.data(", ".join(clean))), 2, 2)


def _rate_order(item: tuple[str, Rate]) -> tuple[bool, float, str]:
    """Contamination first, then the largest shares."""
    name, rate = item
    return name != "contamination", -rate.rows / max(1, rate.of), name


def _labels(page: Page, labels: tuple[LabelInfo, ...]) -> None:
    page.heading("Labels")
    for label in labels:
        parts = [plural(label.classes, "class", "classes"), plural(label.rows, "row")]
        if label.ratio is not None and label.classes > 1:
            parts.append(f"largest {ratio(label.ratio)} times the smallest")
        page.prose(page.data(label.path, "cyan").append_text(page.say("  " + " · ".join(parts), "dim")), 2, 2)
        ordered = sorted(label.counts.items(), key=lambda item: (-item[1], item[0]))
        few = len(ordered) <= 2 * _LABELS_LISTED + 1
        shown = ordered if few else ordered[:_LABELS_LISTED] + ordered[-_LABELS_LISTED:]
        room = max(8, min(30, page.width - 2 - _BAR - 26))
        for place, (name, rows) in enumerate(shown):
            if not few and place == _LABELS_LISTED:
                hidden = label.classes - len(shown)
                page.prose(page.say(f"… {hidden:,} more", "dim"), 4)
            text = page.data(name)
            if text.cell_len > room:
                dots = page.glyphs.ellipsis
                text = page.data(first_cells(text.plain, room - cell_len(dots)) + dots)
            text.append(" " * (room - text.cell_len))
            bar = page.glyphs.block * max(1, round(_BAR * rows / max(1, ordered[0][1])))
            figures = f"{count(rows):>10}  {percent_of(rows, label.rows):>10}  "
            page.line(Text.assemble("    ", text, figures, (bar, "cyan")))


def _not_evaluated(page: Page, report: Report, verbose: int) -> None:
    entries = sorted(report.not_evaluated, key=lambda entry: (not entry.incomplete, entry.id))
    if not entries:
        return
    page.heading("Not evaluated")
    reasons: dict[tuple[bool, str], list[str]] = {}
    for entry in entries:
        reasons.setdefault((entry.incomplete, entry.reason), []).append(entry.id)
    listed = len(reasons) if verbose else _REASONS_LISTED
    for (incomplete, reason), names in list(reasons.items())[:listed]:
        kept = names if verbose else names[:4]
        more = f" and {len(names) - len(kept):,} more" if len(names) > len(kept) else ""
        text = page.data(", ".join(kept) + more, "bold yellow" if incomplete else "")
        page.prose(text.append_text(page.data(f": {reason}")), 2, 2)
    if len(reasons) > listed:
        page.prose(page.say(f"… and {len(reasons) - listed:,} more reasons (-v shows all)", "dim"), 2)


def _allowed(page: Page, report: Report) -> None:
    """What the configuration allows: always whole, since it hides hits from every other figure."""
    page.heading("Allowed", "hits that the configuration exempts; they count in no other figure")
    for entry in report.allowed:
        stale = entry.state in ("unused", "expired")
        left = page.data(words.allowed_what(entry), "bold yellow" if stale else "")
        page.spread(left, page.say(words.allowed_hits(entry)), 2)
        page.prose(page.data(words.allowed_why(entry), "yellow" if stale else "dim"), 4, 2)


def _next(page: Page, report: Report) -> None:
    steps = words.next_steps(report)
    if not steps:
        return
    page.heading("Next")
    widest = max(cell_len(step.command) for step in steps)
    beside = 2 + widest + 3 + max(cell_len(step.purpose) for step in steps) <= page.width
    for step in steps:
        command = page.say(step.command, "bold")
        if beside:
            command.append(" " * (widest - command.cell_len + 3)).append_text(page.say(step.purpose, "dim"))
        else:
            page.prose(page.say(f"# {step.purpose}", "dim"), 2, 2)
        page.prose(command, 2, 4)
