"""From flags to a configuration, and from a report to standard output and files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dataaudit.errors import IncompleteError, UsageError

if TYPE_CHECKING:
    from dataaudit.cli.options import Flags
    from dataaudit.config import Config
    from dataaudit.report.model import Report


def configuration(flags: Flags) -> Config:
    """The configuration the flags ask for. Raises UsageError or ConfigError."""
    from dataaudit.config import load_config
    from dataaudit.report.formats import FORMATS

    base = load_config(None if flags.config is None else Path(flags.config), isolated=flags.isolated)
    config = base.with_options(flags.options())
    if config.format not in FORMATS:
        raise UsageError(f"--format: {config.format!r} is not one of {', '.join(FORMATS)}")
    for one in config.output:
        name, equals, path = one.partition("=")
        if not equals or not path or name not in (*FORMATS, "rows"):
            raise UsageError(
                f"--output {one!r}: write FORMAT=PATH, FORMAT one of {', '.join((*FORMATS, 'rows'))}"
            )
        if name == "rows" and Path(path).suffix not in (".parquet", ".jsonl"):
            raise UsageError(f"--output {one!r}: row-level findings go to a .parquet or .jsonl file")
        if not Path(path).absolute().parent.is_dir():
            raise UsageError(f"--output {one!r}: no such folder: {Path(path).parent}")
    if flags.color not in (None, "auto", "always", "never"):
        raise UsageError(f"--color: {flags.color!r} is not one of auto, always, never")
    return config


def use_color(flags: Flags) -> bool:
    """Is standard output to be coloured?"""
    if flags.color in ("always", "never"):
        return bool(flags.color == "always")
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def emit(report: Report, config: Config, flags: Flags, *, quiet: bool = False) -> None:
    """Write the files asked for, then print the report (unless `quiet`)."""
    from dataaudit.report.formats import render_format
    from dataaudit.report.json_format import hide_text

    shown = hide_text(report) if config.hide_text else report
    for one in config.output:
        name, _, path = one.partition("=")
        if name != "rows":
            _write(Path(path), render_format(name, shown, verbose=flags.verbose))
    if quiet:
        return
    width = shutil.get_terminal_size((100, 24)).columns
    data = render_format(config.format, shown, width=width, color=use_color(flags), verbose=flags.verbose)
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader had enough; the exit code still counts


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise IncompleteError(f"{path}: cannot be written: {error.strerror or error}") from None
