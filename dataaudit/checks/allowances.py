"""Hits that the configuration allows: taken out of what a batch hit, and counted by entry."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records.findings import Allowed, NotEvaluated
from dataaudit.records.types import Batch, FileRef, RoleStrings
from dataaudit.rules.allow import Allow
from dataaudit.rules.confirm import Neighbour
from dataaudit.rules.hits import Matches
from dataaudit.rules.model import Rule
from dataaudit.sketches.counts import add_counts

TIMEOUT = 2.0
"""Seconds for the text of one entry on one string; that of a rule."""

Flags = npt.NDArray[np.bool_]


class EntryCounts(msgspec.Struct):
    """What one entry named."""

    rows: int = 0
    by_rule: dict[str, int] = {}
    """Hits."""
    timed_out: int = 0
    """Strings on which its text could not be judged in time; their hits are not allowed."""


class AllowCounts(msgspec.Struct):
    """Mergeable counts by entry, known by its place in the list (as text: keys of JSON-like maps are strings)."""

    entries: dict[str, EntryCounts] = {}

    def of(self, place: int) -> EntryCounts:
        """The counts of an entry."""
        return self.entries.setdefault(str(place), EntryCounts())

    def merge(self, other: AllowCounts) -> None:
        """Take in other counts of the same entries."""
        for place, theirs in other.entries.items():
            mine = self.of(int(place))
            mine.rows += theirs.rows
            mine.timed_out += theirs.timed_out
            add_counts(mine.by_rule, theirs.by_rule)

    def not_evaluated(self, entries: Sequence[Allow]) -> tuple[NotEvaluated, ...]:
        """The entries whose text ran out of time."""
        late = ((one, self.of(place).timed_out) for place, one in enumerate(entries))
        return tuple(
            NotEvaluated(
                one.place, f"timed out on {n:,} {'string' if n == 1 else 'strings'}", incomplete=True
            )
            for one, n in late
            if n
        )

    def summary(
        self, entries: Sequence[Allow], rules: Sequence[Rule], files: Sequence[FileRef]
    ) -> tuple[Allowed, ...]:
        """What became of every entry, in their order."""
        found = []
        for place, one in enumerate(entries):
            counts = self.of(place)
            hits = sum(counts.by_rule.values())
            on = any(one.names(rule) for rule in rules)
            state = "expired" if one.expired else "used" if hits else "unused" if on else "off"
            found.append(
                Allowed(
                    rule=one.rule,
                    reason=one.reason,
                    state=state,
                    source=one.source,
                    path=one.field,
                    text=None if one.text is None else one.text.pattern,
                    expires=one.expires,
                    hits=hits,
                    rows=counts.rows,
                    by_rule=dict(sorted(counts.by_rule.items())),
                    why="" if hits else _why_unused(one, on, files),
                )
            )
        return tuple(found)


class Allowances:
    """The entries, ready to judge hits; counts go where the state keeps them."""

    def __init__(self, entries: Sequence[Allow], counts: AllowCounts) -> None:
        self._entries = entries
        self._counts = counts
        self._texts = [None if one.text is None else Neighbour(one.text, TIMEOUT) for one in entries]
        self._by_rule: dict[str, list[int]] = {}
        self._rows: dict[int, Flags] = {}
        """By entry: the records of the batch that it names; an entry may be about several rules."""

    def keep(self, batch: Batch, role: str, matches: Matches) -> Matches:
        """The matches of a rule in the strings of a role without those that are allowed. Counts what entries name."""
        rule = matches.rule
        if rule.id not in self._by_rule:
            self._by_rule[rule.id] = [i for i, one in enumerate(self._entries) if one.names(rule)]
        strings = batch.roles[role]
        allowed = np.zeros(len(matches.strings), np.bool_)
        for place in self._by_rule[rule.id]:
            entry, text = self._entries[place], self._texts[place]
            if not entry.takes_source(batch.file.uri):
                continue
            takes = np.asarray([entry.takes_field(path) for path in strings.paths], np.bool_)
            named = takes[strings.path_ids[matches.strings]]
            if text is not None:
                self._beside(text, self._counts.of(place), strings, matches, named)
            if not named.any():
                continue
            add_counts(self._counts.of(place).by_rule, {rule.id: int(named.sum())})
            rows = self._rows.setdefault(place, np.zeros(len(batch), np.bool_))
            rows[strings.rows[matches.strings[named]]] = True
            if not entry.expired:
                allowed |= named
        return Matches(rule, matches.strings[~allowed], matches.spans[~allowed]) if allowed.any() else matches

    def close(self) -> None:
        """The batch has been judged for all rules."""
        for place, rows in self._rows.items():
            self._counts.of(place).rows += int(rows.sum())
        self._rows.clear()

    @staticmethod
    def _beside(
        text: Neighbour, counts: EntryCounts, strings: RoleStrings, matches: Matches, named: Flags
    ) -> None:
        """Take out of `named` the matches that the text of an entry does not touch."""
        at = np.flatnonzero(named)
        for string in np.unique(matches.strings[at]).tolist():
            mine = at[matches.strings[at] == string]
            spans = [(int(start), int(end)) for start, end in matches.spans[mine]]
            try:
                named[mine] = text.beside(strings.values[string].as_py(), spans)
            except TimeoutError:
                named[mine] = False
                counts.timed_out += 1


def _why_unused(entry: Allow, on: bool, files: Sequence[FileRef]) -> str:
    if not on:
        return "its rule is not on"
    if not any(entry.takes_source(file.uri) for file in files):
        return "no file matches its source"
    return "no hit matched it"
