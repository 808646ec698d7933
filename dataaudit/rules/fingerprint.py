"""A short name for everything that decides what a rule matches: evidence measured under one name holds only for it."""

from __future__ import annotations

import hashlib
import json

import msgspec

from dataaudit.rules.model import Rule

MEANING = 1
"""Raised whenever the same rule would match other text than before: another place, validator or order of steps."""


def fingerprint(rule: Rule) -> str:
    """16 hexadecimal digits over the patterns with flags and places, `needs`, `unless`, `validate` and the roles read.

    Names, messages, severity, confidence, examples and tags do not enter: they change nothing that is matched. Nor does
    `quotable`, which takes effect only where it is asked for.
    """
    meant = {
        "meaning": MEANING,
        "patterns": [msgspec.structs.asdict(pattern) for pattern in rule.patterns],
        "needs": [msgspec.structs.asdict(pattern) for pattern in rule.needs],
        "unless": [msgspec.structs.asdict(pattern) for pattern in rule.unless],
        "validate": rule.validate,
        "reads": rule.reads,
    }
    text = json.dumps(meant, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]
