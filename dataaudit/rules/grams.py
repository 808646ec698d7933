"""From a pattern to grams: short folded strings, of which every match of the pattern holds at least one.

A gram is the cheapest thing to look for: one look at each place of a text serves any number of them. Where a pattern
has no part that is one of a few strings, `prefilter` may still find an expression for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from dataaudit.rules.fold import joined, units
from dataaudit.rules.gram_windows import bits_of, chance_bits, window_chance
from dataaudit.rules.spread import NO_SPREAD, Spread, one_of, spread_of
from dataaudit.rules.tree import MAX_ITEMS, Alt, Chars, Node, Rep, Seq, flat

LENGTH = 20
"""Units of a gram at most."""
SHORTEST = 3
"""Units of a gram at least."""
MIN_BITS = 7.0
"""The grams of a pattern must be rarer together than one place in 2 ** 7, by estimate."""
ENOUGH_BITS = 36.0
"""Beyond this a rarer gram gains nothing."""
ENOUGH_WINDOW_BITS = 18.0
"""Beyond this rarer windows gain nothing."""
MAX_STRINGS = 48
"""Strings that a part of a pattern may stand for."""
MAX_MEMBERS = 12
"""Units that a set of characters may stand for."""
MAX_TURNS = 4
"""Turns of a bounded repeat."""


class Gram(NamedTuple):
    """Something to look for."""

    units: bytes
    lead: Spread
    """Characters from the start of a match to the end of the gram in it."""


_Strings = dict[bytes, Spread]
"""What a part of a pattern may stand for, folded, each with the characters that may be folded so."""
_NOTHING: _Strings = {b"": NO_SPREAD}


class _Rank(NamedTuple):
    """How good some grams are; the higher the better."""

    near: bool
    """Is it known how far before them a match can begin, and are they rare enough to be used?"""
    bits: float
    """Rarity of all of them together, and of the windows by which they are looked for first; each up to where it
    matters."""
    fewer: int
    """Less their number."""


class _Cover(NamedTuple):
    """Grams one of which is in every match of a node."""

    bits: float
    """Rarity of all of them together."""
    grams: _Strings
    lead: Spread
    """What comes before the strings that are the grams' ends."""

    @property
    def rank(self) -> _Rank:
        windows = bits_of(sum(map(window_chance, self.grams)))
        far = any(spread.most is None for spread in (self.lead, *self.grams.values()))
        return _Rank(
            not far and self.bits >= MIN_BITS,
            min(self.bits, ENOUGH_BITS) + min(windows, ENOUGH_WINDOW_BITS),
            -len(self.grams),
        )


def grams_of(node: Node) -> tuple[Gram, ...]:
    """Grams one of which is in every match of a pattern; none where there are none of use."""
    cover = _cover(node)
    if cover is None or cover.bits < MIN_BITS:
        return ()
    return tuple(Gram(*one) for one in cover.grams.items())


def _cover(node: Node) -> _Cover | None:
    """The best grams for a node: of a run of its parts, or for one of them that branches."""
    items = flat(node)[:MAX_ITEMS]
    whole = [_strings(item) for item in items]
    leads = list(accumulate(map(spread_of, items), Spread.then, initial=NO_SPREAD))
    best: tuple[_Rank, _Cover] | None = None
    for end, item in enumerate(items):
        for found in (
            *_covers_of(item, leads[end], whole[end]),
            *_covers_ending(items[: end + 1], whole, leads),
        ):
            rank = found.rank
            if best is None or rank > best[0]:
                best = rank, found
    if best is None:
        return None
    bits, grams, lead = best[1]
    return _Cover(bits, {gram: lead.then(spread) for gram, spread in grams.items()}, NO_SPREAD)


def _covers_of(item: Node, lead: Spread, strings: _Strings | None) -> Iterator[_Cover]:
    """Grams for each branch of what cannot be written out as a whole; one must occur."""
    if strings is not None or not isinstance(item, Alt):
        return
    parts: list[_Strings] = []
    for branch in item.branches:
        cover = _cover(branch)
        if cover is None:
            return
        parts.append(cover.grams)
    grams = _united(parts)
    yield _Cover(chance_bits(grams), grams, lead)


def _covers_ending(
    items: Sequence[Node], whole: Sequence[_Strings | None], leads: Sequence[Spread]
) -> Iterator[_Cover]:
    """Grams that end with the last of some items, or in it where it cannot be written out, from ever further before."""
    end = len(items) - 1
    written = whole[end]
    strings = _edge(items[end]) if written is None else written
    lead = leads[end]
    for start in range(end, -1, -1):
        before = whole[start]
        if start < end:
            # Of what cannot be written out the end alone comes before; how long all of it is, the lead says.
            part = dict.fromkeys(_edge(items[start], last=True), NO_SPREAD) if before is None else before
            longer = _one_after_the_other(part, strings)
            if longer is None:
                return
            strings, lead = longer, leads[start + 1] if before is None else leads[start]
        # A blank may stand for many: where one ends that is the last cannot be said.
        if not any(len(string) < SHORTEST or string.endswith(b" ") for string in strings):
            grams = _united({string[-LENGTH:]: spread} for string, spread in strings.items())
            yield _Cover(chance_bits(grams), grams, lead)
        if min(map(len, strings)) >= LENGTH or (start < end and before is None):
            return


def _strings(node: Node) -> _Strings | None:
    """All that a node may stand for, or None where that is too much."""
    if isinstance(node, Chars):
        return _members(node)
    if isinstance(node, Alt):
        return _any_of(map(_strings, node.branches))
    if isinstance(node, Seq):
        return _row(map(_strings, node.items))
    return _turns(node) if isinstance(node, Rep) else None


def _turns(node: Rep) -> _Strings | None:
    item = _strings(node.item)
    if item is None:
        return None
    if node.high is not None:
        turns = range(node.low, node.high + 1)
        return _any_of(_row([item] * count) for count in turns) if node.high <= MAX_TURNS else None
    if item.keys() != {b" "}:
        return None
    # A run of white space is one blank, however long; nothing else may go on without end.
    run = {b" ": spread_of(Rep(node.item, max(1, node.low), None))}
    return run if node.low else run | _NOTHING


def _members(node: Chars) -> _Strings | None:
    chars = node.chars
    if chars.others is None:
        return None
    found = {units(code) for code in chars.ascii | chars.others}
    return dict.fromkeys(sorted(found), one_of(node)) if len(found) <= MAX_MEMBERS else None


def _edge(node: Node, *, last: bool = False) -> _Strings:
    """What matches of a node begin with, or end with; nothing, where that is not known."""
    if isinstance(node, Alt):
        return _any_of(_edge(branch, last=last) for branch in node.branches) or _NOTHING
    items = [node] if isinstance(node, Chars) else flat(node) if isinstance(node, Seq | Rep) else []
    strings = _NOTHING
    for item in reversed(items) if last else items:
        whole = part = _strings(item)
        # A repeat that may end at once says nothing; it is not looked into.
        if whole is None and isinstance(item, Alt):
            part = _edge(item, last=last)
        elif isinstance(item, Chars) and whole is None and not last:
            part = _firsts(item)
        pair = (part, strings) if last else (strings, part)
        longer = None if pair[0] is None or pair[1] is None else _one_after_the_other(pair[0], pair[1])
        if longer is None:
            break
        strings = longer
        if whole is None or min(map(len, strings)) >= LENGTH:
            break
    return strings


def _firsts(node: Chars) -> _Strings | None:
    """What the members of a set begin with that are too many to be written out: as many units as tell a few apart.

    A gram may end so; the search puts its end behind the character.
    """
    others = node.chars.others
    if others is None:
        return None
    whole = [units(code) for code in node.chars.ascii | others]
    for size in range(SHORTEST, 0, -1):
        found = {string[:size] for string in whole}
        if len(found) <= MAX_MEMBERS:
            return dict.fromkeys(sorted(found), one_of(node))
    return None


def _any_of(parts: Iterable[_Strings | None]) -> _Strings | None:
    known: list[_Strings] = []
    for part in parts:
        if part is None:
            return None
        known.append(part)
    union = _united(known)
    return union if len(union) <= MAX_STRINGS else None


def _united(parts: Iterable[_Strings]) -> _Strings:
    union: _Strings = {}
    for part in parts:
        for string, spread in part.items():
            union[string] = spread.either(union[string]) if string in union else spread
    return union


def _row(parts: Iterable[_Strings | None]) -> _Strings | None:
    row: _Strings | None = _NOTHING
    for part in parts:
        row = None if row is None or part is None else _one_after_the_other(row, part)
        if row is None:
            return None
    return row


def _one_after_the_other(first: _Strings, then: _Strings) -> _Strings | None:
    row: _Strings = {}
    for before, lead in first.items():
        for behind, spread in then.items():
            string, whole = joined((before, behind)), lead.then(spread)
            row[string] = whole.either(row[string]) if string in row else whole
            if len(row) > MAX_STRINGS:
                return None
    return row
