"""`dataaudit benchmarks`: indexes of benchmarks for the `leakage` check."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dataaudit import errors
from dataaudit.cli.options import SOURCES

app = typer.Typer(
    help="Make and show indexes of benchmarks: what `scan --benchmarks` looks for.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("build")
def build_command(  # noqa: PLR0913, PLR0917 (one parameter per flag)
    sources: Annotated[list[str], SOURCES.shown()],
    out: Annotated[
        str, typer.Option("--out", "-o", help="The index to write.", metavar="INDEX", show_default=False)
    ],
    name: Annotated[
        str, typer.Option(help="What findings call the benchmark.", metavar="NAME", show_default=False)
    ],
    split: Annotated[str, typer.Option(help="Its split.", metavar="NAME")] = "",
    licence: Annotated[str, typer.Option(help="Its licence, as an SPDX identifier.", metavar="TEXT")] = "",
    source: Annotated[
        str, typer.Option(help="Where it comes from; default: the file names.", metavar="TEXT")
    ] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Where question, choices, answer, id is, or correct: each row is a choice, right or not; repeatable.",
            metavar="FIELD=PATH",
            show_default=False,
        ),
    ] = None,
    known_train: Annotated[
        list[str] | None,
        typer.Option(
            help="A file of its training split, with the same columns; what it holds is no leak; repeatable.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Make an index of benchmark items: hashes of their words, and none of their text."""
    from dataaudit.api.benchmarks import Described, build

    manifest = build(sources, out, Described(name, split, licence, source), columns or (), known_train or ())
    counts = ", ".join(f"{key} {value:,}" for key, value in manifest.counts.items())
    print(f"{manifest.label}: {counts}")
    return errors.EXIT_OK


@app.command("list")
def list_command() -> int:
    """List the benchmarks that every scan looks for: their indexes come with dataaudit."""
    from dataaudit.api.benchmarks import show
    from dataaudit.benchmarks.shipped import shipped

    for path in shipped():
        one = show(path)
        size = f"{one.counts['items']:,} items"
        print(f"{one.label:<12} {size:>13}  {one.licence:<8} {one.source}  {path}")
    return errors.EXIT_OK


@app.command("show")
def show_command(index: Annotated[str, typer.Argument(help="An index.", metavar="INDEX")]) -> int:
    """Print the manifest of an index."""
    from dataaudit.api.benchmarks import show
    from dataaudit.benchmarks.manifest import described

    print(json.dumps(described(show(index)), indent=2, ensure_ascii=True))
    return errors.EXIT_OK
