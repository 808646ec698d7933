"""`dataaudit scan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataaudit import errors
from dataaudit.cli import process
from dataaudit.cli.options import Flags, Sources

if TYPE_CHECKING:
    from dataaudit.report.model import Report


def scan_command(sources: Sources, *, flags: Flags) -> int:
    """Report what is in a dataset, and fail if it is more than the gates allow."""
    process.lighten()
    from dataaudit.api.scan import ScanInterruptedError, scan
    from dataaudit.cli.printing import configuration, emit
    from dataaudit.cli.progress import watching
    from dataaudit.cli.stopping import TerminatedError

    config = configuration(flags)
    try:
        with watching(quiet=flags.quiet, color=flags.color) as watch:
            report = scan(sources, config=config, progress=watch)
    except ScanInterruptedError as stop:
        emit(stop.report, config, flags)
        terminated = isinstance(stop.__context__, TerminatedError)
        return errors.EXIT_TERMINATED if terminated else errors.EXIT_INTERRUPTED
    emit(report, config, flags)
    return exit_code(report, exit_zero=config.exit_zero)


def exit_code(report: Report, *, exit_zero: bool) -> int:
    """The exit code of a report; --exit-zero forgives failed gates and nothing else."""
    code = report.exit_code
    return errors.EXIT_OK if exit_zero and code == errors.EXIT_GATE_FAILED else code
