"""Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing for short runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dataaudit.engine.job import Progress

LINE_EVERY = 10.0
"""Seconds between progress lines where standard error is no terminal."""
BAR_AFTER = 1.0
"""Seconds after which the bar appears: short runs show none."""


class Watch(Protocol):
    """Takes steps of progress and shows them; the first step says how many bytes there are."""

    total: int

    def __call__(self, step: Progress, /) -> None:
        """Take a step."""
        ...


@contextmanager
def watching(*, quiet: bool, color: str | None = None) -> Iterator[Watch]:
    """Something that shows steps of progress; `color` as given to --color."""
    if quiet:
        yield _Silent()
    elif sys.stderr.isatty():
        bar = _Bar(plain=color == "never")
        try:
            yield bar
        finally:
            bar.close()
    else:
        yield _Lines()


class _Silent:
    """Shows nothing."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.total = self.rows = self.done = 0

    def __call__(self, step: Progress, /) -> None:
        self.total = max(self.total, step.total)
        self.rows, self.done = self.rows + step.rows, self.done + step.nbytes


class _Lines(_Silent):
    """A line now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._last = self.start

    def __call__(self, step: Progress, /) -> None:
        super().__call__(step)
        if step.expected:
            print(f"dataaudit: {step.expected}", file=sys.stderr)
        now = time.monotonic()
        if now - self._last >= LINE_EVERY:
            self._last = now
            seconds, done, total = now - self.start, self.done, self.total
            share = f"{min(done / total, 1):.0%}, " if total else ""
            left = f", {seconds * (total - done) / done:,.0f} s left" if total and 0 < done < total else ""
            speed = f"{self.rows / seconds:,.0f} rows/s, {done / seconds / 1e6:,.1f} MB/s"
            print(f"dataaudit: {share}{self.rows:,} rows, {speed}{left}", file=sys.stderr)


class _Bar(_Silent):
    """A bar, once the run is not a short one."""

    def __init__(self, *, plain: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        super().__init__()
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, no_color=True if plain else None),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, speed="")
        self._shown = False

    def __call__(self, step: Progress, /) -> None:
        super().__call__(step)
        if step.expected:
            self._bar.console.print(f"dataaudit: {step.expected}", highlight=False, markup=False)
        seconds = time.monotonic() - self.start
        if not self._shown and seconds > BAR_AFTER:
            self._bar.start()
            self._shown = True
        if self._shown:
            rows, done, total = self.rows, self.done, self.total
            speed = f"{rows:,} rows  {rows / seconds:,.0f} rows/s  {done / seconds / 1e6:,.0f} MB/s"
            completed = min(done, total) if total else None
            self._bar.update(self._task, total=total or None, completed=completed, speed=speed)

    def close(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._bar.stop()


@contextmanager
def copying(first: Watch, *, quiet: bool, color: str | None = None) -> Iterator[Callable[[int], None]]:
    """The same for the second pass of `clean`, which counts bytes only; as many as the first one did."""
    from dataaudit.engine.job import Progress as Step

    with watching(quiet=quiet, color=color) as watch:
        yield lambda nbytes: watch(Step(0, nbytes, first.total))
