"""The compiled matcher over match events: which patterns match which strings, and where, without a call of `regex`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.rules import opcodes
from dataaudit.rules.events import Ints, Text
from dataaudit.rules.model import WHERES, Pattern
from dataaudit.rules.prefilter import Plan
from dataaudit.rules.program import Program, unpacked

if TYPE_CHECKING:
    from dataaudit.rules.confirm_kernel import Leads, Programs

MIN_BYTES = 12 << 20
"""Text matched by a process before it loads the compiled matcher: `regex` takes about as long for it as loading does.
"""
MIN_BYTES_LOADED = 2 << 20
"""The same where numba is loaded already."""
MAX_LEAD = 4_096
"""Characters of a lead; a match that may begin further before what was reported is searched for by `regex`."""

NO, FOUND, ASK = 0, 1, 2


class Kind(NamedTuple):
    """What an event can be of: a piece in a pattern."""

    pattern: int
    """The place of the pattern in the matcher."""
    piece: bytes


class Judged(NamedTuple):
    """What the compiled matcher says of groups of events, each of one pattern in one string."""

    verdicts: Ints
    """Per group `NO`, `FOUND`, or `ASK`: only `regex` can tell."""
    groups: Ints
    """Per match its group, ascending."""
    spans: Ints
    """(n, 2): where it lies, in code points of the string; ascending in a group."""


class _Seen:
    """Bytes this process has matched so far."""

    total = 0


def pays(nbytes: int) -> bool:
    """Is the compiled matcher worth loading, now that `nbytes` more are to be matched?"""
    _Seen.total += nbytes
    return _Seen.total > (MIN_BYTES_LOADED if "numba" in sys.modules else MIN_BYTES)


class Native:
    """The programs of all patterns of a matcher, ready to be run.

    Args:
        patterns: The patterns, by their place in the matcher.
        plans: Their plans.
        kinds: What events can be of.
    """

    def __init__(self, patterns: Sequence[Pattern], plans: Sequence[Plan], kinds: Sequence[Kind]) -> None:
        self._patterns, self._plans, self._kinds = patterns, plans, kinds
        self._tables: tuple[Leads, Programs] | None = None

    def judge(self, text: Text, strings: Ints, kinds: Ints, ends: Ints, starts: Ints) -> Judged:
        """Judge events; those of group i are `starts[i]:starts[i + 1]`, their ends ascending."""
        from dataaudit.rules import confirm_kernel as kernel

        if self._tables is None:
            self._tables = self._leads(), self._programs()
        leads, programs = self._tables
        data = np.frombuffer(text.data, np.uint8)
        longest = int((text.offsets[strings + 1] - text.offsets[strings]).max(initial=0))
        marks = np.empty(longest // kernel.MARK_BYTES + 1, np.int64)
        verdicts = np.empty(len(starts) - 1, np.int64)
        n = len(strings)
        out = kernel.Ranges(*(np.empty(n, np.int64) for _ in range(3)), np.empty((n, 2), np.int64))
        found = kernel.confirm(
            data, text.offsets, strings, kinds, ends, starts, leads, programs, marks, verdicts, out
        )
        return Judged(verdicts, out.groups[:found], out.spans[:found])

    def _leads(self) -> Leads:
        from dataaudit.rules.confirm_kernel import Leads

        rows = []
        for pattern, piece in self._kinds:
            plan = self._plans[pattern]
            lead = plan.leads[plan.pieces.index(piece)]
            rows.append((pattern, lead.fewest, lead.most or 0, lead.runs))
        return Leads(*np.asarray(rows, np.int64).reshape(-1, 4).T.copy())

    def _programs(self) -> Programs:
        from dataaudit.rules.confirm_kernel import Programs

        numbers: dict[bytes, int] = {}
        parts: list[npt.NDArray[np.int32]] = []
        entry = np.full(len(self._plans), -1, np.int64)
        firsts = np.zeros((len(self._plans), 256), np.uint8)
        at = 0
        for i, plan in enumerate(self._plans):
            program = plan.program
            if program is None or any(lead.most is None or lead.most > MAX_LEAD for lead in plan.leads):
                continue
            own = [numbers.setdefault(packed, len(numbers)) for packed in program.sets]
            entry[i] = at
            firsts[i] = first_bytes(program)
            parts.append(_moved(program.instructions(), at, np.asarray(own, np.int32)))
            at += len(parts[-1])
        code = np.concatenate(parts) if parts else np.zeros((0, 4), np.int32)
        sets = np.stack([unpacked(packed) for packed in numbers] or [np.zeros(opcodes.SLOTS, np.uint8)])
        places = np.asarray([WHERES.index(pattern.where) for pattern in self._patterns], np.int64)
        return Programs(code, entry, firsts, places, sets)


_JUMPING = (opcodes.SPLIT, opcodes.JUMP, opcodes.LOOK, opcodes.LOOK_NOT)
_OF_SETS = (
    opcodes.SET, opcodes.GREEDY, opcodes.LAZY, opcodes.POSSESSIVE, opcodes.SET_BACK, opcodes.GREEDY_BACK,
    opcodes.BOUNDARY, opcodes.WORD_START, opcodes.WORD_END,
)  # fmt: skip


def _moved(
    code: npt.NDArray[np.int32], by: int, sets: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """A program among others: its jumps and its sets renumbered."""
    code = code.copy()
    code[np.isin(code[:, 0], _JUMPING), 1] += by
    code[code[:, 0] == opcodes.SPLIT, 2] += by
    of_sets = np.isin(code[:, 0], _OF_SETS)
    code[of_sets, 1] = sets[code[of_sets, 1]]
    return code


def first_bytes(program: Program) -> npt.NDArray[np.uint8]:
    """(256,): may a match begin with this byte?"""
    firsts = np.zeros(256, np.uint8)
    code = program.instructions().tolist()
    todo, done = [0], set[int]()
    while todo:
        pc = todo.pop()
        if pc in done:
            continue
        done.add(pc)
        what, a, b, _ = code[pc]
        if what == opcodes.MATCH:
            firsts[:] = 1
        elif what == opcodes.SPLIT:
            todo += [a, b]
        elif what in (opcodes.JUMP, opcodes.LOOK, opcodes.LOOK_NOT):
            todo.append(a)
        elif what in (opcodes.SET, opcodes.GREEDY, opcodes.LAZY, opcodes.POSSESSIVE):
            table = unpacked(program.sets[a])
            firsts[:0x80] |= table[:0x80]
            firsts[0xC2:] |= table[0x80:].any()
            if what != opcodes.SET and b == 0:
                todo.append(pc + 1)
        else:
            todo.append(pc + 1)
    return (firsts > 0).astype(np.uint8)
