"""Ranked findings for the terminal: figures aligned at the right edge, examples with the match marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from dataaudit.records.findings import Example, Finding
from dataaudit.report import words
from dataaudit.report.escape import visible_span
from dataaudit.report.model import Report
from dataaudit.report.numbers import count, plural
from dataaudit.report.terminal_clusters import render_clusters
from dataaudit.report.terminal_page import Page, first_cells, last_cells
from dataaudit.report.words import Group

STYLES = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
INDENT = 12
"""Columns of the severity and the space around it."""

FULL = 12
"""Groups shown with message and example; further ones keep to one line."""
LISTED = 40
EXCERPT_LINES = 2


@dataclass(frozen=True)
class Columns:
    """Widths of the figures, so that all of a report line up."""

    rows: int
    of: int
    share: int

    @classmethod
    def of_findings(cls, findings: Sequence[Finding]) -> Columns:
        """Widths that fit every finding with a row count."""
        counted = [f for f in findings if f.rows is not None]
        return cls(
            max((len(count(f.rows or 0)) for f in counted), default=1),
            max((len(count(f.of)) for f in counted), default=1),
            max((len(words.share(f)) for f in counted), default=1),
        )

    def figures(self, finding: Finding) -> str:
        """`   38 of 13,685   0.28 %`, or a value and its limit."""
        if finding.rows is None:
            return words.figures(finding)
        rows, of = count(finding.rows).rjust(self.rows), count(finding.of).rjust(self.of)
        return f"{rows} of {of}  {words.share(finding).rjust(self.share)}"


def render_findings(page: Page, report: Report, verbose: int) -> None:
    """The section `Findings`, most serious first."""
    if not report.findings:
        page.heading("Findings", "none")
        return
    groups = words.fold(report.findings)
    columns = Columns.of_findings(report.findings)
    heads = f"{'rows':>{columns.rows}} of {'evaluated':<{columns.of}}  {'share':>{columns.share}}"
    page.heading("Findings", f"{len(report.findings):,}, most serious first", heads.strip())
    full = len(groups) if verbose else FULL
    listed = len(groups) if verbose else LISTED
    for place, group in enumerate(groups[:listed]):
        _head(page, group.head, columns)
        if place < full and (verbose or group.head.severity != "info"):
            _body(page, group, columns, verbose, _examples(verbose, place))
        else:
            _variants(page, group, columns)
    if len(groups) > listed:
        page.prose(page.say(f"… and {len(groups) - listed:,} more (-v shows all)", "dim"), INDENT)


def _examples(verbose: int, place: int) -> int:
    if verbose:
        return 5 if verbose == 1 else 1000
    return 2 if place < 2 else 1


def _head(page: Page, finding: Finding, columns: Columns) -> None:
    severity = page.data(finding.severity.upper().ljust(INDENT - 4), STYLES.get(finding.severity, ""))
    left = severity.append("  ").append_text(page.data(finding.id, "bold"))
    if finding.confidence != "high":
        left.append_text(page.say(f"  {finding.confidence} confidence", "dim"))
    right = page.say(columns.figures(finding))
    title = page.data(finding.title, "dim")
    if finding.title and left.cell_len + title.cell_len + right.cell_len + 8 <= page.width:
        left.append("  ").append_text(title)
    page.spread(left, right, 2)


def _body(page: Page, group: Group, columns: Columns, verbose: int, examples: int) -> None:
    finding = group.head
    page.prose(page.data(words.sentence(finding.message)), INDENT)
    if verbose and finding.why:
        page.prose(page.data(finding.why, "dim"), INDENT)
    where = [page.data(part, "dim") for part in _where(finding)]
    if where:
        page.prose(page.say(" · ", "dim").join(where), INDENT, 2)
    _variants(page, group, columns)
    shown = finding.examples or next((v.examples for v in group.variants if v.examples), ())
    for example in shown[:examples]:
        _example(page, example)
    if verbose:
        render_clusters(page, finding, INDENT)
    page.blank()


def _variants(page: Page, group: Group, columns: Columns) -> None:
    base = group.head.id.partition(":")[0]
    for variant in group.variants:
        name = variant.id.removeprefix(base) or variant.id
        page.spread(page.data(name, "dim"), page.say(columns.figures(variant), "dim"), INDENT)


def _where(finding: Finding) -> list[str]:
    """Occurrences, and the splits or files the rows are in, where that adds to the figures."""
    parts = []
    if finding.matches is not None and finding.rows is not None and finding.matches > finding.rows:
        parts.append(plural(finding.matches, "match", "matches"))
    if sizes := words.clusters(finding):
        parts.append(sizes)
    spread = finding.by_split if len(finding.by_split) > 1 else finding.by_source
    if len(spread) > 1:
        most = sorted(spread.items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{name} {rows:,}" for name, rows in most[:3])
        parts.append(named + (f", {len(most) - 3:,} more" if len(most) > 3 else ""))
    if len(finding.by_role) > 1:
        parts.append(", ".join(f"{role} {rows:,}" for role, rows in sorted(finding.by_role.items())))
    return parts


def _example(page: Page, example: Example) -> None:
    where = page.data(words.place(example), "cyan")
    extras = [page.data(text, "dim") for text in (words.origin(example), words.remark(example)) if text]
    if INDENT + where.cell_len + sum(extra.cell_len + 3 for extra in extras) <= page.width:
        page.prose(page.say(" · ", "dim").join([where, *extras]), INDENT, 2)
    else:
        page.prose(where, INDENT, 2)
        for extra in extras:
            page.prose(extra, INDENT + 2)
    if example.text is None:
        return
    for line in excerpt(page, example, page.width - INDENT - 2, EXCERPT_LINES):
        page.line(Text.assemble(" " * INDENT, (page.glyphs.bar, "dim"), " ", line))


def excerpt(page: Page, example: Example, width: int, lines: int) -> list[Text]:
    """The excerpt in at most `lines` lines of `width` columns, cut around the match, the match marked.

    Marked by style on a terminal with colour, else by « and ».
    """
    before, match, after = map(page.encodable, visible_span(example.text or "", example.mark))
    pieces = (before, match, after)
    # Broken at words, lines stay shorter than `width`: cut more until it fits.
    for room in range(width * lines, width, -8):
        shown = _window(page, pieces, room).wrap(page.console, width)
        if len(shown) <= lines:
            return list(shown)
    return [_window(page, pieces, width)]


def _window(page: Page, pieces: tuple[str, str, str], room: int) -> Text:
    """At most `room` columns of the three pieces of an excerpt (before, match, after)."""
    before, match, after = pieces
    dots = page.glyphs.ellipsis
    opening, closing = (
        ("", "") if page.styled or not match else (page.glyphs.open_mark, page.glyphs.close_mark)
    )
    if not match:
        before, after = "", before
    whole = cell_len(before) + cell_len(opening + match + closing) + cell_len(after)
    if whole > room:
        room -= cell_len(opening + closing) + 2 * cell_len(dots)
    if cell_len(match) > room:
        half = max(1, (room - cell_len(dots)) // 2)
        match = first_cells(match, half) + dots + last_cells(match, half)
    spare = max(0, room - cell_len(match))
    if whole <= room:
        spare = whole
    # The text before the match gets at most half of the room, more where what follows is short.
    head = last_cells(before, max(spare // 2, spare - cell_len(after)))
    tail = first_cells(after, spare - cell_len(head))
    head = head if head == before else dots + head
    tail = tail if tail == after else tail + dots
    return Text.assemble(head, (opening + match + closing, "bold red underline"), tail)
