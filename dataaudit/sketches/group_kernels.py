"""The compiled forms of `groups`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.records.words import I64, U64

I32 = npt.NDArray[np.int32]


SMALL = 32
"""Rows of a group up to which they are put in order one by one."""


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
    count: Any = np.uint64(0)  # without a sign: no index is looked at for being below zero
    for i in range(len(table)):
        slot = table[i, 0] & last
        out[count] = i  # written at every row and counted where it is one: no branch to guess wrong
        count += several[slot >> np.uint64(6)] >> (slot & np.uint64(63)) & np.uint64(1)
    return np.int64(count)


@Kernel
def group(rows: U64, keys: int, slots: I32, firsts: I32, sizes: I32) -> Any:
    """Find the first row that has the key of each, and how many have it; how many share theirs.

    `slots` is a power of two of places, more than there are rows, all -1, and `sizes` is all 0.
    """
    last = np.uint64(len(slots) - 1)
    several: Any = 0
    for i in range(len(rows)):
        slot = (rows[i, 0] >> np.uint64(20)) & last
        while True:
            first: Any = np.int64(slots[slot])
            if first < 0:
                slots[slot] = i
                first = i
                break
            same = True
            for k in range(keys):
                same &= rows[i, k] == rows[first, k]
            if same:
                break
            slot = (slot + np.uint64(1)) & last
        firsts[i] = first
        sizes[first] += 1
        if sizes[first] > 1:
            several += 2 if sizes[first] == 2 else 1
    return several


@Kernel
def gather(rows: U64, firsts: I32, places: I64, out: U64) -> None:
    """Write the rows that share their key, each to the next place of its group.

    `places` is of the first row of each group, negative where that is the only one.
    """
    for i in range(len(rows)):
        place = places[firsts[i]]
        if place >= 0:
            places[firsts[i]] = place + 1
            for k in range(rows.shape[1]):
                out[place, k] = rows[i, k]


@Kernel
def order(rows: U64, starts: I64, column: int) -> None:
    """Put each group of at most `SMALL` rows in the order of a column; group i begins at `starts[i]`."""
    for group in range(len(starts) - 1):
        begin, end = starts[group], starts[group + 1]
        if end - begin > SMALL:
            continue
        for i in range(begin + 1, end):
            at = i
            while at > begin and rows[at - 1, column] > rows[at, column]:
                for k in range(rows.shape[1]):
                    rows[at, k], rows[at - 1, k] = rows[at - 1, k], rows[at, k]
                at -= 1
