"""What a rule is: a pattern with an id, a severity, a message, a reason and its own examples. Values, no
behaviour.

Rules are frozen `msgspec` structs, so they are hashable, comparable, and travel to worker processes as
MessagePack.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import msgspec

from dataaudit.records.findings import CONFIDENCES, SEVERITIES
from dataaudit.records.types import ROLES, TEXT_ROLES

Severity = Literal["info", "low", "medium", "high", "critical"]
Confidence = Literal["low", "medium", "high"]
Action = Literal["flag", "drop", "redact"]
Flag = Literal["ignorecase", "multiline", "dotall", "verbose", "fullcase"]
Where = Literal["anywhere", "start", "last-line", "last-paragraph"]
Basis = Literal["measured", "documented"]
Validator = Literal["iban", "luhn"]

ACTIONS: tuple[str, ...] = ("flag", "drop", "redact")
FLAGS: tuple[str, ...] = ("ignorecase", "multiline", "dotall", "verbose", "fullcase")
WHERES: tuple[str, ...] = ("anywhere", "start", "last-line", "last-paragraph")
BASES: tuple[str, ...] = ("measured", "documented")
VALIDATORS: tuple[str, ...] = ("iban", "luhn")
ANY_ROLE = "any"
RULE_ROLES: tuple[str, ...] = (*ROLES, ANY_ROLE)
"""What `roles` of a rule may hold; `any` stands for every role but `label`."""

DEFAULT = "default"
"""The selector of everything that is on when nothing is selected."""
CONTAMINATION = "contamination"
CONTAMINATION_CATEGORIES: tuple[str, ...] = ("chat-marker", "model-output")
AUTHORSHIP_CATEGORIES: tuple[str, ...] = (*CONTAMINATION_CATEGORIES, "assistant-style")
"""Categories that say something about who wrote a text: their confidence follows from evidence."""
CONTAMINATION_SEVERITY: Severity = "medium"
CONTAMINATION_CONFIDENCE: Confidence = "high"


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One regular expression in the syntax of the `regex` module, version 0, with the flags it is compiled
    with."""

    pattern: str
    flags: tuple[Flag, ...] = ()
    where: Where = "anywhere"
    """Where in the string a match must begin; `rules.places` defines the places."""


class Exemption(Pattern, frozen=True, forbid_unknown_fields=True):
    """A pattern of `unless`."""

    within: int | None = None
    """Exempts only matches at most this many code points away (0: touching or overlapping); None: the whole
    string."""


class RowExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An example that is a whole record: (role, string) pairs in the order written."""

    strings: tuple[tuple[str, str], ...]


Example = str | RowExample


@lru_cache
def _concrete(roles: tuple[str, ...]) -> tuple[str, ...]:
    named = set(roles)
    if ANY_ROLE in named:
        named |= set(TEXT_ROLES)
    return tuple(role for role in ROLES if role in named)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a pack. See rules/README.md for what each field means to an author."""

    id: str
    """Kebab-case, unique among all loaded packs."""
    version: int
    """Raised whenever what the rule matches changes."""
    name: str
    """A short name for people."""
    message: str
    """What a match means, in one sentence; `{name}` stands for the named group of that name."""
    why: str
    """Why such a row matters for training."""
    category: str
    """`chat-marker`, `model-output`, `quality`, `secret`, or another kebab-case name."""
    severity: Severity
    confidence: Confidence
    patterns: tuple[Pattern, ...]
    """The rule hits a string where any of these matches."""
    hits: tuple[Example, ...]
    """Examples that must match; at least two."""
    misses: tuple[Example, ...]
    """Examples that must not match; at least two."""
    roles: tuple[str, ...] = (ANY_ROLE,)
    needs: tuple[Pattern, ...] = ()
    """A match counts only if one of these matches elsewhere in the string, without overlapping it."""
    unless: tuple[Exemption, ...] = ()
    """A string in which any of these matches anywhere is not hit, whatever `patterns` say; with `within`, only
    the matches near it are exempt."""
    validate: Validator | None = None
    """A checksum that the matched text must satisfy; `rules.validators` holds them."""
    quotable: bool = False
    """Text about models often quotes what this rule finds; `--ignore-quoted` then exempts code and quotations."""
    ignore_when: str = ""
    """When a hit is fine, for the documentation."""
    soft: str | None = None
    """The soft category that this rule counts for in `synthetic-share`."""
    basis: Basis = "measured"
    """What the confidence rests on: `rules/evidence.json`, or a `documented` special token or form."""
    default: bool = True
    """Is the rule on when nothing is selected?"""
    action: Action = "flag"
    """What `clean` does with a row that is hit: nothing (`flag`), `drop` the row, or `redact` the match."""
    references: tuple[str, ...] = ()
    """Public addresses of what the rule rests on."""
    tags: tuple[str, ...] = ()
    pack: str = ""
    pack_version: int = 1
    licence: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        """The concrete roles this rule reads, in the order of `records.types.ROLES`."""
        return _concrete(self.roles)

    @property
    def counts_as_contamination(self) -> bool:
        """Do rows hit by this rule count into the rate `contamination`?"""
        return (
            self.category in CONTAMINATION_CATEGORIES
            and SEVERITIES.index(self.severity) >= SEVERITIES.index(CONTAMINATION_SEVERITY)
            and CONFIDENCES.index(self.confidence) >= CONFIDENCES.index(CONTAMINATION_CONFIDENCE)
        )

    def render(self, captures: Mapping[str, str | None]) -> str:
        """The message with its placeholders filled from the named groups of a match; an unmatched group reads
        `…`."""
        fields = {name: captures.get(name) or "…" for name in message_groups(self.message)}
        return self.message.format_map(fields) if fields else plain_message(self.message)


def message_groups(message: str) -> tuple[str, ...]:
    """Names of the placeholders in a message.

    Raises:
        ValueError: A brace is not closed, or a placeholder is more than a name.
    """
    names: list[str] = []
    for _, name, spec, conversion in string.Formatter().parse(message):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"placeholder {{{name}}} in the message is not the plain name of a group")
        names.append(name)
    return tuple(dict.fromkeys(names))


def plain_message(message: str) -> str:
    """A message without placeholders as it is shown: doubled braces stand for one."""
    return "".join(text for text, *_ in string.Formatter().parse(message))


def example_strings(rule: Rule, example: Example) -> tuple[tuple[str, str], ...]:
    """An example as (role, string) pairs; a bare string is tried in the first role the rule reads."""
    if isinstance(example, str):
        return ((rule.reads[0], example),)
    return example.strings


def encode_rules(rules: tuple[Rule, ...]) -> bytes:
    """Rules as MessagePack, to be sent to a worker."""
    return msgspec.msgpack.encode(rules)


def decode_rules(data: bytes) -> tuple[Rule, ...]:
    """Inverse of `encode_rules`."""
    return msgspec.msgpack.decode(data, type=tuple[Rule, ...])
