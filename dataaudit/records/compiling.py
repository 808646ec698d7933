"""When compiled code pays: loading numba and a first call take a third of a second, compiling for a machine's first run
some seconds. What is compiled has a form in numpy that gives the same to the bit."""

from __future__ import annotations

import sys

COMPILE_BYTES = 4 << 20
"""Text seen by a process before it loads numba for it; up to here numpy is done sooner."""
EXPECTED_BYTES = 4 * COMPILE_BYTES
"""Input ahead, compressed as it may be, from which on waiting would only cost what numpy takes longer."""


class _Seen:
    """Bytes this process has been asked about so far."""

    total = 0


def compiled(nbytes: int) -> bool:
    """Should the compiled kernels be used, now that `nbytes` more are to be done?"""
    _Seen.total += nbytes
    return _Seen.total > COMPILE_BYTES or "numba" in sys.modules


def expect(nbytes: int) -> None:
    """So many bytes of input lie ahead: where they are many, numba is loaded when it is first wanted."""
    if nbytes > EXPECTED_BYTES:
        _Seen.total = max(_Seen.total, COMPILE_BYTES)
