"""Small edits of a rule's own examples at the place where a mutant differs: what an author would write as an example.

A word is put in place of the alternative that stands there, a letter beside a boundary, a part taken out or repeated.
The caller keeps an edit only where the rule and the mutant judge it differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import regex

from dataaudit.rules.compile import flag_bits
from dataaudit.rules.generate import REPEATS, SEED, Maker, above
from dataaudit.rules.model import Pattern, Rule, example_strings
from dataaudit.rules.tree import parsed
from dataaudit.rules.unparse import ANCHORS, written

MARK = "at"
"""Name of the group that is put around a node to see where it matches."""
TIMEOUT = 0.2
VARIANTS = 3
"""Texts made for one part."""
FILLER = " and then a little more"
BEFORE = ("x", "un", "Well, ", "He wrote: ", "1", ". ", "\n")
BEHIND = ("s", "ing", " and more", "1", ".", "\nMore of it.")


@dataclass(frozen=True)
class Place:
    """Where in a rule a mutant differs from it."""

    pattern: Pattern
    node: Any = None
    """The node that was changed; None for the pattern as a whole."""
    other: Any = field(default=None, compare=False)
    """The alternative or member that was dropped."""

    def way(self) -> tuple[Any, set[int]]:
        """The tree of the pattern, and the nodes that lead to the place."""
        tree, _ = parsed(self.pattern.pattern, flag_bits(self.pattern))
        return tree, above(tree, [id(one) for one in (self.node, self.other) if one is not None])


def edits(rule: Rule, place: Place) -> Iterator[str]:
    """Texts near the rule's examples that may tell it from a mutant."""
    texts = [text for one in rule.hits for role, text in example_strings(rule, one) if role in rule.reads]
    for text in texts:
        if place.node is None:
            yield from _whole(text, place.pattern)
            continue
        for start, end in _spans(text, place):
            yield from _at(text, start, end, place)


def _spans(text: str, place: Place) -> Iterator[tuple[int, int]]:
    """Where the node matched in an example."""
    plain = written(place.pattern, {})
    marked = written(place.pattern, {id(place.node): "\0"})
    # Written once without and once with a stand-in, so that the node's own text need not be written here.
    source = _own_text(plain.pattern, marked.pattern)
    named = marked.pattern.replace("\0", f"(?P<{MARK}>{source})")
    try:
        found = regex.finditer(named, text, flag_bits(marked), timeout=TIMEOUT)
        for match, _ in zip(found, range(4), strict=False):
            if match.start(MARK) >= 0:
                yield match.span(MARK)
    except (regex.error, TimeoutError):
        return


def _own_text(plain: str, marked: str) -> str:
    """What stands in the one pattern where the other has the stand-in."""
    at = marked.index("\0")
    rest = len(marked) - at - 1
    return plain[at : len(plain) - rest]


def _at(text: str, start: int, end: int, place: Place) -> Iterator[str]:
    before, there, behind = text[:start], text[start:end], text[end:]
    kind = type(place.node).__name__
    if place.other is not None:
        for made in _made(place.other):
            yield from (before + one + behind for one in _like(made, there))
    elif kind in REPEATS:
        yield before + behind
        yield before.rstrip() + behind
        high = place.node.max_count
        if high is not None and there:
            yield before + there * (high + 1) + behind
            yield before + (FILLER * (high + 2))[: high * 2 + 20] + behind
            words = (there.strip() + " ") * (high + 2)
            yield before + words + behind.lstrip()
    elif kind == "LookAround":
        for made in _made(place.node.subpattern):
            yield before + made + behind
    elif kind == "Boundary" or kind in ANCHORS:
        yield from (before + one + behind for one in (*BEFORE, *BEHIND))


def _whole(text: str, pattern: Pattern) -> Iterator[str]:
    """Edits for a place, the case of a pattern, or a pattern that was dropped."""
    yield from ("He wrote: " + text, text + "\nThat was all.", text + "\n\nThat was all of it.")
    found = regex.search(pattern.pattern, text, flag_bits(pattern), timeout=TIMEOUT)
    if found is not None:
        start, end = found.span()
        there = text[start:end]
        for one in (there.lower(), there.upper(), there.capitalize(), there.title(), there.swapcase()):
            yield text[:start] + one + text[end:]


def _made(node: Any) -> list[str]:
    maker = Maker(Random(SEED), tame=True)
    made = {maker.text(node) for _ in range(4 * VARIANTS)}
    return sorted(made, key=lambda one: (len(one), one))[:VARIANTS]


def _like(made: str, there: str) -> list[str]:
    """A text in the case of what it replaces, then as it is."""
    if there[:1].isupper() and made[:1].islower():
        return [made.upper() if there.isupper() and len(there) > 1 else made[0].upper() + made[1:], made]
    return [made]
