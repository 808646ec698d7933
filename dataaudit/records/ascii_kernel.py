"""What compiled loops ask of bytes of ASCII."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel

Bytes = npt.NDArray[np.uint8]


@Kernel
def lower(byte: Any) -> Any:
    """A byte, in lower case if it is an ASCII letter; without a branch, so that many can be made together."""
    return np.uint8(byte | np.uint8(32)) if np.uint8(byte - np.uint8(65)) < np.uint8(26) else byte


@Kernel
def ascii_until(data: Bytes, at: int, stop: int) -> int:
    """The first byte of a stretch that is not ASCII, or its end."""
    every = np.uint8(0)
    for byte in data[at:stop]:  # no way out of it, so that the compiler makes it one over vectors
        every = np.uint8(every | byte)
    if every < 0x80:
        return stop
    while data[at] < 0x80:
        at += 1
    return at
