"""`rules measure`: count how often each rule hits text that people wrote, and text that models wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.api.corpora import WRITTEN, Corpus, Label, Part, read_corpus
from dataaudit.errors import IncompleteError, UsageError
from dataaudit.rules.evidence import FEW_DOCUMENTS, SCHEMA_VERSION, Counts, Evidence, Group, RuleEvidence
from dataaudit.rules.fingerprint import fingerprint
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Rule
from dataaudit.sketches.stats import clopper_pearson

SOFT_DEPTH = 3
"""Up to how many distinct soft categories documents are counted."""

Flags = npt.NDArray[np.bool_]


class Place(msgspec.Struct, frozen=True):
    """Where a rule hit a document."""

    label: Label
    corpus: str
    rule: str
    file: str
    row: int
    text: str
    """The string that was hit. Untrusted."""
    span: tuple[int, int]


Watch = Callable[[Place], None]


@dataclass
class _Tally:
    documents: Counter[tuple[Label, str]] = field(default_factory=Counter)
    of: dict[tuple[Label, str], int] = field(default_factory=Counter)
    """By label and rule."""
    hits: dict[tuple[Label, str], Counter[str]] = field(default_factory=dict)
    """By label and rule: group → documents."""
    contamination: Counter[tuple[Label, str]] = field(default_factory=Counter)
    confident: Counter[tuple[Label, str]] = field(default_factory=Counter)
    soft: Counter[tuple[Label, str, int]] = field(default_factory=Counter)
    """By label, group and depth."""


def measure(
    rules: Sequence[Rule],
    corpora: Sequence[Corpus],
    *,
    without: Sequence[str] = (),
    watch: Watch | None = None,
) -> Evidence:
    """Count the documents that each rule hits. A document is a record; it is searched in the roles a scan would
    search, in a model corpus only in what the model wrote (`response`, `text`).

    Args:
        rules: What to measure.
        corpora: At least one of people's text and one of models'.
        without: Models to leave out.
        watch: Called with every match, in the order of reading.

    Raises:
        UsageError: A label is missing, or a corpus holds nothing.
        IncompleteError: A corpus cannot be read wholly, or a rule ran out of time.
    """
    for label in WRITTEN:
        if not any(corpus.label == label for corpus in corpora):
            raise UsageError(f"no {label} corpus is named: precision needs both")
    matcher = Matcher(rules)
    tally = _Tally()
    for corpus in corpora:
        before = tally.documents.total()
        for part in read_corpus(corpus, without):
            _count(matcher, corpus, part, tally, watch)
        if tally.documents.total() == before:
            raise UsageError(f"{corpus.name}: no document with text; --columns says where it is")
    if matcher.timed_out:
        raise IncompleteError(f"ran out of time: {', '.join(sorted(matcher.timed_out))}")
    return Evidence(
        SCHEMA_VERSION,
        datetime.now(UTC).date().isoformat(),
        tuple(_group(tally, label, name) for label, name in sorted(tally.documents)),
        {rule.id: _evidence(rule, tally) for rule in rules},
    )


def _count(matcher: Matcher, corpus: Corpus, part: Part, tally: _Tally, watch: Watch | None) -> None:
    batch, label = part.batch, corpus.label
    wanted = part.of >= 0
    _add(tally.documents, label, part, wanted)
    found: dict[str, Flags] = {}
    for role in WRITTEN[label]:
        strings = batch.roles.get(role)
        if strings is None or not len(strings):
            continue
        for matches in matcher.scan(strings.values, role):
            rows = strings.rows[matches.strings]
            found.setdefault(matches.rule.id, np.zeros(len(batch), np.bool_))[rows] = True
            for at, row, span in zip(
                matches.strings.tolist(), rows.tolist(), matches.spans.tolist(), strict=True
            ):
                if watch is not None and wanted[row]:
                    watch(
                        Place(
                            label, corpus.name, matches.rule.id, batch.file.uri, int(batch.rows[row]),
                            strings.values[at].as_py(), tuple(span),
                        )
                    )  # fmt: skip
    read: dict[tuple[str, ...], int] = {}
    soft: dict[str, Flags] = {}
    contamination, confident = np.zeros(len(batch), np.bool_), np.zeros(len(batch), np.bool_)
    for rule in matcher.rules:
        roles = tuple(role for role in rule.reads if role in WRITTEN[label])
        if roles not in read:
            read[roles] = int((batch.has_role(roles) & wanted).sum())
        tally.of[label, rule.id] = tally.of.get((label, rule.id), 0) + read[roles]
        hit = found.get(rule.id)
        if hit is None:
            continue
        hit &= wanted
        counts = tally.hits.setdefault((label, rule.id), Counter())
        counts.update({part.groups[i]: n for i, n in _by_group(part, hit)})
        if rule.soft is not None:
            soft.setdefault(rule.soft, np.zeros(len(batch), np.bool_))[hit] = True
        contamination |= hit & rule.counts_as_contamination
        confident |= hit & (rule.confidence == "high" and rule.default)
    _add(tally.contamination, label, part, contamination)
    _add(tally.confident, label, part, confident)
    depth = np.sum([*soft.values(), np.zeros(len(batch), np.bool_)], axis=0)
    for least in range(1, SOFT_DEPTH + 1):
        for i, n in _by_group(part, depth >= least):
            tally.soft[label, part.groups[i], least] += n


def _by_group(part: Part, rows: Flags) -> list[tuple[int, int]]:
    """(group, records among `rows`), without the groups that have none."""
    counts = np.bincount(part.of[rows], minlength=len(part.groups)) if rows.any() else np.zeros(0, np.int64)
    return [(int(i), int(counts[i])) for i in np.flatnonzero(counts)]


def _add(to: Counter[tuple[Label, str]], label: Label, part: Part, rows: Flags) -> None:
    for i, n in _by_group(part, rows):
        to[label, part.groups[i]] += n


def _group(tally: _Tally, label: Label, name: str) -> Group:
    key = (label, name)
    soft = tuple(tally.soft[label, name, least] for least in range(1, SOFT_DEPTH + 1))
    return Group(name, label, tally.documents[key], tally.contamination[key], tally.confident[key], soft)


def _evidence(rule: Rule, tally: _Tally) -> RuleEvidence:
    human, model = (_counts(rule, tally, label) for label in WRITTEN)
    hits = human.hits + model.hits
    low, high = clopper_pearson(model.hits, hits)
    return RuleEvidence(
        rule.version,
        fingerprint(rule),
        human,
        model,
        clopper_pearson(human.hits, human.of)[1],
        max(
            (n / tally.documents["human", k] for k, n in human.where.items() if n > FEW_DOCUMENTS),
            default=0.0,
        ),
        (model.hits / hits, low, high) if hits else None,
    )


def _counts(rule: Rule, tally: _Tally, label: Label) -> Counts:
    where = tally.hits.get((label, rule.id), Counter())
    return Counts(
        tally.of.get((label, rule.id), 0), where.total(), dict(sorted((k, n) for k, n in where.items() if n))
    )
