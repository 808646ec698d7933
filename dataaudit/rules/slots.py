"""Sets of characters as tables over slots (`opcodes`), for the compiled matcher.

Which characters a set has is asked of `regex` itself; what depends on more than the character is not known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import regex

from dataaudit.rules import opcodes as op
from dataaudit.rules.tree import Chars, widened

_ODD_SPACES = "\u1680\u180e"
_ALL = (
    [chr(code) for code in range(op.LATIN)]
    + [chr(code) for code in range(op.SIGNS, op.SIGNS_END)]
    + [chr(code) for code in range(op.IDEOGRAPHIC, op.IDEOGRAPHIC_END)]
)
"""The characters that have a slot of their own, by slot."""
_SLOTTED = frozenset(map(ord, _ALL)) | frozenset(map(ord, _ODD_SPACES))


@lru_cache(maxsize=4096)
def table_of(text: str, flags: int, *, ignores: bool, rest: int) -> bytes:
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


def word_set() -> bytes:
    """What `\\w` matches."""
    return table_of(r"\w", int(regex.VERSION0), ignores=False, rest=op.UNKNOWN)


def rest_of(node: Any, *, ignores: bool) -> int:
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
    if not isinstance(chars, Chars) or chars.chars.listed is None:
        return op.UNKNOWN
    if not chars.chars.listed <= _SLOTTED:
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


def odd_members(node: Any) -> bool:
    """Does a node that ignores case name such a character, or a range beyond ASCII?"""
    kind = type(node).__name__
    if kind == "Character":
        return node.value >= 0x80 and _is_odd(node.value)
    if kind == "Range":
        return bool(node.upper >= 0x80)
    if kind == "SetUnion":
        return any(map(odd_members, node.items))
    return kind not in ("Property", "Any", "AnyAll")
