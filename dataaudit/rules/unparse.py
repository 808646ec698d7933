"""From the parse tree of `regex` back to a pattern, so that a part of it can be replaced.

The pattern that comes out is parsed to the same tree; `round_trips` says whether it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import regex
from regex import _regex_core as rc

from dataaudit.rules.compile import flag_bits
from dataaudit.rules.model import Pattern
from dataaudit.rules.tree import UnsupportedError, parsed

ANCHORS = {
    "DefaultBoundary": "\\b", "StartOfWord": "\\m", "DefaultStartOfWord": "\\m", "EndOfWord": "\\M",
    "DefaultEndOfWord": "\\M", "StartOfString": "\\A", "EndOfString": "\\Z", "EndOfStringLine": "(?-m:$)",
    "EndOfStringLineU": "(?-m:$)", "StartOfLine": "(?m:^)", "StartOfLineU": "(?m:^)", "EndOfLine": "(?m:$)",
    "EndOfLineU": "(?m:$)", "SearchAnchor": "\\G", "Keep": "\\K",
}  # fmt: skip
"""Nodes without width, and what is written for them."""
_QUANTIFIERS = {"GreedyRepeat": "", "LazyRepeat": "?", "PossessiveRepeat": "+"}
_SET_SPECIAL = frozenset("\\[]^-&|~")


class Writer:
    """Writes nodes of one tree.

    Args:
        info: What the parser knows of the whole pattern (names of groups, flags).
        swap: What is written in place of a node, by its `id`.
    """

    def __init__(self, info: Any, swap: Mapping[int, str] | None = None) -> None:
        self._ignorecase = bool(info.flags & regex.IGNORECASE)
        self._names = {number: name for name, number in info.group_index.items()}
        self._swap = swap or {}

    def write(self, node: Any) -> str:
        """The pattern of a node. Raises UnsupportedError for what this module does not know."""
        if id(node) in self._swap:
            return self._swap[id(node)]
        kind = type(node).__name__
        if kind == "Boundary":
            return "\\b" if node.positive else "\\B"
        if kind in ANCHORS:
            return ANCHORS[kind]
        writer = _WRITERS.get(kind)
        if writer is None:
            raise UnsupportedError(f"it uses a construct that is not written here ({kind})")
        return writer(self, node)

    def cased(self, node: Any, text: str) -> str:
        """One character under the case flag of its node."""
        ignores = bool(node.case_flags & rc.IGNORECASE)
        if ignores == self._ignorecase or (len(text) == 1 and not _cased(text)):
            return text
        return f"(?i:{text})" if ignores else f"(?-i:{text})"

    def sequence(self, node: Any) -> str:
        """One after the other."""
        return "".join(map(self.write, node.items))

    def branch(self, node: Any) -> str:
        """Alternatives."""
        return "(?:" + "|".join(map(self.write, node.branches)) + ")"

    def repeat(self, node: Any) -> str:
        """Something several times."""
        low, high = node.min_count, node.max_count
        return self.repeated(node, low, high)

    def repeated(self, node: Any, low: int, high: int | None) -> str:
        """The item of a repeat with other counts."""
        known = {(0, 1): "?", (0, None): "*", (1, None): "+"}
        count = known.get((low, high)) or f"{{{low},{'' if high is None else high}}}"
        return f"(?:{self.write(node.subpattern)}){count}{_QUANTIFIERS[type(node).__name__]}"

    def group(self, node: Any) -> str:
        """A capturing group."""
        name = self._names.get(node.group)
        return (f"(?P<{name}>" if name else "(") + self.write(node.subpattern) + ")"

    def atomic(self, node: Any) -> str:
        """A group that is not tried again."""
        return f"(?>{self.write(node.subpattern)})"

    def look(self, node: Any) -> str:
        """What must or must not stand before or behind."""
        return f"(?{'<' if node.behind else ''}{'=' if node.positive else '!'}{self.write(node.subpattern)})"

    def character(self, node: Any) -> str:
        """One character, or any but one."""
        char = chr(node.value)
        if node.positive:
            return self.cased(node, regex.escape(char) if char.isascii() else char)
        return self.cased(node, f"[^{_member(node)}]")

    def any(self, node: Any) -> str:
        """A dot."""
        return "(?s:.)" if type(node).__name__ == "AnyAll" else "(?-s:.)"

    def prop(self, node: Any) -> str:
        """A class of characters."""
        if node.encoding:
            raise UnsupportedError("a class of it has an encoding of its own")
        return property_text(node)

    def union(self, node: Any) -> str:
        """A set."""
        return self.members(node, members(node))

    def members(self, node: Any, items: list[Any]) -> str:
        """A set of these members."""
        return self.cased(node, f"[{'' if node.positive else '^'}{''.join(map(_member, items))}]")

    def range(self, node: Any) -> str:
        """A range that stands alone."""
        return self.members(node, [_Positive(node)])


class _Positive:
    """A member whose own sign is written around the set."""

    def __init__(self, node: Any) -> None:
        self.lower, self.upper, self.positive = node.lower, node.upper, True


_WRITERS: dict[str, Callable[[Writer, Any], str]] = {
    "Sequence": Writer.sequence, "Branch": Writer.branch, "GreedyRepeat": Writer.repeat,
    "LazyRepeat": Writer.repeat, "PossessiveRepeat": Writer.repeat, "Group": Writer.group,
    "Atomic": Writer.atomic, "LookAround": Writer.look, "Character": Writer.character, "Any": Writer.any,
    "AnyAll": Writer.any, "Property": Writer.prop, "SetUnion": Writer.union, "Range": Writer.range,
}  # fmt: skip


def written(pattern: Pattern, swap: Mapping[int, str] | None = None) -> Pattern:
    """A pattern from its tree, some nodes replaced. Raises UnsupportedError."""
    tree, info = parsed(pattern.pattern, flag_bits(pattern))
    if int(info.flags) & ~(flag_bits(pattern) | int(regex.UNICODE)):
        raise UnsupportedError("it sets flags of its own for the whole pattern")
    flags = tuple(flag for flag in pattern.flags if flag != "verbose")
    text = Writer(info, swap).write(tree)
    return type(pattern)(**{**_fields(pattern), "pattern": text, "flags": flags})


def round_trips(pattern: Pattern) -> bool:
    """Is the pattern written from its tree parsed to that tree again?"""
    try:
        back = written(pattern)
    except UnsupportedError:
        return False
    before, _ = parsed(pattern.pattern, flag_bits(pattern))
    after, _ = parsed(back.pattern, flag_bits(back))
    return _shape(before) == _shape(after)


def _fields(pattern: Pattern) -> dict[str, Any]:
    return {name: getattr(pattern, name) for name in pattern.__struct_fields__}


def _shape(node: Any) -> object:
    """What a tree says, groups that hold one item and nested sequences flattened."""
    kind = type(node).__name__
    if kind == "Sequence":
        items: list[object] = []
        for item in map(_shape, node.items):
            items += item[1] if isinstance(item, tuple) and item[0] == "Sequence" else [item]
        return items[0] if len(items) == 1 else ("Sequence", items)
    parts = []
    for name, value in sorted(vars(node).items()):
        if name in ("_key", "info", "call_ref", "folded", "position"):
            continue
        if name == "case_flags" and kind in ("Character", "Property"):
            value = value if kind == "Character" and _cased(chr(node.value)) else 0  # noqa: PLW2901
        inner = members(node) if name == "items" else value if isinstance(value, (list, tuple)) else [value]
        parts.append((name, [_shape(one) if isinstance(one, rc.RegexBase) else one for one in inner]))
    return (kind, parts)


def members(node: Any) -> list[Any]:
    """The members of a set, those of sets in it among them where that means the same; by code, since `regex` holds them
    in no fixed order."""
    found = []
    for item in node.items:
        if type(item).__name__ == "SetUnion" and item.positive:
            found += members(item)
        else:
            found.append(item)
    return sorted(
        found, key=lambda one: (type(one).__name__, getattr(one, "value", getattr(one, "lower", 0)))
    )


def _cased(char: str) -> bool:
    return char.lower() != char.upper()


def _member(node: Any) -> str:
    if hasattr(node, "lower"):
        return f"{_in_set(node.lower)}-{_in_set(node.upper)}"
    if type(node).__name__ == "Property":
        return property_text(node)
    if type(node).__name__ == "Character":
        return _in_set(node.value)
    raise UnsupportedError("a set of it holds another set")


def _in_set(code: int) -> str:
    char = chr(code)
    return f"\\{char}" if char in _SET_SPECIAL else char if char.isprintable() else f"\\U{code:08x}"


@lru_cache(maxsize=1)
def _properties() -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    for name, (number, values) in rc.PROPERTIES.items():
        for value, at in values.items():
            found.setdefault((number, at), f"{name}={value}")
    return found


@lru_cache(maxsize=1)
def _escapes() -> dict[int, str]:
    known = {}
    for letter in "wds":
        tree, _ = parsed(f"\\{letter}", int(regex.VERSION0))
        known[tree.items[0].value] = letter
    return known


def property_text(node: Any) -> str:
    """A class of characters. Raises UnsupportedError."""
    letter = _escapes().get(node.value)
    if letter is not None:
        return f"\\{letter if node.positive else letter.upper()}"
    name = _properties().get(divmod(node.value, 0x10000))
    if name is None:
        raise UnsupportedError("a class of it has no name here")
    return f"\\{'p' if node.positive else 'P'}{{{name}}}"
