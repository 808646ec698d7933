"""`dataaudit rules try`: what a pattern hits, before there is a rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dataaudit.cli.options import Flags, ReadFlags, SampleFlags, Sources, with_flags

if TYPE_CHECKING:
    from dataaudit.records.findings import Example
    from dataaudit.report.model import Report
    from dataaudit.rules.model import Flag, Pattern, Rule, Where


def _flag(text: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel="Pattern", show_default=False)


@dataclass(frozen=True)
class PatternFlags:
    """How a pattern is matched, and in what."""

    ignore_case: Annotated[bool, _flag("Ignore case.", "--ignore-case", "-i")] = False
    flag: Annotated[
        list[str] | None, _flag("multiline, dotall, verbose or fullcase; repeatable.", metavar="NAME")
    ] = None
    where: Annotated[
        str | None,
        _flag("Where a match begins: anywhere, start, last-line, last-paragraph.", metavar="PLACE"),
    ] = None
    role: Annotated[
        list[str] | None, _flag("Only text of this role, such as response; repeatable.", metavar="ROLE")
    ] = None


def pattern_of(text: str, flags: Flags) -> Pattern:
    """The pattern that the flags ask for. Raises UsageError."""
    from dataaudit.errors import UsageError
    from dataaudit.rules.compile import compile_pattern
    from dataaudit.rules.model import FLAGS, RULE_ROLES, WHERES, Pattern

    named = (*(["ignorecase"] if flags.ignore_case else []), *(flags.flag or ()))
    where = flags.where or "anywhere"
    given = [("--where", where, WHERES)]
    given += [("--flag", one, FLAGS) for one in named]
    given += [("--role", one, RULE_ROLES) for one in flags.role or ()]
    for option, value, known in given:
        if value not in known:
            raise UsageError(f"{option}: {value!r} is not one of {', '.join(known)}")
    pattern = Pattern(text, cast("tuple[Flag, ...]", tuple(dict.fromkeys(named))), cast("Where", where))
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return pattern


@with_flags(PatternFlags, ReadFlags, SampleFlags)
def try_command(
    pattern: Annotated[
        str, typer.Argument(help="A regular expression, as in a rule.", metavar="PATTERN", show_default=False)
    ],
    sources: Sources,
    examples: Annotated[
        int, typer.Option("--examples", "-n", help="Matches shown.", metavar="N", min=0, max=1000)
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    *,
    flags: Flags,
) -> int:
    """Count what a pattern hits in data and show some of it, before there is a rule."""
    from dataaudit.api.trying import rule_of, try_rule
    from dataaudit.cli.progress import watching
    from dataaudit.config import Config

    rule = rule_of(pattern_of(pattern, flags), flags.role or ())
    reading = {name: value for name, value in flags.options().items() if hasattr(Config, name)}
    with watching(quiet=as_json, color=None) as watch:
        config = Config().with_options(reading)
        report = try_rule(rule, sources, config, examples=examples, progress=watch)
    if as_json:
        print(json.dumps(_as_json(report, rule), indent=2, ensure_ascii=True))
    else:
        print("\n".join(_lines(report, rule)))
    return report.exit_code


def _as_json(report: Report, rule: Rule) -> dict[str, Any]:
    from dataaudit.report.json_format import to_dict
    from dataaudit.rules.describe import describe, prefilter_text

    whole = to_dict(report)
    finding: dict[str, Any] = next(iter(whole["findings"]), {})
    counted = whole["rates"].get(rule.id, {"rows": 0, "of": 0, "rate": None})
    return {
        "pattern": describe(rule)["patterns"],
        "reads": list(rule.reads),
        "status": report.status,
        "records": report.rows,
        **{key: counted[key] for key in ("of", "rows", "rate")},
        "matches": finding.get("matches", 0),
        "by_role": finding.get("by_role", {}),
        "by_source": finding.get("by_source", {}),
        "prefilter": prefilter_text(rule),
        "not_evaluated": whole["not_evaluated"],
        "sample": whole["sample"],
        "examples": finding.get("examples", []),
    }


def _lines(report: Report, rule: Rule) -> Iterator[str]:
    from dataaudit.report.escape import visible
    from dataaudit.report.numbers import count, percent_of, plural
    from dataaudit.report.words import sample_note
    from dataaudit.rules.describe import prefilter_text

    finding = report.finding(rule.id)
    rate = report.rates.get(rule.id)
    rows, of = (rate.rows, rate.of) if rate is not None else (0, 0)
    yield f"{count(rows)} of {plural(of, 'row')} hit ({percent_of(rows, of)})" + (
        f", {plural(finding.matches or 0, 'match', 'matches')}" if finding else ""
    )
    if note := sample_note(report):
        yield note
    if finding is not None:
        for name, counts in (("by role", finding.by_role), ("by file", finding.by_source)):
            if name == "by file" and len(report.sources) == 1:
                continue
            ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
            more = f", and {len(ranked) - 8:,} more" if len(ranked) > 8 else ""
            yield f"{name}  " + ", ".join(f"{visible(key)} {n:,}" for key, n in ranked[:8]) + more
    yield f"cost     {visible(prefilter_text(rule))}"
    for one in report.not_evaluated:
        yield f"{'INCOMPLETE' if one.incomplete else 'note'}: {visible(one.id)}: {visible(one.reason)}"
    for example in finding.examples if finding is not None else ():
        yield ""
        yield from _example(example)


def _example(example: Example) -> Iterator[str]:
    from dataaudit.report.escape import visible, visible_span
    from dataaudit.report.words import origin, place

    before, match, after = visible_span(example.text or "", example.mark)
    yield f"{visible(place(example))} · {visible(origin(example))}"
    yield f"  {before}«{match}»{after}"
