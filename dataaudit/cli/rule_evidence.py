"""`dataaudit rules measure`: how often rules hit text of people and of models, written down beside the packs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataaudit import errors
from dataaudit.cli.rules import Ignore, Packs, Select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataaudit.api.measure import Place
    from dataaudit.rules.evidence import Evidence
    from dataaudit.rules.model import Rule

Corpora = Annotated[
    list[str],
    typer.Argument(
        help="Text whose authors are known: human:NAME=PATH or model:NAME=PATH.",
        metavar="LABEL:NAME=PATH",
        show_default=False,
    ),
]


def measure_command(  # noqa: PLR0913  # one parameter per flag
    corpora: Corpora,
    *,
    rules: Packs = None,
    select: Select = None,
    ignore: Ignore = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            help="Where a role is read from, in one corpus or in all.",
            metavar="[NAME:]ROLE=PATH",
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group", help="The column of a model corpus that names the model.", metavar="[NAME:]COLUMN"
        ),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A model to leave out; repeatable.", metavar="MODEL")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the counts, such as rules/evidence.json.")
    ] = None,
    set_confidence: Annotated[
        bool,
        typer.Option(
            "--set-confidence", help="Correct `confidence` in the packs to what the evidence gives."
        ),
    ] = False,
    show: Annotated[
        str | None,
        typer.Option("--show", help="Show every match in the corpora of this label.", metavar="LABEL"),
    ] = None,
) -> int:
    """Count the documents that each rule hits in text of people and of models; no text is stored."""
    from dataaudit.api.corpora import parse_corpora
    from dataaudit.api.measure import measure
    from dataaudit.api.plan import require_known_names
    from dataaudit.rules.evidence import write_evidence
    from dataaudit.rules.load import load_packs
    from dataaudit.rules.select import select as choose

    if show not in (None, "human", "model"):
        raise errors.UsageError("--show: write human or model")
    packs = load_packs(rules or ())
    require_known_names({"--select": select or (), "--ignore": ignore or ()}, packs)
    loaded = choose(packs, select or tuple(dict.fromkeys(rule.pack for rule in packs)), ignore or ())
    if not loaded:
        raise errors.UsageError("the selection leaves no rule on")
    named = parse_corpora(corpora, columns or (), group or ())
    evidence = measure(loaded, named, without=without or (), watch=_watch(show) if show else None)
    if output is not None:
        write_evidence(output, evidence)
    if set_confidence:
        _set_confidence(rules or (), evidence)
        loaded = _again(rules or (), loaded)
    _print(loaded, evidence)
    return errors.EXIT_OK


def _watch(label: str) -> Callable[[Place], None]:
    from dataaudit.checks.excerpts import excerpt
    from dataaudit.report.escape import visible

    def show(place: Place) -> None:
        if place.label == label:
            text, (start, end) = excerpt(place.text, *place.span)
            marked = f"{text[:start]}⟦{text[start:end]}⟧{text[end:]}"
            print(f"{place.corpus} {visible(place.file)}:{place.row} {place.rule}: {visible(marked)}")

    return show


def _set_confidence(packs: Sequence[str], evidence: Evidence) -> None:
    from dataaudit.rules.authoring import set_confidence

    for path, line in set_confidence(packs, evidence):
        print(f"{path}:{line}: confidence corrected")


def _again(packs: Sequence[str], before: Sequence[Rule]) -> tuple[Rule, ...]:
    from dataaudit.rules.load import load_packs

    wanted = {rule.id for rule in before}
    return tuple(rule for rule in load_packs(packs) if rule.id in wanted)


def _print(rules: Sequence[Rule], evidence: Evidence) -> None:
    from dataaudit.rules.evidence import agrees, earned

    print(f"{'rule':<40} {'human':>7} {'model':>7} {'models':>6}  confidence")
    for rule in rules:
        found = evidence.rules[rule.id]
        note = "" if agrees(rule, found) else f"  (the evidence gives {earned(rule, found)})"
        print(
            f"{rule.id:<40} {found.human.hits:>7,} {found.model.hits:>7,} {len(found.model.where):>6}  "
            f"{rule.confidence}{note}"
        )
    print()
    print(f"{'text by':<40} {'documents':>9} {'contamination':>13} {'confident':>9} {'2 soft':>8}")
    for group in evidence.groups:
        shares = (group.contamination, group.confident, group.soft[1])
        cells = "".join(f"{n:>9,}" if i else f"{n:>13,}" for i, n in enumerate(shares))
        print(f"{group.label + ':' + group.name:<40} {group.documents:>9,} {cells}")
