"""`dataaudit rules`: what the tool looks for, and whether rules do what their examples say."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataaudit import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataaudit.rules.costs import Cost
    from dataaudit.rules.model import Rule

app = typer.Typer(
    help="List, show and test rules; print the schema of rule packs.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--rules", "-r", help="A further rule pack, or a folder of them; repeatable.", metavar="PATH"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        help="Only these rules, checks, categories, packs or tags; repeatable.",
        metavar="NAME",
        show_default=False,
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", help="All but these; repeatable.", metavar="NAME", show_default=False),
]


@app.command("list")
def list_command(
    rules: Packs = None, select: Select = None, ignore: Ignore = None, as_json: AsJson = False
) -> int:
    """Every rule, and every finding of the checks, with severity and category; also what is off by default."""
    from dataaudit.api.plan import require_known_names
    from dataaudit.checks import finding_kinds
    from dataaudit.checks.base import Selection
    from dataaudit.rules.load import load_packs
    from dataaudit.rules.select import select as choose

    packs = load_packs(rules or ())
    require_known_names({"--select": select or (), "--ignore": ignore or ()}, packs)
    every = tuple(dict.fromkeys(rule.pack for rule in packs))  # a list leaves nothing out by default
    loaded = choose(packs, select or every, ignore or ())
    selection = Selection(tuple(select or ()), tuple(ignore or ()))
    kinds = [kind for kind in finding_kinds() if selection.takes(kind)]
    rows = [
        {
            "id": one.id,
            "category": one.category,
            "severity": one.severity,
            "confidence": one.confidence,
            "default": "on" if one.default else "off",
            "name": one.name,
        }
        for one in loaded
    ]
    rows += [
        {
            "id": one.id,
            "category": one.category,
            "severity": one.severity,
            "confidence": one.confidence,
            "default": "on",
            "name": one.title,
        }
        for one in kinds
    ]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return errors.EXIT_OK
    _table(rows)
    print(f"\n{len(loaded):,} rules, {len(kinds):,} findings of checks")
    return errors.EXIT_OK


def _table(rows: Sequence[dict[str, str]]) -> None:
    from dataaudit.report.escape import visible

    columns = ("id", "category", "severity", "confidence", "default", "name")
    widths = {name: max([len(name), *(len(row[name]) for row in rows)]) for name in columns[:-1]}
    for row in [dict.fromkeys(columns, ""), *rows]:
        cells = [visible(row[name] or name).ljust(widths.get(name, 0)) for name in columns]
        print("  ".join(cells).rstrip())


def _rule(name: str, loaded: Sequence[Rule]) -> Rule:
    import difflib

    found = next((rule for rule in loaded if rule.id == name), None)
    if found is None:
        close = difflib.get_close_matches(name, [rule.id for rule in loaded], n=1)
        raise errors.UsageError(
            f"no rule is named {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        )
    return found


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="Id of a rule or of a finding of a check.", metavar="ID")],
    rules: Packs = None,
    as_json: AsJson = False,
) -> int:
    """What a rule finds, why it matters, its patterns and examples."""
    from dataaudit.checks import finding_kinds
    from dataaudit.rules.describe import describe
    from dataaudit.rules.load import load_packs

    kind = next((one for one in finding_kinds() if one.id == name), None)
    if kind is not None:
        about: dict[str, Any] = {
            key: getattr(kind, key)
            for key in ("id", "check", "category", "severity", "confidence", "title", "why")
        }
    else:
        rule = _rule(name, load_packs(rules or ()))
        about = {**describe(rule), "evidence": _evidence(rule, rules or ())}
    if as_json:
        print(json.dumps(about, indent=2, ensure_ascii=False))
    else:
        _describe(about)
    return errors.EXIT_OK


def _evidence(rule: Rule, packs: Sequence[str]) -> str:
    """What was measured, by the evidence beside the shipped packs and beside the user's."""
    from pathlib import Path

    from dataaudit.rules.evidence import NONE, in_words, read_evidence
    from dataaudit.rules.load import packs_dir

    folders = [path if path.is_dir() else path.parent for path in map(Path, packs)]
    found = [one for one in map(read_evidence, [packs_dir(), *folders]) if rule.id in one.rules]
    return in_words(rule, found[-1] if found else NONE)


def _describe(about: dict[str, Any]) -> None:
    from dataaudit.report.escape import visible

    for key, value in about.items():
        label = key.replace("_", " ")
        if isinstance(value, list):
            if not value:
                continue
            print(f"{label}:")
            for one in value:
                shown = one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
                print(f"  {visible(shown)}")
        else:
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
            print(f"{label}: {visible(shown)}")


@app.command("test")
def test_command(
    packs: Annotated[
        list[str] | None,
        typer.Argument(help="Pack files or folders; default: the shipped packs.", metavar="PACK"),
    ] = None,
    costs: Annotated[
        bool, typer.Option("--costs", help="Show what each rule costs, the dearest first.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Check every rule against its own examples, on the fast path and by its patterns; show what each costs."""
    from dataaudit.report.escape import visible
    from dataaudit.report.numbers import plural
    from dataaudit.rules.costs import costs as measured
    from dataaudit.rules.examples import test_rules
    from dataaudit.rules.load import load_packs

    loaded = load_packs(packs or (), shipped=not packs, verify=False)
    results = test_rules(loaded)
    failed = [one for one in results if not one.ok]
    spent = measured(loaded)
    if as_json:
        found = {
            "examples": [one.as_dict() for one in results],
            "costs": [
                {
                    "rule": one.rule,
                    "compile_seconds": one.compile_seconds,
                    "per_row": one.per_row,
                    "candidates_per_mb": one.candidates_per_mb,
                    "confirm_seconds": one.confirm_seconds,
                    "seconds_per_mb": one.seconds_per_mb,
                }
                for one in spent
            ],
        }
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for one in failed:
            print(f"FAIL {one.rule}: {visible(one.why)}")
        for cost in spent:
            if cost.per_row:
                print(f"note: {cost.rule} is matched on every string: {visible(cost.reason or '')}")
        if costs:
            _costs(spent)
        print(f"{plural(len(loaded), 'rule')}, {plural(len(results), 'example')}, {len(failed):,} failed")
    if failed:
        print(f"dataaudit: {plural(len(failed), 'example')} failed", file=sys.stderr)
        return errors.EXIT_USAGE
    return errors.EXIT_OK


def _costs(spent: Sequence[Cost]) -> None:
    from dataaudit.report.escape import visible

    print(f"{'rule':<40} {'compile':>8} {'asked per MB':>13} {'each':>8} {'per MB':>10}")
    for one in sorted(spent, key=lambda one: (-one.seconds_per_mb, one.rule)):
        asked = "all" if one.candidates_per_mb is None else _small(one.candidates_per_mb)
        each, whole = f"{one.confirm_seconds * 1e6:,.0f} µs", f"{_small(one.seconds_per_mb * 1e3)} ms"
        compiling = f"{one.compile_seconds * 1e3:,.0f} ms"
        print(f"{visible(one.rule):<40} {compiling:>8} {asked:>13} {each:>8} {whole:>10}")
    print(
        "asked per MB: strings `regex` is asked about, estimated; each: its time for an example; per MB: together\n"
    )


def _small(value: float) -> str:
    return "< 0.01" if value < 0.01 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


@app.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of a rule pack."""
    from dataaudit.rules.schema import pack_schema

    print(json.dumps(pack_schema(), indent=2, ensure_ascii=False))
    return errors.EXIT_OK
