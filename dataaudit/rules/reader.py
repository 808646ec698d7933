"""From the values of a YAML file to rules: every field typed, every complaint with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from dataaudit.errors import RuleError
from dataaudit.records.findings import CONFIDENCES, SEVERITIES
from dataaudit.rules.compile import compile_pattern
from dataaudit.rules.model import (
    ACTIONS,
    BASES,
    FLAGS,
    RULE_ROLES,
    VALIDATORS,
    WHERES,
    Action,
    Basis,
    Confidence,
    Example,
    Exemption,
    Flag,
    Pattern,
    RowExample,
    Rule,
    Severity,
    Validator,
    Where,
    message_groups,
)
from dataaudit.rules.placeholder import PLACEHOLDER
from dataaudit.rules.yamlfile import Document, Place, Value

PACK_KEYS = ("pack", "version", "licence", "description", "default", "soft", "rules")
PACK_REQUIRED = ("pack", "version", "licence", "rules")
RULE_KEYS = (
    "id", "version", "name", "message", "why", "category", "severity", "confidence", "roles", "patterns",
    "needs", "unless", "validate", "quotable", "ignore_when", "soft", "basis", "default", "action", "references",
    "tags", "hits", "misses",
)  # fmt: skip
REQUIRED_KEYS = (
    "id", "version", "name", "message", "why", "category", "severity", "confidence", "patterns", "hits",
    "misses",
)  # fmt: skip
MIN_EXAMPLES = 2
MAX_PATTERNS = 1_000
"""Entries of `patterns`, `needs` and `unless`. Compiling as many takes some tenths of a second in every process."""
KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


class PackFields(msgspec.Struct, frozen=True):
    """What a pack says about all its rules."""

    name: str
    version: int
    licence: str
    default: bool
    """Are its rules on when nothing is selected? A rule may say otherwise."""
    soft: str | None = None
    """The soft category of its rules. A rule may say otherwise."""


class Reader:
    """Turns a part of a document into typed values; every complaint carries the line of what it is about."""

    def __init__(self, document: Document, base: Place, rule: str) -> None:
        self.document = document
        self.base = base
        self.prefix = f"rule '{rule}': " if rule else ""

    def error(self, place: Place, reason: str) -> RuleError:
        """A complaint about a place below `base`."""
        return self.document.error((*self.base, *place), self.prefix + reason)

    def mapping(
        self, value: Value, place: Place, allowed: Sequence[str], required: Sequence[str]
    ) -> dict[str, Value]:
        """A mapping with known keys."""
        if not isinstance(value, dict):
            raise self.error(
                place, f"expected a mapping with the keys {', '.join(required)}, found {_kind(value)}"
            )
        for key in value:
            if key not in allowed:
                raise self.error((*place, key), f"unknown key '{key}'; known are {', '.join(allowed)}")
        for key in required:
            if key not in value:
                raise self.error(place, f"missing key '{key}'")
        return value

    def text(self, value: Value, place: Place) -> str:
        """A string that is not empty."""
        if not isinstance(value, str):
            raise self.error(place, f"'{_key(place)}' must be a string, found {_kind(value)}")
        if not value.strip():
            raise self.error(place, f"'{_key(place)}' is empty")
        if value.startswith(PLACEHOLDER):
            raise self.error(place, f"'{_key(place)}' is still to be filled in: {_asked(value)}")
        return value

    def kebab(self, value: Value, place: Place) -> str:
        """A name like-this-one."""
        text = self.text(value, place)
        if not KEBAB.fullmatch(text):
            raise self.error(place, f"'{_key(place)}' must be in kebab-case (like-this-one), found '{text}'")
        return text

    def count(self, value: Value, place: Place, at_least: int = 1) -> int:
        """A whole number."""
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise self.error(
                place, f"'{_key(place)}' must be a whole number from {at_least}, found {_kind(value)}"
            )
        return value

    def switch(self, value: Value, place: Place) -> bool:
        """On or off (YAML reads true, yes and on alike)."""
        if not isinstance(value, bool):
            raise self.error(
                place, f"'{_key(place)}' must be on or off, without quotes; found {_kind(value)}"
            )
        return value

    def one_of(self, value: Value, place: Place, known: Sequence[str]) -> str:
        """One of a closed list of names."""
        text = self.text(value, place)
        if text not in known:
            raise self.error(place, f"'{text}' is not one of {', '.join(known)}")
        return text

    def list_of(
        self, value: Value, place: Place, at_least: int = 0, at_most: int | None = None
    ) -> list[Value]:
        """A list of some length."""
        if not isinstance(value, list):
            raise self.error(place, f"'{_key(place)}' must be a list, found {_kind(value)}")
        if len(value) < at_least:
            raise self.error(place, f"'{_key(place)}' needs at least {at_least}, found {len(value)}")
        if at_most is not None and len(value) > at_most:
            reason = f"'{_key(place)}' holds {len(value):,} entries; the limit is {at_most:,}"
            raise self.error(place, f"{reason}: spread them over several rules")
        return value

    def texts(self, value: Value, key: str, read: Callable[[Value, Place], str]) -> tuple[str, ...]:
        """A list of strings, each read by `read`."""
        return tuple(read(item, (key, i)) for i, item in enumerate(self.list_of(value, (key,))))

    def pack(self, fields: dict[str, Value]) -> PackFields:
        """The fields of a pack beside its rules."""
        if "description" in fields:
            self.text(fields["description"], ("description",))
        return PackFields(
            self.kebab(fields["pack"], ("pack",)),
            self.count(fields["version"], ("version",)),
            self.text(fields["licence"], ("licence",)),
            self.switch(fields.get("default", True), ("default",)),
            self.kebab(fields["soft"], ("soft",)) if "soft" in fields else None,
        )

    def rule(self, value: Value, pack: PackFields) -> Rule:
        """A rule of the pack."""
        given = self.mapping(value, (), RULE_KEYS, REQUIRED_KEYS)
        patterns = self.patterns(given["patterns"], "patterns", at_least=1)
        roles = self.texts(
            given.get("roles", ["any"]), "roles", lambda item, place: self.one_of(item, place, RULE_ROLES)
        )
        if not roles:
            raise self.error(("roles",), "'roles' is empty")
        validate = given.get("validate")
        return Rule(
            id=self.kebab(given["id"], ("id",)),
            version=self.count(given["version"], ("version",)),
            name=self.text(given["name"], ("name",)),
            message=self.message(given["message"], patterns),
            why=self.text(given["why"], ("why",)),
            category=self.kebab(given["category"], ("category",)),
            severity=cast(Severity, self.one_of(given["severity"], ("severity",), SEVERITIES)),
            confidence=cast(Confidence, self.one_of(given["confidence"], ("confidence",), CONFIDENCES)),
            patterns=patterns,
            hits=self.examples(given["hits"], "hits"),
            misses=self.examples(given["misses"], "misses"),
            roles=roles,
            needs=self.patterns(given.get("needs", []), "needs"),
            unless=self.exemptions(given.get("unless", []), "unless"),
            validate=None
            if validate is None
            else cast(Validator, self.one_of(validate, ("validate",), VALIDATORS)),
            quotable=self.switch(given.get("quotable", False), ("quotable",)),
            ignore_when=self.text(given["ignore_when"], ("ignore_when",)) if "ignore_when" in given else "",
            soft=self.kebab(given["soft"], ("soft",)) if "soft" in given else pack.soft,
            basis=cast(Basis, self.one_of(given.get("basis", "measured"), ("basis",), BASES)),
            default=self.switch(given.get("default", pack.default), ("default",)),
            action=cast(Action, self.one_of(given.get("action", "flag"), ("action",), ACTIONS)),
            references=self.texts(given.get("references", []), "references", self.text),
            tags=self.texts(given.get("tags", []), "tags", self.kebab),
            pack=pack.name,
            pack_version=pack.version,
            licence=pack.licence,
        )

    def patterns(self, value: Value, key: str, at_least: int = 0) -> tuple[Pattern, ...]:
        """A list of patterns, each of which compiles."""
        items = self.list_of(value, (key,), at_least, MAX_PATTERNS)
        return tuple(self.pattern(item, (key, i))[0] for i, item in enumerate(items))

    def exemptions(self, value: Value, key: str) -> tuple[Exemption, ...]:
        """The patterns of `unless`."""
        found = []
        for i, item in enumerate(self.list_of(value, (key,), 0, MAX_PATTERNS)):
            pattern, rest = self.pattern(item, (key, i), ("within",))
            within = rest.get("within")
            if within is not None:
                within = self.count(within, (key, i, "within"), at_least=0)
            found.append(Exemption(pattern.pattern, pattern.flags, pattern.where, within))
        return tuple(found)

    def pattern(
        self, value: Value, place: Place, more: Sequence[str] = ()
    ) -> tuple[Pattern, dict[str, Value]]:
        """A pattern, and what else its mapping holds of the keys `more`."""
        fields: dict[str, Value] = {}
        if isinstance(value, str):
            pattern = Pattern(self.text(value, place))
        else:
            fields = self.mapping(value, place, ("pattern", "flags", "where", *more), ("pattern",))
            flags = enumerate(self.list_of(fields.get("flags", []), (*place, "flags")))
            where = self.one_of(fields.get("where", "anywhere"), (*place, "where"), WHERES)
            pattern = Pattern(
                self.text(fields["pattern"], (*place, "pattern")),
                tuple(cast(Flag, self.one_of(flag, (*place, "flags", n), FLAGS)) for n, flag in flags),
                cast(Where, where),
            )
        try:
            compile_pattern(pattern)
        except ValueError as error:
            raise self.error(place, str(error)) from error
        return pattern, fields

    def message(self, value: Value, patterns: tuple[Pattern, ...]) -> str:
        """A message, its placeholders checked against the named groups of the patterns."""
        message = self.text(value, ("message",))
        try:
            names = message_groups(message)
        except ValueError as error:
            raise self.error(("message",), str(error)) from error
        for name in names:
            if not any(name in compile_pattern(pattern).groupindex for pattern in patterns):
                raise self.error(("message",), f"the message names {{{name}}}, a group that no pattern has")
        return message

    def examples(self, value: Value, key: str) -> tuple[Example, ...]:
        """Hits or misses."""
        return tuple(
            self.example(item, (key, i)) for i, item in enumerate(self.list_of(value, (key,), MIN_EXAMPLES))
        )

    def example(self, value: Value, place: Place) -> Example:
        """One example."""
        if isinstance(value, str):
            if value.startswith(PLACEHOLDER):
                raise self.error(
                    place, f"an example in '{place[0]}' is still to be filled in: {_asked(value)}"
                )
            return value
        if not isinstance(value, dict):
            raise self.error(
                place, f"an example is a string or a mapping of roles to strings, found {_kind(value)}"
            )
        pairs: list[tuple[str, str]] = []
        for role, held in value.items():
            if role not in RULE_ROLES[:-1]:
                raise self.error(
                    (*place, role), f"'{role}' is not a role; one of {', '.join(RULE_ROLES[:-1])}"
                )
            for text in held if isinstance(held, list) else [held]:
                if not isinstance(text, str):
                    raise self.error((*place, role), f"role '{role}' must hold strings, found {_kind(text)}")
                pairs.append((role, text))
        return RowExample(tuple(pairs))


def _asked(value: str) -> str:
    """What a placeholder asks for."""
    return value.removeprefix(PLACEHOLDER).strip()


def _key(place: Place) -> str:
    return ".".join(str(part) for part in place)


def _kind(value: Value) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()} (quote it to make it a string)"
    if isinstance(value, int | float):
        return f"the number {value}"
    return {str: "a string", list: "a list", dict: "a mapping"}[type(value)]
