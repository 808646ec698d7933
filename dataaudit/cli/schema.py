"""`dataaudit schema`."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dataaudit import errors
from dataaudit.cli.options import Flags, ReadFlags, Sources, with_flags

if TYPE_CHECKING:
    from dataaudit.api.schema import FileSchema, RowShown

SHOWN = 100
"""Code points shown of a text."""
STRINGS = 12
"""Strings shown of a row."""
SUGGESTED = 6
"""Overrides suggested for a file."""


@with_flags(ReadFlags)
def schema_command(
    sources: Sources,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; the same as --format json.")] = False,
    format: Annotated[
        str | None, typer.Option("--format", help="terminal or json.", metavar="FORMAT", show_default=False)
    ] = None,
    *,
    flags: Flags,
) -> int:
    """Show what is detected: layout, roles and sample rows of every file, and how to override it."""
    from dataaudit.api.schema import schema

    if format not in (None, "terminal", "json"):
        raise errors.UsageError(f"--format {format}: schema prints terminal or json")
    found = schema(sources, **flags.options())
    if as_json or format == "json":
        print(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=True))
    else:
        width = max(40, shutil.get_terminal_size().columns)
        sys.stdout.write("\n\n".join("\n".join(_lines(one, width)) for one in found) + "\n")
    return errors.EXIT_INCOMPLETE if any(one.error for one in found) else errors.EXIT_OK


def _wrapped(first: str, text: str, width: int) -> Iterator[str]:
    """The text after its head, wrapped at the width under itself; a command or path is never cut."""
    yield from textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(found: FileSchema, width: int) -> Iterator[str]:
    from dataaudit.report.escape import visible

    split = f", split {visible(found.split)}" if found.split else ""
    yield f"{visible(found.uri)}  ({found.format}{split})"
    if found.error is not None:
        yield from _wrapped("  cannot be read: ", visible(found.error), width)
        return
    layouts = ", ".join(f"{name} ({count:,} of the first rows)" for name, count in found.layouts.items())
    yield from _wrapped("  layout   ", layouts or "none", width)
    for role, paths in found.roles.items():
        yield from _wrapped(f"  {role.ljust(8)} ← ", ", ".join(map(visible, paths)), width)
    if found.unread:
        names = [f"{one} ({found.shapes[one]})" if one in found.shapes else one for one in found.unread]
        yield from _wrapped("  not read: ", ", ".join(map(visible, names)), width)
    for note in found.notes:
        yield from _wrapped("  note: ", visible(note), width)
    if found.malformed:
        yield f"  note: {found.malformed:,} of the first records are malformed"
    for row in found.rows:
        yield from _row(row, width)
    if found.suggested:
        yield "  to give strings a role, for example:"
        for one in found.suggested[:SUGGESTED]:
            yield f"    --columns {visible(shlex.quote(one))}"
        if len(found.suggested) > SUGGESTED:
            yield f"    and {len(found.suggested) - SUGGESTED:,} more paths (--json)"
    else:
        yield "  to override: --columns ROLE=PATH, such as"
        yield "    --columns 'response=messages[*].content'"


def _row(row: RowShown, width: int) -> Iterator[str]:
    from rich.cells import cell_len

    from dataaudit.report.escape import visible
    from dataaudit.report.terminal_page import first_cells

    yield f"  row {row.row:,}"
    strings = [(role, path, text) for role, texts in row.texts.items() for path, text in texts]
    strings += [("label", path, text) for path, text in row.labels]
    for role, path, text in strings[:STRINGS]:
        head = f"    {role.ljust(8)} {visible(path)}: "
        shown = visible(text[: SHOWN + 1])
        room = min(SHOWN, max(20, width - cell_len(head)))
        yield head + (shown if cell_len(shown) <= room else first_cells(shown, room - 1) + "…")
    if len(strings) > STRINGS:
        yield f"    and {len(strings) - STRINGS:,} more strings"
