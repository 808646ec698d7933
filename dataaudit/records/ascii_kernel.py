"""What compiled loops ask of bytes of ASCII."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.block_kernel import BLOCK, FirstOf
from dataaudit.records.compiled import Kernel

Bytes = npt.NDArray[np.uint8]


@Kernel
def lower(byte: Any) -> Any:
    """A byte, in lower case if it is an ASCII letter; without a branch, so that many can be made together."""
    return np.uint8(byte | np.uint8(32)) if np.uint8(byte - np.uint8(65)) < np.uint8(26) else byte


_until_wide = FirstOf(lambda ask, block: ask.within(block, 0x80, 0x80))
"""How many bytes of a block come before one that is not ASCII."""


@Kernel
def ascii_until(data: Bytes, at: int, stop: int) -> Any:
    """The first byte of a stretch that is not ASCII, or its end."""
    most = len(data) - BLOCK
    while at < stop and at <= most:
        good = _until_wide(data, at)
        if good < BLOCK:
            return min(at + good, stop)
        at += BLOCK
    while at < stop and data[at] < 0x80:
        at += 1
    return min(at, stop)
