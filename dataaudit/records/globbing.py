"""Patterns for paths of a repository, matched in time that no pattern can blow up.

`*`, `?` and `[…]` stay within a name; `**` as a whole name stands for any number of folders, and at the end for all
that lies below. Names that begin with a dot, and folders that begin with two underscores, match only a pattern that
names them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_STAR = object()


def matches(pattern: str, path: str) -> bool:
    """Does a relative path match? Both with `/`."""
    names, parts = pattern.split("/"), path.split("/")
    if _count(names, ".") != _count(parts, ".") or _count(names[:-1], "__") != _count(parts[:-1], "__"):
        return False
    tokens: list[Any] = [_STAR if one == "**" else _name(one) for one in names]
    if tokens[-1] is _STAR:
        tokens.append([_STAR])
    return _greedy(tokens, parts, lambda token, part: _greedy(token, part, _one))


def _count(names: Sequence[str], mark: str) -> int:
    return sum(1 for one in names if one.startswith(mark) and one not in (".", ".."))


def _one(token: Any, char: str) -> bool:
    if isinstance(token, str):
        return token == char
    wanted, ranges = token
    return bool(wanted) == any(low <= char <= high for low, high in ranges)


def _name(text: str) -> list[Any]:
    """The tokens of a name: characters, stars, and classes as (member, ranges)."""
    tokens: list[Any] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "*":
            tokens.append(_STAR)
        elif char == "?":
            tokens.append((True, [("\0", chr(0x10FFFF))]))
        elif char == "[" and (end := text.find("]", at + 1 + text.startswith("!", at))) > 0:
            body = text[at:end]
            out = body.startswith(("!", "^"))
            tokens.append((not out, _ranges(body[out:])))
            at = end + 1
        else:
            tokens.append(char)
    return tokens


def _ranges(body: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(body):
        if body[at + 1 : at + 2] == "-" and at + 2 < len(body):
            found.append((body[at], body[at + 2]))
            at += 3
        else:
            found.append((body[at], body[at]))
            at += 1
    return found


def _greedy(tokens: Sequence[Any], items: Sequence[str], fits: Callable[[Any, str], bool]) -> bool:
    """Wildcard matching that goes back to the last star only: at most tokens × items steps."""
    t = i = 0
    star = mark = -1
    while i < len(items):
        if t < len(tokens) and tokens[t] is _STAR:
            star, mark, t = t, i, t + 1
        elif t < len(tokens) and fits(tokens[t], items[i]):
            t, i = t + 1, i + 1
        elif star >= 0:
            mark += 1
            t, i = star + 1, mark
        else:
            return False
    return all(one is _STAR for one in tokens[t:])
