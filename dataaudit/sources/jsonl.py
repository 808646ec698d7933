"""JSON Lines, plain and compressed: blocks of whole lines, read strictly line by line or, where that is the same, fast.

A line is what ends in a line feed (or the end of the file); a blank one holds only white space and is no record.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from dataaudit.errors import SourceError
from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef
from dataaudit.sources import flat
from dataaudit.sources.base import Damage, Partition, Place, ReadOptions, make_batch
from dataaudit.sources.compression import stream_error
from dataaudit.sources.flat import FlatReader
from dataaudit.sources.json_encoding import is_plain_json, open_json
from dataaudit.sources.json_records import Text, text_batch
from dataaudit.sources.line_picking import Cut, picked_cuts
from dataaudit.sources.linecount import lines_without_blanks
from dataaudit.sources.turn import Turn

BLOCK = 4 << 20
"""Bytes read at a time: large enough that calls do not count, small enough to stay in the processor's cache."""

LARGEST_PIECE = 64 << 20
"""Bytes of a long line that are read at a time."""

STRICT_LINES = 1024
"""Lines read strictly where the fast reader meets one that is not for it, before it is tried again."""

BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r"
_FEED = 10
_IS_BLANK = np.isin(np.arange(256), list(b" \t\r\n"))
"""May a line that begins with this byte be blank?"""


def plan(file: FileRef, target: int) -> list[Partition]:
    """Byte ranges that begin at a line, each knowing its first row and line from a counting pass."""
    path = Path(file.path)
    try:
        size = path.stat().st_size
        if size < 2 * target or not is_plain_json(path):
            return [Partition(file, 0, -1, nbytes=size)]
        with path.open("rb") as stream:
            starts = list(_line_starts(stream, size, target))
            parts, row, line = [], 0, 1
            for start, end in zip(starts, [*starts[1:], size], strict=True):
                parts.append(Partition(file, start, end, row, line, end - start))
                rows, lines = _count(stream, start, end)
                row, line = row + rows, line + lines
        return parts
    except OSError as error:
        raise SourceError(f"{file.uri}: {error.strerror or error}") from None


def _line_starts(stream: IO[bytes], size: int, target: int) -> Iterator[int]:
    yield 0
    at = target
    while at < size:
        stream.seek(at)
        while piece := stream.read(BLOCK):
            found = piece.find(b"\n")
            if found >= 0:
                at = at + found + 1
                break
            at += len(piece)
        else:
            return
        if at < size:
            yield at
        at += target


def _count(stream: IO[bytes], start: int, end: int) -> tuple[int, int]:
    """(records, line feeds) of a byte range that begins at a line and ends at one or at the end of the file."""
    if start and (counted := lines_without_blanks(stream, start, end, _IS_BLANK)) is not None:
        return counted  # a byte-order mark can only be at the start
    rows = lines = 0
    stream.seek(start)
    for number, taken in enumerate(_blocks(stream, start, end)):
        block = taken.pop()
        body = memoryview(block)[len(BOM) if start == 0 and number == 0 and block.startswith(BOM) else 0 :]
        data = np.frombuffer(body, np.uint8)
        feeds = np.flatnonzero(data == _FEED)
        lines += len(feeds)
        firsts = (
            data[np.append(0, feeds[:-1] + 1 if block.endswith(b"\n") else feeds + 1)] if len(data) else data
        )
        if _IS_BLANK[firsts].any():
            rows += sum(1 for one in _split(block, len(block) - len(body)) if not _is_blank(one))
        else:
            rows += len(firsts)
    return rows, lines


def _blocks(stream: IO[bytes], start: int, end: int, turn: Turn | None = None) -> Iterator[list[bytes]]:
    """Pieces of whole lines from `start` to `end` (-1: all), about BLOCK each, longer only for a longer line.

    Each comes in a list of its own, to be taken out: a long line must not live on here when it has been parsed. Where
    lines are long, `turn` is had until the next block is asked for.
    """
    at = start
    held: list[bytes] = []
    while True:
        # A long line is read in ever larger pieces: small ones would stay with the allocator when they are freed.
        want = min(max(BLOCK, sum(map(len, held))), LARGEST_PIECE)
        want = want if end < 0 else min(want, end - at)
        piece = stream.read(want) if want else b""
        if not piece:
            if held:
                yield [b"".join(held)]
            return
        at += len(piece)
        cut = piece.rfind(b"\n") + 1
        if not cut:
            held.append(piece)
            if turn is not None and sum(map(len, held)) >= LARGEST_PIECE:
                turn.take()
            continue
        whole = [b"".join([*held, memoryview(piece)[:cut]]) if held else piece[:cut]]
        held = [piece[cut:]] if cut < len(piece) else []
        del piece
        yield whole
        if turn is not None:
            turn.give()


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of a partition; raises SourceError where the stream breaks off."""
    file = partition.file
    path = Path(file.path)
    row, line, offset = partition.first_row, partition.first_line, partition.start
    stop = None if options.limit is None else row + options.limit
    fast = _flat_reader(file, options)
    compressed = False
    try:
        compressed = not is_plain_json(path)
        with open_json(path) as stream, Turn(options.turn) as turn:
            if partition.start:
                stream.seek(partition.start)
            for taken in _blocks(stream, partition.start, partition.end, turn):
                for cut, rows, batch in _batches(taken, file, (row, line, offset), (options, fast), stop):
                    if compressed and file.size:
                        share = 0  # bytes of a compressed file are counted once, at its end
                    else:
                        share = cut
                    yield _with_bytes(batch, share)
                    row, line, offset = row + rows[0], line + rows[1], offset + cut
                if row == stop:
                    return
    except Exception as error:
        said = stream_error(error)
        if said is None:
            raise
        raise SourceError(f"{file.uri}: {said} after row {row}, byte {offset}") from None
    if compressed:
        yield _tail(file, row, line, offset)


def _with_bytes(batch: Batch, nbytes: int) -> Batch:
    from dataclasses import replace

    return batch if batch.nbytes == nbytes else replace(batch, nbytes=nbytes)


def _tail(file: FileRef, row: int, line: int, offset: int) -> Batch:
    empty = np.empty(0, np.int64)
    return make_batch(
        file, empty, empty, extract_objects([], ()), Place(row, line, (0, 0), (offset, offset), file.size)
    )


def _flat_reader(file: FileRef, options: ReadOptions) -> FlatReader | None:
    """What reads flat objects fast, where all records are wanted or the numbers of those that are."""
    known = options.sample is None and options.limit is None
    return FlatReader(file.size, options.overrides, options.shapes) if known else None


def _batches(
    taken: list[bytes],
    file: FileRef,
    at: tuple[int, int, int],
    how: tuple[ReadOptions, FlatReader | None],
    stop: int | None,
) -> Iterator[Cut]:
    """Cut a block of whole lines, taken out of its list, into batches, up to the row `stop`."""
    options, fast = how
    if options.only is not None and stop is None and len(taken[0]) <= 2 * BLOCK:
        head = len(BOM) if at[2] == 0 and taken[0].startswith(BOM) else 0
        if (picked := picked_cuts((taken[0], head), file, at, (options, fast))) is not None:
            yield from picked
            return
    # A long line must not lie here twice.
    if fast is None or options.only is not None or not fast.hopeful or len(taken[0]) > flat.LARGEST:
        yield from _strict_batches(taken, file, at, options, stop)
        return
    row, line, offset = at
    block = taken.pop()
    start = 0
    while start < len(block):
        head = len(BOM) if offset == 0 and block.startswith(BOM) else 0
        served = fast.read(block, start + head, options.batch_rows)
        if served is None:
            end = _line_end(block, start, STRICT_LINES) if fast.hopeful else len(block)
            cuts = _strict_batches([block[start:end]], file, (row, line, offset), options, stop)
        else:
            end = served.end
            cuts = iter((_served(served, file, (row, line, offset), end - start),))
        start = end
        for size, (rows, lines), batch in cuts:
            yield size, (rows, lines), batch
            row, line, offset = row + rows, line + lines, offset + size


def _line_end(block: bytes, start: int, lines: int) -> int:
    """The byte after so many lines, or the end of the block."""
    at = start
    for _ in range(lines):
        at = block.find(b"\n", at) + 1
        if at == 0:
            return len(block)
    return at


def _served(served: flat.Served, file: FileRef, at: tuple[int, int, int], size: int) -> Cut:
    """The cut of lines that the fast reader has read: none of them is blank or malformed."""
    row, line, offset = at
    numbers = np.arange(served.lines, dtype=np.int64)
    counts = (served.lines, served.lines)
    place = Place(row, line, counts, (offset, offset + size), size)
    return size, counts, make_batch(file, row + numbers, line + numbers, served.found, place)


def _strict_batches(
    taken: list[bytes], file: FileRef, at: tuple[int, int, int], options: ReadOptions, stop: int | None
) -> Iterator[Cut]:
    """The same, read strictly line by line."""
    row, line, offset = at
    block = taken.pop()
    head = len(BOM) if offset == 0 and block.startswith(BOM) else 0
    lines = _split(block, head)
    del block  # of a long line only views are left, and those go with their batch
    if lines[-1] == b"":
        lines.pop()  # what follows the last terminator is no line
        ended = True
    else:
        ended = False
    step = options.batch_rows
    for first in range(0, len(lines), step):
        part = lines[first : first + step]
        lines[first : first + step] = [b""] * len(part)
        if stop is not None and stop - row < len(part):
            part = _first_records(part, stop - row)
            if not part:
                return
        last = first + step >= len(lines)
        size = sum(map(len, part)) + len(part) - (last and not ended) + (head if first == 0 else 0)
        start = offset + (head if first == 0 else 0)
        count = len(part)
        rows, batch = _batch(part, file, (row, line, start), options, extent=(offset, offset + size))
        del part
        yield size, (rows, count), batch
        del batch
        row, line, offset = row + rows, line + count, offset + size


def _split(block: bytes, start: int) -> list[Text]:
    """The lines of a block from a byte on, without terminators, and what follows the last of them."""
    if len(block) <= 2 * BLOCK:
        return list(block[start:].split(b"\n") if start else block.split(b"\n"))
    view = memoryview(block)
    lines: list[Text] = []
    while True:
        feed = block.find(b"\n", start)
        one = view[start:feed] if feed >= 0 else view[start:]
        lines.append(one if len(one) > BLOCK else bytes(one))
        if feed < 0:
            return lines
        start = feed + 1


def _is_blank(line: Text) -> bool:
    if isinstance(line, bytes):
        return not line.strip(_BLANKS)
    return not any(bytes(line[at : at + BLOCK]).strip(_BLANKS) for at in range(0, len(line), BLOCK))


def _first_records(part: list[Text], records: int) -> list[Text]:
    """The lines up to the last of so many records."""
    at = [i for i, one in enumerate(part) if not _is_blank(one)]
    return part if len(at) <= records else part[: at[records - 1] + 1 if records else 0]


def _batch(
    part: list[Text],
    file: FileRef,
    at: tuple[int, int, int],
    options: ReadOptions,
    *,
    extent: tuple[int, int],
) -> tuple[int, Batch]:
    """Parse lines into a batch; returns (records, batch)."""
    row, line, offset = at
    count = len(part)
    sizes = [len(one) for one in part]
    if _no_blanks(part):
        numbers = np.arange(count, dtype=np.int64)
        texts = part
    else:
        kept = [i for i, one in enumerate(part) if not _is_blank(one)]
        numbers = np.asarray(kept, np.int64)
        texts = [part[i] for i in kept]
        part.clear()
    records = len(texts)
    rows = row + np.arange(records, dtype=np.int64)
    lines = line + numbers
    place = Place(row, line, (records, count), extent, extent[1] - extent[0])

    def starts() -> npt.NDArray[np.int64]:
        ends = np.cumsum(sizes, dtype=np.int64) + np.arange(1, count + 1)
        return np.concatenate(([offset], offset + ends))[lines - line]

    return records, text_batch(file, texts, (rows, lines), place, starts, options)


def _no_blanks(part: list[Text]) -> bool:
    return all(one[:1] not in (b"", b" ", b"\t", b"\r") for one in part)
