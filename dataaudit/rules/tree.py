"""From the parse tree of `regex` to a small language that widens whatever is not on a list of understood
nodes.

Each function here maps a node to something that matches at least the strings the node matches. A node that
cannot be bounded becomes a `Gap` (any string); a pattern whose meaning spreads beyond a node (fuzzy matching,
full case folding,
matching in reverse) is refused as a whole and matched by `regex` alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
import regex
from regex import _regex_core as rc

from dataaudit.rules.charset import (
    ANY,
    ASCII,
    CodeSet,
    all_cases,
    code_set,
    complement,
    from_codes,
    from_range,
)


class UnsupportedError(Exception):
    """The pattern as a whole cannot be approximated; the text says why."""


class Chars(msgspec.Struct, frozen=True):
    """One character of a set."""

    chars: CodeSet


class Seq(msgspec.Struct, frozen=True):
    """One after the other."""

    items: tuple[Node, ...]


class Alt(msgspec.Struct, frozen=True):
    """Any one of these."""

    branches: tuple[Node, ...]


class Rep(msgspec.Struct, frozen=True):
    """Something `low` to `high` times; None is without limit."""

    item: Node
    low: int
    high: int | None


class Gap(msgspec.Struct, frozen=True):
    """Any string, the empty one included."""


Node = Chars | Seq | Alt | Rep | Gap
EMPTY = Seq(())
MAX_ITEMS = 400
"""Items of one sequence that are looked at."""
MAX_WRITTEN_OUT = 64
"""Items that a mandatory repeat is written out to; of a longer one the first turn is kept and the rest is a gap."""

# Nodes that match no character. Dropping a condition can only let more through.
ZERO_WIDTH = frozenset((
    "Boundary", "DefaultBoundary", "DefaultStartOfWord", "DefaultEndOfWord", "StartOfWord",
    "EndOfWord", "StartOfLine", "StartOfLineU", "EndOfLine", "EndOfLineU", "StartOfString",
    "EndOfString", "EndOfStringLine", "EndOfStringLineU", "SearchAnchor", "Keep", "Failure", "Prune",
    "Skip",
))  # fmt: skip
GAPS = frozenset(("RefGroup", "CallGroup", "Grapheme"))
"""Nodes that match some string which is not known here."""
REFUSED = {
    "Fuzzy": "it matches approximately",
    "Conditional": "it has a conditional",
    "LookAroundConditional": "it has a conditional",
}


def parse(pattern: str, flags: int) -> Node:
    """The approximation of a pattern that `regex.compile(pattern, flags)` accepts.

    Raises:
        UnsupportedError: There is none.
        Exception: The inside of the installed `regex` is not what this module knows.
    """
    tree, info = parsed(pattern, flags)
    if int(info.flags) & int(regex.REVERSE):
        raise UnsupportedError("it matches in reverse")
    return widened(tree)


@lru_cache(maxsize=1024)
def parsed(pattern: str, flags: int) -> tuple[Any, Any]:
    """The steps of `regex._main._compile` up to the parse tree, inline global flags included."""
    while True:
        source = rc.Source(pattern)
        info = rc.Info(flags, source.char_type, {})
        info.guess_encoding = regex.UNICODE
        source.ignore_space = bool(info.flags & regex.VERBOSE)
        try:
            tree = rc._parse_pattern(source, info)
        except rc._UnscopedFlagSet:
            flags = info.global_flags
            continue
        if not source.at_end():
            raise UnsupportedError("its end is not where it was expected")
        return tree, info


def repeats(pattern: str, flags: int) -> tuple[int, int]:
    """The largest product of the minimum counts of nested repeats, and how deep repeats are nested.

    `regex` writes out what must occur while it compiles, so both decide what compiling costs. Raises what
    `parse` raises.
    """
    tree, _ = parsed(pattern, flags)
    return _repeats(tree)


def _repeats(node: Any) -> tuple[int, int]:
    product, depth = 1, 0
    for value in vars(node).values():
        for child in value if isinstance(value, list | tuple) else (value,):
            if isinstance(child, rc.RegexBase):
                inner = _repeats(child)
                product, depth = max(product, inner[0]), max(depth, inner[1])
    if isinstance(node, rc.GreedyRepeat):
        return product * max(1, node.min_count), depth + 1
    return product, depth


def widened(node: Any) -> Node:
    """The approximation of a node of the tree of `regex`. Raises as `parse` does."""
    kind = type(node).__name__
    if kind == "LookAround":
        widened(node.subpattern)  # only to refuse what must be refused wherever it stands
        return EMPTY
    if kind in ZERO_WIDTH:
        return EMPTY
    if kind in GAPS:
        return Gap()
    handler = HANDLERS.get(kind)
    if handler is None:
        raise UnsupportedError(REFUSED.get(kind, f"it uses a construct not known here ({kind})"))
    return handler(node)


def flat(node: Node) -> list[Node]:
    """A sequence without sequences in it; what must repeat is written out, so that a piece can end at one."""
    if isinstance(node, Seq):
        return [one for item in node.items for one in flat(item)]
    if isinstance(node, Rep) and node.high == 0:
        return []
    if isinstance(node, Rep) and node.low >= 1:
        once = flat(node.item)
        if len(once) * node.low > MAX_WRITTEN_OUT:
            return [*once[:MAX_ITEMS], Gap()]
        rest = None if node.high is None else node.high - node.low
        return [*(once * node.low), *([] if rest == 0 else [Rep(node.item, 0, rest)])]
    return [node]


def _sequence(node: Any) -> Node:
    return Seq(tuple(widened(item) for item in node.items))


def _branch(node: Any) -> Node:
    return Alt(tuple(widened(branch) for branch in node.branches))


def _inner(node: Any) -> Node:
    return widened(node.subpattern)


def _repeat(node: Any) -> Node:
    return Rep(
        widened(node.subpattern), int(node.min_count), None if node.max_count is None else int(node.max_count)
    )


def _string(node: Any) -> Node:
    return Seq(tuple(_one(from_codes(frozenset((int(code),))), node) for code in node.characters))


def _any(node: Any) -> Node:
    return Chars(ANY)


def _set(node: Any) -> Node:
    return _one(_members(node), node)


def _one(chars: CodeSet, node: Any) -> Node:
    """One character, under the case flags of its node."""
    if node.case_flags & rc.FULLCASE:
        raise UnsupportedError("it folds case fully, so one character can equal several")
    if getattr(node, "zerowidth", False):
        raise UnsupportedError("a character of it has no width")
    if node.case_flags & rc.IGNORECASE:
        chars = all_cases(chars)
    return Chars(chars) if chars.ascii or chars.others is None or chars.others else Gap()


def _members(node: Any) -> CodeSet:
    """The characters a one-character node matches when case is not ignored.

    The ASCII part of a negated node must be exact, or its complement would lose characters: `_exact` sees to
    it.
    """
    if not node.positive:
        inner = _exact(node)
        return ANY if inner is None else complement(inner)
    kind = type(node).__name__
    if kind == "Character":
        return from_codes(frozenset((int(node.value),)))
    if kind == "Range":
        return from_range(int(node.lower), int(node.upper))
    if kind == "SetUnion":
        union = CodeSet(frozenset())
        for item in node.items:
            union = union.union(_members(item))
        return union
    known = _known_properties().get((node.value, node.encoding)) if kind == "Property" else None
    return known if known is not None else ANY


def _exact(node: Any) -> CodeSet | None:
    """The set that a negated node negates, where its ASCII part is known exactly; else None."""
    kind = type(node).__name__
    if kind == "Character":
        return from_codes(frozenset((int(node.value),)))
    if kind == "Range":
        return from_range(int(node.lower), int(node.upper))
    if kind == "Property":
        return _known_properties().get((node.value, node.encoding))
    if kind != "SetUnion":
        return None
    union = CodeSet(frozenset())
    for item in node.items:
        part = _exact(item)
        if part is None:
            return None
        union = union.union(part if item.positive else complement(part))
    return union


@lru_cache(maxsize=1)
def _known_properties() -> dict[tuple[int, int], CodeSet]:
    r"""`\w \d \s` in both encodings: their ASCII members as `regex` itself finds them, and the digits among the rest;
    all of the rest for `\w`."""
    ascii_text = "".join(map(chr, sorted(ASCII)))
    not_ascii = "".join(chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000)
    others = {r"\d": frozenset(map(ord, regex.findall(r"\d", not_ascii))), r"\s": SPACES}
    known: dict[tuple[int, int], CodeSet] = {}
    for escape in (r"\w", r"\d", r"\s"):
        for prefix in ("", "(?a)"):
            tree, _ = parsed(prefix + escape, int(regex.VERSION0))
            (prop,) = tree.items
            found = frozenset(map(ord, regex.findall(prefix + escape, ascii_text)))
            known[prop.value, prop.encoding] = code_set(found, others.get(escape))
    return known


LINE_FEED = 10
SPACES = frozenset(
    (0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
"""Non-ASCII White_Space of every version of Unicode, U+180E and U+200B included though they lost it long ago.
"""

HANDLERS: dict[str, Callable[[Any], Node]] = {
    "Sequence": _sequence,
    "Branch": _branch,
    "Group": _inner,
    "Atomic": _inner,
    "GreedyRepeat": _repeat,
    "LazyRepeat": _repeat,
    "PossessiveRepeat": _repeat,
    "Character": _set,
    "Range": _set,
    "SetUnion": _set,
    "SetDiff": _set,
    "SetInter": _set,
    "SetSymDiff": _set,
    "Property": _set,
    "String": _string,
    "Any": _any,
    "AnyAll": _any,
    "AnyU": _any,
}
