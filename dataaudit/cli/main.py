"""The command line: parse, call the API, print, exit. Nothing heavy is imported before a command needs it.

Typer is heavy too: a plain `scan` does without (see `plain`).
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
from typing import TextIO

from dataaudit import errors
from dataaudit.cli import process
from dataaudit.cli.plain import plain_scan
from dataaudit.cli.stopping import TerminatedError, stoppable


def complain(text: str) -> None:
    """One line on standard error; what it quotes from files is made harmless."""
    from dataaudit.report.escape import visible

    try:
        print(f"dataaudit: {visible(text)}", file=sys.stderr, flush=True)
    except OSError:  # nobody can be told; the exit code must still be the right one
        _discard(sys.stderr)


def run() -> None:
    """The console script."""
    process.take()
    code = main(sys.argv[1:])
    if code in (errors.EXIT_INTERRUPTED, errors.EXIT_TERMINATED):
        # CPython remembers a KeyboardInterrupt that passed through the `exec` of a string (dataclasses and named
        # tuples are made that way while modules are imported), although it was handled later, and then ends the
        # process by SIGINT instead of with this code. Everything is put away and flushed by now.
        sys.stderr.flush()
        os._exit(code)
    process.leave()
    sys.exit(code)


def main(arguments: list[str]) -> int:
    """Run the command line and return its exit code. A crash is never taken for a failed gate."""
    try:
        with stoppable() as stop:
            code = _run(arguments)
    except SystemExit:
        _close_output(errors.EXIT_OK)
        raise
    if code == errors.EXIT_INTERRUPTED and stop.number == signal.SIGTERM:
        code = errors.EXIT_TERMINATED
    return _close_output(code)


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a stream that is written to may answer; a file of ours that cannot be written has an error of its own."""


def _run(arguments: list[str]) -> int:
    try:
        found = plain_scan(arguments)
        if found is None:
            return _run_typer(arguments)
        from dataaudit.cli.scan import scan_command

        return scan_command(found.sources, flags=found.flags)
    except BrokenPipeError:
        return errors.EXIT_OK  # the reader of our output had enough
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):  # typer turns it into an exit with 1
            return errors.EXIT_OK
        raise
    except KeyboardInterrupt as stop:
        return _stopped(stop)
    except Exception as error:
        return _failed(error)


def _run_typer(arguments: list[str]) -> int:
    import typer

    from dataaudit.cli.app import app

    try:
        result = app(args=arguments, prog_name="dataaudit", standalone_mode=False)
        return result if isinstance(result, int) else errors.EXIT_OK
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.Abort as stop:
        return _stopped(stop)
    except Exception as error:
        # Typer carries its own copy of click in some versions and imports it in others.
        said = next(one for one in typer.BadParameter.__mro__ if one.__name__ == "ClickException")
        if not isinstance(error, said):
            raise
        from dataaudit.report.escape import visible

        shown = io.StringIO()
        error.show(shown)  # type: ignore[attr-defined]
        sys.stderr.write("".join(f"{visible(line)}\n" for line in shown.getvalue().splitlines()))
        return errors.EXIT_USAGE


def _stopped(stop: BaseException) -> int:
    if isinstance(stop, TerminatedError) or isinstance(stop.__cause__, TerminatedError):
        complain("terminated")
        return errors.EXIT_TERMINATED
    complain("interrupted")
    return errors.EXIT_INTERRUPTED


def _failed(error: Exception) -> int:
    """Say what is wrong in one line; the exit code is the error's own."""
    if isinstance(error, errors.DataauditError):
        complain(str(error))
        return error.exit_code
    if isinstance(error, MemoryError):
        complain("out of memory; try fewer --jobs or a smaller --batch-rows")
        return errors.EXIT_INCOMPLETE
    if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:
        _discard(sys.stdout)
        complain(f"the output cannot be written: {os.strerror(error.errno)}")
        return errors.EXIT_INCOMPLETE
    if os.environ.get("DATAAUDIT_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    name = type(error).__name__
    complain(f"internal error: {name}: {error} (this is a bug; DATAAUDIT_TRACEBACK=1 shows where)")
    return errors.EXIT_INCOMPLETE


def _close_output(code: int) -> int:
    """Flush, and return the exit code: `code`, or that of an output which cannot be written."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):  # a reader who had enough is no matter
        _discard(sys.stdout)
    except OSError as error:
        return _failed(error)
    return code


def _discard(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: Python flushes once more when it ends, or else exits with 120."""
    with contextlib.suppress(OSError, ValueError):
        number = stream.fileno()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, number)
        os.close(devnull)
