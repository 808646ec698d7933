"""Texts made from the parse tree of a pattern: an alternative here, a character of a set there, counts of repeats.

A text need not be matched: conditions beside the pattern are not thought of.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import Any

import regex
from regex import _regex_core as rc

from dataaudit.rules.unparse import property_text

SEED = 11
COMMON = "eab 1Z.,!?'-\n_é"
"""What is tried for a class of characters, the plainest first."""
LONG = (1, 2, 5, 60, 130, 600)
"""Turns beyond the least count of a repeat that are tried."""
REPEATS = ("GreedyRepeat", "LazyRepeat", "PossessiveRepeat")
ONE = ("Character", "Property", "SetUnion", "Range", "Any", "AnyAll", "AnyU")


class Maker:
    """Makes texts of nodes.

    Args:
        random: Where choices come from.
        through: Ids of nodes that a text should pass through where it can, their ancestors included.
        tame: Take the plainest choice where there is no reason for another.
    """

    def __init__(self, random: Random, through: Iterable[int] = (), *, tame: bool = False) -> None:
        self._random = random
        self._through = frozenset(through)
        self._tame = tame

    def text(self, node: Any) -> str:
        """A text of a node."""
        kind = type(node).__name__
        if kind == "Sequence":
            return "".join(map(self.text, node.items))
        if kind == "Branch":
            asked = [one for one in node.branches if id(one) in self._through]
            return self.text(self._random.choice(asked or node.branches))
        if kind in REPEATS:
            return "".join(self.text(node.subpattern) for _ in range(self._turns(node)))
        if kind in ("Group", "Atomic"):
            return self.text(node.subpattern)
        if kind == "LookAround":
            # What must not stand here is what tells a rule with the condition from one without.
            meant = id(node) in self._through or (not self._tame and self._random.random() < 0.3)
            return self.text(node.subpattern) if meant else ""
        return self._character(node) if kind in ONE else ""

    def _turns(self, node: Any) -> int:
        low, high = node.min_count, node.max_count
        if self._tame:
            wanted = id(node) in self._through or (high == 1 and self._random.random() < 0.3)
            return int(max(low, 1 if wanted else 0))
        around = [low, low, max(0, low - 1), low + 1, low + self._random.choice(LONG)]
        if high is not None:
            around += [high, high, high + 1]
        return int(min(self._random.choice(around), 2_000))

    def _character(self, node: Any) -> str:
        kind = type(node).__name__
        if kind == "SetUnion" and node.positive:
            asked = [one for one in node.items if id(one) in self._through]
            return self._character(
                self._random.choice(asked or (node.items[:1] if self._tame else node.items))
            )
        if kind == "Character" and node.positive:
            return chr(node.value)
        if kind == "Range" and node.positive:
            return chr(self._random.randint(node.lower, node.upper))
        known = _of_property(property_text(node)) if kind == "Property" else ""
        return (known or COMMON)[0] if self._tame else self._random.choice(known or COMMON)


def above(tree: Any, wanted: Iterable[int]) -> set[int]:
    """The nodes with these ids and all that hold one of them, by id."""
    targets, found = set(wanted), set()

    def holds(node: Any) -> bool:
        here = id(node) in targets
        for value in vars(node).values():
            for child in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(child, rc.RegexBase) and holds(child):
                    here = True
        if here:
            found.add(id(node))
        return here

    holds(tree)
    return found


@lru_cache(maxsize=256)
def _of_property(text: str) -> str:
    """Common characters of a class."""
    return "".join(regex.findall(text, COMMON))
