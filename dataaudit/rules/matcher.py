"""Match rules against the strings of a batch: one scan for all of them, then `regex` on the strings it points
to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.rules import database
from dataaudit.rules.confirm import Confirmer, Span
from dataaudit.rules.database import Database, FloodError
from dataaudit.rules.model import Rule
from dataaudit.rules.prefilter import plan_rule

Ints = npt.NDArray[np.int64]

MAX_BLOCK_BYTES = 1 << 30
"""Bytes of one scan; Hyperscan takes lengths of 32 bits, and match offsets must stay inside them."""
EVENTS_PER_MB = 20_000
"""Match events per megabyte, of all rules together, beyond which the busiest rules are matched per row
instead."""
BUSY_SHARE = 8
"""A rule is busy when it has more than one in this many of the allowed events."""
MIN_EVENTS = 20_000
"""Events that are always allowed, so that small batches of many hits take the fast path."""
TIMEOUTS_BEFORE_REST = 5
"""Strings on which a rule may time out in a process before it is no longer tried."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Where one rule matched in an array of strings."""

    rule: Rule
    strings: Ints
    """(n,) index of the string of each match, ascending."""
    spans: Ints
    """(n, 2) half-open ranges in code points, ascending within a string."""


class _Text(NamedTuple):
    """The bytes of an Arrow array of strings: `offsets[i]:offsets[i + 1]` of `data` is string `i`."""

    data: pa.Buffer
    offsets: Ints

    def decode(self, i: int) -> str:
        return str(memoryview(self.data)[self.offsets[i] : self.offsets[i + 1]], "utf-8")


class _Engine(NamedTuple):
    """A database and, per expression id, the rules (by their place in the matcher) that it stands for."""

    database: Database
    rules: tuple[tuple[int, ...], ...]


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
        self._index = {rule.id: i for i, rule in enumerate(self.rules)}
        self._pieces: list[tuple[bytes, ...]] = []
        self._engines: dict[frozenset[int], _Engine] = {}
        if self.reference_reason is None:
            self._plan()

    def scan(self, values: pa.LargeStringArray, role: str) -> list[Matches]:
        """Matches in an array of strings without nulls, of the rules that read `role` and have any, in rule
        order."""
        active = [i for i, rule in enumerate(self.rules) if role in rule.reads]
        if not active or len(values) == 0:
            return []
        text = _text(values)
        if self.reference_reason is not None:
            candidates = _every_string(len(values), active)
        else:
            candidates = self._candidates(text, active)
        return self._confirm(text, candidates)

    def spans(self, rule: Rule, text: str) -> list[Span]:
        """Confirmed matches of one of the rules in one string, `unless` applied, in code points.

        Raises:
            TimeoutError: The string could not be judged in time; `timed_out` counts it.
        """
        at = self._index[rule.id]
        try:
            if self._timeouts[at] >= TIMEOUTS_BEFORE_REST:
                raise TimeoutError
            return self._confirmers[at].spans(text)
        except TimeoutError:
            self._timeouts[at] += 1
            self.timed_out[rule.id] = self.timed_out.get(rule.id, 0) + 1
            raise TimeoutError(f"rule '{rule.id}' ran out of time") from None

    def captures(self, rule: Rule, text: str) -> dict[str, str | None]:
        """Named groups of the first match of one of the rules, to fill its message with; empty where it ran
        out of time."""
        try:
            return self._confirmers[self._index[rule.id]].captures(text)
        except TimeoutError:
            return {}

    def _plan(self) -> None:
        for rule in self.rules:
            plan = plan_rule(rule)
            self._pieces.append(plan.pieces)
            if plan.reason is not None:
                self.per_row[rule.id] = plan.reason

    def _engine(self, active: Iterable[int]) -> _Engine | None:
        """The database of these rules, compiled on first use; rules that Hyperscan refuses become per-row
        rules."""
        key = frozenset(i for i in active if self._pieces[i])
        if not key:
            return None
        if key not in self._engines:
            by_piece: dict[bytes, list[int]] = {}
            for i in sorted(key):
                for piece in self._pieces[i]:
                    by_piece.setdefault(piece, []).append(i)
            try:
                compiled = database.compile_database(list(by_piece))
            except ValueError as error:
                if not self._drop_refused(by_piece):
                    # Together they are too much, though each is fine: none is prefiltered.
                    self._give_up(key, f"hyperscan: {error}")
                return self._engine(active)
            self._engines[key] = _Engine(compiled, tuple(map(tuple, by_piece.values())))
        return self._engines[key]

    def _drop_refused(self, by_piece: dict[bytes, list[int]]) -> bool:
        refused = [(rules, why) for piece, rules in by_piece.items() if (why := database.refusal(piece))]
        for rules, why in refused:
            self._give_up(rules, f"hyperscan: {why}")
        return bool(refused)

    def _give_up(self, rules: Iterable[int], reason: str) -> None:
        for i in rules:
            self._pieces[i] = ()
            self.per_row[self.rules[i].id] = reason

    def _candidates(self, text: _Text, active: list[int]) -> Iterator[tuple[int, list[int]]]:
        """(string, rules that may match it), strings ascending."""
        n = len(text.offsets) - 1
        engine = self._engine(active)
        everywhere = {i for i in active if not self._pieces[i]}
        pairs: list[tuple[Ints, Ints]] = []
        if engine is not None:
            for first, last in _blocks(text.offsets):
                found, flooded = self._scan_block(text, first, last, [i for i in active if self._pieces[i]])
                pairs.append(found)
                strings = np.arange(first, last, dtype=np.int64)
                pairs.extend((strings, np.full(last - first, i, np.int64)) for i in flooded)
        if everywhere:
            pairs.extend((np.arange(n, dtype=np.int64), np.full(n, i, np.int64)) for i in sorted(everywhere))
        yield from _grouped(pairs, len(self.rules))

    def _scan_block(
        self, text: _Text, first: int, last: int, active: list[int]
    ) -> tuple[tuple[Ints, Ints], list[int]]:
        """Candidate (strings, rules) of the strings `first` to `last`, and the rules to match on all of them
        instead."""
        begin, end = int(text.offsets[first]), int(text.offsets[last])
        nothing = (np.empty(0, np.int64), np.empty(0, np.int64))
        if end - begin > MAX_BLOCK_BYTES:  # a single string too long to scan
            return nothing, active
        limit = max(MIN_EVENTS, EVENTS_PER_MB * (end - begin) // 1_000_000)
        left, everywhere = active, []
        while (engine := self._engine(left)) is not None:
            try:
                ids, ends = engine.database.scan(text.data.slice(begin, end - begin), limit)
            except FloodError as flood:
                busy = _busy(engine, flood.ids, limit)
                everywhere += [i for i in left if i in busy]
                left = [i for i in left if i not in busy]
                continue
            # A match lies in the string of its last byte; one that began in another string is not confirmed.
            at = np.searchsorted(text.offsets, ends - 1 + begin, side="right") - 1
            counts = np.asarray([len(rules) for rules in engine.rules], np.int64)[ids]
            flat = [i for e in ids.tolist() for i in engine.rules[e]]
            found = (np.repeat(at.astype(np.int64), counts), np.asarray(flat, np.int64))
            break
        else:
            found = nothing
        # Compiling a smaller database may have made a rule a per-row rule just now.
        return found, everywhere + [i for i in left if not self._pieces[i]]

    def _confirm(self, text: _Text, candidates: Iterable[tuple[int, list[int]]]) -> list[Matches]:
        strings: dict[int, list[int]] = {}
        spans: dict[int, list[Span]] = {}
        for at, rules in candidates:
            value = text.decode(at)
            for i in rules:
                try:
                    found = self.spans(self.rules[i], value)
                except TimeoutError:
                    continue
                if found:
                    strings.setdefault(i, []).extend([at] * len(found))
                    spans.setdefault(i, []).extend(found)
        return [
            Matches(
                self.rules[i], np.asarray(strings[i], np.int64), np.asarray(spans[i], np.int64).reshape(-1, 2)
            )
            for i in sorted(strings)
        ]


def _busy(engine: _Engine, events: Ints, limit: int) -> set[int]:
    """The rules behind more than their share of events; the busiest at least."""
    counts = np.bincount(events, minlength=len(engine.rules))
    many = np.flatnonzero(counts > limit // BUSY_SHARE).tolist()
    return {i for expression in [*many, int(counts.argmax())] for i in engine.rules[expression]}


def _text(values: pa.LargeStringArray) -> _Text:
    if not pa.types.is_large_string(values.type):
        values = values.cast(pa.large_string())
    if values.null_count:
        raise ValueError("strings to match must not be null")
    _, raw, data = values.buffers()
    offsets = np.frombuffer(raw, np.int64, len(values) + 1, values.offset * 8)
    return _Text(data if data is not None else pa.py_buffer(b""), offsets)


def _blocks(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of strings of at most `MAX_BLOCK_BYTES` each; a longer string is a range of its own."""
    first, n = 0, len(offsets) - 1
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + MAX_BLOCK_BYTES, side="right")) - 1
        last = min(n, max(last, first + 1))
        yield first, last
        first = last


def _every_string(n: int, rules: list[int]) -> Iterator[tuple[int, list[int]]]:
    return ((at, rules) for at in range(n))


def _grouped(pairs: list[tuple[Ints, Ints]], n_rules: int) -> Iterator[tuple[int, list[int]]]:
    """(string, rules) pairs without repetition, grouped by string; strings and rules ascending."""
    if not pairs:
        return
    strings = np.concatenate([pair[0] for pair in pairs])
    rules = np.concatenate([pair[1] for pair in pairs])
    keys = np.unique(strings * n_rules + rules)
    for at, group in groupby(
        zip((keys // n_rules).tolist(), (keys % n_rules).tolist(), strict=True), itemgetter(0)
    ):
        yield at, [of for _, of in group]
