"""The options that scan and clean share: one dataclass per group, turned into command line flags."""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, get_origin, get_type_hints

READING, CHOOSING, GATING, PRINTING, RUNNING = "Reading", "What is looked for", "Gates", "Output", "Running"


@dataclass(frozen=True)
class Flag:
    """A flag, before typer is imported."""

    names: tuple[str, ...]
    """None: that of the field, with two dashes."""
    more: dict[str, Any]

    def shown(self) -> Any:
        """What typer knows it as."""
        import typer

        return typer.Option(*self.names, show_default=False, **self.more)


@dataclass(frozen=True)
class Argument:
    """An argument that is no flag, before typer is imported."""

    more: dict[str, Any]

    def shown(self) -> Any:
        """What typer knows it as."""
        import typer

        return typer.Argument(show_default=False, **self.more)


SOURCES = Argument(
    {"help": "Files, folders, globs, hf://datasets/ORG/NAME; - reads standard input.", "metavar": "SOURCE"}
)
Sources = Annotated[list[str], SOURCES]


def _flag(text: str, panel: str, *names: str, metavar: str | None = None, **more: Any) -> Any:
    return Flag(names, {"help": text, "rich_help_panel": panel, "metavar": metavar, **more})


Texts = list[str] | None


@dataclass(frozen=True)
class ReadFlags:
    """How the source is read."""

    columns: Annotated[
        Texts,
        _flag(
            "Where a role is read from, such as response=messages\\[*].content; chat=PATH reads whole chats, "
            "rendered ones too, turn by turn; repeatable.",
            READING,
            metavar="ROLE=PATH",
        ),
    ] = None
    field: Annotated[
        str | None, _flag("The key of a JSON document that holds the records.", READING, metavar="KEY")
    ] = None
    encoding: Annotated[
        str | None, _flag("Encoding of delimited and plain text, such as cp1252.", READING, metavar="NAME")
    ] = None
    split: Annotated[str | None, _flag("Read only this split.", READING, metavar="NAME")] = None
    subset: Annotated[
        str | None, _flag("The subset of a Hub repository that is read.", READING, metavar="NAME")
    ] = None
    revision: Annotated[
        str | None, _flag("Branch, tag or commit of a dataset of the Hub.", READING, metavar="REV")
    ] = None


@dataclass(frozen=True)
class SampleFlags:
    """Reading less than everything."""

    limit: Annotated[int | None, _flag("Read only the first N records.", READING, metavar="N")] = None
    sample: Annotated[
        str | None, _flag("Evaluate a share of the rows, such as 5%.", READING, metavar="SHARE")
    ] = None
    seed: Annotated[int | None, _flag("Changes which rows a sample takes.", READING, metavar="N")] = None


@dataclass(frozen=True)
class RuleFlags:
    """Which rules and checks are on."""

    rules: Annotated[
        Texts,
        _flag(
            "A further rule pack, or a folder of them; repeatable.", CHOOSING, "--rules", "-r", metavar="PATH"
        ),
    ] = None
    benchmarks: Annotated[
        Texts,
        _flag(
            "Look for the items of a further benchmark, by its index; repeatable; `none`: not for the shipped ones.",
            CHOOSING,
            metavar="INDEX",
        ),
    ] = None
    select: Annotated[
        Texts,
        _flag("Only these rules, checks, categories, packs or tags; repeatable.", CHOOSING, metavar="NAME"),
    ] = None
    ignore: Annotated[Texts, _flag("All but these; repeatable.", CHOOSING, metavar="NAME")] = None
    ignore_quoted: Annotated[
        bool,
        _flag(
            "Pass over model tokens and phrases that are quoted: in Markdown code or quotation marks.",
            CHOOSING,
            "--ignore-quoted",
        ),
    ] = False
    near_duplicates: Annotated[
        Texts,
        _flag(
            "How near-duplicates are looked for: words=5, threshold=0.8, bands=14, rows=8, and which row stays: "
            "keep=first, longest or best:FIELD; repeatable.",
            CHOOSING,
            metavar="KEY=VALUE",
        ),
    ] = None
    min_severity: Annotated[
        str | None, _flag("info, low, medium, high or critical.", CHOOSING, metavar="SEVERITY")
    ] = None


@dataclass(frozen=True)
class GateFlags:
    """When the scan fails."""

    max_contamination: Annotated[
        str | None,
        _flag("Fail (exit 1) above this contamination rate, such as 0.1%.", GATING, metavar="RATE"),
    ] = None
    max_rate: Annotated[
        Texts, _flag("The same for a category, rule or finding; repeatable.", GATING, metavar="NAME=RATE")
    ] = None
    max_count: Annotated[
        Texts, _flag("Fail above this many rows, or this class ratio; repeatable.", GATING, metavar="NAME=N")
    ] = None
    fail_on: Annotated[
        str | None, _flag("Fail on any finding of this severity or worse.", GATING, metavar="SEVERITY")
    ] = None
    exit_zero: Annotated[bool, _flag("Exit 0 although a gate failed.", GATING, "--exit-zero")] = False


@dataclass(frozen=True)
class OutputFlags:
    """What is printed and written."""

    format: Annotated[
        str | None,
        _flag("What standard output gets: terminal, json or markdown.", PRINTING, metavar="FORMAT"),
    ] = None
    output: Annotated[
        Texts,
        _flag(
            "Also write a report to a file; rows=PATH writes every row-level finding (.parquet or .jsonl); repeatable.",
            PRINTING,
            metavar="FORMAT=PATH",
        ),
    ] = None
    hide_text: Annotated[
        bool, _flag("Leave texts of the data out of the report.", PRINTING, "--hide-text")
    ] = False


@dataclass(frozen=True)
class RunFlags:
    """How the work is done."""

    jobs: Annotated[
        int | None, _flag("Processes that read; default: all processors.", RUNNING, metavar="N")
    ] = None
    batch_rows: Annotated[int | None, _flag("Rows looked at together.", RUNNING, metavar="N")] = None
    memory: Annotated[
        str | None, _flag("Memory budget of all processes together, such as 2GB.", RUNNING, metavar="SIZE")
    ] = None
    work_dir: Annotated[
        str | None, _flag("Where what does not fit in memory goes.", RUNNING, metavar="DIR")
    ] = None
    reference: Annotated[bool, _flag("Match row by row.", RUNNING, "--reference", hidden=True)] = False
    config: Annotated[
        str | None, _flag("A configuration file; default: dataaudit.toml here.", RUNNING, metavar="FILE")
    ] = None
    isolated: Annotated[bool, _flag("Read no configuration file.", RUNNING, "--isolated")] = False
    verbose: Annotated[int, _flag("Show more; repeatable.", RUNNING, "--verbose", "-v", count=True)] = 0
    quiet: Annotated[bool, _flag("No progress.", RUNNING, "--quiet", "-q")] = False
    color: Annotated[str | None, _flag("auto, always or never.", RUNNING, "--color", metavar="WHEN")] = None


@dataclass(frozen=True)
class Flags:
    """Several groups of flags, as one mapping of those that were given."""

    given: dict[str, Any] = dataclasses.field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """What concerns the configuration."""
        apart = {"config", "isolated", "verbose", "quiet", "color"}
        return {
            name: value
            for name, value in self.given.items()
            if name not in apart and value is not None and value is not False
        }

    def __getattr__(self, name: str) -> Any:
        try:
            return self.given[name]
        except KeyError:
            raise AttributeError(name) from None


SCAN = (ReadFlags, SampleFlags, RuleFlags, GateFlags, OutputFlags, RunFlags)
"""The flags of `scan`."""


def _shown(kind: Any) -> Any:
    """An annotation with what typer knows in place of our own."""
    if get_origin(kind) is not Annotated:
        return kind
    inner, (meta, *_) = kind.__origin__, kind.__metadata__
    return Annotated[inner, meta.shown()] if isinstance(meta, Flag | Argument) else kind


def with_flags(*groups: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the flags of the groups; it receives them as the argument `flags`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [one for one in inspect.signature(command).parameters.values() if one.name != "flags"]
        hints = get_type_hints(command, include_extras=True)
        parameters = [one.replace(annotation=_shown(hints[one.name])) for one in own]
        for group in groups:
            types = get_type_hints(group, include_extras=True)
            for one in fields(group):
                default = one.default if one.default is not MISSING else None
                parameters.append(
                    inspect.Parameter(
                        one.name,
                        inspect.Parameter.KEYWORD_ONLY,
                        default=default,
                        annotation=_shown(types[one.name]),
                    )
                )
        named = {one.name for one in own}

        def run(**values: Any) -> Any:
            mine = {name: value for name, value in values.items() if name in named}
            rest = {name: value for name, value in values.items() if name not in named}
            return command(**mine, flags=Flags(rest))

        keyword = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
        run.__signature__ = inspect.Signature(keyword)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in keyword}
        run.__doc__ = command.__doc__
        run.__name__ = command.__name__
        return run

    return decorate
