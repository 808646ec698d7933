"""Texts made from two rules that ought to differ, in search of one that they judge differently.

The texts follow the parse trees: an alternative here, a character of a set there, counts at and beyond the limits of
repeats, in contexts that matter to anchors and conditions. Finding none proves nothing, but it is seldom wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from dataaudit.rules.compile import flag_bits
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.edits import Place, edits
from dataaudit.rules.generate import SEED, Maker
from dataaudit.rules.model import Pattern, Rule
from dataaudit.rules.tree import parsed

AIMED = 30
"""Texts that pass through the place where the two differ."""
TRIES = 200
"""Texts made for a pair of rules."""
ENOUGH = 60
"""Texts after which the search for a shorter one ends."""
TIMEOUT = 0.2
"""Seconds for one of them."""
BEFORE = ("", "", "", "", "Well. ", "He wrote: ", "Then ", "un", "over", "\n", ". ")
BEHIND = ("", "", "", "", ".", " and more", "s", "ing", "\nMore of it.", ": ")
"""Contexts, the plain ones more often."""


class Witness(msgspec.Struct, frozen=True):
    """A text on which two rules differ."""

    text: str
    hit: bool
    """Is it hit by the rule (and not by its mutant)?"""


def tell_apart(rule: Rule, mutant: Rule, place: Place | None = None) -> Witness | None:
    """A text that is hit by one of them alone: an edit of an example where one does it, else one made of the patterns;
    None where there was none."""
    ours, theirs = Confirmer(rule, TIMEOUT), Confirmer(mutant, TIMEOUT)
    best: Witness | None = None
    for n, text in enumerate(texts(rule, mutant, place)):
        if best is not None and len(text) >= len(best.text):
            continue
        try:
            hit, other = bool(ours.spans(text)), bool(theirs.spans(text))
        except TimeoutError:
            continue
        if hit != other:
            best = Witness(text, hit)
            if n > ENOUGH:
                break
    return best


def texts(rule: Rule, mutant: Rule, place: Place | None) -> Iterator[str]:
    """Texts that may tell the two apart, the likeliest and plainest first."""
    random = Random(SEED)
    if place is not None:
        yield from edits(rule, place)
        tree, through = place.way()
        for _ in range(AIMED):
            yield Maker(random, through, tame=True).text(tree)
        for _ in range(AIMED):
            yield _around([Maker(random, through, tame=random.random() < 0.8).text(tree)], rule, random)
    for _ in range(TRIES):
        source = rule if random.random() < 0.5 else mutant
        tame = random.random() < 0.5
        made = Maker(random, tame=tame).text(_tree(random.choice(source.patterns)))
        yield _around([made], source, random)


def _around(parts: list[str], rule: Rule, random: Random) -> str:
    """A text in a context, with what the rule needs and what exempts it."""
    parts = [_case(one, random) for one in parts]
    for others, chance in ((rule.needs, 0.8), (rule.unless, 0.5)):
        if others and random.random() < chance:
            parts.append(Maker(random, tame=True).text(_tree(random.choice(others))))
    random.shuffle(parts)
    return random.choice(BEFORE) + " ".join(part + random.choice(BEHIND) for part in parts)


def _case(text: str, random: Random) -> str:
    chance = random.random()
    return (
        text
        if chance < 0.7
        else text.lower()
        if chance < 0.8
        else text.upper()
        if chance < 0.9
        else text.swapcase()
    )


def _tree(pattern: Pattern) -> Any:
    return parsed(pattern.pattern, flag_bits(pattern))[0]
