"""The arguments of a `scan` that say plainly what is meant, read without typer: that takes as long to import as a small
scan takes to read.

Flags are those of `options`, by their full names. What is anything else is left to typer: requests for help, mistakes,
short flags written together, values that look like flags.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from dataaudit.cli.options import SCAN, Flag, Flags, Texts

_NUMBER = re.compile("[0-9]{1,15}")


@dataclass(frozen=True)
class PlainScan:
    """What was asked for."""

    sources: list[str]
    flags: Flags


@dataclass(frozen=True)
class _Known:
    """A flag of `scan`."""

    field: str
    kind: Any
    counted: bool

    @property
    def valued(self) -> bool:
        """Does a value follow?"""
        return self.kind is not bool and not self.counted


@cache
def _known() -> dict[str, _Known]:
    found: dict[str, _Known] = {}
    for group in SCAN:
        for one in fields(group):
            kind, (flag, *_) = one.type.__origin__, one.type.__metadata__  # type: ignore[union-attr]
            assert isinstance(flag, Flag)
            known = _Known(one.name, kind, bool(flag.more.get("count")))
            found |= dict.fromkeys(flag.names or (f"--{one.name.replace('_', '-')}",), known)
    return found


class _NotPlainError(Exception):
    """Typer is to look at it."""


def plain_scan(arguments: Sequence[str]) -> PlainScan | None:
    """What the arguments of the command line say; None: they are not those of a `scan`, or not plain."""
    if arguments[:1] != ["scan"] or any(name.endswith("_COMPLETE") for name in os.environ):
        return None
    sources: list[str] = []
    given: dict[str, Any] = {one.name: one.default for group in SCAN for one in fields(group)}
    try:
        words = iter(arguments[1:])
        for word in words:
            word.encode()  # a name that is not UTF-8
            if word == "-" or not word.startswith("-"):
                sources.append(word)
            else:
                _take(word, words, given)
    except (_NotPlainError, UnicodeEncodeError):
        return None
    return PlainScan(sources, Flags(given)) if all(sources) and sources else None


def _take(word: str, words: Iterator[str], given: dict[str, Any]) -> None:
    name, equals, value = word.partition("=")
    known = _known().get(name)
    if known is None or (equals and not (known.valued and name.startswith("--"))):
        raise _NotPlainError
    before = given[known.field]
    if not known.valued:
        given[known.field] = before + 1 if known.counted else True
        return
    value = value if equals else next(words, "")
    value.encode()
    if not value or value.startswith("-"):
        raise _NotPlainError
    if known.kind == Texts:
        given[known.field] = [*(before or ()), value]
        return
    if before is not None or (known.kind == int | None and not _NUMBER.fullmatch(value)):
        raise _NotPlainError
    given[known.field] = int(value) if known.kind == int | None else value
