"""What was measured about rules: how often each hits text that people wrote, and text that models wrote.

`rules/evidence.json` beside the packs is written by `dataaudit rules measure`. It holds counts, no text and no rows.
docs/evidence.md explains the terms and the rule by which confidence follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from dataaudit.errors import RuleError
from dataaudit.records.findings import CONFIDENCES
from dataaudit.rules.fingerprint import fingerprint
from dataaudit.rules.model import AUTHORSHIP_CATEGORIES, Confidence, Rule

EVIDENCE_NAME = "evidence.json"
SCHEMA_VERSION = 2

HIGH_BELOW = 1e-4
"""High confidence: fewer than 1 in 10,000 human documents are hit, by the upper bound (95 %, Clopper–Pearson)."""
MEDIUM_BELOW = 1e-3
"""Medium confidence: fewer than 1 in 1,000."""
FEW_DOCUMENTS = 2
"""High confidence: in each corpus of people's text no more documents than this, or than `FEW_SHARE` of them."""
FEW_SHARE = 5e-4
SEEN_OFTEN = 5
"""High confidence, where it does not rest on a documented form: at least so many documents of models are hit."""
PEOPLE_TOO = "people-too"
"""Tag of a rule whose words people are known to write where no corpus here shows it: at most medium confidence."""


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hits of one rule in the corpora of one label."""

    of: int
    """Documents with a string in a role that the rule reads."""
    hits: int
    """Documents hit."""
    where: dict[str, int] = {}
    """Hits by corpus (human) or by model (model); those without hits are left out."""


class RuleEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured about one rule."""

    version: int
    fingerprint: str
    human: Counts
    model: Counts
    upper: float
    """Upper bound of the share of human documents that are hit (95 %, two-sided, Clopper–Pearson)."""
    peak: float
    """Share of documents hit in the human corpus where it is largest, among corpora with more than `FEW_DOCUMENTS` hit;
    0 where there is none."""
    precision: tuple[float, float, float] | None
    """Of all documents hit, the share that a model wrote, with its interval (95 %, Clopper–Pearson); None without a
    hit. It holds for the mix of corpora as measured."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One corpus, or the outputs of one model."""

    name: str
    label: str
    """`human` or `model`."""
    documents: int
    contamination: int
    """Documents that count as contamination: hit by any rule that counts into that rate."""
    confident: int
    """Documents hit by any rule of high confidence that is on by default, of whatever category."""
    soft: tuple[int, ...]
    """Documents that hit at least 1, 2, 3 distinct soft categories."""


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `evidence.json`."""

    schema_version: int
    date: str
    groups: tuple[Group, ...]
    rules: dict[str, RuleEvidence]

    def of(self, rule: Rule) -> RuleEvidence | None:
        """What was measured of exactly this rule; None where it changed since, or was never measured."""
        found = self.rules.get(rule.id)
        return found if found is not None and found.fingerprint == fingerprint(rule) else None

    def names(self, label: str) -> list[str]:
        """The corpora or models of a label."""
        return [group.name for group in self.groups if group.label == label]


NONE = Evidence(SCHEMA_VERSION, "", (), {})
"""Nothing was measured."""


def read_evidence(folder: Path) -> Evidence:
    """The evidence beside the packs of a folder; `NONE` where there is none.

    Raises:
        RuleError: The file cannot be read or is not of the known shape.
    """
    path = folder / EVIDENCE_NAME
    if not path.is_file():
        return NONE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Evidence)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: not readable as evidence: {error}") from error


def write_evidence(path: Path, evidence: Evidence) -> None:
    """Write the file, one rule and one group a line, so that a change of one rule is a change of one line."""

    def lines(entries: list[bytes]) -> bytes:
        return b",\n".join(b"    " + one for one in entries)

    groups = [msgspec.json.encode(group) for group in evidence.groups]
    rules = [
        msgspec.json.encode(name) + b": " + msgspec.json.encode(one)
        for name, one in sorted(evidence.rules.items())
    ]
    head = b'{\n  "schema_version": %d,\n  "date": %s,\n' % (
        evidence.schema_version,
        msgspec.json.encode(evidence.date),
    )
    body = b'  "groups": [\n%s\n  ],\n  "rules": {\n%s\n  }\n}\n' % (lines(groups), lines(rules))
    path.write_bytes(head + body)


def earned(rule: Rule, found: RuleEvidence | None) -> Confidence | None:
    """The confidence that follows from evidence; None for a rule that says nothing about who wrote a text.

    By the upper bound of the share of human documents that a rule hits: below 1 in 10,000 high, below 1 in 1,000
    medium, else low. A rule that hits a larger share of human than of model documents is low. At most medium is a rule
    with the tag `PEOPLE_TOO`, and one that some corpus of people's text holds too often (`FEW_DOCUMENTS`,
    `FEW_SHARE`). A rule that hit hardly any model text (fewer documents than `SEEN_OFTEN`), or was not measured, is
    high only where it rests on a documented form (`basis: documented`); otherwise at most medium, and low where it was
    not measured.
    """
    if rule.category not in AUTHORSHIP_CATEGORIES:
        return None
    documented = rule.basis == "documented"
    if found is None:
        return "high" if documented else "low"
    if found.human.hits * found.model.of > found.model.hits * found.human.of and not (
        documented and not found.model.hits
    ):
        return "low"
    if found.upper >= MEDIUM_BELOW:
        return "low"
    if found.upper >= HIGH_BELOW or found.peak > FEW_SHARE or PEOPLE_TOO in rule.tags:
        return "medium"
    return "high" if found.model.hits >= SEEN_OFTEN or documented else "medium"


def agrees(rule: Rule, found: RuleEvidence | None) -> bool:
    """Is the confidence of a rule what the evidence gives? Where it rests on a documented form alone, because no model
    text was hit, its author may be less sure than that, and not more."""
    gives = earned(rule, found)
    if gives is None or rule.confidence == gives:
        return True
    alone = rule.basis == "documented" and (found is None or not found.model.hits)
    return alone and CONFIDENCES.index(rule.confidence) < CONFIDENCES.index(gives)


def in_words(rule: Rule, evidence: Evidence) -> str:
    """The evidence of a rule in a sentence or two."""
    found = evidence.of(rule)
    if found is None:
        changed = rule.id in evidence.rules
        return "not measured" + (" since it was changed" if changed else "")
    models = len(evidence.names("model"))
    text = f"{found.human.hits:,} of {found.human.of:,} human documents{_listed(found.human.where)}; "
    if found.model.hits:
        text += f"{found.model.hits:,} of {found.model.of:,} model outputs, "
        text += f"seen in {len(found.model.where)} of {models} models"
    else:
        text += f"not seen in {found.model.of:,} outputs of {models} models: how much it finds is not known"
    if found.precision is not None:
        share, low, high = (f"{100 * one:.1f}" for one in found.precision)
        text += f"; precision {share} % ({low} to {high} %)"
    return f"{text}. Measured {evidence.date}."


def _listed(where: Mapping[str, int]) -> str:
    if not where:
        return ""
    return " (" + ", ".join(f"{name} {count:,}" for name, count in sorted(where.items())) + ")"
