"""Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing for short runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataaudit.engine.job import Progress

LINE_EVERY = 10.0
"""Seconds between progress lines where standard error is no terminal."""
BAR_AFTER = 1.0
"""Seconds after which the bar appears: short runs show none."""


def input_bytes(sources: Sequence[str], split: str | None, field: str | None = None) -> int:
    """Bytes on disk of all files named; 0 if that cannot be said yet (the scan will say why)."""
    from dataaudit.errors import DataauditError
    from dataaudit.sources.discover import discover

    try:
        return sum(file.size for file in discover(list(sources), split, field).files)
    except (DataauditError, OSError):
        return 0


@contextmanager
def watching(
    sources: Sequence[str],
    split: str | None,
    *,
    quiet: bool,
    color: str | None = None,
    field: str | None = None,
) -> Iterator[Callable[[Progress], None]]:
    """A function that takes steps of progress and shows them; `color` as given to --color."""
    if quiet:
        yield lambda step: None
    elif sys.stderr.isatty():
        with _bar(input_bytes(sources, split, field), plain=color == "never") as watch:
            yield watch
    else:
        yield _lines(input_bytes(sources, split, field))


def _lines(total: int) -> Callable[[Progress], None]:
    start = last = time.monotonic()
    rows = done = 0

    def watch(step: Progress) -> None:
        nonlocal last, rows, done
        rows, done = rows + step.rows, done + step.nbytes
        now = time.monotonic()
        if now - last >= LINE_EVERY:
            last = now
            seconds = now - start
            share = f"{min(done / total, 1):.0%}, " if total else ""
            left = f", {seconds * (total - done) / done:,.0f} s left" if total and 0 < done < total else ""
            speed = f"{rows / seconds:,.0f} rows/s, {done / seconds / 1e6:,.1f} MB/s"
            print(f"dataaudit: {share}{rows:,} rows, {speed}{left}", file=sys.stderr)

    return watch


@contextmanager
def _bar(total: int, *, plain: bool = False) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    start = time.monotonic()
    bar = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True, no_color=True if plain else None),
        transient=True,
    )
    task = bar.add_task("", total=total or None, speed="")
    rows = done = 0
    shown = False

    def watch(step: object) -> None:
        nonlocal rows, done, shown
        rows, done = rows + step.rows, done + step.nbytes  # type: ignore[attr-defined]
        seconds = time.monotonic() - start
        if not shown and seconds > BAR_AFTER:
            bar.start()
            shown = True
        if shown:
            speed = f"{rows:,} rows  {rows / seconds:,.0f} rows/s  {done / seconds / 1e6:,.0f} MB/s"
            bar.update(task, completed=min(done, total) if total else None, speed=speed)

    try:
        yield watch
    finally:
        if shown:
            bar.stop()


@contextmanager
def copying(
    sources: Sequence[str], split: str | None, *, quiet: bool, color: str | None = None
) -> Iterator[Callable[[int], None]]:
    """The same for the second pass of `clean`, which counts bytes only."""
    from dataaudit.engine.job import Progress as Step

    with watching(sources, split, quiet=quiet, color=color) as watch:
        yield lambda nbytes: watch(Step(0, nbytes))
