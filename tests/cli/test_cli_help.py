"""Help for everything, and a start that loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_support import RunCli, environment, run_program
from typer.main import get_command

import dataaudit
from dataaudit.cli.app import app

HEAVY = ("polars", "pyarrow", "numpy", "datasets", "hyperscan", "regex", "pandas", "msgspec")


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(inner, (*path, name))


ALL = dict(_commands(get_command(app)))


def test_the_commands() -> None:
    assert {" ".join(path) for path in ALL} == {
        "",
        "benchmarks",
        "benchmarks build",
        "benchmarks list",
        "benchmarks show",
        "clean",
        "explain",
        "rules",
        "rules docs",
        "rules list",
        "rules measure",
        "rules new",
        "rules schema",
        "rules show",
        "rules test",
        "rules try",
        "scan",
        "schema",
        "verify",
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_command_and_all_it_takes_is_explained(path: tuple[str, ...]) -> None:
    command = ALL[path]
    assert command.help
    missing = [one.name for one in command.params if not getattr(one, "help", None)]
    assert missing == []


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_names_every_option(path: tuple[str, ...], run_cli: RunCli) -> None:
    done = run_cli(*path, "--help", env={"COLUMNS": "200"})
    assert done.returncode == 0
    for one in ALL[path].params:
        if getattr(one, "hidden", False):
            continue
        for name in one.opts if one.param_type_name == "option" else ():
            assert name in done.stdout
    assert done.stdout.strip()


def test_scan_and_clean_share_their_flags() -> None:
    def flags(name: str) -> set[str]:
        return {opt for one in ALL[(name,)].params for opt in one.opts}

    assert flags("scan") - flags("clean") == {"--limit", "--sample", "--seed"}
    assert flags("clean") - flags("scan") == {"--out", "-o", "--drop", "--overwrite"}


def test_the_flags_of_the_contract() -> None:
    flags = {opt for one in ALL[("scan",)].params for opt in one.opts}
    assert flags >= {
        "--columns",
        "--split",
        "--limit",
        "--sample",
        "--seed",
        "--rules",
        "-r",
        "--select",
        "--ignore",
        "--min-severity",
        "--max-contamination",
        "--max-rate",
        "--max-count",
        "--fail-on",
        "--exit-zero",
        "--format",
        "--output",
        "--hide-text",
        "--jobs",
        "--batch-rows",
        "--memory",
        "--work-dir",
        "--reference",
        "--config",
        "--isolated",
        "-q",
        "-v",
        "--color",
    }


def test_the_version(run_cli: RunCli) -> None:
    done = run_cli("--version")
    assert (done.returncode, done.stdout) == (0, f"dataaudit {dataaudit.__version__}\n")


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["scan", "--help"], ["scan", "--no-such-flag"]])
def test_nothing_heavy_is_loaded_for_it(args: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from dataaudit.cli.main import main\n"
        f"main({args!r})\n"
        f"print('loaded:', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = run_program(program, tmp_path)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_running_the_package_is_the_console_script(run_cli: RunCli, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("dataaudit")
    if not script.exists():
        pytest.skip("the package is not installed with its script")
    done = subprocess.run(
        [script, "rules", "list"],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, run_cli("rules", "list").stdout)
