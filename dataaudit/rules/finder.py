"""Find what may match: one scan of the strings of a batch for pieces of all patterns, given as events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_letters, digits
from typing import NamedTuple, Protocol

import numpy as np

from dataaudit.records.compiling import compiled, much_ahead
from dataaudit.rules import events, gram_kernel
from dataaudit.rules.arrange_kernel import Patterns, arrange, arranged
from dataaudit.rules.events import NOWHERE, Events, FloodError, Ints, Spots, Text, blocks, starts_of
from dataaudit.rules.expressions import Expressions, RefusedError
from dataaudit.rules.gram_index import GramIndex, within_start
from dataaudit.rules.gram_table import Sought
from dataaudit.rules.model import Rule
from dataaudit.rules.native import Kind
from dataaudit.rules.plans import grams_of_rules, plans_of
from dataaudit.rules.prefilter import Plan, joined

EVENTS_PER_MB = 20_000
"""Match events per megabyte, of all rules together, beyond which the busiest rules are matched per row
instead."""
BUSY_SHARE = 8
"""A rule is busy when it has more than one in this many of the allowed events."""
MIN_EVENTS = 20_000
"""Events that are always allowed, so that small batches of many hits take the fast path."""
COMPILED_EVENTS = 1 << 21
"""Events allowed where the compiled matcher judges them, some 80 bytes each: it takes 50 to 100 times less for one than
`regex` for a row, and text that is all chat markers or refusals has one for every 5 to 10 bytes."""


MANY_RULES = 48
"""Rules with grams from which on these are searched for: that takes about as long for any number of rules, while
Hyperscan takes the longer the more there are. With about so many, over rows of 2 kB, both take the same."""
LOAD_BYTES = 4 << 20
"""Text searched from which on grams are used where they are kept: a table of them takes some hundredths of a second."""
CHOOSE_RULE_BYTES = 1 << 45
"""Bytes searched, times the square of the rules, from which on grams are chosen, and their search compiled, where that
was not done before: it takes some ten seconds. With 240 rules a gigabyte is spared some two by it, with 600 fifteen."""


class _Engine(Protocol):
    def scan(self, text: Text, first: int, last: int, limit: int) -> Spots: ...


class PlannedPattern(NamedTuple):
    """A pattern of a rule: the rule's place in the matcher, its own place in the rule, its plan."""

    rule: int
    at: int
    plan: Plan


class Finder:
    """Rules, ready to be looked for.

    Args:
        rules: What to look for; their places are those in the matcher.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.per_row: dict[str, str] = {}
        """Rule id → why this rule is matched on every string although the fast path is used."""
        self._rules = rules
        self.patterns: list[PlannedPattern] = []
        """The patterns of all rules."""
        self._firsts: list[int] = []
        self._engines: dict[tuple[bool, frozenset[int]], _Engine] = {}
        self._by_pieces: set[int] = set()
        self._by_grams: set[int] = set()
        for i, (rule, plans) in enumerate(zip(self._rules, plans_of(self._rules), strict=True)):
            plan = joined(plans)
            if not plan.per_row:
                self._by_pieces.add(i)
            elif plan.reason is not None:
                self.per_row[rule.id] = plan.reason
            self._firsts.append(len(self.patterns))
            self.patterns += [PlannedPattern(i, at, one) for at, one in enumerate(plans)]
        self._limits = np.asarray([_limit(self._rules[one.rule], one) for one in self.patterns], np.int64)
        self.rule_of = np.asarray([one.rule for one in self.patterns], np.int64)
        """Of each pattern the place of its rule."""
        self.kinds = [
            Kind(i, piece, lead)
            for i, one in enumerate(self.patterns)
            for piece, lead in zip(one.plan.pieces, one.plan.leads, strict=True)
        ]
        """What events can be of: first pieces, then grams."""
        self._pieces = len(self.kinds)
        self._pattern_of = np.asarray([kind.pattern for kind in self.kinds], np.int64)
        self._searched = 0
        """Bytes, so far."""
        self._looked = self._learned = False
        """Was it tried to get grams from what is kept? Are they there?"""

    def learn(self, nbytes: int) -> bool:
        """Get grams if they are not there yet and pay, now that so much more text is to be searched. If so, there are
        more kinds than before."""
        self._searched += nbytes
        few = self._searched <= LOAD_BYTES and not much_ahead()
        if self._learned or len(self._rules) < MANY_RULES or few:
            return False
        choose = self._searched * len(self._rules) ** 2 > CHOOSE_RULE_BYTES
        if self._looked and not choose:
            return False
        self._looked = True
        grams = grams_of_rules(self._rules, choose=choose) if choose or gram_kernel.find.at_hand else None
        if grams is None:
            return False
        self._learned = True
        first = 0
        for i, of_rule in enumerate(grams):
            if i in self._by_pieces and all(of_rule):
                self._by_grams.add(i)
            for pattern, of_pattern in enumerate(of_rule, first):
                self.kinds += [Kind(pattern, *gram, True) for gram in of_pattern]
            first += len(of_rule)
        self._pattern_of = np.asarray([kind.pattern for kind in self.kinds], np.int64)
        return True

    def events(self, text: Text, active: list[int], *, fast: bool) -> tuple[Events, Ints]:
        """What points to matches, by string, pattern and place; and where those of a pattern in a string begin, with
        the number of events at last.

        With `fast`, the compiled matcher will judge them, and grams are searched for where many rules have any (see
        `learn`); else pieces.
        """
        n = len(text.offsets) - 1
        left = set(active)
        found: list[Spots] = []
        anyway: list[Events] = []
        with_grams = left & self._by_grams if fast else set()
        if len(with_grams) < MANY_RULES:
            with_grams = set()
        for by_grams, possible in ((True, with_grams), (False, self._by_pieces)):
            self._engine(left & possible, by_grams)  # compiling may make a rule a per-row rule
            wanted = left & possible
            left -= wanted
            for first, last in blocks(text.offsets) if wanted else ():
                limit = COMPILED_EVENTS if fast else _fewer_events(text.offsets[last] - text.offsets[first])
                spots, flooded = self._scan_block(text, (first, last), wanted, by_grams, limit)
                found.append(spots)
                if flooded:
                    anyway.append(self._anyway(first, last, flooded))
        if left:
            anyway.append(self._anyway(0, n, left))
        return self._arranged(text, found, anyway, fast)

    def _arranged(
        self, text: Text, found: Sequence[Spots], anyway: Sequence[Events], fast: bool
    ) -> tuple[Events, Ints]:
        spots = Spots(*map(np.concatenate, zip(NOWHERE, *found, strict=True)))
        if fast and not anyway and compiled(0, arrange):
            patterns = Patterns(self._pattern_of, self._limits, _PLAIN_START)
            return arranged(text, spots, patterns)
        events = Events(spots.strings, self._pattern_of[spots.kinds], spots.ends, spots.kinds)
        every = Events(*map(np.concatenate, zip(self._in_place(text, events), *anyway, strict=True)))
        keys = every.strings * len(self.patterns) + every.patterns
        order = np.lexsort((every.ends, keys))
        return every.at(order), starts_of(keys[order])

    def _engine(self, rules: set[int], by_grams: bool) -> _Engine | None:
        """What searches for these rules, compiled on first use; rules that Hyperscan refuses become per-row rules."""
        if not by_grams:
            rules = rules & self._by_pieces
        key = by_grams, frozenset(rules)
        if rules and key not in self._engines:
            kinds = range(self._pieces, len(self.kinds)) if by_grams else range(self._pieces)
            wanted = [number for number in kinds if self.rule_of[self._pattern_of[number]] in rules]
            if by_grams:
                self._engines[key] = GramIndex([self._sought(number) for number in wanted])
            else:
                try:
                    self._engines[key] = Expressions((self.kinds[number].piece, number) for number in wanted)
                except RefusedError as error:
                    for number, why in error.kinds.items():
                        self._give_up([int(self.rule_of[self._pattern_of[number]])], f"hyperscan: {why}")
                    if not error.kinds:
                        # Together they are too much, though each is fine: none is prefiltered.
                        self._give_up(rules, f"hyperscan: {error}")
                    return self._engine(rules, by_grams)
        return self._engines[key] if rules else None

    def _sought(self, number: int) -> Sought:
        kind = self.kinds[number]
        one = self.patterns[kind.pattern]
        within = None
        if self._rules[one.rule].patterns[one.at].where == "start":
            within = within_start(kind.lead)
        return Sought(kind.piece, number, within)

    def _give_up(self, rules: Iterable[int], reason: str) -> None:
        for i in rules:
            self._by_pieces.discard(i)
            self.per_row[self._rules[i].id] = reason

    def _anyway(self, first: int, last: int, rules: Iterable[int]) -> Events:
        """All strings from `first` to `last` for all of these rules."""
        patterns = np.asarray([self._firsts[i] for i in sorted(rules)], np.int64)
        strings = np.repeat(np.arange(first, last, dtype=np.int64), len(patterns))
        nowhere = np.full(len(strings), -1, np.int64)
        return Events(strings, np.tile(patterns, last - first), nowhere, nowhere)

    def _scan_block(
        self, text: Text, block: tuple[int, int], rules: set[int], by_grams: bool, limit: int
    ) -> tuple[Spots, set[int]]:
        """The events in a range of strings, and the rules to match on all of them since there are more than allowed."""
        first, last = block
        nbytes = int(text.offsets[last] - text.offsets[first])
        if nbytes > events.MAX_BLOCK_BYTES:  # a single string too long to scan
            return NOWHERE, rules
        left = rules
        while (engine := self._engine(left, by_grams)) is not None:
            try:
                spots = engine.scan(text, first, last, limit)
            except FloodError as flood:
                left = left - self._busy(flood.ids, limit)
                continue
            # Compiling a smaller database may have made a rule a per-row rule just now.
            searched = left if by_grams else left & self._by_pieces
            return spots, rules - searched
        return NOWHERE, rules

    def _in_place(self, text: Text, found: Events) -> Events:
        """The events without those too far behind the start of a string for a match that must begin there."""
        begins = text.offsets[found.strings]
        near = found.ends - begins <= self._limits[found.patterns]
        if near.all():
            return found
        # What may stand before the start (quotation marks, brackets …) is none of these.
        first = np.frombuffer(text.data, np.uint8)[begins]
        near |= _PLAIN_START[first] == 0
        return found.at(near)

    def _busy(self, kinds: Ints, limit: int) -> set[int]:
        """The rules behind more than their share of events; the busiest at least."""
        counts = np.bincount(kinds, minlength=len(self.kinds))
        many = np.append(np.flatnonzero(counts > limit // BUSY_SHARE), counts.argmax())
        return set(self.rule_of[self._pattern_of[many]].tolist())


_PLAIN_START = np.isin(np.arange(256), [ord(c) for c in ascii_letters + digits]).astype(np.uint8)
_ANYWHERE = 1 << 62


def _fewer_events(nbytes: int) -> int:
    """The events allowed in so many bytes where `regex` judges them."""
    return max(MIN_EVENTS, EVENTS_PER_MB * int(nbytes) // 1_000_000)


def _limit(rule: Rule, pattern: PlannedPattern) -> int:
    """Bytes from the start of a string that begins with a letter or digit, up to which an event can be of a match."""
    reach = pattern.plan.reach
    if rule.patterns[pattern.at].where != "start" or reach is None or reach.runs:
        return _ANYWHERE
    return 4 * (reach.width + 1)
