"""Find what may match: one scan of the strings of a batch for pieces of all patterns, given as events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_letters, digits
from typing import NamedTuple

import numpy as np

from dataaudit.rules import database, events
from dataaudit.rules.database import Database, FloodError
from dataaudit.rules.events import NOTHING, Events, Ints, Text, blocks
from dataaudit.rules.model import Rule
from dataaudit.rules.native import Kind
from dataaudit.rules.plans import plans_of
from dataaudit.rules.prefilter import Plan, joined

EVENTS_PER_MB = 20_000
"""Match events per megabyte, of all rules together, beyond which the busiest rules are matched per row
instead."""
BUSY_SHARE = 8
"""A rule is busy when it has more than one in this many of the allowed events."""
MIN_EVENTS = 20_000
"""Events that are always allowed, so that small batches of many hits take the fast path."""


class _Engine(NamedTuple):
    """A database; `kinds[starts[i]:starts[i + 1]]` is what events of its expression `i` can be of."""

    database: Database
    kinds: Ints
    starts: Ints


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
        self._prefiltered: list[bool] = []
        self.patterns: list[PlannedPattern] = []
        """The patterns of all rules."""
        self._firsts: list[int] = []
        self._engines: dict[frozenset[int], _Engine] = {}
        for i, (rule, plans) in enumerate(zip(self._rules, plans_of(self._rules), strict=True)):
            plan = joined(plans)
            self._prefiltered.append(not plan.per_row)
            if plan.reason is not None:
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
        """What events can be of."""
        self._pattern_of = np.asarray([kind.pattern for kind in self.kinds], np.int64)

    def events(self, text: Text, active: list[int]) -> Events:
        """What points to matches, by string, pattern and place."""
        n = len(text.offsets) - 1
        self._engine(active)  # compiling may make a rule a per-row rule
        everywhere = [i for i in active if not self._prefiltered[i]]
        prefiltered = [i for i in active if self._prefiltered[i]]
        pointers = [self._anyway(0, n, everywhere)]
        for first, last in blocks(text.offsets) if prefiltered else ():
            found, flooded = self._scan_block(text, first, last, prefiltered)
            pointers += [found, self._anyway(first, last, flooded)]
        found = Events(*map(np.concatenate, zip(*pointers, strict=True)))
        return found.at(np.lexsort((found.ends, found.strings * len(self.patterns) + found.patterns)))

    def _engine(self, active: Iterable[int]) -> _Engine | None:
        """The database of these rules, compiled on first use; rules that Hyperscan refuses become per-row
        rules."""
        key = frozenset(i for i in active if self._prefiltered[i])
        if not key:
            return None
        if key not in self._engines:
            by_piece: dict[bytes, list[int]] = {}
            for number, kind in enumerate(self.kinds):
                if self.patterns[kind.pattern].rule in key:
                    by_piece.setdefault(kind.piece, []).append(number)
            try:
                compiled = database.compile_database(list(by_piece))
            except ValueError as error:
                if not self._drop_refused(by_piece):
                    # Together they are too much, though each is fine: none is prefiltered.
                    self._give_up(key, f"hyperscan: {error}")
                return self._engine(active)
            counts = [len(numbers) for numbers in by_piece.values()]
            self._engines[key] = _Engine(
                compiled,
                np.asarray([number for numbers in by_piece.values() for number in numbers], np.int64),
                np.cumsum([0, *counts]),
            )
        return self._engines[key]

    def _drop_refused(self, by_piece: dict[bytes, list[int]]) -> bool:
        refused = [(numbers, why) for piece, numbers in by_piece.items() if (why := database.refusal(piece))]
        for numbers, why in refused:
            self._give_up({int(self.rule_of[self._pattern_of[one]]) for one in numbers}, f"hyperscan: {why}")
        return bool(refused)

    def _give_up(self, rules: Iterable[int], reason: str) -> None:
        for i in rules:
            self._prefiltered[i] = False
            self.per_row[self._rules[i].id] = reason

    def _anyway(self, first: int, last: int, rules: Sequence[int]) -> Events:
        """All strings from `first` to `last` for all of these rules."""
        strings = np.repeat(np.arange(first, last, dtype=np.int64), len(rules))
        patterns = np.tile(np.asarray([self._firsts[i] for i in rules], np.int64), last - first)
        nowhere = np.full(len(strings), -1, np.int64)
        return Events(strings, patterns, nowhere, nowhere)

    def _scan_block(self, text: Text, first: int, last: int, active: list[int]) -> tuple[Events, list[int]]:
        """The events in the strings `first` to `last`, and the rules to match on all of them instead."""
        begin, end = int(text.offsets[first]), int(text.offsets[last])
        if end - begin > events.MAX_BLOCK_BYTES:  # a single string too long to scan
            return NOTHING, active
        limit = max(MIN_EVENTS, EVENTS_PER_MB * (end - begin) // 1_000_000)
        left, everywhere = active, []
        while (engine := self._engine(left)) is not None:
            try:
                ids, ends = engine.database.scan(text.data.slice(begin, end - begin), limit)
            except FloodError as flood:
                busy = self._busy(engine, flood.ids, limit)
                everywhere += [i for i in left if i in busy]
                left = [i for i in left if i not in busy]
                continue
            # A match lies in the string of its last byte; one that began in another string is not confirmed.
            ends = ends + begin
            at = np.searchsorted(text.offsets, ends - 1, side="right").astype(np.int64) - 1
            counts = np.diff(engine.starts)[ids]
            shift = np.cumsum(counts) - counts - engine.starts[ids]
            kinds = engine.kinds[np.arange(int(counts.sum())) - np.repeat(shift, counts)]
            found = self._in_place(
                text,
                Events(np.repeat(at, counts), self._pattern_of[kinds], np.repeat(ends, counts), kinds),
            )
            break
        else:
            found = NOTHING
        # Compiling a smaller database may have made a rule a per-row rule just now.
        return found, everywhere + [i for i in left if not self._prefiltered[i]]

    def _in_place(self, text: Text, found: Events) -> Events:
        """The events without those too far behind the start of a string for a match that must begin there."""
        begins = text.offsets[found.strings]
        near = found.ends - begins <= self._limits[found.patterns]
        if near.all():
            return found
        # What may stand before the start (quotation marks, brackets …) is none of these.
        first = np.frombuffer(text.data, np.uint8)[begins]
        near |= ~_PLAIN_START[first]
        return found.at(near)

    def _busy(self, engine: _Engine, ids: Ints, limit: int) -> set[int]:
        """The rules behind more than their share of events; the busiest at least."""
        counts = np.bincount(ids, minlength=len(engine.starts) - 1)
        many = np.flatnonzero(counts > limit // BUSY_SHARE).tolist()
        kinds = [engine.kinds[engine.starts[e] : engine.starts[e + 1]] for e in (*many, int(counts.argmax()))]
        return set(self.rule_of[self._pattern_of[np.concatenate(kinds)]].tolist())


_PLAIN_START = np.isin(np.arange(256), [ord(c) for c in ascii_letters + digits])
_NOWHERE = 1 << 62


def _limit(rule: Rule, pattern: PlannedPattern) -> int:
    """Bytes from the start of a string that begins with a letter or digit, up to which an event can be of a match."""
    reach = pattern.plan.reach
    if rule.patterns[pattern.at].where != "start" or reach is None or reach.runs:
        return _NOWHERE
    return 4 * (reach.width + 1)
