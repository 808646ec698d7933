"""JSON documents, plain and compressed: an array of records, an array under a key, or objects one after another.

The document is never held whole: its elements are found by brackets and quotes, and each is parsed like a JSON line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from dataaudit.errors import SourceError
from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef, LayoutNote
from dataaudit.sources.base import Damage, Partition, Place, ReadOptions, make_batch
from dataaudit.sources.compression import stream_error
from dataaudit.sources.json_encoding import is_plain_json, open_json
from dataaudit.sources.json_keyed import key_length
from dataaudit.sources.json_records import text_batch
from dataaudit.sources.json_scan import ARRAY, BLOCK, OBJECT, SPACE, VALUES, Cut, Cutter

BOM = b"\xef\xbb\xbf"

Start = tuple[int, int, bytes]
"""Byte and line at which the first element may start, and what closes the elements."""


def start_of(stream: IO[bytes], file: FileRef) -> Start:
    """Where the records of a document begin; reads from the start of the stream."""
    if file.part is not None and file.part.inside:
        return file.part.start, file.part.line, OBJECT if file.part.keyed else ARRAY
    at, line = 0, 1
    head = stream.read(len(BOM))
    if head == BOM:
        at, head = len(BOM), b""
    while True:
        text = head.lstrip(SPACE)
        if text or not (more := stream.read(BLOCK)):
            break
        at, line, head = at + len(head), line + head.count(b"\n"), more
    at, line = at + len(head) - len(text), line + head.count(b"\n") - text.count(b"\n")
    return (at + 1, line, ARRAY) if text.startswith(b"[") else (at, line, VALUES)


def seek(stream: IO[bytes], path: Path, at: int) -> None:
    """Go to a byte of a file that was just opened; if it is compressed or no UTF-8, by reading up to it."""
    if is_plain_json(path):
        stream.seek(at)
        return
    left = at
    while left > 0:
        piece = stream.read(min(left, BLOCK))
        if not piece:
            return
        left -= len(piece)


class Document:
    """The elements of (a part of) an open document, cut by cut.

    `start` names a place after a separator, from which reading goes on to `end`; without it all is read.
    """

    def __init__(self, path: Path, file: FileRef, partition: Partition | None = None) -> None:
        self._path = path
        self._file = file
        self._partition = partition
        self.broken: tuple[int, str] | None = None
        """Where the document cannot be followed any further, and why; known at the end of `cuts`."""

    def cuts(self) -> Iterator[Cut]:
        """The cuts in order."""
        with open_json(self._path) as stream:
            at, line, closes = start_of(stream, self._file)
            part, end = self._partition, -1
            fresh = True
            if part is not None:
                end = part.end
                if part.start > at:
                    at, line, fresh = part.start, part.first_line, part.first_row == 0
            if not is_plain_json(self._path):
                with open_json(self._path) as again:
                    seek(again, self._path, at)
                    yield from self._run(again, Cutter(at, line, closes=closes, fresh=fresh), at, end)
                return
            stream.seek(at)
            yield from self._run(stream, Cutter(at, line, closes=closes, fresh=fresh), at, end)

    def _run(self, stream: IO[bytes], cutter: Cutter, at: int, end: int) -> Iterator[Cut]:
        while True:
            want = BLOCK if end < 0 else min(BLOCK, end - at)
            block = stream.read(want) if want else b""
            if not block:
                break
            cut = cutter.feed(block)
            at += len(block)
            if cut is not None:
                yield cut
            if cutter.closed is not None or cutter.broken is not None:
                break
        if cutter.closed is not None and not (self._file.part is not None and self._file.part.path):
            kind = "array" if cutter.closes == ARRAY else "object"
            self._check_tail(stream, kind, cutter.closed + 1, block[len(block) - (at - cutter.closed - 1) :])
        elif end < 0:
            cutter.finish()
        self.broken = self.broken or cutter.broken

    def _check_tail(self, stream: IO[bytes], kind: str, at: int, rest: bytes) -> None:
        """After the end of an array or object there is nothing but white space."""
        while True:
            text = rest.lstrip(SPACE)
            if text:
                self.broken = (at + len(rest) - len(text), f"something follows the end of the {kind}")
                return
            at += len(rest)
            if not (rest := stream.read(BLOCK)):
                return


def plan(file: FileRef, target: int) -> list[Partition]:
    """Byte ranges that begin at an element, each knowing its first row and line from a pass that only cuts."""
    path = Path(file.path)
    inside = file.part if file.part is not None and file.part.inside else None
    first, line = (inside.start, inside.line) if inside is not None else (0, 1)
    whole = Partition(file, first, -1, first_line=line, nbytes=file.size)
    try:
        if file.size < 2 * target or not is_plain_json(path):
            path.open("rb").close()
            return [whole]
        starts = [(first, 0, line)]
        row = 0
        for cut in Document(path, file).cuts():
            lines = cut.lines.tolist()
            for i, (start, _) in enumerate(cut.spans):
                if start - starts[-1][0] >= target and row + i:
                    starts.append((start, row + i, lines[i]))
            row += len(cut.spans)
    except Exception as error:
        said = stream_error(error)
        if said is None:
            raise
        raise SourceError(f"{file.uri}: {said}") from None
    ends = [start for start, _, _ in starts[1:]] + [-1]
    sizes = [(end if end > 0 else first + file.size) - s for (s, _, _), end in zip(starts, ends, strict=True)]
    return [
        Partition(file, start, end, row, line, max(size, 0))
        for (start, row, line), end, size in zip(starts, ends, sizes, strict=True)
    ]


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a partition. Raises SourceError, with the byte, where the document cannot be followed."""
    file = partition.file
    path = Path(file.path)
    row, done = partition.first_row, partition.start
    document = Document(path, file, partition)
    last = partition.end < 0
    try:
        compressed = not is_plain_json(path)
        for cut in document.cuts():
            for batch in _batches(cut, file, row, done, options):
                row, done = row + batch.span[0], batch.extent[1]
                yield replace(batch, nbytes=0) if compressed else batch
    except Exception as error:
        said = stream_error(error)
        if said is None:
            raise
        raise SourceError(f"{file.uri}: {said} after row {row}, byte {done}") from None
    if last:
        yield _tail(file, row, done, file.size if compressed else 0)
        damage = document.broken
        if damage is not None:
            raise SourceError(f"{file.uri}: {damage[1]} (byte {damage[0]}, after {row} rows)")
        if file.part is not None and file.part.damage is not None:
            raise SourceError(f"{file.uri}: {file.part.damage}")


def _tail(file: FileRef, row: int, at: int, nbytes: int) -> Batch:
    """A batch of no records, with what there is to say about the whole file."""
    empty = np.empty(0, np.int64)
    batch = make_batch(file, empty, empty, extract_objects([], ()), Place(row, 0, (0, 0), (at, at), nbytes))
    if file.part is not None and file.part.notes:
        return replace(batch, described=(LayoutNote("none", (), (), file.part.notes),))
    return batch


def _batches(cut: Cut, file: FileRef, row: int, done: int, options: ReadOptions) -> Iterator[Batch]:
    step, spans = options.batch_rows, cut.spans
    keyed = file.part is not None and file.part.keyed
    for first in range(0, len(spans), step):
        last = min(first + step, len(spans))
        lines = cut.lines[first:last]
        end = cut.done if last == len(spans) else spans[last][0]
        rows = row + np.arange(last - first, dtype=np.int64)

        texts = cut.texts(first, last)
        keys = [key_length(text) for text in texts] if keyed else [0] * len(texts)
        if keyed:  # what has no key is no member, whatever else it may be
            texts = [b"" if key is None else text[key:] for text, key in zip(texts, keys, strict=True)]

        def starts(
            first: int = first, last: int = last, keys: Sequence[int | None] = keys
        ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
            pairs = zip(spans[first:last], keys, strict=True)
            return np.asarray([start + (key or 0) for (start, _), key in pairs], np.int64)

        place = Place(row, int(lines[0]), (last - first, _lines(lines)), (done, end), end - done)
        yield text_batch(file, [*texts], (rows, lines), place, starts, options)
        row, done = row + last - first, end


def _lines(lines: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """Physical lines of the elements. Equal to their number only where every one starts a line after the last."""
    count = len(lines)
    if int(lines[-1]) - int(lines[0]) == count - 1 and bool((np.diff(lines) == 1).all()):
        return count
    return max(int(lines[-1] - lines[0]) + 1, count + 1)
