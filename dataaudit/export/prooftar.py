"""The proof for WebDataset archives: removed samples are put back at their bytes, and the input comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from dataaudit.export.manifest import InputEntry
from dataaudit.export.proof import Mismatch, reasons_of
from dataaudit.export.rebuilt import Rebuilt, copy_exactly, read_all
from dataaudit.sources.compression import open_plain
from dataaudit.sources.tarmembers import END, Archive, Cursor


def prove_archive(directory: Path, entry: InputEntry) -> None:
    """Put the input together again, and count its samples and those that were kept. Raises Mismatch."""
    with ExitStack() as stack:
        rebuilt = Rebuilt(_pieces(directory, entry, stack))
        reasons = reasons_of(directory, entry)
        reason = next(reasons, None)
        samples = 0
        for start, stop in _samples(Archive(rebuilt)):
            if reason is not None and reason["row"] == samples:
                if (reason["offset"], reason["length"]) != (start, stop - start):
                    raise Mismatch(f"row {samples} is not where the reasons file says")
                reason = next(reasons, None)
            samples += 1
    if samples != entry.rows:
        raise Mismatch(f"it holds {samples} samples; the manifest says {entry.rows}")
    size, digest = entry.bytes, entry.sha256
    if entry.codec is not None:
        if entry.plain_sha256 is None or entry.plain_bytes is None:
            raise Mismatch("the manifest lacks the hash of the decompressed input")
        size, digest = entry.plain_bytes, entry.plain_sha256
    if (rebuilt.bytes, rebuilt.sha256) != (size, digest):
        raise Mismatch("kept and quarantined samples, put together by their places, are not the input")
    if entry.kept_path is not None:
        with open_plain(directory / entry.kept_path) as kept:
            count = sum(1 for _ in _samples(Archive(kept)))
        if count != entry.kept:
            raise Mismatch(f"{entry.kept_path} holds {count} samples; {entry.kept} were kept")


def _samples(archive: Archive) -> Iterator[tuple[int, int]]:
    """The first and last byte of every sample, half-open."""
    cursor = Cursor()
    start = stop = 0
    for member in archive.members():
        place = member.place
        if place is not None and cursor.take(place):
            if cursor.row:
                yield start, stop
            start = member.start
        archive.skip(member.padded)
        stop = archive.at if place is not None else stop
    if cursor.row >= 0:
        yield start, stop


def _pieces(directory: Path, entry: InputEntry, stack: ExitStack) -> Iterator[bytes]:
    """The input, piece by piece."""
    if entry.kept_path is None:
        if entry.quarantine_path is None:
            raise Mismatch("its bytes are nowhere")
        yield from read_all(stack.enter_context(open_plain(directory / entry.quarantine_path)))
        return
    kept = stack.enter_context(open_plain(directory / entry.kept_path))
    if entry.quarantine_path is not None:
        removed = stack.enter_context(open_plain(directory / entry.quarantine_path))
        at = 0
        for reason in reasons_of(directory, entry):
            yield from copy_exactly(kept, reason["offset"] - at)
            yield from copy_exactly(removed, reason["length"])
            at = reason["offset"] + reason["length"]
        if removed.read() != END:
            raise Mismatch(f"{entry.quarantine_path} does not end with the last sample that was removed")
    yield from read_all(kept)
