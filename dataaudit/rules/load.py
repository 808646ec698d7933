"""Find rule packs, read them, and refuse what is not valid with the file, the line and the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

from dataaudit.errors import RuleError
from dataaudit.records.findings import CONFIDENCES, SEVERITIES
from dataaudit.rules.compile import compile_pattern
from dataaudit.rules.examples import check_examples
from dataaudit.rules.model import (
    ACTIONS,
    FLAGS,
    RULE_ROLES,
    Action,
    Confidence,
    Example,
    Flag,
    Pattern,
    RowExample,
    Rule,
    Severity,
    message_groups,
)
from dataaudit.rules.yamlfile import Document, Place, Value, read_document

PACK_SUFFIXES = (".yaml", ".yml")
PACK_KEYS = ("pack", "version", "licence", "description", "rules")
PACK_REQUIRED = ("pack", "version", "licence", "rules")
RULE_KEYS = (
    "id", "version", "name", "message", "why", "category", "severity", "confidence", "roles", "patterns",
    "unless", "action", "references", "tags", "hits", "misses",
)  # fmt: skip
REQUIRED_KEYS = (
    "id", "version", "name", "message", "why", "category", "severity", "confidence", "patterns", "hits",
    "misses",
)  # fmt: skip
MIN_EXAMPLES = 2
KEBAB = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def packs_dir() -> Path:
    """Where the shipped packs are: inside the installed package, or beside it in a checkout.

    Raises:
        RuleError: Neither place exists, so the installation is damaged.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_rules", package.parent / "rules"):
        if any(folder.glob("*.yaml")):
            return folder
    raise RuleError(f"the shipped rule packs are missing beside {package}: reinstall dataaudit")


def load_packs(
    extra: Iterable[str | Path] = (),
    *,
    shipped: bool = True,
    verify: bool = True,
    verify_shipped: bool = False,
) -> tuple[Rule, ...]:
    """All rules: those shipped, then those of `extra` (pack files, or folders of them), in file order.

    The examples of extra packs are verified unless `verify` is false; those of shipped packs only with
    `verify_shipped`, for the sake of start-up time (the test suite and `rules test` verify them).

    Raises:
        RuleError: A pack is not valid; the text is `file:line: rule 'id': reason`.
    """
    rules: list[Rule] = []
    seen: dict[str, str] = {}
    files = [(path, verify_shipped) for path in _pack_files(packs_dir())] if shipped else []
    files += [(path, verify) for named in extra for path in _pack_files(Path(named))]
    for path, verified in dict(files).items():
        rules.extend(load_pack(read_document(path), verify=verified, seen=seen))
    return tuple(rules)


def _pack_files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix in PACK_SUFFIXES and p.is_file())
        if not found:
            raise RuleError(f"{path}: no rule pack (*.yaml) in this folder")
        return found
    if not path.exists():
        raise RuleError(f"{path}: no such file or folder")
    return [path]


def load_pack(
    document: Document, *, verify: bool = True, seen: dict[str, str] | None = None
) -> tuple[Rule, ...]:
    """The rules of one parsed pack. `seen` maps rule ids of packs loaded before to their `file:line`, and is
    added to.

    Raises:
        RuleError: As for `load_packs`.
    """
    seen = {} if seen is None else seen
    top = _Reader(document, (), "")
    fields = top.mapping(document.value, (), PACK_KEYS, PACK_REQUIRED)
    pack = top.kebab(fields["pack"], ("pack",))
    version = top.count(fields["version"], ("version",))
    licence = top.text(fields["licence"], ("licence",))
    if "description" in fields:
        top.text(fields["description"], ("description",))
    rules = []
    for i, item in enumerate(top.list_of(fields["rules"], ("rules",), at_least=1)):
        name = item.get("id") if isinstance(item, dict) else None
        reader = _Reader(document, ("rules", i), name if isinstance(name, str) else f"#{i + 1}")
        rule = reader.rule(item, pack, version, licence)
        if rule.id in seen:
            raise reader.error(("id",), f"duplicate id, first defined at {seen[rule.id]}")
        seen[rule.id] = f"{document.name}:{document.line(('rules', i, 'id'))}"
        if verify:
            for result in check_examples(rule):
                if not result.ok:
                    raise reader.error(
                        (f"{'hits' if result.kind == 'hit' else 'misses'}", result.index), result.why
                    )
        rules.append(rule)
    return tuple(rules)


class _Reader:
    """Turns a part of a document into typed values; every complaint carries the line of what it is about."""

    def __init__(self, document: Document, base: Place, rule: str) -> None:
        self.document = document
        self.base = base
        self.prefix = f"rule '{rule}': " if rule else ""

    def error(self, place: Place, reason: str) -> RuleError:
        return self.document.error((*self.base, *place), self.prefix + reason)

    def mapping(
        self, value: Value, place: Place, allowed: Sequence[str], required: Sequence[str]
    ) -> dict[str, Value]:
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
        if not isinstance(value, str):
            raise self.error(place, f"'{_key(place)}' must be a string, found {_kind(value)}")
        if not value.strip():
            raise self.error(place, f"'{_key(place)}' is empty")
        return value

    def kebab(self, value: Value, place: Place) -> str:
        text = self.text(value, place)
        if not KEBAB.fullmatch(text):
            raise self.error(place, f"'{_key(place)}' must be in kebab-case (like-this-one), found '{text}'")
        return text

    def count(self, value: Value, place: Place) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(place, f"'{_key(place)}' must be a whole number from 1, found {_kind(value)}")
        return value

    def one_of(self, value: Value, place: Place, known: Sequence[str]) -> str:
        text = self.text(value, place)
        if text not in known:
            raise self.error(place, f"'{text}' is not one of {', '.join(known)}")
        return text

    def list_of(self, value: Value, place: Place, at_least: int = 0) -> list[Value]:
        if not isinstance(value, list):
            raise self.error(place, f"'{_key(place)}' must be a list, found {_kind(value)}")
        if len(value) < at_least:
            raise self.error(place, f"'{_key(place)}' needs at least {at_least}, found {len(value)}")
        return value

    def texts(self, value: Value, key: str, read: Callable[[Value, Place], str]) -> tuple[str, ...]:
        return tuple(read(item, (key, i)) for i, item in enumerate(self.list_of(value, (key,))))

    def rule(self, value: Value, pack: str, pack_version: int, licence: str) -> Rule:
        given = self.mapping(value, (), RULE_KEYS, REQUIRED_KEYS)
        patterns = self.patterns(given["patterns"], "patterns", at_least=1)
        roles = self.texts(
            given.get("roles", ["any"]), "roles", lambda item, place: self.one_of(item, place, RULE_ROLES)
        )
        if not roles:
            raise self.error(("roles",), "'roles' is empty")
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
            unless=self.patterns(given.get("unless", []), "unless"),
            action=cast(Action, self.one_of(given.get("action", "flag"), ("action",), ACTIONS)),
            references=self.texts(given.get("references", []), "references", self.text),
            tags=self.texts(given.get("tags", []), "tags", self.kebab),
            pack=pack,
            pack_version=pack_version,
            licence=licence,
        )

    def patterns(self, value: Value, key: str, at_least: int = 0) -> tuple[Pattern, ...]:
        patterns = []
        for i, item in enumerate(self.list_of(value, (key,), at_least)):
            if isinstance(item, str):
                pattern, place = Pattern(self.text(item, (key, i))), (key, i)
            else:
                fields = self.mapping(item, (key, i), ("pattern", "flags"), ("pattern",))
                flags = self.list_of(fields.get("flags", []), (key, i, "flags"))
                pattern = Pattern(
                    self.text(fields["pattern"], (key, i, "pattern")),
                    tuple(
                        cast(Flag, self.one_of(flag, (key, i, "flags", n), FLAGS))
                        for n, flag in enumerate(flags)
                    ),
                )
                place = (key, i)
            try:
                compile_pattern(pattern)
            except ValueError as error:
                raise self.error(place, str(error)) from error
            patterns.append(pattern)
        return tuple(patterns)

    def message(self, value: Value, patterns: tuple[Pattern, ...]) -> str:
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
        return tuple(
            self.example(item, (key, i)) for i, item in enumerate(self.list_of(value, (key,), MIN_EXAMPLES))
        )

    def example(self, value: Value, place: Place) -> Example:
        if isinstance(value, str):
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
