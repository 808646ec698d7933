"""`dataaudit clean`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dataaudit.cli.options import (
    Flags,
    GateFlags,
    OutputFlags,
    ReadFlags,
    RuleFlags,
    RunFlags,
    Sources,
    with_flags,
)
from dataaudit.cli.scan import exit_code


@with_flags(ReadFlags, RuleFlags, GateFlags, OutputFlags, RunFlags)
def clean_command(
    sources: Sources,
    out: Annotated[
        str, typer.Option("--out", "-o", help="Folder to write.", metavar="DIR", show_default=False)
    ],
    drop: Annotated[
        list[str] | None,
        typer.Option(
            "--drop",
            help="Drop the rows of a rule, category, tag or finding (contamination, exact-duplicates …); repeatable.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a folder that an earlier clean completed.")
    ] = False,
    *,
    flags: Flags,
) -> int:
    """Write the rows that are kept, set aside the others with their reasons, and account for every row."""
    from dataaudit.api.clean import clean
    from dataaudit.cli.cleaned import summary
    from dataaudit.cli.printing import configuration, emit
    from dataaudit.cli.progress import copying, watching

    config = configuration(flags)
    with (
        watching(quiet=flags.quiet, color=flags.color) as watch,
        copying(watch, quiet=flags.quiet, color=flags.color) as writing,
    ):
        report, manifest = clean(
            sources, out, drop=drop or (), overwrite=overwrite, config=config, progress=watch, writing=writing
        )
    emit(report, config, flags, quiet=flags.format is None and not flags.verbose)
    if flags.format is None:
        sys.stdout.write(summary(manifest, out, report.allowed))
    return exit_code(report, exit_zero=config.exit_zero)
