"""Redaction in raw JSON: replaces spans of one string and leaves every other byte of the record as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

MARK = "[REDACTED]"
"""What stands where something was."""

Step = str | int
Span = tuple[int, int]


class CannotRedactError(Exception):
    """The place to redact is not there, or is not a string. The row is dropped instead."""


_STEP = re.compile(
    r'(?P<empty>"")(?![^.\[])|(?P<key>(?:[^.\[\]\\]|\\.)+)|\[(?P<index>\d+)\]|(?P<dot>\.)', re.DOTALL
)


def parse_path(path: str) -> tuple[Step, ...]:
    """`messages[2].content` → `("messages", 2, "content")`; a backslash quotes the next character."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise CannotRedactError(f"no single place: {path}")
        if match["key"] is not None:
            steps.append(re.sub(r"\\(.)", r"\1", match["key"], flags=re.DOTALL))
        elif match["empty"] is not None:
            steps.append("")
        elif match["index"] is not None:
            steps.append(int(match["index"]))
        at = match.end()
    return tuple(steps)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans; those that overlap or touch become one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def redact_text(text: str, spans: Iterable[Span]) -> str:
    """The text with every span (code points) replaced by `MARK`. Raises CannotRedactError."""
    pieces, at = [], 0
    for start, end in merge_spans(spans):
        if not 0 <= start <= end <= len(text):
            raise CannotRedactError(f"the span {start} to {end} is outside the text")
        pieces += [text[at:start], MARK]
        at = end
    return "".join([*pieces, text[at:]])


# Scanning raw JSON. The record was parsed by the reader before, so it is taken to be well-formed.
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]+")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
"""An escape that stands for one code point; a surrogate pair is one."""


def _skip_space(raw: bytes, at: int) -> int:
    match = _SPACE.match(raw, at)
    assert match is not None
    return match.end()


def _end_of_value(raw: bytes, at: int) -> int:
    """Where the value that starts at `at` ends."""
    head = raw[at : at + 1]
    if head in (b"{", b"["):
        depth = 0
        for token in _TOKEN.finditer(raw, at):
            first = token.group()[:1]
            if first in b"{[":
                depth += 1
            elif first in b"}]":
                depth -= 1
                if depth == 0:
                    return token.end()
        raise CannotRedactError("the record is not complete")
    match = (_STRING if head == b'"' else _SCALAR).match(raw, at)
    if match is None:
        raise CannotRedactError("the record is not well-formed")
    return match.end()


def _member(raw: bytes, at: int, key: str) -> int:
    """Where the value of a key of the object at `at` starts; of several the last counts, as for readers."""
    found = -1
    at = _skip_space(raw, at + 1)
    while raw[at : at + 1] == b'"':
        stop = _end_of_value(raw, at)
        name = json.loads(raw[at:stop], strict=False)
        at = _skip_space(raw, _skip_space(raw, stop) + 1)
        if name == key:
            found = at
        at = _skip_space(raw, _end_of_value(raw, at))
        if raw[at : at + 1] == b",":
            at = _skip_space(raw, at + 1)
    if found < 0:
        raise CannotRedactError(f"no field {key!r}")
    return found


def _element(raw: bytes, at: int, index: int) -> int:
    """Where an element of the array at `at` starts."""
    at = _skip_space(raw, at + 1)
    for _ in range(index):
        at = _skip_space(raw, _end_of_value(raw, at))
        if raw[at : at + 1] != b",":
            raise CannotRedactError(f"no element {index}")
        at = _skip_space(raw, at + 1)
    if raw[at : at + 1] == b"]":
        raise CannotRedactError(f"no element {index}")
    return at


def locate(raw: bytes, at: int, path: str) -> Span:
    """Byte range of the string token (quotes included) at a path of the value that starts at `at`."""
    at = _skip_space(raw, at)
    for step in parse_path(path):
        head = raw[at : at + 1]
        if isinstance(step, int) and head == b"[":
            at = _element(raw, at, step)
        elif isinstance(step, str) and head == b"{":
            at = _member(raw, at, step)
        elif isinstance(step, str) and head == b"[" and step.isdecimal():
            at = _element(raw, at, int(step))  # a row without names, whose columns are its places
        else:
            raise CannotRedactError(f"nothing at {path}")
    if raw[at : at + 1] != b'"':
        raise CannotRedactError(f"no string at {path}")
    return at, _end_of_value(raw, at)


def _splice(token: str, spans: list[Span]) -> str:
    """Replace spans (code points once decoded) in a string token; every other escape stays as written."""
    cuts = [point for span in spans for point in span]
    places: list[int] = []
    # `at` is a place in the token, `point` its decoded code point; between escapes they advance together.
    at, point = 1, 0
    for unit in _UNIT.finditer(token, 1, len(token) - 1):
        run = unit.start() - at
        while len(places) < len(cuts) and cuts[len(places)] <= point + run:
            places.append(at + cuts[len(places)] - point)
        at, point = unit.end(), point + run + 1
    while len(places) < len(cuts) and cuts[len(places)] <= point + len(token) - 1 - at:
        places.append(at + cuts[len(places)] - point)
    if len(places) < len(cuts):
        raise CannotRedactError(f"the span ends at {cuts[-1]}, after the text")
    pieces, at = [], 0
    for start, end in zip(places[::2], places[1::2], strict=True):
        pieces += [token[at:start], MARK]
        at = end
    return "".join([*pieces, token[at:]])


def redact_record(segment: bytes, begin: int, places: dict[str, list[Span]]) -> bytes:
    """A segment with spans replaced in the strings at the given paths; the record starts at or after `begin`.

    Raises CannotRedactError where a place is not there; nothing is replaced then.
    """
    try:
        return _redact(segment, begin, places)
    except ValueError as error:
        raise CannotRedactError(f"the record does not decode: {error}") from error


def _redact(segment: bytes, begin: int, places: dict[str, list[Span]]) -> bytes:
    edits: dict[Span, list[Span]] = {}
    for path, spans in places.items():
        edits.setdefault(locate(segment, begin, path), []).extend(spans)
    for (start, end), spans in sorted(edits.items(), reverse=True):
        token = segment[start:end].decode("utf-8")
        merged = merge_spans(spans)
        spliced = _splice(token, merged)
        expected = redact_text(json.loads(token, strict=False), merged)
        if json.loads(spliced, strict=False) != expected:
            raise CannotRedactError("the string does not decode as expected")
        segment = segment[:start] + spliced.encode("utf-8") + segment[end:]
    return segment
