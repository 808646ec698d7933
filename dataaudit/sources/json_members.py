"""The members of a JSON object that may be too long to hold: their keys, and where their values lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

import msgspec
import orjson

from dataaudit.sources.compression import stream_error
from dataaudit.sources.json_brackets import Brackets
from dataaudit.sources.json_scan import BLOCK, LONGEST

HEAD_BYTES = 1 << 16
"""Bytes of an array or object that are looked at to see what it holds."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[:,]|[^ \t\r\n,:"]++|"', re.DOTALL)
_WANTED = ("a new key", "a colon", "a value", "a comma")
_KEY, _COLON, _VALUE, _COMMA = range(4)


@dataclass
class Member:
    """A key of an object and where its value lies. Offsets are after decompression."""

    key: str
    kind: str
    """`array`, `object`, or for another value `string`, `integer`, `float` or `null`."""
    start: int
    """Of the value; of an array or object the byte after its bracket."""
    line: int
    """1-based line on which the value starts."""
    end: int | None = None
    """After the value; None where it does not end."""
    head: bytes = b""
    """The first bytes of an array or object, after its bracket."""


class Members(msgspec.Struct, frozen=True):
    """What was found of an object."""

    members: tuple[Member, ...]
    end: int
    """After its closing bracket, or where it broke off."""
    lines: int
    """Line feeds in it."""
    broken: tuple[int, str] | None
    """Where it cannot be followed any further, and why."""
    more: bool = False
    """May there be more of them, because the first said enough?"""


Enough = Callable[[Sequence[Member]], bool]
"""Do these first members say all that is to be known?"""


def never(members: Sequence[Member]) -> bool:
    """All members are wanted."""
    del members
    return False


def members_of(stream: IO[bytes], offset: int, line: int, first: int, enough: Enough) -> Members:
    """The members of the object whose bracket is just before `offset`, where the stream stands.

    Stops where the `first` members are `enough`. The stream is left somewhere after; `Members.end` says where the
    object ended.
    """
    scan = _Scan(offset, line)
    asked = more = False
    try:
        while not scan.done and scan.broken is None:
            if len(scan.members) > first and not asked:  # the last one may not have ended
                asked, more = True, enough(scan.members[:first])
                if more:
                    break
            block = stream.read(BLOCK)
            if not block:
                scan.broken = (scan.at, "the document ends before the object is closed")
            scan.feed(block)
    except Exception as error:
        said = stream_error(error)
        if said is None:
            raise
        scan.broken = (scan.at, said)
    return Members(tuple(scan.members), scan.at, scan.line - line, scan.broken, more)


class _Scan:
    def __init__(self, offset: int, line: int) -> None:
        self.members: list[Member] = []
        self.at = offset
        self.line = line
        self.done = False
        self.broken: tuple[int, str] | None = None
        self._brackets = Brackets()
        self._inside: Member | None = None
        self._key = ""
        self._keys: set[str] = set()
        self._want = _KEY
        self._text: list[bytes] = []
        self._text_at = offset
        self._length = 0

    def feed(self, block: bytes) -> None:
        places, opens, depths = self._brackets.feed(block)
        turning = ((depths == 1) & opens) | ((depths == 0) & ~opens) | (depths < 0)
        base, at = self.at, 0
        for place, opening, depth in zip(
            places[turning].tolist(), opens[turning].tolist(), depths[turning].tolist(), strict=True
        ):
            if self._inside is None:
                self._hold(block[at:place], base + at)
                self._tokens(closing=not opening)
            if self.broken is None and opening:
                self.line += block.count(b"\n", at, place)
                self._open(block, place, base)
                at = place + 1
            elif self.broken is None and depth == 0:
                self._into(block[at : place + 1])
                self.line += block.count(b"\n", at, place)
                assert self._inside is not None
                self._inside.end = base + place + 1
                self._inside, self._want = None, _COMMA
                at = place + 1
            elif self.broken is None:
                self.line += block.count(b"\n", at, place)
                if block[place : place + 1] != b"}":
                    self.broken = (base + place, "a bracket closes what it did not open")
                self.at, self.done = base + place + 1, True
                return
            if self.broken is not None:
                self.at = self.broken[0]
                return
        self.at = base + len(block)
        self.line += block.count(b"\n", at)
        if self._inside is not None:
            self._into(block[at : at + HEAD_BYTES])
        else:
            self._hold(block[at:], base + at)
            if self._length > LONGEST:
                self.broken = (self._text_at, f"no value ends within {LONGEST >> 20:,} MiB")

    def _open(self, block: bytes, place: int, base: int) -> None:
        if self._want != _VALUE:
            self.broken = (base + place, f"{_WANTED[self._want]} should stand there")
            return
        kind = "object" if block[place : place + 1] == b"{" else "array"
        self._inside = Member(self._key, kind, base + place + 1, self.line)
        self.members.append(self._inside)

    def _into(self, piece: bytes) -> None:
        member = self._inside
        assert member is not None
        if len(member.head) < HEAD_BYTES:
            member.head += piece[: HEAD_BYTES - len(member.head)]

    def _hold(self, text: bytes, at: int) -> None:
        if not self._text:
            self._text_at = at
        self._text.append(text)
        self._length += len(text)

    def _tokens(self, *, closing: bool) -> None:
        """What stands between two containers."""
        text, self._text, self._length = b"".join(self._text), [], 0
        for token in _TOKEN.finditer(text):
            if not self._token(token.group()):
                self.broken = (self._text_at + token.start(), f"{_WANTED[self._want]} should stand there")
                return
        if closing and self._want != _COMMA and not (self._want == _KEY and not self.members):
            self.broken = (self._text_at + len(text), f"{_WANTED[self._want]} should stand there")

    def _token(self, token: bytes) -> bool:
        """Take one token; False where it is not the one that should stand there."""
        if self._want == _COLON:
            self._want = _VALUE if token == b":" else _COLON
            return token == b":"
        if self._want == _COMMA:
            self._want = _KEY if token == b"," else _COMMA
            return token == b","
        try:
            value = orjson.loads(token)
        except orjson.JSONDecodeError:
            return False
        if self._want == _VALUE:
            kind = _KINDS.get(type(value), "integer")
            self.members.append(Member(self._key, kind, self._text_at, self.line, -1))
            self._want = _COMMA
            return True
        new = isinstance(value, str) and value not in self._keys
        if new:
            self._keys.add(value)
            self._key, self._want = value, _COLON
        return new


_KINDS = {str: "string", float: "float", type(None): "null"}
