"""The published JSON Schema of a rule pack, for editors and other tools. `pack.schema.json` is this, written
out."""

from __future__ import annotations

from dataaudit.records.findings import CONFIDENCES, SEVERITIES
from dataaudit.records.types import ROLES
from dataaudit.rules.compile import MAX_PATTERN_LENGTH
from dataaudit.rules.model import ACTIONS, BASES, FLAGS, RULE_ROLES, VALIDATORS, WHERES
from dataaudit.rules.reader import (
    KEBAB,
    MAX_PATTERNS,
    MIN_EXAMPLES,
    PACK_KEYS,
    PACK_REQUIRED,
    REQUIRED_KEYS,
    RULE_KEYS,
)

SCHEMA_ID = "https://dataaudit.readthedocs.io/schemas/pack.schema.json"

Json = dict[str, object]


def pack_schema() -> Json:
    """The schema as JSON values (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "dataaudit rule pack",
        "type": "object",
        "additionalProperties": False,
        "required": list(PACK_REQUIRED),
        "properties": {key: _PACK[key] for key in PACK_KEYS},
        "$defs": {
            "rule": _rule(),
            "pattern": _pattern(),
            "exemption": _exemption(),
            "example": _example(),
            "kebab": _kebab(),
        },
    }


def _rule() -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(REQUIRED_KEYS),
        "properties": {key: _RULE[key] for key in RULE_KEYS},
    }


def _kebab() -> Json:
    return {"type": "string", "pattern": f"^{KEBAB.pattern}$"}


def _exemption() -> Json:
    within: Json = {
        "type": "integer",
        "minimum": 0,
        "description": "Exempts only matches at most this many characters away; without it, the whole string.",
    }
    return _pattern({"within": within})


def _pattern(more: Json | None = None) -> Json:
    text: Json = {
        "type": "string",
        "pattern": r"\S",
        "maxLength": MAX_PATTERN_LENGTH,
        "description": "A regular expression in the syntax of the Python module regex, version 0.",
    }
    return {
        "oneOf": [
            text,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["pattern"],
                "properties": {
                    "pattern": text,
                    "flags": {"type": "array", "items": {"enum": list(FLAGS)}},
                    "where": {
                        "enum": list(WHERES),
                        "description": "Where in the string a match must begin (default anywhere).",
                    },
                    **(more or {}),
                },
            },
        ]
    }


def _example() -> Json:
    return {
        "description": (
            "A string, tried in the first role the rule reads; or a whole row: a mapping of role to a string "
            "or a list of strings. A row is hit where any string in a role the rule reads is hit."
        ),
        "oneOf": [
            {"type": "string"},
            {
                "type": "object",
                "propertyNames": {"enum": list(ROLES)},
                "additionalProperties": {
                    "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
                },
            },
        ],
    }


def _text(description: str) -> Json:
    return {"type": "string", "pattern": r"\S", "description": description}


def _list(item: Json, description: str, at_least: int = 0, at_most: int | None = None) -> Json:
    most: Json = {} if at_most is None else {"maxItems": at_most}
    return {"type": "array", "items": item, "minItems": at_least, **most, "description": description}


_KEBAB: Json = {"$ref": "#/$defs/kebab"}
_COUNT: Json = {"type": "integer", "minimum": 1}
_PATTERN: Json = {"$ref": "#/$defs/pattern"}
_EXAMPLE: Json = {"$ref": "#/$defs/example"}

_PACK: dict[str, Json] = {
    "pack": _KEBAB,
    "version": _COUNT,
    "licence": _text("SPDX identifier of the licence of the pack."),
    "description": _text("What the pack is for."),
    "default": {
        "type": "boolean",
        "description": "Off: its rules are on only where they are selected by name.",
    },
    "soft": {**_KEBAB, "description": "The soft category of its rules; a rule may say otherwise."},
    "rules": _list({"$ref": "#/$defs/rule"}, "The rules.", 1),
}
_RULE: dict[str, Json] = {
    "id": _KEBAB,
    "version": {**_COUNT, "description": "Raised whenever what the rule matches changes."},
    "name": _text("A short name for people."),
    "message": _text("What a match means, in one sentence; {name} stands for the group of that name."),
    "why": _text("Why such a row matters for training."),
    "category": {**_KEBAB, "description": "chat-marker, model-output, quality, secret, or another name."},
    "severity": {"enum": list(SEVERITIES)},
    "confidence": {"enum": list(CONFIDENCES)},
    "roles": _list(
        {"enum": list(RULE_ROLES)}, "What the rule reads; any (default) is every role but label.", 1
    ),
    "patterns": _list(_PATTERN, "The rule hits a string where any of these matches.", 1, MAX_PATTERNS),
    "needs": _list(
        _PATTERN,
        "A match counts only if one of these matches elsewhere in the string, not overlapping it.",
        0,
        MAX_PATTERNS,
    ),
    "unless": _list(
        {"$ref": "#/$defs/exemption"},
        "A string in which any of these matches anywhere is not hit; with within, only matches near it are exempt.",
        0,
        MAX_PATTERNS,
    ),
    "validate": {
        "enum": list(VALIDATORS),
        "description": "A checksum that the matched text must satisfy.",
    },
    "quotable": {
        "type": "boolean",
        "description": "Often quoted in text about models; --ignore-quoted then exempts code and quotations.",
    },
    "ignore_when": _text("When a hit is fine, for the documentation."),
    "soft": {**_KEBAB, "description": "The soft category the rule counts for in synthetic-share."},
    "basis": {
        "enum": list(BASES),
        "description": "What the confidence rests on: measured (default), or a documented token or form.",
    },
    "default": {
        "type": "boolean",
        "description": "Off: the rule is on only where it is selected by name (default: as the pack says, else on).",
    },
    "action": {
        "enum": list(ACTIONS),
        "description": "What clean does with a row that is hit (default flag).",
    },
    "references": _list(_text("A public address."), "What the rule rests on."),
    "tags": _list(_KEBAB, "Names to select the rule by."),
    "hits": _list(_EXAMPLE, "Examples that must match.", MIN_EXAMPLES),
    "misses": _list(_EXAMPLE, "Examples that must not match.", MIN_EXAMPLES),
}
