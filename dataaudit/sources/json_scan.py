"""Where the elements of a JSON document lie, found by its brackets and quotes alone, block by block.

Nothing is parsed here: an element is what stands between two separators, and whether it is JSON is for the parser to
say. So a bad element costs itself only, as long as its quotes and brackets are even.
"""

from __future__ import annotations

import re

import msgspec
import numpy as np

from dataaudit.sources.json_brackets import Brackets, Places, line_feeds

BLOCK = 1 << 20
"""Bytes read at a time: what one scan keeps in the processor's cache."""

LONGEST = 512 << 20
"""Bytes of the longest element. What is longer is taken for a document whose quotes or brackets are not even."""

WIDEST = 16 << 20
"""Bytes that may lie outside objects, arrays and strings with no separator among them."""

SPACE = b" \t\r\n"

ARRAY, OBJECT, VALUES = b"]", b"}", b""
"""What closes the elements of an array, and of an object; values one after another end with the stream."""

_COMMA = 0x2C
_USUAL_GAP = 24
"""White space and comma between two elements that are looked at for all elements at once, in bytes."""
_IS_SPACE = np.isin(np.arange(256), list(SPACE))

# A backslash outside a string hides a quote here as it does for `Brackets`, so both see the same strings.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|,|(?:[^ \t\r\n,"\\]++|\\["\\]|\\)++|"', re.DOTALL)


class Cut(msgspec.Struct, frozen=True):
    """Some whole elements, in order. Places are byte offsets in the stream."""

    data: bytes
    base: int
    """Of `data` in the stream."""
    spans: list[tuple[int, int]]
    """Of the elements, without white space around them; an element that is missing is empty."""
    lines: Places
    """1-based lines on which they start."""
    done: int
    """Everything before belongs to these elements and those before them."""

    def texts(self, first: int = 0, last: int | None = None) -> list[bytes]:
        """The bytes of elements."""
        data, base = self.data, self.base
        return [data[start - base : end - base] for start, end in self.spans[first:last]]


class Cutter:
    """Cuts a stream into elements: what commas separate, up to the bracket that `closes`; or values one after another.

    The elements of an object (closed by `}`) are its keys with their values.
    `fresh`: does the stream start before the first element? If not, it starts after the separator of another.
    """

    def __init__(self, offset: int, line: int = 1, *, closes: bytes, fresh: bool = True) -> None:
        self.closed: int | None = None
        """Place of the bracket that ends the array or object."""
        self.broken: tuple[int, str] | None = None
        """Where the document cannot be followed any further, and why."""
        self.closes = closes
        self._separated = bool(closes)
        self._empty = fresh
        self._brackets = Brackets()
        self._held: list[bytes] = []
        self._base = self._at = offset
        self._gap = offset
        """Where the bytes start that have not been looked at; what begins before is in `_item` or `_begin`."""
        self._begin: int | None = None
        """Where an object or array starts that has not ended."""
        self._item: tuple[int, int] | None = None
        """An element whose separator has not been seen."""
        self._spans: list[tuple[int, int]] = []
        self._done = offset
        self._known: set[bytes] = set()
        """What stood between two elements and is a separator."""
        self._line = line
        self._feeds: list[Places] = []
        """Line feeds after `_base`; those before are counted in `_line`."""

    @property
    def pending(self) -> int | None:
        """Where an element starts that has not ended."""
        return self._item[0] if self._item is not None else self._begin

    def feed(self, block: bytes) -> Cut | None:
        """Take the next block; the elements that are complete now. Nothing more may come once closed or broken."""
        places, opens, depths = self._brackets.feed(block)
        self._feeds.append(line_feeds(block) + self._at)
        stop: int | None = None
        if len(depths) and int(depths.min()) < 0:
            first = int(np.argmax(depths < 0))
            stop = int(places[first]) + self._at
            places, opens, depths = places[:first], opens[:first], depths[:first]
        starts: Places = places[opens & (depths == 1)] + self._at
        ends: Places = places[~opens & (depths == 0)] + self._at
        self._at += len(block)
        if not len(ends) and stop is None and self._inside():
            self._held.append(block)
            self._limit(LONGEST)
            return None
        data = b"".join([*self._held, block]) if self._held else block
        if self._begin is not None:
            starts = np.concatenate(([self._begin], starts))
        self._begin = int(starts[-1]) if len(starts) > len(ends) else None
        self._values(data, starts, ends)
        if self.broken is None:
            if stop is not None:
                self._close(data, stop)
            elif self._begin is not None:
                self._between(data, self._begin, whole=True)
            else:
                self._between(data, self._at)
        return self._cut(data)

    def _inside(self) -> bool:
        """Is all of the block inside one value?"""
        return self._begin is not None or (self._brackets.in_string and not self._brackets.quotes)

    def _limit(self, most: int) -> None:
        at = self._gap if self.pending is None else self.pending
        if self._at - at > most:
            self.broken = (at, f"what begins there does not end within {most >> 20:,} MiB")

    def _values(self, data: bytes, starts: Places, ends: Places) -> None:
        """Objects and arrays that ended, each after the gap before it."""
        starts = starts[: len(ends)]
        if (
            len(ends) < 3
            or not self._separated
            or not _all_commas(data, starts - self._base, ends - self._base)
        ):
            self._one_by_one(data, starts.tolist(), ends.tolist())
            return
        self._one_by_one(data, starts[:1].tolist(), ends[:1].tolist())
        if self.broken is None and self._item is not None:
            self._spans.append(self._item)
            firsts, stops = starts.tolist(), (ends + 1).tolist()
            self._spans += zip(firsts[1:-1], stops[1:-1], strict=True)
            self._item, self._gap, self._done = (firsts[-1], stops[-1]), stops[-1], firsts[-1]

    def _one_by_one(self, data: bytes, starts: list[int], ends: list[int]) -> None:
        item, gap, base, spans, known = self._item, self._gap, self._base, self._spans, self._known
        for start, last in zip(starts, ends, strict=True):
            between = data[gap - base : start - base]
            if item is not None and (between in known or self._is_comma(between)):
                spans.append(item)
                item, self._done = (start, last + 1), start
            else:
                self._item, self._gap = item, gap
                self._between(data, start, whole=True)
                if self.broken is not None:
                    return
                item = (start if self._item is None else self._item[0], last + 1)
                if not self._separated:
                    spans.append(item)
                    item, self._done = None, last + 1
            gap = last + 1
        self._item, self._gap = item, gap

    def _is_comma(self, gap: bytes) -> bool:
        if gap.strip(SPACE) != b",":
            return False
        if len(self._known) < 64 and len(gap) < 64:  # a document has few kinds of gap
            self._known.add(gap)
        return True

    def _between(self, data: bytes, stop: int, *, whole: bool = False) -> None:
        """What stands outside objects and arrays: separators, white space, and elements that are neither.

        `whole`: something else follows at `stop`; if not, the last token may go on in the next block.
        """
        base = self._base
        if not self._separated:
            text = data[self._gap - base : stop - base]
            rest = text.lstrip(SPACE)
            self._gap = stop - len(rest)
            if rest:
                self.broken = (self._gap, "something stands there that is no object")
            return
        for token in _TOKEN.finditer(data, self._gap - base, stop - base):
            begin, end = token.start() + base, token.end() + base
            text = token.group()
            if text == b",":
                self._spans.append(self._item or (begin, begin))
                self._item, self._empty, self._done = None, False, end
            elif not whole and (text == b'"' or end == stop):
                self._gap = begin
                if text != b'"':
                    self._limit(WIDEST)
                return
            else:
                self._item = (begin if self._item is None else self._item[0], end)
            self._gap = end
        if self._item is None:
            self._gap = stop
        elif not whole and stop - self._item[1] > WIDEST:
            self.broken = (self._item[1], f"no separator follows within {WIDEST >> 20:,} MiB")

    def _close(self, data: bytes, stop: int) -> None:
        """A bracket closes at `stop` what was not opened here: the array, if it is the right one."""
        self._between(data, stop, whole=True)
        if self.broken is not None:
            return
        if self._item is not None or (self._separated and not self._empty):
            self._spans.append(self._item or (stop, stop))
            self._item = None
        self._gap = self._done = stop
        if self._separated and data[stop - self._base : stop - self._base + 1] == self.closes:
            self.closed, self._done = stop, stop + 1
        else:
            self.broken = (stop, "a bracket closes what it did not open")

    def finish(self) -> None:
        """The stream has ended. Sets `broken` unless it may end there."""
        if self.broken is not None or self.closed is not None:
            return
        at = self._gap if self.pending is None else self.pending
        if self._separated or at < self._at:
            inside = (
                "in the element that begins there"
                if at < self._at
                else f"before the {'array' if self.closes == ARRAY else 'object'} is closed"
            )
            self.broken = (at, f"the document ends {inside}")

    def _cut(self, data: bytes) -> Cut | None:
        """The elements found so far; what they leave of the data is held."""
        keep = min(one for one in (self._gap, self.pending, self._at) if one is not None)
        cut = None
        feeds = np.concatenate(self._feeds) if len(self._feeds) != 1 else self._feeds[0]
        if self._spans or self.closed is not None:
            starts = np.asarray([start for start, _ in self._spans], np.int64)
            lines = self._line + np.searchsorted(feeds, starts)
            cut = Cut(data, self._base, self._spans, lines, self._done)
            self._spans = []
            self._empty = False
        passed = int(np.searchsorted(feeds, keep))
        self._line, self._feeds = self._line + passed, [feeds[passed:]]
        self._held = [data[keep - self._base :]] if keep < self._at else []
        self._base = keep
        return cut


def _all_commas(data: bytes, starts: Places, ends: Places) -> bool:
    """Is there one comma and white space between any two of these values, the comma first, as nearly always?"""
    array = np.frombuffer(data, np.uint8)
    after, lengths = ends[:-1] + 1, starts[1:] - ends[:-1] - 1
    longest = int(lengths.max())
    if longest > _USUAL_GAP or int(lengths.min()) < 1 or not (array[after] == _COMMA).all():
        return False
    return all(
        bool((_IS_SPACE[array[np.minimum(after + i, len(array) - 1)]] | (lengths <= i)).all())
        for i in range(1, longest)
    )
