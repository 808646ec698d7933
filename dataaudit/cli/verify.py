"""`dataaudit verify`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def verify_command(
    directory: Annotated[str, typer.Argument(help="A folder written by `dataaudit clean`.", metavar="DIR")],
    require_input: Annotated[
        bool, typer.Option("--require-input", help="Fail if the input is no longer there to compare with.")
    ] = False,
) -> int:
    """Prove that kept + quarantined = input: recompute every hash and every count of the manifest."""
    from dataaudit.api.clean import verify
    from dataaudit.report.escape import visible

    result = verify(directory, require_input=require_input)
    for note in result.notes:
        print(f"note: {visible(note)}", file=sys.stderr)
    for problem in result.problems:
        print(f"mismatch: {visible(problem)}")
    print("intact" if result.ok else f"{len(result.problems):,} mismatches")
    return result.exit_code
