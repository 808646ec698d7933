"""`dataaudit explain`: what a check looks for, and how much of it its settings find."""

from typing import Annotated

import typer

BAR = 40
"""Columns of a full bar."""


def explain_command(
    name: Annotated[str, typer.Argument(help="A check or a finding, such as near-duplicates.")],
    near_duplicates: Annotated[
        list[str] | None,
        typer.Option(help="Settings of near-duplicates, as for scan; repeatable.", metavar="KEY=VALUE"),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="A configuration file; default: dataaudit.toml here.", metavar="FILE")
    ] = None,
    isolated: Annotated[bool, typer.Option("--isolated", help="Read no configuration file.")] = False,
) -> None:
    """Say what a check looks for; of near-duplicates also what share of pairs is found, by their similarity."""
    from pathlib import Path

    from dataaudit.api.explain import explain
    from dataaudit.config import load_config

    given = load_config(Path(config) if config else None, isolated=isolated)
    found = explain(name, given.with_options({"near_duplicates": near_duplicates or None}))
    for kind in found.kinds:
        off = "" if kind.default else f"; off unless selected: --select default --select {kind.id}"
        print(f"{kind.id}  {kind.severity}, {kind.confidence} confidence{off}")
        print(f"  {kind.title}")
    print()
    print(found.kinds[0].why)
    if found.about:
        print()
        print("\n".join(found.about))
    if found.settings is None:
        return
    one = found.settings
    print()
    print(
        f"words {one.words}  threshold {one.threshold:g}  bands {one.bands}  rows {one.rows}  keep {one.keep}"
    )
    print()
    print("similarity  found")
    for similarity, recall in found.recall:
        mark = "  <- threshold" if similarity == one.threshold else ""
        print(f"{similarity:>10.4g}  {_percent(recall):>7}  {'#' * round(recall * BAR)}{mark}")
    print()
    print(
        f"In the work directory it takes {found.per_row:,} bytes per row, {found.per_row:,} MB per million."
    )
    if (more := found.candidates) is not None:
        print(
            f"A row that may be a near-duplicate takes some {more.per_byte:g} bytes more per byte of its text there, "
            f"and {more.per_row} in memory."
        )
    print(f"A pair of similarity s becomes a candidate with probability 1 - (1 - s^{one.rows})^{one.bands}.")
    print("Candidates are compared exactly: no pair below the threshold makes two rows near-duplicates.")


def _percent(share: float) -> str:
    """100 % is said only of what is certain to five digits."""
    return "100 %" if share > 0.99999 else f"{min(share, 0.9999):.2%}".replace("%", " %")
