"""The compiled forms of `row_set`."""

from __future__ import annotations

from typing import Any

import numpy as np

from dataaudit.records.compiled import Kernel
from dataaudit.records.types import ROW_BITS, ROW_MASK
from dataaudit.records.words import I64, U64
from dataaudit.sketches.row_set import Bits

_FILE, _ROW = np.uint64(ROW_BITS), np.uint64(ROW_MASK)
_WORD, _BIT, _ONE = np.uint64(6), np.uint64(63), np.uint64(1)


@Kernel
def mark(ids: U64, bits: Bits) -> None:
    """Set the bits of rows, for each of which there is one."""
    for i in range(len(ids)):
        row = ids[i] & _ROW
        bits.words[np.uint64(bits.begins[ids[i] >> _FILE]) + (row >> _WORD)] |= _ONE << (row & _BIT)


@Kernel
def others(ids: U64, bits: Bits, out: I64) -> Any:
    """Write the places of rows without a bit or whose bit is not set, and return how many they are."""
    files = np.uint64(len(bits.begins) - 1)
    count: Any = np.uint64(0)
    for i in range(len(ids)):
        file = ids[i] >> _FILE
        row = ids[i] & _ROW
        held = np.uint64(0)
        if file < files:
            word = np.uint64(bits.begins[file]) + (row >> _WORD)
            if word < np.uint64(bits.begins[file + _ONE]):
                held = bits.words[word] >> (row & _BIT) & _ONE
        out[count] = i  # written at every row and counted where it is one: no branch to guess wrong
        count += held ^ _ONE
    return np.int64(count)
