"""The matches of all rules in one batch as one table, so that counting them takes a few steps and not some per rule."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records.types import ROLE_CODE, ROLES, Batch
from dataaudit.rules.hits import HALF, Matches

Ints = npt.NDArray[np.int64]


class BatchHits(msgspec.Struct, frozen=True, eq=False):
    """One entry per match, ordered by rule, record, place in the record, start."""

    rules: Ints
    """The place of the rule among those of the check."""
    records: Ints
    roles: Ints
    """`ROLE_CODE` of the string."""
    strings: Ints
    """Its index among those of its role."""
    spans: Ints
    """(n, 2), within the string."""
    starts: Ints
    """Where the string begins in its field."""

    def at(self, which: Ints) -> BatchHits:
        """Some of them."""
        return BatchHits(
            self.rules[which],
            self.records[which],
            self.roles[which],
            self.strings[which],
            self.spans[which],
            self.starts[which],
        )

    def firsts(self) -> Ints:
        """The first match of each rule in each record."""
        new = np.ones(len(self.rules), np.bool_)
        new[1:] = (self.rules[1:] != self.rules[:-1]) | (self.records[1:] != self.records[:-1])
        return np.flatnonzero(new)

    def records_by_role(self, rules: int) -> list[tuple[str, Ints]]:
        """Per role with a match, in how many records each of so many rules matches it."""
        counts = []
        for code, role in enumerate(ROLES):
            mine = np.flatnonzero(self.roles == code)
            if len(mine):
                of_role = self if len(mine) == len(self.roles) else self.at(mine)
                counts.append((role, np.bincount(of_role.rules[of_role.firsts()], minlength=rules)))
        return counts


def hits_in(batch: Batch, found: Sequence[tuple[int, str, Matches]]) -> BatchHits:
    """The table of (rule, role, its matches); at least one."""
    sizes = [len(matches.strings) for _, _, matches in found]
    rules = np.repeat(np.asarray([rule for rule, _, _ in found], np.int64), sizes)
    roles = np.repeat(np.asarray([ROLE_CODE[role] for _, role, _ in found], np.int64), sizes)
    strings = np.concatenate([matches.strings for _, _, matches in found])
    spans = np.concatenate([matches.spans for _, _, matches in found])
    records, ordinals, starts = (np.empty(len(rules), np.int64) for _ in range(3))
    for role in dict.fromkeys(role for _, role, _ in found):
        mine = np.flatnonzero(roles == ROLE_CODE[role])
        of, at = batch.roles[role], strings[mine]
        records[mine], ordinals[mine], starts[mine] = of.rows[at], of.ordinals[at], of.starts[at]
    order = np.lexsort((ordinals, rules << HALF | records))  # those of a string are in order
    return BatchHits(rules, records, roles, strings, spans, starts).at(order)
