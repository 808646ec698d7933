"""The elements of a JSON document for the second pass: in order, part by part, out of one stream.

What is removed of a document is an element with one separator: what is between it and the element before, or, where
none before it stays, what is between it and the next. So what is left is a document of the same form, and every other
byte of it is untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dataaudit.sources.json_scan import BLOCK, OBJECT, Cut, Cutter

BETWEEN = b",\n"
"""What stands between the removed elements in `quarantine/`."""


SEPARATORS = b" \t\r\n,"


def around(closes: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the removed elements in `quarantine/`: they are an array, or keys of an object."""
    return (b"{\n", b"\n}\n") if closes == OBJECT else (b"[\n", b"\n]\n")


@dataclass(frozen=True)
class Place:
    """Where the elements of one part of a document start."""

    start: int
    """Byte after the bracket that opens the array, or where the first of several values may start."""
    line: int
    closes: bytes
    """What closes them: the bracket of an array or an object, or nothing for values one after another."""


@dataclass(frozen=True)
class Found:
    """Elements of a part, or its end (`cut` is None)."""

    part: int
    row: int
    """Of the first element in the cut; at the end, the number of rows."""
    cut: Cut | None


def elements(read: Callable[[int], bytes], places: Sequence[Place]) -> Iterator[Found | int]:
    """The elements of all parts, which must come in order; reads to the end of the stream.

    A number between them is a place up to which no element is to come.
    A part that cannot be followed to its end ends early: whoever counts its rows sees that.
    """
    block, at = b"", 0
    for part, place in enumerate(places):
        while at + len(block) <= place.start:
            at += len(block)
            yield at
            if not (block := read(BLOCK)):
                break
        block, at = block[place.start - at :], place.start
        cutter = Cutter(at, place.line, closes=place.closes)
        row = 0
        while block:
            cut = cutter.feed(block)
            at += len(block)
            if cut is not None and cut.spans:
                yield Found(part, row, cut)
                row += len(cut.spans)
            if cutter.closed is not None or cutter.broken is not None:
                break
            block = read(BLOCK)
        if cutter.closed is not None:
            left = at - cutter.closed - 1
            block, at = block[len(block) - left :], cutter.closed + 1
        yield Found(part, row, None)
    at += len(block)
    while block := read(BLOCK):
        yield at
        at += len(block)


class Tape:
    """Reads a stream and keeps what was read until it is taken."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._held: list[bytes] = []
        self.at = 0
        """Place in the stream of the first byte that was not taken."""

    def read(self, size: int) -> bytes:
        """The next bytes of the stream."""
        block = self._read(size)
        if block:
            self._held.append(block)
        return block

    def take(self, stop: int | None = None) -> bytes:
        """The bytes up to a place (default: all that were read), which are not kept any longer."""
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        size = len(data) if stop is None else stop - self.at
        self._held = [data[size:]] if size < len(data) else []
        self.at += size
        return data[:size]
