"""Why a text is no JSON object, and which objects name a key twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import orjson


class _NotJsonError(ValueError):
    pass


def _refuse(constant: str) -> NoReturn:
    raise _NotJsonError(constant)


def why_malformed(text: bytes | memoryview, *, arrays: bool = False) -> str | None:
    """The reason code of a text that is no JSON object (or, with `arrays`, no array), or None for one that is.

    `not-an-object` (JSON of another kind), `too-deep` (nested further than loaders follow), `invalid-utf8`, `nul-byte`,
    `lone-surrogate` (an escape that stands for no character, which most loaders refuse), else `invalid-json`.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _why_refused(bytes(text))
    if type(value) is not dict and not (arrays and type(value) is list):
        return "not-an-object"
    try:
        orjson.dumps([value])  # in a list, as `duplicate_keys` writes it: the writer has a limit of depth
    except orjson.JSONEncodeError:
        return "too-deep"
    return None


def _why_refused(text: bytes) -> str:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid-utf8"
    if "\x00" in decoded:
        return "nul-byte"
    try:
        json.dumps(json.loads(decoded, parse_constant=_refuse), ensure_ascii=False).encode("utf-8")
    except RecursionError:
        return "too-deep"
    except UnicodeEncodeError:
        return "lone-surrogate"
    except ValueError:  # _NotJsonError and json.JSONDecodeError are ValueErrors
        pass
    return "invalid-json"


def _strings(value: object) -> int:
    """Strings in a JSON value, keys included."""
    if isinstance(value, str):
        return 1
    if isinstance(value, dict):
        return len(value) + sum(map(_strings, value.values()))
    if isinstance(value, list):
        return sum(map(_strings, value))
    return 0


def _quotes(text: bytes | memoryview) -> int:
    """Quotes that open or close a string: those with an even number of backslashes before them."""
    data = np.frombuffer(text, np.uint8)
    return sum(_quotes_within(data, at) for at in range(0, len(data), WINDOW))


def _quotes_within(data: npt.NDArray[np.uint8], start: int) -> int:
    """Those of one window; what is before it counts for whether its first ones are escaped."""
    window = data[start : start + WINDOW]
    quotes = np.flatnonzero(window == _QUOTE) + start
    after = quotes[quotes > 0]
    after = after[data[after - 1] == _BACKSLASH]
    if len(after) == 0:
        return len(quotes)
    single = data[np.maximum(after - 2, 0)] != _BACKSLASH
    single |= after < 2
    escaped = int(single.sum())
    for at in after[~single].tolist():  # a run of several backslashes is rare
        run = at - 1
        while run >= 0 and data[run] == _BACKSLASH:
            run -= 1
        escaped += (at - 1 - run) % 2
    return len(quotes) - escaped


_QUOTE, _BACKSLASH = 0x22, 0x5C

LONG = 32 << 20
"""Bytes of records beyond which they are not written out again to count strings: long ones would lie there twice."""
WINDOW = 1 << 18
"""Bytes looked at together: what stays in the processor's cache, and little beside a long record."""


def _strings_of_all(objects: Sequence[Any]) -> int:
    """Strings in all objects together, counted in what the serialiser writes: it writes each key once."""
    return _quotes(orjson.dumps(objects)) // 2


def duplicate_keys(texts: Sequence[bytes | memoryview], objects: Sequence[Any]) -> list[int]:
    """The objects (by index) in which some object names a key twice; the parser keeps the last.

    A string has two quotes. An object that names a key twice lost strings in parsing, so its text has more quotes than
    twice the strings of the value; nothing else can make them differ.
    """
    if sum(map(len, texts)) <= LONG and _quotes(b"".join(texts)) == 2 * _strings_of_all(objects):
        return []  # the difference has one sign, so equal sums are equal parts
    return [
        i
        for i, (text, value) in enumerate(zip(texts, objects, strict=True))
        if _quotes(text) != 2 * _strings(value)
    ]
