"""The compiled loops over the pages of a Parquet file: numbers in runs, where strings lie, their text put together.

The encodings are those of parquet-format's Encodings.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]


@Kernel
def runs(data: U8, span: tuple[int, int], width: int, out: I64) -> Any:
    """Fill `out` with the numbers of `width` bits (0 to 32) in runs and packed groups of eight; 0: some are missing."""
    at: Any
    at, end = span
    done = np.int64(0)
    count = len(out)
    size = (width + 7) >> 3
    mask = (np.uint64(1) << np.uint64(width)) - np.uint64(1)
    while done < count:
        head = np.int64(0)
        shift = np.int64(0)
        while True:
            if at >= end or shift > 28:
                return 0
            byte = np.int64(data[at])
            at += 1
            head |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if head & 1:
            left = np.int64(0)
            bits = np.uint64(0)
            stop = min(at + (head >> 1) * width, end)
            take = min((head >> 1) * 8, count - done)
            for i in range(take):
                while left < width:
                    if at >= stop:
                        return 0
                    bits |= np.uint64(data[at]) << np.uint64(left)
                    at += 1
                    left += 8
                out[done + i] = np.int64(bits & mask)
                bits >>= np.uint64(width)
                left -= width
            at = stop
            done += take
        else:
            if at + size > end:
                return 0
            value = np.int64(0)
            for i in range(size):
                value |= np.int64(data[at + i]) << (8 * i)
            at += size
            take = min(head >> 1, count - done)
            for i in range(take):
                out[done + i] = value
            done += take
    return 1


@Kernel
def strings_at(data: U8, span: tuple[int, int], first: int, begins: I64, sizes: I64) -> Any:
    """Where strings lie, from string `first` on, that each stand behind their length in four bytes.

    Returns how many are known then: all there is room for, or those that end within the span.
    """
    at: Any
    at, end = span
    i = np.int64(first)
    while i < len(begins) and at + 4 <= end:
        size = (
            np.int64(data[at])
            | np.int64(data[at + 1]) << 8
            | np.int64(data[at + 2]) << 16
            | np.int64(data[at + 3]) << 24
        )
        if size > end - at - 4:
            break
        begins[i] = at + 4
        sizes[i] = size
        at += 4 + size
        i += 1
    return i


@Kernel
def put_together(data: U8, begins: I64, sizes: I64, offsets: I64, out: U8) -> None:
    """Copy strings behind one another, from the first offset on, and fill in the others: one more than strings."""
    to = offsets[0]
    for i in range(len(begins)):
        at, size = np.uint64(begins[i]), np.uint64(sizes[i])
        for k in range(size):
            out[np.uint64(to) + k] = data[at + k]
        to += sizes[i]
        offsets[i + 1] = to
