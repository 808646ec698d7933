"""The plans of all patterns of a set of rules, made once per user: parsing hundreds of patterns takes half a second."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dataaudit.records import cache
from dataaudit.rules import code, prefilter, reach
from dataaudit.rules.model import Pattern, Rule
from dataaudit.rules.prefilter import Plan, plan_pattern

CACHE_FORMAT = b"dataaudit-plans-1\n"
"""First line of a cache file; raised when its layout changes."""
WORTH_KEEPING = 64
"""Patterns from which on plans are kept."""


def plans_of(rules: Sequence[Rule], *, grams: bool = False) -> list[list[Plan]]:
    """Per rule the plans of its patterns, with grams if asked for."""
    patterns = list(dict.fromkeys(pattern for rule in rules for pattern in rule.patterns))
    path = _path(patterns, grams) if len(patterns) >= WORTH_KEEPING else None
    plans = _read(path, len(patterns))
    if plans is None:
        plans = [plan_pattern(pattern, grams=grams) for pattern in patterns]
        cache.keep(path, CACHE_FORMAT, msgspec.msgpack.encode(plans))
    by_pattern = dict(zip(patterns, plans, strict=True))
    return [[by_pattern[pattern] for pattern in rule.patterns] for rule in rules]


def _read(path: Path | None, count: int) -> list[Plan] | None:
    body = cache.read_kept(path, CACHE_FORMAT)
    try:
        plans = None if body is None else msgspec.msgpack.decode(body, type=list[Plan])
    except msgspec.MsgspecError:
        return None
    return plans if plans is not None and len(plans) == count else None


def _path(patterns: Sequence[Pattern], grams: bool) -> Path | None:
    folder = cache.cache_dir()
    limits = (
        grams,
        prefilter.MIN_BITS,
        prefilter.MAX_SIZE,
        prefilter.MAX_PIECES,
        reach.MAX_REACH,
        reach.MAX_RUNS,
    )
    digest = hashlib.sha256(repr((code.fingerprint(), limits)).encode())
    digest.update(msgspec.msgpack.encode([(one.pattern, one.flags) for one in patterns]))
    return None if folder is None else folder / f"plans-{digest.hexdigest()[:40]}.bin"
