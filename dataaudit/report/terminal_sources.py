"""What was read, for the terminal: every file while they are few, kinds of files when they are many."""

from __future__ import annotations

from rich.text import Text

from dataaudit.report.model import Report, SourceInfo
from dataaudit.report.numbers import plural, seconds, size
from dataaudit.report.terminal_page import Page

FILES_LISTED = 8
TROUBLED_LISTED = 10
NAMES_LISTED = 8


def render_sources(page: Page, report: Report, verbose: int) -> None:
    """The section `Read`: files, rows, bytes, layouts, roles, and what was not searched."""
    timing = report.timing
    parts = [plural(len(report.sources), "file"), plural(report.rows, "row")]
    if report.malformed:
        parts.append(f"{report.malformed:,} malformed")
    if timing.bytes:
        parts.append(size(timing.bytes))
    parts.append(f"{seconds(timing.seconds)} on {plural(timing.workers, 'worker')}")
    page.heading("Read", " · ".join(parts))
    kinds: dict[tuple[object, ...], list[SourceInfo]] = {}
    for source in report.sources:
        kinds.setdefault(_kind(source), []).append(source)
    every = bool(verbose) or len(report.sources) <= FILES_LISTED
    for sources in kinds.values():
        if every or len(sources) == 1:
            for source in sources:
                _file(page, source)
        else:
            for split in dict.fromkeys(source.split for source in sources):
                _many(page, split, [source for source in sources if source.split == split])
        _layout(page, sources[0])
    if not every:
        troubled = [s for s in report.sources if s.malformed or s.error or s.notes]
        # A file alone of its kind is listed above already.
        folded = [source for source in troubled if len(kinds[_kind(source)]) > 1]
        for source in folded[:TROUBLED_LISTED]:
            _file(page, source)
        if len(folded) > TROUBLED_LISTED:
            page.prose(
                page.say(
                    f"and {len(folded) - TROUBLED_LISTED:,} more with malformed rows or notes (-v)", "dim"
                ),
                2,
            )


def _kind(source: SourceInfo) -> tuple[object, ...]:
    layouts = tuple(sorted(source.layouts)) if len(source.layouts) > 1 else ()
    return (source.layout, layouts, tuple(sorted(source.roles.items())), source.unread)


def _file(page: Page, source: SourceInfo) -> None:
    left = page.data(source.uri)
    if source.split and source.split not in source.uri:
        left.append_text(page.say(" · split ", "dim")).append_text(page.data(source.split, "dim"))
    if source.malformed:
        left.append_text(page.say(f" · {source.malformed:,} malformed", "yellow"))
    page.spread(left, page.say(plural(source.rows, "row")), 2)
    for note in source.notes:
        page.prose(page.say("note: ", "yellow").append_text(page.data(note)), 4, 2)
    if source.error:
        page.prose(page.say("error: ", "bold red").append_text(page.data(source.error)), 4, 2)


def _many(page: Page, split: str | None, sources: list[SourceInfo]) -> None:
    if len(sources) == 1:
        _file(page, sources[0])
        return
    left = Text.assemble(f"{len(sources):,} files  ", page.data(sources[0].uri))
    left.append_text(page.say(" … ", "dim")).append_text(page.data(sources[-1].uri))
    if split:
        left.append_text(page.say(" · split ", "dim")).append_text(page.data(split, "dim"))
    page.spread(left, page.say(plural(sum(s.rows for s in sources), "row")), 2)


def _layout(page: Page, source: SourceInfo) -> None:
    text = page.data(source.layout, "cyan")
    if len(source.layouts) > 1:
        shown = sorted(source.layouts.items(), key=lambda item: (-item[1], item[0]))
        text = page.data(", ".join(f"{name} {rows:,}" for name, rows in shown), "cyan")
    by_paths: dict[str, list[str]] = {}
    for role, paths in source.roles.items():
        by_paths.setdefault(paths, []).append(role)
    for place, (paths, roles) in enumerate(by_paths.items()):
        text.append_text(page.say(": " if place == 0 else " · ", "dim"))
        text.append_text(page.data(", ".join(roles))).append_text(page.say(" ← ", "dim"))
        text.append_text(page.data(paths))
    page.prose(text, 4, 2)
    if source.unread:
        names = ", ".join(source.unread[:NAMES_LISTED])
        more = len(source.unread) - NAMES_LISTED
        rest = f" and {more:,} more" if more > 0 else ""
        page.prose(page.say("not searched: ", "dim").append_text(page.data(names + rest, "dim")), 4, 2)
