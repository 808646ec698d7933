"""The compiled forms of `groups`."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.records.words import I64, U64

SLOTS = 8
"""Bits per row: of rows whose number comes once, one in nine meets another at its bit."""


@Kernel
def candidates(table: U64, seen: U64, several: U64, out: I64) -> Any:
    """Write the rows whose first number may be that of another row, and return how many there are.

    A number has a bit, by its lower bits, in `seen` and `several` (a power of two of words each, all 0): whether one
    was met that has it, and whether one more was.
    """
    last = np.uint64(64 * len(seen) - 1)
    for i in range(len(table)):
        slot = table[i, 0] & last
        word = slot >> np.uint64(6)
        bit = np.uint64(1) << (slot & np.uint64(63))
        several[word] |= seen[word] & bit
        seen[word] |= bit
    count: Any = 0
    for i in range(len(table)):
        slot = table[i, 0] & last
        out[count] = i  # written at every row and counted where it is one: no branch to guess wrong
        count += np.int64(several[slot >> np.uint64(6)] >> (slot & np.uint64(63)) & np.uint64(1))
    return count
