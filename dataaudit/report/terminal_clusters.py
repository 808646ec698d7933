"""The largest clusters of near-duplicates for the terminal: what the row that stays and one that goes differ in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from dataaudit.records.findings import Finding
from dataaudit.report import words
from dataaudit.report.numbers import plural
from dataaudit.report.terminal_page import Page

STYLES = {"kept": "green", "removed": "bold red"}
SIGNS = {"kept": ("[-", "-]"), "removed": ("{+", "+}")}
"""Around words that only one of the two rows has, where there is no colour: as in a word diff, from kept to removed."""


def render_clusters(page: Page, finding: Finding, indent: int) -> None:
    """A few lines per cluster that has two unlike rows; nothing for findings without clusters."""
    largest = finding.details.get("largest")
    if not isinstance(largest, list):
        return
    for group in largest:
        told = group.get("difference")
        if not told:
            continue
        least = group["least"]
        where = page.data(f"{group['file']} row {group['row']}", "cyan")
        where.append_text(page.say(f" stays of {plural(group['size'], 'row')}; the least like it is ", "dim"))
        where.append_text(page.data(f"{least['file']} row {least['row']}", "cyan"))
        where.append_text(page.say(f", similarity {words.similarity(least['similarity'])}", "dim"))
        page.prose(where, indent, 2)
        shown = Text.assemble(*(_piece(page, piece) for piece in told))
        for line in shown.wrap(page.console, page.width - indent - 2):
            page.line(Text.assemble(" " * indent, (page.glyphs.bar, "dim"), " ", line))


def _piece(page: Page, piece: Mapping[str, Any]) -> Text:
    text = page.data(piece["text"], STYLES.get(piece["in"], ""))
    signs = SIGNS.get(piece["in"])
    if signs is None or page.styled:
        return text
    bare = text.plain.rstrip()
    return Text(f"{signs[0]}{bare}{signs[1]}{text.plain[len(bare) :]}")
