"""All commands, as typer knows them."""

from __future__ import annotations

from typing import Annotated

import typer

from dataaudit import __version__
from dataaudit.cli import (
    benchmarks,
    clean,
    explain,
    rule_docs,
    rule_evidence,
    rule_new,
    rule_test,
    rule_try,
    rules,
    scan,
    schema,
    verify,
)
from dataaudit.cli.options import SCAN, with_flags

app = typer.Typer(
    name="dataaudit",
    help="The linter, gate and cleaner for training data.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine · 1 a gate failed · 2 usage · 3 incomplete · 4 nothing evaluated · 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dataaudit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The linter, gate and cleaner for training data."""


app.command("scan")(with_flags(*SCAN)(scan.scan_command))
app.command("clean")(clean.clean_command)
app.command("explain")(explain.explain_command)
app.command("schema")(schema.schema_command)
app.command("verify")(verify.verify_command)
rules.app.command("docs")(rule_docs.docs_command)
rules.app.command("new")(rule_new.new_command)
rules.app.command("test")(rule_test.test_command)
rules.app.command("try")(rule_try.try_command)
rules.app.command("measure")(rule_evidence.measure_command)
app.add_typer(rules.app, name="rules")
app.add_typer(benchmarks.app, name="benchmarks")
