"""When compiled code pays: compiling takes some seconds of a machine's first run, placing what is kept a few hundredths
of a second. What is compiled has a form in numpy that gives the same to the bit."""

from __future__ import annotations

import sys

from dataaudit.records.compiled import Kernel

LOAD_BYTES = 1 << 17
"""Text seen by a process before it places machine code that is kept; up to here numpy is done sooner."""
COMPILE_BYTES = 4 << 20
"""Text seen by a process before it compiles anything."""
EXPECTED_BYTES = 4 * COMPILE_BYTES
"""Input ahead, compressed as it may be, from which on waiting would only cost what numpy takes longer."""


class _Seen:
    """Bytes this process has been asked about so far."""

    total = 0
    expected = False
    """Do many lie ahead?"""
    beside = False
    """Do processes beside this one work on the same?"""


def compiled(nbytes: int, kernel: Kernel) -> bool:
    """Should this compiled loop be used, now that `nbytes` more are to be done?"""
    _Seen.total += nbytes
    if _Seen.total > COMPILE_BYTES or "numba" in sys.modules:
        return not (_Seen.beside and kernel.made_elsewhere)
    return _Seen.total > LOAD_BYTES and kernel.at_hand


def expect(nbytes: int) -> None:
    """So many bytes of input lie ahead: where they are many, loops are compiled when they are first wanted."""
    if nbytes > EXPECTED_BYTES:
        _Seen.total = max(_Seen.total, COMPILE_BYTES + 1)
        _Seen.expected = True


def much_ahead() -> bool:
    """Was it said that much input lies ahead?"""
    return _Seen.expected


def beside_others(answer: bool) -> None:
    """Say whether processes beside this one compile what it does: what one of them is at is then left to it."""
    _Seen.beside = answer
