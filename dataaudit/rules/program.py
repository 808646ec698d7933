"""Patterns as programs for the compiled matcher: the part of the language of `regex` that can be run over bytes.

A program gives the matches that `regex` gives, spans and all, or says that it cannot tell (a character whose membership
in a set was not looked up, too many steps). Which characters a set has is asked of `regex` itself. Whatever is not on
the list of understood nodes has no program, and `regex` is asked as before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import regex
from regex import _regex_core as rc

from dataaudit.rules import opcodes as op
from dataaudit.rules.compile import flag_bits
from dataaudit.rules.model import Pattern
from dataaudit.rules.slots import odd_members, rest_of, table_of, word_set
from dataaudit.rules.tree import parsed
from dataaudit.rules.unparse import Writer
from dataaudit.rules.ways import ANY_BYTE, Ways

MAX_CODE = 2_000
"""Instructions of one program; counted repeats are written out."""

WIDTH = 5
"""Numbers of an instruction."""

Code = npt.NDArray[np.int32]


class Program(msgspec.Struct, frozen=True):
    """One pattern as instructions."""

    code: bytes
    """(n, 5) int32: opcode, a, b, c, d."""
    sets: tuple[bytes, ...]
    """The sets that the code names by their place here: uint16 pairs (first slot, value), up to the next pair."""

    firsts: tuple[bytes, ...]
    """The tables that the code names: bit i of 256 says whether a way can go on with byte i."""
    first: bytes
    """The table of the whole pattern."""

    def instructions(self) -> Code:
        """The code as an array."""
        return np.frombuffer(self.code, np.int32).reshape(-1, WIDTH)


class _NoProgramError(Exception):
    pass


def program_of(pattern: Pattern) -> Program | None:
    """The program of a pattern that compiles, or None where there is none."""
    try:
        tree, info = parsed(pattern.pattern, flag_bits(pattern))
        if int(info.flags) & ~_FLAGS:
            return None
        writer = _Compiler(info)
        writer.emit(tree)
        writer.add(op.MATCH)
        return writer.finished()
    except Exception:  # no program, or the inside of `regex` changed shape: slower, still right
        return None


_FLAGS = int(
    regex.IGNORECASE | regex.MULTILINE | regex.DOTALL | regex.VERBOSE | regex.UNICODE | regex.VERSION0
)


class _Compiler:
    """Writes the instructions of one tree."""

    def __init__(self, info: Any) -> None:
        self.code: list[list[int]] = []
        self.sets: dict[bytes, int] = {}
        self._writer = Writer(info)
        self._back = False
        self._flags = int(info.flags) & int(regex.IGNORECASE | regex.UNICODE | regex.VERSION0)

    def add(self, opcode: int, a: int = 0, b: int = 0, c: int = 0) -> int:
        """An instruction; returns its place."""
        if len(self.code) >= MAX_CODE:
            raise _NoProgramError
        self.code.append([opcode, a, b, c, -1])
        return len(self.code) - 1

    def finished(self) -> Program:
        """The program, once all is written."""
        sets = tuple(self.sets)
        ways = Ways(self.code, sets)
        firsts: dict[int, int] = {}

        def table(at: int) -> int:
            mask = ways.first(at)
            return -1 if mask == ANY_BYTE else firsts.setdefault(mask, len(firsts))

        row = 0
        for at in reversed(range(len(self.code))):
            one = self.code[at]
            row = row + 1 if one[0] == op.SET else 0
            if one[0] == op.SET:
                one[2] = row
            elif one[0] == op.SPLIT:
                one[3], one[4] = table(one[1]), table(one[2])
            elif one[0] in (op.GREEDY, op.LAZY):
                one[4] = table(at + 1)
        return Program(
            np.asarray(self.code, np.int32).tobytes(),
            sets,
            tuple(mask.to_bytes(32, "little") for mask in firsts),
            ways.first(0).to_bytes(32, "little"),
        )

    def emit(self, node: Any) -> None:
        """The instructions of a node. Raises for what is not understood."""
        kind = type(node).__name__
        if kind in _PLAIN_ANCHORS:
            if not node.positive or node.encoding:
                raise _NoProgramError
            self.add(_PLAIN_ANCHORS[kind])
        elif kind in _WORD_ANCHORS:
            if node.encoding or not (node.positive or kind == "Boundary"):
                raise _NoProgramError
            self.add(_WORD_ANCHORS[kind], self._number(word_set()), int(node.positive))
        elif kind in _ONE:
            self.add(op.SET_BACK if self._back else op.SET, self._set(node))
        else:
            _HANDLERS[kind](self, node)

    def sequence(self, node: Any) -> None:
        """One after the other."""
        for item in reversed(node.items) if self._back else node.items:
            self.emit(item)

    def branch(self, node: Any) -> None:
        """Alternatives, in order."""
        jumps = []
        for one in node.branches[:-1]:
            split = self.add(op.SPLIT, len(self.code) + 1)
            self.emit(one)
            jumps.append(self.add(op.JUMP))
            self.code[split][2] = len(self.code)
        self.emit(node.branches[-1])
        for jump in jumps:
            self.code[jump][1] = len(self.code)

    def group(self, node: Any) -> None:
        """A group whose text is not asked for again."""
        self.emit(node.subpattern)

    def repeat(self, node: Any) -> None:
        """Something several times."""
        kind, inner = type(node).__name__, node.subpattern
        if self._back and kind == "PossessiveRepeat":
            raise _NoProgramError
        low, high = int(node.min_count), node.max_count
        while type(inner).__name__ in ("Group", "Sequence"):
            if type(inner).__name__ == "Sequence":
                if len(inner.items) != 1:
                    break
                inner = inner.items[0]
            else:
                inner = inner.subpattern
        if type(inner).__name__ in _ONE:
            opcode = (
                op.GREEDY_BACK if self._back else _ONE_REPEATS[kind]
            )  # behind, only whether it matches counts
            self.add(opcode, self._set(inner), low, -1 if high is None else int(high))
            return
        if fewest(inner) == 0:  # what a turn without length does is for `regex` to say
            raise _NoProgramError
        if kind == "PossessiveRepeat":
            self.add(op.ATOMIC)
        for _ in range(low):
            self.emit(inner)
        self._optional(inner, high if high is None else int(high) - low, lazy=kind == "LazyRepeat")
        if kind == "PossessiveRepeat":
            self.add(op.ATOMIC_END)

    def _optional(self, inner: Any, turns: int | None, *, lazy: bool) -> None:
        """So many turns more, none at least."""
        splits = []
        for _ in range(1 if turns is None else turns):
            split = self.add(op.SPLIT)
            splits.append(split)
            self.code[split][2 if lazy else 1] = split + 1
            self.emit(inner)
            if turns is None:
                self.add(op.JUMP, split)
        for split in splits:
            self.code[split][1 if lazy else 2] = len(self.code)

    def atomic(self, node: Any) -> None:
        """A group that is not tried again."""
        if self._back:
            raise _NoProgramError
        self.add(op.ATOMIC)
        self.emit(node.subpattern)
        self.add(op.ATOMIC_END)

    def look(self, node: Any) -> None:
        """What must or must not stand ahead or behind. What stands behind is matched from its end, as `regex` does."""
        if self._back:
            raise _NoProgramError
        start = self.add(op.LOOK if node.positive else op.LOOK_NOT)
        before, self._back = self._back, bool(node.behind)
        self.emit(node.subpattern)
        self._back = before
        self.add(op.LOOK_END if node.positive else op.LOOK_NOT_END)
        self.code[start][1] = len(self.code)

    def _set(self, node: Any) -> int:
        if getattr(node, "zerowidth", False):
            raise _NoProgramError
        ignores = bool(getattr(node, "case_flags", 0) & rc.IGNORECASE)
        if getattr(node, "case_flags", 0) & rc.FULLCASE or (ignores and odd_members(node)):
            raise _NoProgramError
        text = self._writer.write(node)
        return self._number(table_of(text, self._flags, ignores=ignores, rest=rest_of(node, ignores=ignores)))

    def _number(self, table: bytes) -> int:
        return self.sets.setdefault(table, len(self.sets))


def fewest(node: Any) -> int:
    """The fewest characters that a node matches. Raises for what is not understood."""
    kind = type(node).__name__
    if kind in _ONE:
        return 1
    if kind in ("Group", "Atomic"):
        return fewest(node.subpattern)
    if kind in _ONE_REPEATS:
        return fewest(node.subpattern) * int(node.min_count)
    if kind == "Sequence":
        return sum(map(fewest, node.items))
    return min(map(fewest, node.branches)) if kind == "Branch" else 0


_ONE = frozenset(("Character", "Range", "SetUnion", "Property", "Any", "AnyAll"))
_ONE_REPEATS = {"GreedyRepeat": op.GREEDY, "LazyRepeat": op.LAZY, "PossessiveRepeat": op.POSSESSIVE}
_PLAIN_ANCHORS = {
    "StartOfLine": op.LINE_START, "EndOfLine": op.LINE_END, "StartOfString": op.STRING_START,
    "EndOfString": op.STRING_END, "EndOfStringLine": op.STRING_LINE_END,
}  # fmt: skip
_WORD_ANCHORS = {"Boundary": op.BOUNDARY, "StartOfWord": op.WORD_START, "EndOfWord": op.WORD_END}
_HANDLERS: dict[str, Callable[[_Compiler, Any], None]] = {
    "Sequence": _Compiler.sequence, "Branch": _Compiler.branch, "Group": _Compiler.group,
    "Atomic": _Compiler.atomic, "LookAround": _Compiler.look, "GreedyRepeat": _Compiler.repeat,
    "LazyRepeat": _Compiler.repeat, "PossessiveRepeat": _Compiler.repeat,
}  # fmt: skip
