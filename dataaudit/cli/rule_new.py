"""`dataaudit rules new`: the beginning of a rule."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from dataaudit import errors
from dataaudit.cli.options import Flags, with_flags
from dataaudit.cli.rule_try import PatternFlags


@with_flags(PatternFlags)
def new_command(
    name: Annotated[str, typer.Argument(help="Id of the rule, in kebab-case.", metavar="ID")] = "my-rule",
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help="What it looks for, as given to `rules try`.", metavar="PATTERN"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The pack to write; default: standard output.", metavar="FILE"),
    ] = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="Only the rule, to be added to a pack that is there.")
    ] = False,
    *,
    flags: Flags,
) -> int:
    """Write the template of a rule pack: fill in what says so, then run `rules test`."""
    from dataaudit.cli.rule_try import pattern_of
    from dataaudit.rules.reader import KEBAB
    from dataaudit.rules.template import pack_template

    if not KEBAB.fullmatch(name):
        raise errors.UsageError(f"an id is in kebab-case (like-this-one), not {name!r}")
    if bare and output is not None:
        raise errors.UsageError("--bare prints the rule, for a pack that is there: leave --output out")
    found = None if pattern is None else pattern_of(pattern, flags)
    text = pack_template(name, found, flags.role or (), pack=None if bare else name)
    if output is None:
        sys.stdout.write(text)
        return errors.EXIT_OK
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise errors.UsageError(f"{output} is there already; --bare prints a rule to add to it") from None
    except OSError as error:
        raise errors.UsageError(f"{output}: cannot be written: {error.strerror or error}") from None
    print(f"{output}: fill in what says so, then: dataaudit rules test {shlex.quote(str(output))}")
    return errors.EXIT_OK
