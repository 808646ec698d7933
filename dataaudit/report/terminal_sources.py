"""What was read, for the terminal: every file while they are few, groups of like files when they are many."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from rich.cells import cell_len
from rich.text import Text

from dataaudit.report.model import Report, SourceInfo
from dataaudit.report.numbers import plural, seconds, size
from dataaudit.report.terminal_page import Page, first_cells, last_cells

FILES_LISTED = 8
"""Files up to which each has a line of its own."""
NAMES_LISTED = 8
GROUPS_LISTED = 6
"""Patterns of names shown of files that are alike; with more patterns one line holds them all."""
TEXTS_LISTED = 5
"""Different notes or errors shown of files that are alike."""
HEX_SHOWN = 8
"""Digits shown of a commit or a hash in a name."""

_HASH = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])")
_DIGITS = re.compile(r"(\d+)")


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
        if every:
            for source in sources:
                _file(page, source, bool(verbose))
        else:
            for group in _groups(sources):
                _group(page, group)
        _layout(page, sources[0])
        _said(page, sources, _notes, ("note", "yellow"), every=bool(verbose))
        _said(page, sources, _errors, ("error", "bold red"), every=bool(verbose))


def _kind(source: SourceInfo) -> tuple[object, ...]:
    layouts = tuple(sorted(source.layouts)) if len(source.layouts) > 1 else ()
    unreadable = _nothing_read(source)
    shapes = tuple(sorted(source.shapes.items()))
    return (source.layout, layouts, tuple(sorted(source.roles.items())), source.unread, shapes, unreadable)


def _nothing_read(source: SourceInfo) -> bool:
    return bool(source.error) and not source.rows


def _notes(source: SourceInfo) -> tuple[str, ...]:
    return source.notes


def _errors(source: SourceInfo) -> tuple[str, ...]:
    return (source.error,) if source.error else ()


def _groups(sources: Sequence[SourceInfo]) -> list[list[SourceInfo]]:
    """Files that are alike, by split and by name with its numbers left out."""
    by_split: dict[str | None, list[SourceInfo]] = {}
    for source in sources:
        by_split.setdefault(source.split, []).append(source)
    groups: list[list[SourceInfo]] = []
    for files in by_split.values():
        by_name: dict[str, list[SourceInfo]] = {}
        for source in files:
            by_name.setdefault(_DIGITS.sub("0", source.uri), []).append(source)
        groups += by_name.values() if len(by_name) <= GROUPS_LISTED else [files]
    return groups


def _file(page: Page, source: SourceInfo, whole: bool = False) -> None:
    _line(page, source.uri if whole else None, [source])


def _group(page: Page, sources: Sequence[SourceInfo]) -> None:
    _line(page, None, sources)
    damaged = [source for source in sources if source.malformed]
    if len(sources) > 1 and damaged:
        names = _names(damaged, lambda source: f"{source.uri} {source.malformed:,}")
        page.prose(page.say("malformed: ", "yellow").append_text(page.data(names)), 4, 2)


def _line(page: Page, name: str | None, sources: Sequence[SourceInfo]) -> None:
    """One line for one file, or for several that are alike."""
    rows = page.say(plural(sum(source.rows for source in sources), "row"))
    first, last = sources[0], sources[-1]
    count = f"{len(sources):,} files  " if len(sources) > 1 else ""
    aside = page.say("")
    if first.split and not all(first.split in source.uri for source in sources):
        aside.append_text(page.say(" · split ", "dim")).append_text(page.data(first.split, "dim"))
    if malformed := sum(source.malformed for source in sources):
        aside.append_text(page.say(f" · {malformed:,} malformed", "yellow"))
    left = Text(count)
    if name is not None:
        left.append_text(page.data(name))
    elif len(sources) == 1:
        room = page.width - 2 - aside.cell_len - rows.cell_len - 2
        left.append_text(_short(page, first.uri, room))
    else:
        room = page.width - 2 - len(count) - aside.cell_len - rows.cell_len - 2 - 3
        left.append_text(_short(page, first.uri, room // 2)).append_text(page.say(" … ", "dim"))
        left.append_text(_short(page, last.uri, room // 2))
    page.spread(left.append_text(aside), rows, 2)


def _short(page: Page, uri: str, room: int) -> Text:
    """A name with hashes cut, and with its middle left out where it is still too long; its end stays."""
    shown = page.data(_HASH.sub(lambda found: found[0][:HEX_SHOWN], uri)).plain
    room = max(room, 16)
    if cell_len(shown) <= room:
        return Text(shown)
    sign = page.glyphs.ellipsis
    end = min(cell_len(PurePosixPath(shown).name) + 1, room * 3 // 4)
    start = max(room - end - len(sign), 0)
    return Text(first_cells(shown, start) + sign + last_cells(shown, end))


def _names(sources: Sequence[SourceInfo], name: Callable[[SourceInfo], str]) -> str:
    more = len(sources) - NAMES_LISTED
    rest = f" and {more:,} more" if more > 0 else ""
    return ", ".join(map(name, sources[:NAMES_LISTED])) + rest


def _said(
    page: Page,
    sources: Sequence[SourceInfo],
    texts: Callable[[SourceInfo], Iterable[str]],
    word: tuple[str, str],
    *,
    every: bool,
) -> None:
    """Notes or errors of files that are alike, each once, with the names of those that it is about.

    Texts that differ in their numbers alone are shown by the first of them.
    """
    about: dict[str, list[tuple[str, SourceInfo]]] = {}
    for source in sources:
        for text in texts(source):
            about.setdefault(text if every else _DIGITS.sub("0", text), []).append((text, source))
    shown = list(about.values()) if every else list(about.values())[:TEXTS_LISTED]
    for pairs in shown:
        text, files = pairs[0][0], [source for _, source in pairs]
        line = page.say(f"{word[0]}: ", word[1]).append_text(page.data(text))
        if any(other != text for other, _ in pairs):
            names = f"{files[0].uri}; alike in {_names(files[1:], _uri)}"
        elif len(sources) > 1 and (len(files) < len(sources) or _nothing_read(files[0])):
            names = _names(files, _uri)
        else:
            names = ""
        if names:
            line.append_text(page.say(" · ", "dim")).append_text(page.data(names, "dim"))
        page.prose(line, 4, 2)
    if len(about) > len(shown):
        page.prose(page.say(f"and {plural(len(about) - len(shown), f'more {word[0]}')} (-v)", "dim"), 4)


def _uri(source: SourceInfo) -> str:
    return source.uri


def _layout(page: Page, source: SourceInfo) -> None:
    if _nothing_read(source):
        page.prose(page.say("nothing was read", "bold red"), 4)
        return
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
        listed = source.unread[:NAMES_LISTED]
        names = ", ".join(f"{one} ({source.shapes[one]})" if one in source.shapes else one for one in listed)
        more = len(source.unread) - NAMES_LISTED
        rest = f" and {more:,} more" if more > 0 else ""
        page.prose(page.say("not searched: ", "dim").append_text(page.data(names + rest, "dim")), 4, 2)
