"""The plans of all patterns of a set of rules, made once per user: parsing hundreds of patterns takes half a second."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import msgspec

from dataaudit.records import cache
from dataaudit.rules import code, prefilter, reach
from dataaudit.rules.grams import Gram
from dataaudit.rules.model import Pattern, Rule
from dataaudit.rules.prefilter import Plan, grams_of_pattern, plan_pattern

CACHE_FORMAT = b"dataaudit-plans-2\n"
"""First line of a cache file; raised when its layout changes."""
WORTH_KEEPING = 64
"""Patterns from which on plans are kept."""

_Grams = tuple[Gram, ...]
_T = TypeVar("_T")


def plans_of(rules: Sequence[Rule]) -> list[list[Plan]]:
    """Per rule the plans of its patterns."""
    patterns = _patterns(rules)
    path = _path(patterns, "plans") if len(patterns) >= WORTH_KEEPING else None
    plans = _read(path, list[Plan], len(patterns))
    if plans is None:
        plans = _made(path, list[Plan], plan_pattern, patterns)
    by_pattern = dict(zip(patterns, plans, strict=True))
    return [[by_pattern[pattern] for pattern in rule.patterns] for rule in rules]


def grams_of_rules(rules: Sequence[Rule], *, choose: bool) -> list[list[_Grams]] | None:
    """Per rule the grams of its patterns; None where they are not kept, and not to be chosen now."""
    patterns = _patterns(rules)
    path = _path(patterns, "grams")
    grams = _read(path, list[_Grams], len(patterns))
    if grams is None:
        if not choose:
            return None
        grams = _made(path, list[_Grams], grams_of_pattern, patterns)
    by_pattern = dict(zip(patterns, grams, strict=True))
    return [[by_pattern[pattern] for pattern in rule.patterns] for rule in rules]


def _patterns(rules: Sequence[Rule]) -> list[Pattern]:
    return list(dict.fromkeys(pattern for rule in rules for pattern in rule.patterns))


def _read(path: Path | None, kind: type[list[_T]], count: int) -> list[_T] | None:
    body = cache.read_kept(path, CACHE_FORMAT)
    try:
        kept = None if body is None else msgspec.msgpack.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None
    return kept if kept is not None and len(kept) == count else None


def _made(
    path: Path | None, kind: type[list[_T]], make: Callable[[Pattern], _T], patterns: Sequence[Pattern]
) -> list[_T]:
    """What is made of each pattern, and kept; or what another process, which is at it now, will have made."""
    with nullcontext() if path is None else cache.turn(path):
        found = _read(path, kind, len(patterns))
        if found is None:
            found = list(map(make, patterns))
            cache.keep(path, CACHE_FORMAT, msgspec.msgpack.encode(found))
    return found


def _path(patterns: Sequence[Pattern], name: str) -> Path | None:
    folder = cache.cache_dir()
    limits = (
        prefilter.MIN_BITS,
        prefilter.MAX_SIZE,
        prefilter.MAX_PIECES,
        reach.MAX_REACH,
        reach.MAX_RUNS,
    )
    digest = hashlib.sha256(repr((code.fingerprint(), limits)).encode())
    digest.update(msgspec.msgpack.encode([(one.pattern, one.flags) for one in patterns]))
    return None if folder is None else folder / f"{name}-{digest.hexdigest()[:40]}.bin"
