"""Match rules against the strings of a batch: one scan for all of them, then `regex` on the strings it points
to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from string import ascii_letters, digits
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dataaudit.rules import database, events, native
from dataaudit.rules.confirm import Confirmer, Near, Span
from dataaudit.rules.confirm_kernel import ASK, FOUND
from dataaudit.rules.database import Database, FloodError
from dataaudit.rules.events import NOTHING, Events, Ints, Text, blocks, places, starts_of, text_of
from dataaudit.rules.hits import NO_HITS, Hits, Matches, apart, gathered, hits_of, joined_hits
from dataaudit.rules.model import Rule
from dataaudit.rules.native import Kind, Native
from dataaudit.rules.plans import plans_of
from dataaudit.rules.prefilter import Plan, joined

EVENTS_PER_MB = 20_000
"""Match events per megabyte, of all rules together, beyond which the busiest rules are matched per row
instead."""
BUSY_SHARE = 8
"""A rule is busy when it has more than one in this many of the allowed events."""
MIN_EVENTS = 20_000
"""Events that are always allowed, so that small batches of many hits take the fast path."""
TIMEOUTS_BEFORE_REST = 5
"""Strings on which a rule may time out in a process before it is no longer tried."""


class _Engine(NamedTuple):
    """A database; `kinds[starts[i]:starts[i + 1]]` is what events of its expression `i` can be of."""

    database: Database
    kinds: Ints
    starts: Ints


class _Pattern(NamedTuple):
    """A pattern of a rule: the rule's place in the matcher, its own place in the rule, its plan."""

    rule: int
    at: int
    plan: Plan


Candidate = tuple[int, Mapping[int, Near | None] | None]
"""A rule that may match a string, and where its patterns can (see `Confirmer.spans`)."""
Found = tuple[int, str, list[Candidate]]
"""Place of a string, the string, and the rules that may match it."""


class Matcher:
    """Rules, ready to be matched. Not for use by two threads at once; workers build their own.

    Args:
        rules: What to match.
        reference: Match every string by `regex` alone. The results are the same.
        timeout: Seconds that one rule may spend on one string.
        ignore_quoted: Exempt matches in code and quotations, of rules that say that they are often quoted.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        reference: bool = False,
        timeout: float = 2.0,
        ignore_quoted: bool = False,
    ) -> None:
        self.rules = tuple(rules)
        self.timed_out: dict[str, int] = {}
        """Rule id → strings that the rule could not judge: it ran out of time, or had done so too often.
        The caller may clear it between batches; that does not wake a rule that is no longer tried."""
        self._timeouts = [0] * len(self.rules)
        self.reference_reason: str | None = (
            "reference matching was asked for" if reference else database.available()
        )
        """Why every string is matched by `regex` alone; None where the fast path is used."""
        self.per_row: dict[str, str] = {}
        """Rule id → why this rule is matched on every string although the fast path is used."""
        self._confirmers = [Confirmer(rule, timeout, ignore_quoted=ignore_quoted) for rule in self.rules]
        self._paired = np.asarray([one.only_needs_itself for one in self._confirmers], np.bool_)
        self._stepped = np.asarray([bool(one.steps) for one in self._confirmers], np.bool_) & ~self._paired
        self._index = {rule.id: i for i, rule in enumerate(self.rules)}
        self._prefiltered: list[bool] = []
        self._patterns: list[_Pattern] = []
        self._firsts: list[int] = []
        self._kinds: list[Kind] = []
        self._engines: dict[frozenset[int], _Engine] = {}
        if self.reference_reason is None:
            self._plan()

    def scan(self, values: pa.LargeStringArray, role: str) -> list[Matches]:
        """Matches in an array of strings without nulls, of the rules that read `role` and have any, in rule
        order."""
        active = [i for i, rule in enumerate(self.rules) if role in rule.reads]
        if not active or len(values) == 0:
            return []
        text = text_of(values)
        if self.reference_reason is not None:
            return gathered(self.rules, [self._confirm(_every_string(text, active))])
        found = self._events(text, active)
        if native.pays(len(text.data)):
            known, found = self._known(text, found)
            return gathered(self.rules, [known, self._confirm(self._grouped(text, found))])
        return gathered(self.rules, [self._confirm(self._grouped(text, found))])

    def spans(self, rule: Rule, text: str, near: Mapping[int, Near | None] | None = None) -> list[Span]:
        """Confirmed matches of one of the rules in one string, `unless` applied, in code points.

        `near` as in `Confirmer.spans`.

        Raises:
            TimeoutError: The string could not be judged in time; `timed_out` counts it.
        """
        at = self._index[rule.id]
        return self._timed(at, partial(self._confirmers[at].spans, text, near))

    def _timed(self, at: int, judge: Callable[[], list[Span]]) -> list[Span]:
        """What judging gives; a timeout is counted, and after some the rule is no longer tried."""
        try:
            if self._timeouts[at] >= TIMEOUTS_BEFORE_REST:
                raise TimeoutError
            return judge()
        except TimeoutError:
            name = self.rules[at].id
            self._timeouts[at] += 1
            self.timed_out[name] = self.timed_out.get(name, 0) + 1
            raise TimeoutError(f"rule '{name}' ran out of time") from None

    def captures(self, rule: Rule, text: str) -> dict[str, str | None]:
        """Named groups of the first match of one of the rules, to fill its message with; empty where it ran
        out of time."""
        try:
            return self._confirmers[self._index[rule.id]].captures(text)
        except TimeoutError:
            return {}

    def _plan(self) -> None:
        for i, (rule, plans) in enumerate(zip(self.rules, plans_of(self.rules), strict=True)):
            plan = joined(plans)
            self._prefiltered.append(not plan.per_row)
            if plan.reason is not None:
                self.per_row[rule.id] = plan.reason
            self._firsts.append(len(self._patterns))
            self._patterns += [_Pattern(i, at, one) for at, one in enumerate(plans)]
        self._limits = np.asarray([_limit(self.rules[one.rule], one) for one in self._patterns], np.int64)
        self._rule_of = np.asarray([one.rule for one in self._patterns], np.int64)
        self._kinds = [
            Kind(i, piece, lead)
            for i, one in enumerate(self._patterns)
            for piece, lead in zip(one.plan.pieces, one.plan.leads, strict=True)
        ]
        self._pattern_of = np.asarray([kind.pattern for kind in self._kinds], np.int64)
        self._native = Native(
            [self.rules[one.rule].patterns[one.at] for one in self._patterns],
            [one.plan for one in self._patterns],
            self._kinds,
        )

    def _engine(self, active: Iterable[int]) -> _Engine | None:
        """The database of these rules, compiled on first use; rules that Hyperscan refuses become per-row
        rules."""
        key = frozenset(i for i in active if self._prefiltered[i])
        if not key:
            return None
        if key not in self._engines:
            by_piece: dict[bytes, list[int]] = {}
            for number, kind in enumerate(self._kinds):
                if self._patterns[kind.pattern].rule in key:
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
            self._give_up({int(self._rule_of[self._pattern_of[one]]) for one in numbers}, f"hyperscan: {why}")
        return bool(refused)

    def _give_up(self, rules: Iterable[int], reason: str) -> None:
        for i in rules:
            self._prefiltered[i] = False
            self.per_row[self.rules[i].id] = reason

    def _events(self, text: Text, active: list[int]) -> Events:
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
        return found.at(np.lexsort((found.ends, found.strings * len(self._patterns) + found.patterns)))

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
        return set(self._rule_of[self._pattern_of[np.concatenate(kinds)]].tolist())

    def _known(self, text: Text, found: Events) -> tuple[Hits, Events]:
        """What the compiled matcher can say of the events, and those that are left to `regex`."""
        if not len(found.strings):
            return NO_HITS, found
        groups = starts_of(found.strings * len(self._patterns) + found.patterns)
        judged = self._native.judge(text, found.strings, found.kinds, found.ends, groups)
        first = groups[:-1]
        strings, rules = found.strings[first], self._rule_of[found.patterns[first]]
        pairs = starts_of(strings * len(self.rules) + rules)  # a rule in a string: groups of its patterns
        verdicts = np.maximum.reduceat(judged.verdicts, pairs[:-1])
        sizes = np.diff(pairs)
        per_group = np.repeat(verdicts, sizes)
        ask = np.repeat(per_group == ASK, np.diff(groups))
        of_match = judged.groups
        sure = per_group[of_match] == FOUND
        of_match, spans = of_match[sure], judged.spans[sure]
        hits = Hits(rules[of_match], strings[of_match], spans)
        with_other = ~self._paired[hits.rules] | apart(hits)
        hits, of_match = hits.at(with_other), of_match[with_other]
        stepped = self._stepped[hits.rules]
        if stepped.any():
            later = self._later(text, hits.at(stepped), found.patterns[first][of_match[stepped]])
            hits = joined_hits([hits.at(~stepped), later])
        return hits, found.at(ask)

    def _later(self, text: Text, hits: Hits, patterns: Ints) -> Hits:
        """What is left of matches of rules that have more steps than their patterns."""
        rules: list[int] = []
        strings: list[int] = []
        spans: list[Span] = []
        columns = (
            hits.strings.tolist(),
            hits.rules.tolist(),
            patterns.tolist(),
            map(tuple, hits.spans.tolist()),
        )
        for (string, rule), group in groupby(zip(*columns, strict=True), itemgetter(0, 1)):
            known: dict[int, list[Span]] = {}
            for _, _, pattern, span in group:
                known.setdefault(self._patterns[pattern].at, []).append(span)
            value = text.decode(string)
            try:
                left = self._timed(rule, partial(self._confirmers[rule].left, value, known))
            except TimeoutError:
                continue
            rules += [rule] * len(left)
            strings += [string] * len(left)
            spans += left
        return hits_of(rules, strings, spans)

    def _grouped(self, text: Text, pointers: Events) -> Iterator[Found]:
        """The events, in order, by string; strings and rules ascending."""
        triples = zip(*(column.tolist() for column in pointers[:3]), strict=True)
        for string, group in groupby(triples, itemgetter(0)):
            value = text.decode(string)
            begin = int(text.offsets[string])
            is_ascii = value.isascii()
            candidates: list[Candidate] = []
            near: dict[int, Near | None] | None = None
            rule = -1
            for number, inner in groupby(group, itemgetter(1)):
                pattern = self._patterns[number]
                ends = [end for _, _, end in inner]
                if pattern.rule != rule:
                    rule, near = pattern.rule, {} if ends[0] >= 0 else None
                    candidates.append((rule, near))
                if near is not None:
                    reach = pattern.plan.reach
                    if reach is None:
                        near[pattern.at] = None
                        continue
                    ends = [end - begin for end in ends] if is_ascii else places(text, string, ends)
                    near[pattern.at] = Near(ends, reach)
            yield string, value, candidates

    def _confirm(self, candidates: Iterable[Found]) -> Hits:
        rules: list[int] = []
        strings: list[int] = []
        spans: list[Span] = []
        for at, value, possible in candidates:
            for i, near in possible:
                try:
                    found = self.spans(self.rules[i], value, near)
                except TimeoutError:
                    continue
                if found:
                    rules += [i] * len(found)
                    strings += [at] * len(found)
                    spans += found
        return hits_of(rules, strings, spans)


_PLAIN_START = np.isin(np.arange(256), [ord(c) for c in ascii_letters + digits])
_NOWHERE = 1 << 62


def _limit(rule: Rule, pattern: _Pattern) -> int:
    """Bytes from the start of a string that begins with a letter or digit, up to which an event can be of a match."""
    reach = pattern.plan.reach
    if rule.patterns[pattern.at].where != "start" or reach is None or reach.runs:
        return _NOWHERE
    return 4 * (reach.width + 1)


def _every_string(text: Text, rules: list[int]) -> Iterator[Found]:
    for at in range(len(text.offsets) - 1):
        yield at, text.decode(at), [(i, None) for i in rules]
