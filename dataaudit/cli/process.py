"""Whose process this is: the command line's own, or that of a program that calls it."""

from __future__ import annotations

import os

from dataaudit.engine import forking
from dataaudit.records.garbage import collect_no_more, collect_seldom, keep_freed

_own = False


def take() -> None:
    """Say that the process is ours: nobody else will miss what we do without."""
    global _own  # noqa: PLW0603 - a fact about the process
    _own = True
    collect_seldom()
    forking.allow()
    # Nothing here is linear algebra; numpy would start the threads for it when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def leave() -> None:
    """Say that the process is about to end, if it is ours."""
    if _own:
        collect_no_more()


def lighten() -> None:
    """Do without what a scan never needs, where the process is ours. Imports pyarrow."""
    if _own:
        from dataaudit.records.pyvalues import forgo_pandas

        forgo_pandas()
        keep_freed()
