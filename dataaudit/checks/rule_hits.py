"""Rule hits: which rows each rule matches, and the rates of categories and of contamination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.allowances import Allowances
from dataaudit.checks.base import CheckOptions, RowEntries, Rows
from dataaudit.checks.excerpts import excerpt
from dataaudit.checks.logged_paths import recall, remember
from dataaudit.checks.rule_state import Frame, RulesState
from dataaudit.records.findings import CheckResult, Evaluated, Example, Finding, NotEvaluated
from dataaudit.records.types import ROLE_CODE, ROLES, Batch, pack_row
from dataaudit.rules.allow import Allow
from dataaudit.rules.hits import Matches
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import CONTAMINATION, Rule
from dataaudit.sketches.counts import EXAMPLES, FindingCounts, add_counts
from dataaudit.sketches.sample import BottomK
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "rules"
EFFORT = 0.3
"""See `effort_of`."""
FINDINGS = ()  # the ids of this check are those of the rules
RULE_MATCHES = "rule-matches"
"""Under this name `Batch.shared` holds a `RuleMatches`."""
LOG_WIDTH = 6  # row id, role, path, place in the list + 1, start, end


@dataclass(frozen=True)
class RuleMatches:
    """What was found in a batch, for checks that come later."""

    matcher: Matcher
    found: dict[str, list[tuple[str, Matches]]]
    """Rule id → (role, matches), of all rules of the matcher that matched."""


@dataclass(frozen=True)
class _Hits:
    """All matches of one rule in one batch, ordered by record, place in the record, start."""

    records: npt.NDArray[np.int64]
    ordinals: npt.NDArray[np.int64]
    roles: npt.NDArray[np.int64]
    strings: npt.NDArray[np.int64]
    spans: npt.NDArray[np.int64]
    """Within the string."""
    starts: npt.NDArray[np.int64]
    """Where the string begins in its field."""


class RuleHits(msgspec.Struct, frozen=True):
    """The check: the rules left on, and which of them are recorded row by row."""

    rules: tuple[Rule, ...]
    record: tuple[str, ...] = ()
    reference: bool = False
    ignore_quoted: bool = False
    allow: tuple[Allow, ...] = ()
    examples: int = EXAMPLES

    @property
    def name(self) -> str:
        """Name of the check."""
        return NAME

    def start(self, work: Workspace) -> RulesState:
        """The empty state."""
        return RulesState(Frame(), Spill(work, LOG_WIDTH, name="rules"))

    def load(self, data: bytes, work: Workspace) -> RulesState:
        """A state from its bytes."""
        frame = msgspec.msgpack.decode(data, type=Frame)
        return RulesState(frame, Spill.from_bytes(frame.log, work, name="rules"))

    def update(self, state: RulesState, batch: Batch) -> None:
        """Match a batch."""
        if state.matcher is None:
            state.matcher = Matcher(self.rules, reference=self.reference, ignore_quoted=self.ignore_quoted)
            state.allowances = Allowances(self.allow, state.frame.allowed) if self.allow else None
        self._count_evaluated(state, batch)
        found: dict[str, list[tuple[str, Matches]]] = {}
        for role in ROLES:
            strings = batch.roles.get(role)
            if strings is not None and len(strings):
                for matches in state.matcher.scan(strings.values, role):
                    if state.allowances is not None:
                        matches = state.allowances.keep(batch, role, matches)  # noqa: PLW2901
                    if len(matches.strings):
                        found.setdefault(matches.rule.id, []).append((role, matches))
        if state.allowances is not None:
            state.allowances.close()
        batch.shared[RULE_MATCHES] = RuleMatches(state.matcher, found)
        hit: dict[str, npt.NDArray[np.bool_]] = {}
        for index, rule in enumerate(self.rules):
            if rule.id not in found:
                continue
            hits = _gather(batch, found[rule.id])
            rows = self._count(state, rule, batch, hits)
            names = [rule.category, CONTAMINATION] if rule.counts_as_contamination else [rule.category]
            for name in names:
                hit.setdefault(name, np.zeros(len(batch), np.bool_))[rows] = True
            if "*" in self.record or rule.id in self.record:
                self._log(state, index, batch, hits)
        add_counts(state.frame.categories, {name: int(mask.sum()) for name, mask in hit.items()})

    def _groups(self) -> dict[str, tuple[str, ...]]:
        """What `of` is counted for: the roles of each rule, of each category and of contamination."""
        groups: dict[str, set[str]] = {}
        for rule in self.rules:
            groups.setdefault(f"={','.join(rule.reads)}", set()).update(rule.reads)
            groups.setdefault(rule.category, set()).update(rule.reads)
            if rule.counts_as_contamination:
                groups.setdefault(CONTAMINATION, set()).update(rule.reads)
        return {name: tuple(sorted(roles, key=ROLES.index)) for name, roles in groups.items()}

    def _count_evaluated(self, state: RulesState, batch: Batch) -> None:
        known: dict[tuple[str, ...], int] = {}
        if state.groups is None:
            state.groups = self._groups()
        for name, roles in state.groups.items():
            if roles not in known:
                known[roles] = int(batch.has_role(roles).sum())
            add_counts(state.frame.of, {name: known[roles]})

    def _count(self, state: RulesState, rule: Rule, batch: Batch, hits: _Hits) -> npt.NDArray[np.int64]:
        """Count the hits of a rule; returns the records hit, ascending."""
        empty = FindingCounts(sample=BottomK(self.examples))
        counts = state.frame.counts.setdefault(rule.id, empty)
        rows, first = np.unique(hits.records, return_index=True)
        counts.add_rows(batch.file, len(rows))
        counts.matches += len(hits.records)
        for code in np.unique(hits.roles).tolist():
            add_counts(counts.by_role, {ROLES[code]: len(np.unique(hits.records[hits.roles == code]))})
        assert state.matcher is not None
        matcher = state.matcher

        def example(i: int) -> Example:
            at = int(first[i])
            role = ROLES[int(hits.roles[at])]
            strings = batch.roles[role]
            text = strings.values[int(hits.strings[at])].as_py()
            start, end = (int(x) for x in hits.spans[at])
            shown, mark = excerpt(text, start, end)
            note = rule.render(matcher.captures(rule, text)) if "{" in rule.message else None
            record = int(rows[i])
            offset = int(strings.starts[int(hits.strings[at])])
            return Example(
                file=batch.file.uri,
                row=int(batch.rows[record]),
                line=None if batch.lines is None else int(batch.lines[record]),
                path=strings.path_of(int(hits.strings[at])),
                role=role,
                span=(start + offset, end + offset),
                text=shown,
                mark=mark,
                note=note,
            )

        counts.sample.offer(_row_ids(batch, rows), example)
        return rows

    def _log(self, state: RulesState, index: int, batch: Batch, hits: _Hits) -> None:
        n = len(hits.records)
        table = np.empty((n, LOG_WIDTH), np.uint64)
        table[:, 0] = _row_ids(batch, hits.records)
        table[:, 1] = hits.roles
        table[:, 4:6] = hits.spans + hits.starts[:, None]
        for code in np.unique(hits.roles).tolist():
            strings = batch.roles[ROLES[code]]
            mask = hits.roles == code
            hashes = remember(state.frame.paths, strings)
            table[mask, 2] = hashes[strings.path_ids[hits.strings[mask]]]
            table[mask, 3] = strings.index[hits.strings[mask]] + 1
        state.log.add(np.full(n, index, np.int64), table)

    def finalize(self, state: RulesState, rows: Rows) -> CheckResult:
        """Findings of the rules that hit, and the rates."""
        frame = state._settled()
        findings: list[Finding] = []
        evaluated: list[Evaluated] = []
        for rule in self.rules:
            of = frame.of.get(f"={','.join(rule.reads)}", 0)
            counts = frame.counts.get(rule.id, FindingCounts())
            evaluated.append(Evaluated(rule.id, NAME, rule.category, counts.rows, of))
            if counts.rows:
                findings.append(_finding(rule, counts, of, rows))
        names = [name for name in self._groups() if not name.startswith("=")]
        rates = {name: (frame.categories.get(name, 0), frame.of.get(name, 0)) for name in sorted(names)}
        late = tuple(
            NotEvaluated(
                name, f"timed out on {count:,} {'string' if count == 1 else 'strings'}", incomplete=True
            )
            for name, count in sorted(frame.timed_out.items())
        )
        late += frame.allowed.not_evaluated(self.allow)
        notes = tuple(NotEvaluated(NAME, note) for note in frame.notes)
        allowed = frame.allowed.summary(self.allow, self.rules, rows.files)
        return CheckResult(tuple(findings), tuple(evaluated), late + notes, rates, allowed=allowed)

    def entries(self, state: RulesState, rows: Rows) -> Iterator[RowEntries]:
        """The matches of the recorded rules."""
        for index in state.log.partitions():
            table = state.log.read_in_order(index)
            spans = np.empty((len(table), 5), np.int64)
            spans[:, 0] = table[:, 1]
            paths, spans[:, 1] = recall(state.frame.paths, table[:, 2])
            spans[:, 2] = table[:, 3].astype(np.int64) - 1
            spans[:, 3:5] = table[:, 4:6]
            yield RowEntries(self.rules[index].id, table[:, 0], spans=spans, paths=paths)


def build(options: CheckOptions) -> RuleHits | None:
    """The check over the rules left on, or None if there are none."""
    if not options.rules:
        return None
    return RuleHits(
        options.rules,
        options.record,
        options.reference,
        options.ignore_quoted,
        options.allow,
        options.examples,
    )


def _row_ids(batch: Batch, records: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    return batch.rows[records].astype(np.uint64) + np.uint64(pack_row(batch.file.id, 0))


def _gather(batch: Batch, found: list[tuple[str, Matches]]) -> _Hits:
    parts: list[tuple[Any, ...]] = []
    for role, matches in found:
        strings = batch.roles[role]
        at = matches.strings
        role_codes = np.full(len(at), ROLE_CODE[role], np.int64)
        parts.append(
            (strings.rows[at], strings.ordinals[at], role_codes, at, matches.spans, strings.starts[at])
        )
    records, ordinals, roles, at, spans, starts = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((spans[:, 1], spans[:, 0], ordinals, records))
    return _Hits(records[order], ordinals[order], roles[order], at[order], spans[order], starts[order])


def _finding(rule: Rule, counts: FindingCounts, of: int, rows: Rows) -> Finding:
    return Finding(
        id=rule.id,
        check=NAME,
        category=rule.category,
        severity=rule.severity,
        confidence=rule.confidence,
        title=rule.name,
        message=rule.render({}),
        why=rule.why,
        rows=counts.rows,
        of=of,
        matches=counts.matches,
        by_split=counts.by_split(rows.files),
        by_source=counts.by_source(rows.files),
        by_role=dict(sorted(counts.by_role.items())),
        examples=tuple(counts.sample.values()),
        action=rule.action,
        tags=rule.tags,
        references=rule.references,
    )
