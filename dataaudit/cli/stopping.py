"""Ctrl-C and SIGTERM: raised once, where raising works, and not again while the run is put away."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RETRY_SECONDS = 0.02
"""How soon a signal that came at a bad moment is raised again."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM: handled like Ctrl-C, with an exit code of its own."""


class Stop:
    """Whether the run was told to stop, and by which signal."""

    def __init__(self) -> None:
        self.number: int | None = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise, unless a destructor is running: what is raised there is printed and lost."""
        if number in SIGNALS:
            self.number = number
        if _in_destructor(frame):
            signal.setitimer(signal.ITIMER_REAL, RETRY_SECONDS)
            return
        for (
            one
        ) in SIGNALS:  # a second one must not disturb the clearing up, nor end the process with another code
            signal.signal(one, signal.SIG_IGN)
        raise TerminatedError if self.number == signal.SIGTERM else KeyboardInterrupt


def _in_destructor(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Signals are raised as exceptions inside; after a stop they stay ignored, as the process is about to end."""
    stop = Stop()
    previous = {one: signal.signal(one, stop.handle) for one in (*SIGNALS, signal.SIGALRM)}
    if previous[signal.SIGINT] is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a shell's background job: Ctrl-C is not meant for it
    try:
        yield stop
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous[signal.SIGALRM])
        if stop.number is None:
            for one in SIGNALS:
                signal.signal(one, previous[one])
