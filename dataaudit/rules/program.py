"""Patterns as programs for the compiled matcher: the part of the language of `regex` that can be run over bytes.

A program gives the matches that `regex` gives, spans and all, or says that it cannot tell (a character whose membership
in a set was not looked up, too many steps). Which characters a set has is asked of `regex` itself. Whatever is not on
the list of understood nodes has no program, and `regex` is asked as before.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import regex
from regex import _regex_core as rc

from dataaudit.rules import opcodes as op
from dataaudit.rules.compile import flag_bits
from dataaudit.rules.model import Pattern
from dataaudit.rules.tree import Chars, parsed, widened
from dataaudit.rules.unparse import Writer

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
            self.add(_WORD_ANCHORS[kind], self._number(_word_set()), int(node.positive))
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
        if getattr(node, "case_flags", 0) & rc.FULLCASE or (ignores and _odd_members(node)):
            raise _NoProgramError
        text = self._writer.write(node)
        return self._number(_table(text, self._flags, ignores=ignores, rest=_rest(node, ignores=ignores)))

    def _number(self, table: bytes) -> int:
        return self.sets.setdefault(table, len(self.sets))


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


_ODD_SPACES = "\u1680\u180e"
_ALL = (
    [chr(code) for code in range(op.LATIN)]
    + [chr(code) for code in range(op.SIGNS, op.SIGNS_END)]
    + [chr(code) for code in range(op.IDEOGRAPHIC, op.IDEOGRAPHIC_END)]
)
"""The characters that have a slot of their own, by slot."""
_SLOTTED = frozenset(map(ord, _ALL)) | frozenset(map(ord, _ODD_SPACES))


@lru_cache(maxsize=4096)
def _table(text: str, flags: int, *, ignores: bool, rest: int) -> bytes:
    """The set that a pattern of one character matches, as `Program.sets` holds it."""
    table = np.zeros(op.SLOTS, np.uint8)
    table[[match.start() for match in regex.finditer(text, "".join(_ALL), flags)]] = 1
    if ignores:
        table[_odd_slots()] = op.UNKNOWN
    table[op.ODD] = 1 if text in ("(?s:.)", "(?-s:.)") else op.UNKNOWN
    table[op.REST] = rest
    starts = np.flatnonzero(np.diff(table, prepend=255))
    return np.stack([starts, table[starts]], axis=1).astype(np.uint16).tobytes()


def unpacked(packed: bytes) -> npt.NDArray[np.uint8]:
    """The table of a set of `Program.sets`: 0, 1 or `UNKNOWN` per slot."""
    pairs = np.frombuffer(packed, np.uint16).reshape(-1, 2).astype(np.int64)
    return np.repeat(pairs[:, 1], np.diff(pairs[:, 0], append=op.SLOTS)).astype(np.uint8)


def _word_set() -> bytes:
    return _table(r"\w", int(regex.VERSION0), ignores=False, rest=op.UNKNOWN)


def _rest(node: Any, *, ignores: bool) -> int:
    """What characters without a slot are: members, no members, or not known."""
    kind = type(node).__name__
    if kind in ("Any", "AnyAll"):
        return 1
    if kind == "Property" and not node.positive:
        return op.UNKNOWN
    inner = node
    if not node.positive:
        if not _plain_union(node):
            return op.UNKNOWN
        inner = node.rebuild(True, node.case_flags, False)
    chars = widened(inner)
    if not isinstance(chars, Chars) or chars.chars.other is None:
        return op.UNKNOWN
    if not chars.chars.other <= _SLOTTED:
        return op.UNKNOWN
    return 1 - int(node.positive)


def _plain_union(node: Any) -> bool:
    """Is a set made of characters, ranges and classes alone, so that it is known what it leaves out?"""
    kind = type(node).__name__
    if kind == "SetUnion":
        return all(_plain_union(item) and item.positive for item in node.items)
    return kind in ("Character", "Range", "Property")


@lru_cache(maxsize=1)
def _odd_slots() -> list[int]:
    """Slots beyond ASCII of characters with more than one other case, or one in ASCII: `regex` may equate them in one
    place and not in another."""
    return [slot for slot, char in enumerate(_ALL) if slot >= 0x80 and _is_odd(ord(char))]


def _is_odd(code: int) -> bool:
    cases = regex._regex.get_all_cases(int(regex.UNICODE | regex.IGNORECASE), code)
    return len(cases) > 2 or any(one < 0x80 for one in cases)


def _odd_members(node: Any) -> bool:
    """Does a node that ignores case name such a character, or a range beyond ASCII?"""
    kind = type(node).__name__
    if kind == "Character":
        return node.value >= 0x80 and _is_odd(node.value)
    if kind == "Range":
        return bool(node.upper >= 0x80)
    if kind == "SetUnion":
        return any(map(_odd_members, node.items))
    return kind not in ("Property", "Any", "AnyAll")


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
