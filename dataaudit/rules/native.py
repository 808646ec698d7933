"""The compiled matcher over match events: which patterns match which strings, and where, without a call of `regex`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiling import compiled
from dataaudit.rules import confirm_kernel, opcodes
from dataaudit.rules.confirm_kernel import MANY, MARK_BYTES, Programs, Ranges, Scratch
from dataaudit.rules.events import Ints, Text
from dataaudit.rules.match_kernel import DEPTH
from dataaudit.rules.model import WHERES, Pattern
from dataaudit.rules.prefilter import Plan
from dataaudit.rules.program import WIDTH, Code, Program
from dataaudit.rules.reach_kernel import FAR, LINE, WHOLE_PLACE, Leads
from dataaudit.rules.slots import unpacked
from dataaudit.rules.spread import Spread

MAX_LEAD = 4_096
"""Characters of a lead; a match that may begin further before what was reported is searched for by `regex`."""


class Kind(NamedTuple):
    """What an event can be of: a piece in a pattern."""

    pattern: int
    """The place of the pattern in the matcher."""
    piece: bytes
    lead: Spread
    """Characters between the start of a match and the end of the piece in it."""
    is_gram: bool = False
    """Is the piece a gram? The events of a pattern are all of grams or none."""
    whole_place: bool = False
    """May a match begin at any byte of its place, wherever the event is?"""


class Judged(NamedTuple):
    """What the compiled matcher says of groups of events, each of one pattern in one string."""

    verdicts: Ints
    """Per group `NO`, `FOUND`, or `ASK`: only `regex` can tell."""
    groups: Ints
    """Per match its group, ascending."""
    spans: Ints
    """(n, 2): where it lies, in code points of the string; ascending in a group."""


def pays(nbytes: int) -> bool:
    """Is the compiled matcher worth it, now that `nbytes` more are to be matched?"""
    return compiled(nbytes, confirm_kernel.confirm)


class Native:
    """The programs of all patterns of a matcher, ready to be run.

    Args:
        patterns: The patterns, by their place in the matcher.
        plans: Their plans.
        kinds: What events can be of.
    """

    def __init__(self, patterns: Sequence[Pattern], plans: Sequence[Plan], kinds: Sequence[Kind]) -> None:
        self._patterns, self._plans, self._kinds = patterns, plans, kinds
        self._leads: Leads | None = None
        self._programs: Programs | None = None

    def take(self, kinds: Sequence[Kind]) -> None:
        """Events can be of these kinds from now on."""
        self._kinds, self._leads = kinds, None

    def judge(
        self, text: Text, strings: Ints, kinds: Ints, ends: Ints, starts: Ints, *, each: int = 1
    ) -> Judged:
        """Judge events; those of group i are `starts[i]:starts[i + 1]`, their ends ascending.

        `each` is how many matches there may be for each event. Where there are more, `regex` is to be asked.
        """
        leads = self._leads = self._leads or self._made_leads()
        programs = self._programs = self._programs or self._linked()
        data = np.frombuffer(text.data, np.uint8)
        longest = int((text.offsets[strings + 1] - text.offsets[strings]).max(initial=0))
        one, many = np.empty(1, np.int64), np.empty((2, MANY), np.int64)
        marks = np.empty(longest // MARK_BYTES + 1, np.int64)
        regions = np.empty((len(WHERES), 3), np.int64)
        scratch = Scratch(np.empty((DEPTH, 4), np.int64), one, many[0], many[1], marks, regions)
        verdicts = np.empty(len(starts) - 1, np.int64)
        n = len(strings)
        groups, begins, behinds = np.empty((3, n * each), np.int64)
        out = Ranges(groups, begins, behinds, np.empty((n * each, 2), np.int64))
        found = confirm_kernel.confirm(
            data, text.offsets, strings, kinds, ends, starts, leads, programs, scratch, verdicts, out
        )
        return Judged(verdicts, out.groups[:found], out.spans[:found])

    def _made_leads(self) -> Leads:
        most = [self._most(kind) for kind in self._kinds]
        far = {
            (kind.pattern, kind.is_gram) for kind, one in zip(self._kinds, most, strict=True) if one == FAR
        }
        rows = [
            (
                kind.pattern,
                max(1, kind.lead.fewest),
                FAR if (kind.pattern, kind.is_gram) in far else one,
                kind.lead.runs,
            )
            for kind, one in zip(self._kinds, most, strict=True)
        ]
        return Leads(*np.asarray(rows, np.int64).reshape(-1, 4).T.copy())

    def _most(self, kind: Kind) -> int:
        if kind.whole_place:
            return WHOLE_PLACE
        most = kind.lead.most
        if most is not None and most <= MAX_LEAD:
            return most
        program = self._plans[kind.pattern].program
        at_line = program is not None and program.instructions()[0, 0] == opcodes.LINE_START
        return LINE if at_line and kind.lead.line else FAR

    def _linked(self) -> Programs:
        linker = _Linker()
        entry = np.full(len(self._plans), -1, np.int64)
        begins = np.zeros((len(self._plans), 256), np.uint8)
        for i, plan in enumerate(self._plans):
            program = plan.program
            if program is not None:
                entry[i] = linker.add(program)
                begins[i] = bits(program.first)
        code = np.concatenate([np.zeros((0, WIDTH), np.int32), *linker.parts])
        sets = np.stack([unpacked(packed) for packed in linker.sets] or [np.zeros(opcodes.SLOTS, np.uint8)])
        firsts = np.stack([bits(mask) for mask in linker.firsts] or [np.zeros(256, np.uint8)])
        places = np.asarray([WHERES.index(pattern.where) for pattern in self._patterns], np.int64)
        return Programs(code, entry, begins, places, sets, firsts)


def _among(*codes: int) -> npt.NDArray[np.bool_]:
    """(256,): is an instruction one of these?"""
    return np.isin(np.arange(256), codes)


_JUMPING = _among(opcodes.SPLIT, opcodes.JUMP, opcodes.LOOK, opcodes.LOOK_NOT)
_OF_SETS = _among(
    opcodes.SET, opcodes.GREEDY, opcodes.LAZY, opcodes.POSSESSIVE, opcodes.SET_BACK, opcodes.GREEDY_BACK,
    opcodes.BOUNDARY, opcodes.WORD_START, opcodes.WORD_END,
)  # fmt: skip
_FOLLOWED = _among(opcodes.SPLIT, opcodes.GREEDY, opcodes.LAZY)


class _Linker:
    """Programs put end to end, equal sets and tables kept once."""

    def __init__(self) -> None:
        self.parts: list[Code] = []
        self.sets: dict[bytes, int] = {}
        self.firsts: dict[bytes, int] = {}
        self._at = 0

    def add(self, program: Program) -> int:
        """Add a program; returns the place of its first instruction."""
        code, at = program.instructions().copy(), self._at
        what = code[:, 0]
        code[_JUMPING[what], 1] += at
        split = what == opcodes.SPLIT
        code[split, 2] += at
        of_sets = _OF_SETS[what]
        code[of_sets, 1] = self._numbers(self.sets, program.sets)[code[of_sets, 1]]
        # The last of these stands for -1.
        tables = np.append(self._numbers(self.firsts, program.firsts), -1)
        code[split, 3] = tables[code[split, 3]]
        followed = _FOLLOWED[what]
        code[followed, 4] = tables[code[followed, 4]]
        self.parts.append(code)
        self._at += len(code)
        return at

    @staticmethod
    def _numbers(known: dict[bytes, int], keys: Sequence[bytes]) -> Code:
        return np.asarray([known.setdefault(key, len(known)) for key in keys], np.int32)


def bits(mask: bytes) -> npt.NDArray[np.uint8]:
    """(256,): a table of bytes, one per byte."""
    return np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little")
