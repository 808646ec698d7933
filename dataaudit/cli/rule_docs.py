"""`dataaudit rules docs`: pages about rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataaudit import errors


def docs_command(
    folder: Annotated[
        Path, typer.Argument(help="Folder to write the pages to.", metavar="DIR", show_default=False)
    ],
    packs: Annotated[
        list[str] | None,
        typer.Argument(help="Pack files or folders; default: the shipped packs.", metavar="PACK"),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 1 if the pages are not what would be written."),
    ] = False,
) -> int:
    """Write a page per rule pack: what each rule finds, why it matters, its evidence, and when to ignore it."""
    from dataaudit.api.rule_docs import outdated, write
    from dataaudit.report.escape import visible

    try:
        if check:
            stale = outdated(folder, packs or ())
            for name in stale:
                print(f"{visible(str(folder / name))}: not up to date")
            return errors.EXIT_GATE_FAILED if stale else errors.EXIT_OK
        for name in write(folder, packs or ()):
            print(folder / name)
    except OSError as error:
        raise errors.UsageError(f"{error.filename or folder}: {error.strerror or error}") from None
    return errors.EXIT_OK
