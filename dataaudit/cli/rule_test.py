"""`dataaudit rules test`: rules against their own examples."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataaudit import errors
from dataaudit.cli.rules import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataaudit.rules.costs import Cost
    from dataaudit.rules.examples import ExampleResult
    from dataaudit.rules.model import Rule
    from dataaudit.rules.mutants import Judged

SHOWN = 120
"""Characters of a text that are shown."""


def test_command(
    packs: Annotated[
        list[str] | None,
        typer.Argument(help="Pack files or folders; default: the shipped packs.", metavar="PACK"),
    ] = None,
    costs: Annotated[
        bool, typer.Option("--costs", help="Show what each rule costs, the dearest first.")
    ] = False,
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants", help="Make small mistakes in the rules, and show those that no example notices."
        ),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Check every rule against its own examples, on the fast path and by its patterns."""
    from dataaudit.report.numbers import plural
    from dataaudit.rules.costs import costs as measured
    from dataaudit.rules.examples import test_rules
    from dataaudit.rules.load import load_packs

    loaded = load_packs(packs or (), shipped=not packs, verify=False)
    results = test_rules(loaded)
    failed = [one for one in results if not one.ok]
    spent = measured(loaded)
    if as_json:
        found: dict[str, Any] = {
            "examples": [one.as_dict() for one in results],
            "costs": [_cost(one) for one in spent],
        }
        if mutants:
            found["mutants"] = [_mutant(rule, one) for rule in loaded for one in _judged(rule, failed)]
        print(json.dumps(found, indent=2, ensure_ascii=True))
    else:
        _print(failed, spent, costs=costs)
        if mutants:
            _print_mutants(loaded, failed)
        print(f"{plural(len(loaded), 'rule')}, {plural(len(results), 'example')}, {len(failed):,} failed")
    if failed:
        print(f"dataaudit: {plural(len(failed), 'example')} failed", file=sys.stderr)
        return errors.EXIT_USAGE
    return errors.EXIT_OK


def _cost(one: Cost) -> dict[str, object]:
    return {
        "rule": one.rule,
        "compile_seconds": one.compile_seconds,
        "per_row": one.per_row,
        "candidates_per_mb": one.candidates_per_mb,
        "confirm_seconds": one.confirm_seconds,
        "seconds_per_mb": one.seconds_per_mb,
    }


def _print(failed: Sequence[ExampleResult], spent: Sequence[Cost], *, costs: bool) -> None:
    from dataaudit.report.escape import visible

    for one in failed:
        example = (
            one.example
            if isinstance(one.example, str)
            else "; ".join(text for _, text in one.example.strings)
        )
        print(f"FAIL {one.rule}: {visible(one.why)}\n  {visible(example[:SHOWN])}")
    for cost in spent:
        if cost.per_row:
            print(f"note: {cost.rule} is matched on every string: {visible(cost.reason or '')}")
    if costs:
        _print_costs(spent)


def _print_costs(spent: Sequence[Cost]) -> None:
    from dataaudit.report.escape import visible

    print(f"{'rule':<40} {'compile':>8} {'asked per MB':>13} {'each':>8} {'per MB':>10}")
    for one in sorted(spent, key=lambda one: (-one.seconds_per_mb, one.rule)):
        asked = "all" if one.candidates_per_mb is None else _small(one.candidates_per_mb)
        each, whole = f"{one.confirm_seconds * 1e6:,.0f} µs", f"{_small(one.seconds_per_mb * 1e3)} ms"
        compiling = f"{one.compile_seconds * 1e3:,.0f} ms"
        print(f"{visible(one.rule):<40} {compiling:>8} {asked:>13} {each:>8} {whole:>10}")
    print(
        "asked per MB: strings `regex` is asked about, estimated; each: its time for an example; per MB: both\n"
    )


def _small(value: float) -> str:
    return "< 0.01" if value < 0.01 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _judged(rule: Rule, failed: Sequence[ExampleResult]) -> list[Judged]:
    """The mutants of a rule; none of one whose examples fail as it is."""
    from dataaudit.rules.mutants import judge

    return [] if any(one.rule == rule.id for one in failed) else list(judge(rule))


def _mutant(rule: Rule, one: Judged) -> dict[str, object]:
    witness = None if one.witness is None else {"text": one.witness.text, "hit": one.witness.hit}
    return {
        "rule": rule.id,
        "kind": one.mutant.kind,
        "what": one.mutant.what,
        "outcome": one.outcome,
        "witness": witness,
    }


def _print_mutants(rules: Sequence[Rule], failed: Sequence[ExampleResult]) -> None:
    from dataaudit.report.escape import visible

    caught = survived = 0
    for rule in rules:
        for one in _judged(rule, failed):
            caught += one.outcome == "caught"
            if one.witness is not None:
                survived += 1
                kind = "hit" if one.witness.hit else "miss"
                print(f"not noticed: {visible(rule.id)}: {visible(one.mutant.what)}")
                print(f"  a {kind} would: {visible(one.witness.text[:SHOWN])}")
    share = 100.0 * caught / max(1, caught + survived)
    print(f"{caught:,} of {caught + survived:,} mutants noticed by the examples ({share:.0f} %)")
