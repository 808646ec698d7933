"""The output formats by name, as `--format` takes them."""

from __future__ import annotations

import io

from dataaudit.errors import UsageError
from dataaudit.report.model import Report

FORMATS: tuple[str, ...] = ("terminal", "json", "markdown")
DEFAULT_WIDTH = 100
"""Columns where the output is no terminal."""


def render_format(
    name: str, report: Report, *, width: int = DEFAULT_WIDTH, color: bool = False, verbose: int = 0
) -> bytes:
    """The report in a format, as UTF-8. `width`, `color` and `verbose` concern the terminal format only.

    Raises UsageError for a format that does not exist.
    """
    if name == "terminal":
        return _terminal(report, width, color, verbose)
    if name == "json":
        from dataaudit.report.json_format import to_json

        return to_json(report)
    if name == "markdown":
        from dataaudit.report.markdown import to_markdown

        return to_markdown(report).encode("utf-8")
    raise UsageError(f"--format: {name!r} is not a format; choose from {', '.join(FORMATS)}")


def _terminal(report: Report, width: int, color: bool, verbose: int) -> bytes:
    from rich.console import Console

    from dataaudit.report.terminal import render

    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
    console = Console(
        file=file,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    render(report, console, verbose=verbose)
    file.flush()
    return raw.getvalue()
