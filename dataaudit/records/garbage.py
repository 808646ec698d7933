"""Memory that is done with: when it is looked for, and given back.

In a process of our own the cycle collector looks seldom, and not when the process ends.

What a scan makes is freed by counting; cycles are few. With Python's own thresholds the collector runs over every
module that is imported and every record that is parsed: a sixth of the time of a small scan.
"""

from __future__ import annotations

import gc
from contextlib import suppress

YOUNG, MIDDLE, OLD = 20_000, 10, 10
"""Objects made before a collection, and rounds of each age before the next one is looked at. Larger numbers save little
more, and what a cycle holds may be large."""


def collect_seldom() -> None:
    """Best called before anything large is imported."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def collect_no_more() -> None:
    """Called when the process is about to end: memory goes back to the system as it is."""
    gc.freeze()


LARGE = 256 << 20
"""Bytes of a piece of memory from which on it is the system's as soon as it is freed."""
KEPT = 256 << 20
"""Bytes at the end of the heap from which on they are given back."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h of the GNU C library


def keep_freed() -> None:
    """Keep what is freed for what is asked for next, where that can be said (the GNU C library).

    It would give arrays of the size of a batch back at once, and the system clears each page that it gives again: 3 %
    of the time of a scan. What is kept so adds some 5 % to the memory that one takes.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, LARGE)
        libc.mallopt(_TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give memory that was freed back to the system, where that can be asked for (the GNU C library, Arrow)."""
    import ctypes

    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
