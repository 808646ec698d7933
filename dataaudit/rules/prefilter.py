"""From a pattern to expressions that Hyperscan scans for: every match of the pattern holds at least one of
them.

Hyperscan's own prefilter mode is a superset of PCRE, not of `regex`, and wide gaps in a pattern make it slow
to compile and to scan. So only a short, rare, bounded piece of each pattern is looked for, over bytes, and
`regex` has
the last word on every string in which the piece is found. A pattern without such a piece is matched by
`regex` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from math import log2

import msgspec

from dataaudit.rules.compile import flag_bits
from dataaudit.rules.grams import Gram, grams_of
from dataaudit.rules.model import Pattern, Rule
from dataaudit.rules.program import Program, program_of
from dataaudit.rules.reach import Reach, reach_of
from dataaudit.rules.spread import NO_SPREAD, Spread, spread_of, total
from dataaudit.rules.tree import MAX_ITEMS, Alt, Chars, Gap, Node, Rep, Seq, UnsupportedError, flat, parse

MIN_BITS = 6.5
"""A piece must be rarer than one place in 2 ** 6.5, by estimate: about three letters, or two rarer signs.
Matching a rule per row costs some 8 ms per megabyte, as much as 20,000 match events, so even a common piece
pays."""
ENOUGH_BITS = 48.0
"""Beyond this a longer piece gains nothing."""
MAX_SIZE = 256
"""Byte positions of one piece; what keeps the time to compile small."""
MAX_REPEAT_SIZE = 64
"""Byte positions of one repeated part inside a piece."""
WIDE_BITS = 1.5
"""A set of characters more common than this is wide: inside a piece it may repeat at most `MAX_WIDE` times.
"""
MAX_WIDE = 4
MAX_PIECES = 64
MAX_BITS = 64.0
"""Cap of an estimate, so that chances never underflow."""


class Plan(msgspec.Struct, frozen=True):
    """How strings that may match are found."""

    pieces: tuple[bytes, ...]
    """Hyperscan expressions over bytes (DOTALL, no UTF-8 mode); empty: every string is matched by `regex`."""
    bits: float
    """Estimated rarity: minus log2 of the chance that a piece ends at a given byte."""
    reason: str | None = None
    """Why there are no pieces."""
    reach: Reach | None = None
    """How far a match goes, where that is bounded."""
    leads: tuple[Spread, ...] = ()
    """Per piece how many characters lie between the start of a match and the end of the piece in it."""
    program: Program | None = None
    """What the compiled matcher runs, where it can."""

    @property
    def per_row(self) -> bool:
        """Is every string matched by `regex`?"""
        return not self.pieces


class _Exact(msgspec.Struct, frozen=True):
    """A bounded expression for the beginning of every match of a node, or None where there is none."""

    expression: bytes
    bits: float
    size: int
    spread: Spread
    """Characters it matches."""


class _Cover(msgspec.Struct, frozen=True):
    """Pieces one of which is in every match of a node."""

    pieces: tuple[tuple[bytes, Spread], ...]
    """Each with the characters from the start of the node to the end of the piece."""
    bits: float
    size: int

    @property
    def rank(self) -> tuple[float, int]:
        return (min(self.bits, ENOUGH_BITS), -self.size)

    def behind(self, items: Sequence[Node]) -> _Cover:
        """The same, of a node that these come before."""
        before = total(map(spread_of, items))
        pieces = tuple((piece, before.then(spread)) for piece, spread in self.pieces)
        return _Cover(pieces, self.bits, self.size)


def plan_rule(rule: Rule) -> Plan:
    """The plan of a rule: the pieces of all its patterns, or none where one of them has none."""
    return joined([plan_pattern(pattern) for pattern in rule.patterns])


def joined(plans: Sequence[Plan]) -> Plan:
    """The plan of a rule from those of its patterns."""
    pieces: list[bytes] = []
    chance = 0.0
    for plan in plans:
        if plan.per_row:
            return plan
        pieces.extend(plan.pieces)
        chance += 2.0**-plan.bits
    return Plan(tuple(dict.fromkeys(pieces)), -log2(chance))


@lru_cache(maxsize=4096)
def plan_pattern(pattern: Pattern) -> Plan:
    """The plan of one pattern that compiles.

    Never raises: whatever is not understood is matched per row.
    """
    try:
        node = parse(pattern.pattern, flag_bits(pattern))
        cover = _cover(node)
    except UnsupportedError as error:
        return Plan((), 0.0, str(error))
    except RecursionError:
        return Plan((), 0.0, "it is nested too deeply")
    except Exception as error:  # the inside of `regex` changed shape: slower, still right
        return Plan((), 0.0, f"its parse tree was not understood ({type(error).__name__})")
    reason = None
    if cover is None:
        return Plan((), 0.0, "no part of it is bounded and must occur")
    leads: dict[bytes, Spread] = {}
    for piece, lead in cover.pieces:
        leads[piece] = lead.either(leads.get(piece, lead))
    if cover.bits < MIN_BITS:
        reason = f"its rarest part is too common ({cover.bits:.1f} bits of {MIN_BITS:g})"
    elif len(leads) > MAX_PIECES:
        reason = f"it needs {len(leads)} pieces; the limit is {MAX_PIECES}"
    if reason:
        return Plan((), cover.bits, reason)
    return Plan(
        tuple(leads),
        cover.bits,
        reach=reach_of(pattern.pattern, flag_bits(pattern)),
        leads=tuple(leads.values()),
        program=program_of(pattern),
    )


@lru_cache(maxsize=4096)
def grams_of_pattern(pattern: Pattern) -> tuple[Gram, ...]:
    """What may be searched for instead of the pieces of a pattern that compiles; empty: nothing. Takes longer than to
    plan. Never raises."""
    try:
        return grams_of(parse(pattern.pattern, flag_bits(pattern)))
    except Exception:  # as in `plan_pattern`
        return ()


def _cover(node: Node) -> _Cover | None:
    """The best pieces for a node: a window of its sequence, or what covers one of its parts."""
    items = flat(node)[:MAX_ITEMS]
    exact = [_exact(item) for item in items]
    best = _best_window(
        items,
        exact,
        [_prefix(item) if whole is None else None for item, whole in zip(items, exact, strict=True)],
    )
    for number, item in enumerate(items):
        found = _cover_branches(item) if isinstance(item, Alt) else None
        if found is not None and (best is None or found.rank > best.rank):
            best = found.behind(items[:number])
    return best


def _cover_branches(alt: Alt) -> _Cover | None:
    """Pieces for each branch; one must occur, so the chances add up."""
    pieces: list[tuple[bytes, Spread]] = []
    chance = 0.0
    size = 0
    for branch in alt.branches:
        cover = _cover(branch)
        if cover is None:
            return None
        pieces.extend(cover.pieces)
        chance += 2.0**-cover.bits
        size += cover.size
    if chance <= 0.0:
        return None
    return _Cover(tuple(dict.fromkeys(pieces)), max(0.0, -log2(chance)), size)


def _best_window(
    items: Sequence[Node], exact: Sequence[_Exact | None], prefixes: Sequence[_Exact | None]
) -> _Cover | None:
    """The rarest run of exact items; the last one may be the exact beginning of an item that has a gap
    further on."""
    best: _Cover | None = None
    begins = 0
    for start in range(len(exact)):
        bits = 0.0
        spread = NO_SPREAD
        size = 0
        parts: list[bytes] = []
        for at in range(start, len(exact)):
            whole = exact[at]
            part = whole if whole is not None else prefixes[at]
            if part is None or size + part.size > MAX_SIZE:
                break
            bits += part.bits
            size += part.size
            spread = spread.then(part.spread)
            parts.append(part.expression)
            if best is None or (min(bits, ENOUGH_BITS), -size) > best.rank:
                best, begins = _Cover(((b"".join(parts), spread),), bits, size), start
            if whole is None or bits >= ENOUGH_BITS:
                break
    return best.behind(items[:begins]) if best is not None and best.bits > 0 else None


def _prefix(node: Node) -> _Exact | None:
    """A bounded expression for the beginning of every match of a node, or None where none is known."""
    if isinstance(node, Alt):
        parts = [_prefix(branch) for branch in node.branches]
        known = [part for part in parts if part is not None]
        size = sum(part.size for part in known)
        if len(known) < len(parts) or size > MAX_SIZE:
            return None
        return _Exact(_either(known), _chance_bits(known), size, _any_spread(known))
    expression, bits, size, spread = b"", 0.0, 0, NO_SPREAD
    for item in flat(node):
        whole = _exact(item)
        part = whole if whole is not None or not isinstance(item, Alt) else _prefix(item)
        if part is None or size + part.size > MAX_SIZE:
            break
        expression, bits, size = expression + part.expression, bits + part.bits, size + part.size
        spread = spread.then(part.spread)
        if whole is None or bits >= ENOUGH_BITS:
            break
    return _Exact(expression, min(MAX_BITS, bits), size, spread) if size else None


def _any_spread(parts: Sequence[_Exact]) -> Spread:
    return reduce(Spread.either, (part.spread for part in parts))


def _either(parts: Sequence[_Exact]) -> bytes:
    return b"(?:" + b"|".join(part.expression for part in parts) + b")"


def _chance_bits(parts: Sequence[_Exact]) -> float:
    """Rarity of any one of these: their chances add up."""
    return max(0.0, -log2(sum(2.0**-part.bits for part in parts))) if parts else 0.0


def _exact(node: Node) -> _Exact | None:
    """The node as one bounded expression, or None where it has a gap or is too large."""
    if isinstance(node, Chars):
        expression, size = node.chars.expression()
        return (
            _Exact(expression, node.chars.bits(), size, spread_of(node)) if size <= MAX_REPEAT_SIZE else None
        )
    if isinstance(node, Gap):
        return None
    if isinstance(node, Rep):
        return _exact_repeat(node)
    children = node.items if isinstance(node, Seq) else node.branches
    known = [part for part in map(_exact, children) if part is not None]
    size = sum(part.size for part in known)
    if len(known) < len(children) or size > MAX_SIZE:
        return None
    if isinstance(node, Seq):
        return _Exact(
            b"".join(part.expression for part in known),
            min(MAX_BITS, sum(p.bits for p in known)),
            size,
            spread_of(node),
        )
    return _Exact(_either(known), _chance_bits(known), size, spread_of(node))


def _exact_repeat(node: Rep) -> _Exact | None:
    item = _exact(node.item)
    if item is None or not item.size:
        return None
    if node.high is None:
        # An unbounded run is cheap only of one narrow set, such as white space.
        if not isinstance(node.item, Chars) or item.bits < WIDE_BITS:
            return None
        size = item.size * max(1, node.low)
        counts = b"{%d,}" % node.low
    else:
        if item.bits < WIDE_BITS and node.high > MAX_WIDE:
            return None
        size = item.size * node.high
        counts = b"{%d,%d}" % (node.low, node.high)
    if size > MAX_REPEAT_SIZE:
        return None
    expression = b"(?:" + item.expression + b")" + counts
    return _Exact(expression, min(MAX_BITS, item.bits * node.low), size, spread_of(node))
