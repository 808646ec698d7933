"""`dataaudit schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dataaudit import errors
from dataaudit.cli.options import Flags, ReadFlags, with_flags
from dataaudit.cli.scan import Sources

if TYPE_CHECKING:
    from dataaudit.api.schema import FileSchema, RowShown

SHOWN = 100
"""Code points shown of a text."""


@with_flags(ReadFlags)
def schema_command(
    sources: Sources,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    *,
    flags: Flags,
) -> int:
    """Show what is detected: layout, roles and sample rows of every file, and how to override it."""
    from dataaudit.api.schema import schema

    found = schema(sources, **flags.options())
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=True))
    else:
        sys.stdout.write("\n\n".join("\n".join(_lines(one)) for one in found) + "\n")
    return errors.EXIT_INCOMPLETE if any(one.error for one in found) else errors.EXIT_OK


def _lines(found: FileSchema) -> Iterator[str]:
    from dataaudit.report.escape import visible

    split = f", split {visible(found.split)}" if found.split else ""
    yield f"{visible(found.uri)}  ({found.format}{split})"
    if found.error is not None:
        yield f"  cannot be read: {visible(found.error)}"
        return
    layouts = ", ".join(f"{name} ({count:,} of the first rows)" for name, count in found.layouts.items())
    yield f"  layout   {layouts or 'none'}"
    for role, paths in found.roles.items():
        yield f"  {role.ljust(8)} ← {', '.join(map(visible, paths))}"
    if found.unread:
        yield f"  not read: {', '.join(map(visible, found.unread))}"
    for note in found.notes:
        yield f"  note: {visible(note)}"
    if found.malformed:
        yield f"  note: {found.malformed:,} of the first records are malformed"
    for row in found.rows:
        yield from _row(row)
    yield "  to override: --columns ROLE=PATH, such as --columns response=messages[*].content"


def _row(row: RowShown) -> Iterator[str]:
    from dataaudit.report.escape import visible

    yield f"  row {row.row:,}"
    strings = [(role, path, text) for role, texts in row.texts.items() for path, text in texts]
    strings += [("label", path, text) for path, text in row.labels]
    for role, path, text in strings:
        short = text if len(text) <= SHOWN else text[:SHOWN] + "…"
        yield f"    {role.ljust(8)} {visible(path)}: {visible(short)}"
