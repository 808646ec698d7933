"""Worker processes that are copies of this one: nothing is imported again, and memory that nobody writes to is shared.

Only in a process of our own, for nobody else's threads are known to stand a fork: a lock that one holds stays held in
the copy. Ours has the threads of Arrow, jemalloc and OpenBLAS, which see to that themselves; Polars' do not.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
_PAUSE = 0.01
"""Seconds between two looks at a process that is to end within a time."""

_ours = False


def allow() -> None:
    """Say that the process is ours."""
    global _ours  # noqa: PLW0603 - a fact about the process
    _ours = True


def may_fork() -> bool:
    """Can this process be copied as it is now?

    Not beside threads of Python, which may hold any lock. What macOS itself does with threads stands no fork.
    """
    unsafe = {"polars", "numba.np.ufunc.parallel"}
    return (
        _ours and sys.platform == "linux" and threading.active_count() == 1 and unsafe.isdisjoint(sys.modules)
    )


class Forked:
    """A copy of this process; the part of `subprocess.Popen` that its pool knows."""

    def __init__(self, work: Callable[[IO[bytes], IO[bytes]], int], others: Sequence[IO[bytes]] = ()) -> None:
        """Run `work` in a copy, on what comes from `stdin` and with what goes to `stdout`; it returns the exit code.

        `others` are open files that the copy has no use for.
        """
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()  # a collection would write to what is shared
        # What a handler raises would unwind the copy through the callers of this one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self.pid = os.fork()
        if self.pid == 0:
            _run(lambda: _work(work, (theirs_in, theirs_out), (ours_in, ours_out), others))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin: IO[bytes] = os.fdopen(ours_out, "wb")
        self.stdout: IO[bytes] = os.fdopen(ours_in, "rb")
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit code, minus the signal that ended it, or None while it runs."""
        with self._lock:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                from subprocess import TimeoutExpired

                raise TimeoutExpired("worker", timeout or 0.0)
            time.sleep(_PAUSE)
        return code

    def kill(self) -> None:
        """End it, whatever it is doing."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _run(work: Callable[[], int]) -> None:
    """End the process with what `work` returns, without anything that callers meant to do at the end."""
    code = 1
    try:
        code = work()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _work(
    work: Callable[[IO[bytes], IO[bytes]], int],
    mine: tuple[int, int],
    not_mine: tuple[int, int],
    others: Sequence[IO[bytes]],
) -> int:
    os.setpgid(0, 0)  # as for a worker that is started: Ctrl-C is for the parent
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    for end in (*not_mine, *(one.fileno() for one in others)):
        os.close(end)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what libraries print goes to standard error
    os.environ["POLARS_MAX_THREADS"] = "1"
    return work(os.fdopen(mine[0], "rb"), os.fdopen(mine[1], "wb"))
