"""`dataaudit rules`: what the tool looks for, and whether rules do what their examples say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataaudit import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        if value is None or value == "":
            continue
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


@app.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of a rule pack."""
    from dataaudit.rules.schema import pack_schema

    print(json.dumps(pack_schema(), indent=2, ensure_ascii=False))
    return errors.EXIT_OK
