"""Rule hits: which rows each rule matches, and the rates of categories and of contamination."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.allowances import Allowances
from dataaudit.checks.base import CheckOptions, RowEntries, Rows
from dataaudit.checks.batch_hits import BatchHits, hits_in
from dataaudit.checks.excerpts import excerpt
from dataaudit.checks.logged_paths import recall, remember
from dataaudit.checks.rule_state import Frame, RulesState
from dataaudit.records.findings import CheckResult, Evaluated, Example, Finding, NotEvaluated
from dataaudit.records.types import ROLES, Batch, pack_row
from dataaudit.rules.allow import Allow
from dataaudit.rules.hits import Matches
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import CONTAMINATION, Rule
from dataaudit.sketches.counts import EXAMPLES, FindingCounts, add_counts
from dataaudit.sketches.sample import BottomK, example_order
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

NAME = "rules"
EFFORT = 0.3
"""See `effort_of`."""
FINDINGS = ()  # the ids of this check are those of the rules
RULE_MATCHES = "rule-matches"
"""Under this name `Batch.shared` holds a `RuleMatches`."""
LOG_WIDTH = 6  # row id, role, path, place in the list + 1, start, end


class RuleMatches(msgspec.Struct, frozen=True):
    """What was found in a batch, for checks that come later."""

    matcher: Matcher
    found: dict[str, list[tuple[str, Matches]]]
    """Rule id → (role, matches), of all rules of the matcher that matched."""


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
        place = {rule.id: i for i, rule in enumerate(self.rules)} if found else {}
        table = [(place[name], role, matches) for name, parts in found.items() for role, matches in parts]
        if table:
            hits = hits_in(batch, table)
            self._count(state, batch, hits)
            self._log(state, batch, hits)

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

    def _count(self, state: RulesState, batch: Batch, hits: BatchHits) -> None:
        """Count the matches of a batch."""
        first = hits.firsts()
        shown = hits.at(first)
        matches, rows = (np.bincount(one.rules, minlength=len(self.rules)) for one in (hits, shown))
        by_role = hits.records_by_role(len(self.rules))
        ids = _row_ids(batch, shown.records)
        order = example_order(ids)
        ends = np.cumsum(rows)
        hit: dict[str, npt.NDArray[np.bool_]] = {}
        for index in np.flatnonzero(rows).tolist():
            rule = self.rules[index]
            counts = state.frame.counts.get(rule.id)
            if counts is None:
                counts = state.frame.counts[rule.id] = FindingCounts(sample=BottomK(self.examples))
            counts.add_rows(batch.file, int(rows[index]))
            counts.matches += int(matches[index])
            for role, of_role in by_role:
                if of_role[index]:
                    add_counts(counts.by_role, {role: int(of_role[index])})
            begin, end = int(ends[index] - rows[index]), int(ends[index])

            def example(i: int, rule: Rule = rule, begin: int = begin) -> Example:
                return _example(state, batch, rule, shown.at(np.asarray([begin + i])))

            counts.sample.offer_in_order(order[begin:end], ids[begin:end], example)
            for name in [rule.category, CONTAMINATION] if rule.counts_as_contamination else [rule.category]:
                mask = hit.setdefault(name, np.zeros(len(batch), np.bool_))
                mask[shown.records[begin:end]] = True
        add_counts(state.frame.categories, {name: int(mask.sum()) for name, mask in hit.items()})

    def _log(self, state: RulesState, batch: Batch, hits: BatchHits) -> None:
        if not self.record:
            return
        if "*" not in self.record:
            logged = np.asarray([rule.id in self.record for rule in self.rules])
            hits = hits.at(np.flatnonzero(logged[hits.rules]))
        table = np.empty((len(hits.records), LOG_WIDTH), np.uint64)
        table[:, 0] = _row_ids(batch, hits.records)
        table[:, 1] = hits.roles
        table[:, 4:6] = hits.spans + hits.starts[:, None]
        for code in np.unique(hits.roles).tolist():
            strings = batch.roles[ROLES[code]]
            mask = hits.roles == code
            hashes = remember(state.frame.paths, strings)
            table[mask, 2] = hashes[strings.path_ids[hits.strings[mask]]]
            table[mask, 3] = strings.index[hits.strings[mask]] + 1
        state.log.add(hits.rules, table)

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


def _example(state: RulesState, batch: Batch, rule: Rule, hit: BatchHits) -> Example:
    """What is shown of a match, the only one of `hit`."""
    assert state.matcher is not None
    role = ROLES[int(hit.roles[0])]
    strings, at, record = batch.roles[role], int(hit.strings[0]), int(hit.records[0])
    text = strings.values[at].as_py()
    start, end = (int(x) for x in hit.spans[0])
    shown, mark = excerpt(text, start, end)
    captures = state.matcher.captures(rule, text, [(start, end)]) if "{" in rule.message else None
    note = None if captures is None else rule.render(captures)
    offset = int(hit.starts[0])
    return Example(
        file=batch.file.uri,
        row=int(batch.rows[record]),
        line=None if batch.lines is None else int(batch.lines[record]),
        path=strings.path_of(at),
        role=role,
        span=(start + offset, end + offset),
        text=shown,
        mark=mark,
        note=note,
    )


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
