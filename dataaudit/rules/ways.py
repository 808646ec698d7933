"""With which bytes a program can go on, so that ways that lead nowhere are not tried."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.rules import opcodes as op
from dataaudit.rules.slots import unpacked

ANY_BYTE = (1 << 256) - 1
_NON_ASCII = ANY_BYTE >> 0xC2 << 0xC2
"""Bytes that begin a character beyond ASCII."""


class Ways:
    """With which bytes a program can go on from its instructions, as masks; `ANY_BYTE` also where it can end."""

    def __init__(self, code: list[list[int]], sets: tuple[bytes, ...]) -> None:
        self._code = code
        self._sets = [_mask(unpacked(packed)) for packed in sets]
        self._known: dict[int, int] = {}

    def first(self, start: int) -> int:
        """The mask from an instruction on."""
        if start not in self._known:
            mask, todo, done = 0, [start], set[int]()
            while todo and mask != ANY_BYTE:
                at = todo.pop()
                if at in done:
                    continue
                done.add(at)
                if at in self._known:
                    mask |= self._known[at]
                    continue
                more, following = self._step(at)
                mask |= more
                todo += following
            self._known[start] = mask
        return self._known[start]

    def _step(self, at: int) -> tuple[int, list[int]]:
        what, a, b, *_ = self._code[at]
        if what == op.SPLIT:
            return 0, [a, b]
        if what in (op.JUMP, op.LOOK, op.LOOK_NOT):
            return 0, [a]
        if what == op.SET:
            return self._sets[a], []
        if what in (op.GREEDY, op.LAZY, op.POSSESSIVE):
            return self._sets[a], [at + 1] if b == 0 else []
        if what in _ENDS:  # what comes next is elsewhere, or behind
            return ANY_BYTE, []
        return 0, [at + 1]


_ENDS = (op.MATCH, op.LOOK_END, op.LOOK_NOT_END, op.SET_BACK, op.GREEDY_BACK)


def _mask(table: npt.NDArray[np.uint8]) -> int:
    ascii_bytes = int.from_bytes(np.packbits(table[:0x80] > 0, bitorder="little").tobytes(), "little")
    return ascii_bytes | (_NON_ASCII if table[0x80:].any() else 0)
