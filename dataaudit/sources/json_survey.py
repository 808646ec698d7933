"""What a file of JSON is: lines, or a document, and then where its records are.

A document is an array of records; objects one after another; or one object. An object holds records

- under the key that `--field` names;
- under each of its keys, where one of them is the name of a split, or all of them hold arrays of objects;
- under keys of their own, where all of them hold objects that are alike;
- under the one key that holds an array of objects, unless the object is itself a record with text of a known name.

Every other object is one record. Where several keys could hold the records, none is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dataaudit.records.paths import parse
from dataaudit.sources.compression import stream_error
from dataaudit.sources.json import BOM, seek
from dataaudit.sources.json_brackets import Brackets
from dataaudit.sources.json_choice import (
    DOCUMENT,
    LINES,
    Document,
    SplitOf,
    Survey,
    keyed,
    members_at,
    without,
)
from dataaudit.sources.json_encoding import open_json
from dataaudit.sources.json_scan import BLOCK, SPACE

if TYPE_CHECKING:
    from io import BufferedReader

_FIRST = re.compile(rb"[^ \t\r\n]")


def survey(path: Path, split_of: SplitOf, *, field: str | None = None, strict: bool, lone: bool) -> Survey:
    """Look at a file. `strict`: its name says JSON Lines, so it must plainly be something else to be taken for it.

    `lone`: was it named itself? Then an object without text of a known name is a record too. A file that cannot be
    read is taken for lines: the reader says what is wrong. Raises UsageError for a `field` that is no path.
    """
    steps = None if field is None else parse(field)
    head = b""
    try:
        head = _head(path)
        text = head.removeprefix(BOM)
        at = len(head) - len(text.lstrip(SPACE))
        text = head[at:]
        if not text.startswith((b"[", b"{")) or _has_lines(text, strict=strict):
            return LINES
        if text.startswith(b"["):
            return DOCUMENT if steps is None else without(steps)
        return _object(path, at, head[:at].count(b"\n") + 1, steps, split_of, lone=lone)
    except Exception as error:
        if stream_error(error) is None:
            raise
        return DOCUMENT if head else LINES


def _head(path: Path) -> bytes:
    """The first bytes of a file; those before the damage, where it is damaged."""
    head = b""
    with cast("BufferedReader", open_json(path)) as stream:
        try:
            while len(head) < BLOCK and (piece := stream.read1(BLOCK)):
                head += piece
        except Exception as error:
            if not head or stream_error(error) is None:
                raise
    return head


def _has_lines(text: bytes, *, strict: bool) -> bool:
    """Does the first line hold a value of its own, with more after it, or one that cannot go on in the next line?"""
    line, feed, rest = text.partition(b"\n")
    line, rest = line.rstrip(SPACE), rest.lstrip(SPACE)
    brackets = Brackets()
    brackets.feed(line)
    if brackets.depth <= 0:  # it is complete
        return strict or (bool(rest) and line.startswith(b"{"))
    if strict and (not feed or (line != b"{" and not line.startswith(b"["))):
        return True
    # A line that is not complete goes on in the next; where that cannot be, it is a damaged record.
    goes_on = line.endswith((b"[", b"{", b",", b":")) or rest.startswith((b",", b"]", b"}", b":"))
    return bool(rest) and (strict or line.startswith(b"{")) and (brackets.in_string or not goes_on)


def _object(
    path: Path, at: int, line: int, steps: Sequence[str] | None, split_of: SplitOf, *, lone: bool
) -> Survey:
    """A file that starts with an object, its bracket at `at`."""
    found = members_at(path, at + 1, line, whole=steps is not None)
    if found.more:
        return keyed(at + 1, line)
    follows = _follows(path, found.end) if found.broken is None else None
    if follows is not None and follows[1] == b"{" and steps is None:
        # Objects one after another; on one line they are a line that is no record.
        return DOCUMENT if found.lines else LINES
    broken = found.broken
    if follows is not None:
        broken = (follows[0], "something follows the end of the object")
    damage = None if broken is None else f"{broken[1]} (byte {broken[0]})"
    document = Document(path, found.members, found.end, damage, split_of)
    if steps is not None:
        return document.under(steps)
    records = (
        document.splits()
        or document.record()
        or document.keyed(at + 1, line)
        or document.arrays(lone=lone)
        or document.other(lone=lone)
    )
    # A line that is one record, or is broken, is for the reader of lines: it costs a row there, not the file.
    return LINES if records == DOCUMENT and not found.lines else records


def _follows(path: Path, at: int) -> tuple[int, bytes] | None:
    """The first byte from `at` on that is no white space, and its place."""
    with open_json(path) as stream:
        seek(stream, path, at)
        while block := stream.read(BLOCK):
            if found := _FIRST.search(block):
                return at + found.start(), found.group()
            at += len(block)
    return None
