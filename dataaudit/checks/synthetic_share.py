"""Synthetic share: does the data as a whole read as the output of chat models? A statement about the data set only.

Rows count that carry soft marks of two kinds in one answer. One such row proves nothing: people write them too, and the
share is compared with what was measured in people's text. docs/synthetic-share.md has the figures and the limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from dataaudit.checks.base import CheckOptions, RowEntries, Rows
from dataaudit.checks.excerpts import excerpt
from dataaudit.checks.families import family
from dataaudit.checks.rule_hits import RULE_MATCHES, RuleMatches
from dataaudit.checks.share_explained import explained
from dataaudit.checks.share_findings import (
    FAMILY,
    LEAST_NAMED,
    LEAST_ROWS,
    LIMIT,
    SHARE,
    SOURCE,
    Frame,
    family_finding,
    files_above,
    is_above,
    share_finding,
    source_finding,
)
from dataaudit.checks.share_model import MILLI, share_model
from dataaudit.checks.soft_marks import (
    DEEP,
    Cells,
    Found,
    cells_of,
    first_mark,
    kinds_of,
    unpack,
    wanted,
)
from dataaudit.records.findings import CheckResult, Evaluated, Example, NotEvaluated
from dataaudit.records.hashing import row_order
from dataaudit.records.types import Batch, pack_row
from dataaudit.rules.compile import compile_pattern
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Rule
from dataaudit.sketches.counts import add_counts
from dataaudit.sketches.sample import EXAMPLE_SEED
from dataaudit.sketches.workspace import Workspace

NAME = SHARE.check
FINDINGS = (SHARE, SOURCE, FAMILY)

_SCORES = 1 << 23
"""Above any score in thousandths of a logit, so that priorities are positive."""


class ShareState:
    """Counts of rows by the marks they carry."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.matcher: Matcher | None = None
        """For rules that the check of the rules does not match, made where there are any."""

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(self.frame)

    def merge(self, other: ShareState) -> None:
        """Take in another state."""
        mine, theirs = self.frame, other.frame
        add_counts(mine.cells, theirs.cells)
        add_counts(mine.of, theirs.of)
        mine.deep.merge(theirs.deep)
        add_counts(mine.makers, theirs.makers)
        mine.named += theirs.named
        add_counts(mine.timed_out, theirs.timed_out)


class SyntheticShare(msgspec.Struct, frozen=True):
    """The check: the rules with a soft category, whatever the selection says of reporting them."""

    rules: tuple[Rule, ...]
    active: tuple[str, ...]
    asked: bool = False
    """Was it selected by its own name? Then a report says why there is no verdict."""
    reference: bool = False
    ignore_quoted: bool = False
    least_rows: int = LEAST_ROWS

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> ShareState:
        """The empty state."""
        return ShareState(Frame())

    def load(self, data: bytes, work: Workspace) -> ShareState:
        """A state from its bytes."""
        return ShareState(msgspec.msgpack.decode(data, type=Frame))

    def update(self, state: ShareState, batch: Batch) -> None:
        """Count the marks of a batch."""
        shared = batch.shared.get(RULE_MATCHES)
        found, matcher = self._found(state, batch, shared)
        cells = cells_of(batch, self.rules, found)
        kinds = kinds_of(self.rules)
        keys, counts = np.unique(cells.keys[cells.read], return_counts=True)
        add_counts(
            state.frame.cells,
            {_cell(key, kinds): n for key, n in zip(keys.tolist(), counts.tolist(), strict=True)},
        )
        if cells.read.any():
            add_counts(state.frame.of, {str(batch.file.id): int(cells.read.sum())})
        self._sample(state, batch, cells, found)
        self._makers(state, batch, found, matcher)

    def _found(
        self, state: ShareState, batch: Batch, shared: RuleMatches | None
    ) -> tuple[Found, dict[str, Matcher]]:
        """The matches of the rules, found before or found now, and per rule the matcher that found them."""
        known = {} if shared is None else {rule.id for rule in shared.matcher.rules}
        rest = tuple(rule for rule in self.rules if rule.id not in known)
        found: dict[str, Any] = {} if shared is None else dict(shared.found)
        matchers = {} if shared is None else dict.fromkeys(found, shared.matcher)
        if rest:
            if state.matcher is None or state.matcher.rules != rest:
                state.matcher = Matcher(rest, reference=self.reference, ignore_quoted=self.ignore_quoted)
            for role, _ in wanted(batch):
                for matches in state.matcher.scan(batch.roles[role].values, role):
                    found.setdefault(matches.rule.id, []).append((role, matches))
                    matchers[matches.rule.id] = state.matcher
            add_counts(state.frame.timed_out, state.matcher.timed_out)
            state.matcher.timed_out.clear()
        return found, matchers

    def _sample(self, state: ShareState, batch: Batch, cells: Cells, found: Found) -> None:
        deep = np.flatnonzero(cells.depth >= DEEP)
        counts = state.frame.deep
        counts.add_rows(batch.file, len(deep))
        if not len(deep):
            return
        kinds, weights = kinds_of(self.rules), share_model().weights
        by_key = {key: weights.score(*unpack(key, kinds)) for key in np.unique(cells.keys[deep]).tolist()}
        scores = [by_key[key] for key in cells.keys[deep].tolist()]
        row_ids = batch.rows[deep].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))
        # The highest score first, then the order of samples, in one number of 64 bits.
        order = (row_order(row_ids, EXAMPLE_SEED) >> np.uint64(24)).tolist()
        priorities = [_SCORES - score << 40 | tie for score, tie in zip(scores, order, strict=True)]
        ranked = sorted((priority, i) for i, priority in enumerate(priorities))
        for priority, i in ranked[: counts.sample.k]:
            counts.sample.add(
                priority,
                int(row_ids[i]),
                lambda i=i: self._example(batch, found, int(deep[i]), int(cells.keys[deep[i]]), scores[i]),  # type: ignore[misc]
            )

    def _example(self, batch: Batch, found: Found, record: int, key: int, score: int) -> Example:
        mark = first_mark(batch, self.rules, found, record, key)
        strings = batch.roles[mark.role]
        shown, place = excerpt(strings.values[mark.string].as_py(), *mark.span)
        offset = int(strings.starts[mark.string])
        carried = ", ".join(unpack(key, kinds_of(self.rules))[0])
        return Example(
            file=batch.file.uri,
            row=int(batch.rows[record]),
            line=None if batch.lines is None else int(batch.lines[record]),
            path=strings.path_of(mark.string),
            role=mark.role,
            span=(mark.span[0] + offset, mark.span[1] + offset),
            text=shown,
            mark=place,
            note=f"marks: {carried}; rank score {score / MILLI:.1f}",
        )

    def _makers(self, state: ShareState, batch: Batch, found: Found, matchers: dict[str, Matcher]) -> None:
        named: dict[str, set[int]] = {}
        kept = dict(wanted(batch))
        for rule in self.rules:
            if rule.id not in found or not names_maker(rule):
                continue
            for role, matches in found.get(rule.id, ()):
                strings = batch.roles[role]
                if role not in kept:
                    continue
                for at in np.unique(matches.strings[kept[role][matches.strings]]).tolist():
                    first, last = np.searchsorted(matches.strings, [at, at + 1])
                    known = [(start, end) for start, end in matches.spans[first:last].tolist()]
                    captures = matchers[rule.id].captures(rule, strings.values[at].as_py(), known)
                    if (maker := family(captures)) is not None:
                        named.setdefault(maker, set()).add(int(strings.rows[at]))
        add_counts(state.frame.makers, {maker: len(rows) for maker, rows in named.items()})
        state.frame.named += len(set().union(*named.values()))

    def finalize(self, state: ShareState, rows: Rows) -> CheckResult:
        """The share, and the findings where it is above what people's text shows."""
        frame = state.frame
        of, deep = sum(frame.cells.values()), frame.deep.rows
        findings = []
        whole = is_above(deep, of, self.least_rows)
        if SHARE.id in self.active and whole:
            findings.append(share_finding(frame, of, rows.files))
        above, judged = files_above(frame, self.least_rows)
        if SOURCE.id in self.active and above and not (whole and len(above) == judged):
            findings.append(source_finding(frame, rows.files, above, judged))
        if FAMILY.id in self.active and frame.named >= LEAST_NAMED:
            findings.append(family_finding(frame, of))
        on = [kind for kind in FINDINGS if kind.id in self.active]
        evaluated: tuple[Evaluated, ...] = tuple(kind.evaluated(None, of) for kind in on)
        late = [
            NotEvaluated(NAME, f"rule {rule} timed out on {count:,} strings", incomplete=True)
            for rule, count in sorted(frame.timed_out.items())
        ]
        if self.asked and 0 < of < self.least_rows:
            reason = (
                f"{of:,} rows with an answer or a text are too few to judge; it takes {self.least_rows:,}"
            )
            late.append(NotEvaluated(NAME, reason))
        rates = {NAME: (deep, of)} if SHARE.id in self.active else {}
        return CheckResult(tuple(findings), evaluated, tuple(late), rates)

    def entries(self, state: ShareState, rows: Rows) -> Iterator[RowEntries]:
        """None: it says nothing about a row."""
        return iter(())


_MAKERS = frozenset({"vendor", "model"})
"""Groups of patterns that name the maker or the model."""


def names_maker(rule: Rule) -> bool:
    """Does a pattern of the rule have a group that names the maker or the model?"""
    return any(
        not _MAKERS.isdisjoint(compile_pattern(pattern).groupindex)
        for pattern in rule.patterns
        if any(name in pattern.pattern for name in _MAKERS)  # to compile all takes a third of a small scan
    )


def _cell(key: int, kinds: tuple[str, ...]) -> str:
    carried, length = unpack(key, kinds)
    return f"{'+'.join(carried)}@{length if carried else ''}"


def explanation() -> tuple[str, ...]:
    """What `explain` says beside the findings."""
    return tuple(explained(share_model(), LIMIT, LEAST_ROWS))


def build(options: CheckOptions) -> SyntheticShare | None:
    """The check over the findings left on, or None if there are none or no rule names a kind of mark."""
    active = tuple(kind.id for kind in FINDINGS if options.selection.takes(kind))
    if not active or not options.soft:
        return None
    kinds_of(options.soft)
    asked = any(one in (NAME, SHARE.id) for one in options.selection.select)
    return SyntheticShare(options.soft, active, asked, options.reference, options.ignore_quoted)
