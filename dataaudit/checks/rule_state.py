"""What the check of rules counts while it reads, and how that travels and merges."""

from __future__ import annotations

import msgspec

from dataaudit.checks.allowances import Allowances, AllowCounts
from dataaudit.rules.matcher import Matcher
from dataaudit.sketches.counts import FindingCounts, add_counts
from dataaudit.sketches.sample import BottomK
from dataaudit.sketches.spill import Spill


class Frame(msgspec.Struct):
    """The part of the state that travels."""

    counts: dict[str, FindingCounts] = {}
    of: dict[str, int] = {}
    """Rows with a string in any of these roles, by the roles joined with commas."""
    categories: dict[str, int] = {}
    timed_out: dict[str, int] = {}
    paths: dict[str, str] = {}
    """Path templates by their 64-bit hash (as text)."""
    notes: list[str] = []
    allowed: AllowCounts = msgspec.field(default_factory=AllowCounts)
    log: bytes = b""


class RulesState:
    """Counts per rule and per category, and the matches themselves where they are recorded."""

    def __init__(self, frame: Frame, log: Spill) -> None:
        self.frame = frame
        self.log = log
        self.matcher: Matcher | None = None
        self.allowances: Allowances | None = None
        self.groups: dict[str, tuple[str, ...]] | None = None
        """What `RuleHits` counts `of` for; made once, as batches are many and rules may be hundreds."""

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(msgspec.structs.replace(self._settled(), log=self.log.to_bytes()))

    def _settled(self) -> Frame:
        """The frame with what the matcher knows moved into it."""
        if self.matcher is not None:
            add_counts(self.frame.timed_out, self.matcher.timed_out)
            self.matcher.timed_out.clear()
            reason = self.matcher.reference_reason
            if reason is not None and reason not in self.frame.notes:
                self.frame.notes.append(reason)
        return self.frame

    def merge(self, other: RulesState) -> None:
        """Take in another state."""
        mine, theirs = self._settled(), other._settled()
        for rule_id, counts in theirs.counts.items():
            mine.counts.setdefault(rule_id, FindingCounts(sample=BottomK(counts.sample.k))).merge(counts)
        add_counts(mine.of, theirs.of)
        add_counts(mine.categories, theirs.categories)
        add_counts(mine.timed_out, theirs.timed_out)
        mine.allowed.merge(theirs.allowed)
        mine.paths.update(theirs.paths)
        mine.notes = sorted({*mine.notes, *theirs.notes})
        self.log.merge(other.log)
