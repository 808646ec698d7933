"""The proof that kept + quarantined = input: both are interleaved by row number and compared with the input.

Line formats need no input: the bytes put together must have the SHA-256 recorded for it. Tables are compared
with the input value by value, where it is still there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dataaudit.export.forms import LINE_FORMATS, Form
from dataaudit.export.manifest import InputEntry
from dataaudit.export.segments import Block
from dataaudit.export.verdicts import MALFORMED
from dataaudit.sources.dialect import open_utf8

COPY_BYTES = 1 << 20


class Mismatch(Exception):  # noqa: N818
    """Something is not as the manifest says; the text goes after the name of the file."""


def reasons_of(directory: Path, entry: InputEntry) -> Iterator[dict[str, Any]]:
    """The lines of a reasons file, rows ascending, in each part of a document."""
    if entry.reasons_path is None:
        return
    parts = iter([(part.file, part.rows) for part in entry.parts] or [(entry.file, entry.rows)])
    name, rows = next(parts)
    last = -1
    with (directory / entry.reasons_path).open("rb") as file:
        for line in file:
            reason = json.loads(line)
            row = reason["row"]
            while reason["file"] != name and (part := next(parts, None)) is not None:
                (name, rows), last = part, -1
            if not isinstance(row, int) or not last < row < rows:
                raise Mismatch(f"{entry.reasons_path} does not list rows in order")
            if reason["file"] != name or reason["action"] not in ("drop", "redact"):
                raise Mismatch(f"{entry.reasons_path} has an entry for row {row} that is not its own")
            last = row
            yield reason


def recount(directory: Path, entry: InputEntry) -> None:
    """Count the reasons file anew. Raises Mismatch where a figure of the manifest differs."""
    redacted = quarantined = malformed = 0
    counts: dict[str, int] = {}
    for reason in reasons_of(directory, entry):
        ids = {one["id"] for one in reason["reasons"]}
        if reason["action"] == "drop":
            quarantined += 1
            malformed += MALFORMED in ids
        else:
            redacted += 1
        for name in ids:
            counts[name] = counts.get(name, 0) + 1
    claimed = (entry.redacted, entry.quarantined, entry.malformed, entry.reasons)
    for name, have, said in zip(
        ("redacted", "quarantined", "malformed", "reasons"),
        (redacted, quarantined, malformed, counts),
        claimed,
        strict=True,
    ):
        if have != said:
            raise Mismatch(f"{name}: the manifest says {said}, the reasons file {have}")


def prove(directory: Path, entry: InputEntry, source: Path | None) -> str | None:
    """Put the input together again. Raises Mismatch; returns a note where it could not be done."""
    if entry.format in LINE_FORMATS:
        _prove_lines(directory, entry)
        return None
    if entry.format == "json":
        from dataaudit.export.proofdocs import prove_document

        prove_document(directory, entry)
        return None
    if entry.format == "webdataset":
        from dataaudit.export.prooftar import prove_archive

        prove_archive(directory, entry)
        return None
    from dataaudit.export.prooftables import prove_tables

    return prove_tables(directory, entry, source)


class _Segments:
    """Reads the segments of a line format in order and hashes them into the whole."""

    def __init__(self, directory: Path, name: str | None, total: int, form: Form, *, bom: bool) -> None:
        self._name = name
        self._stream = None if name is None else open_utf8(directory / name, form.encoding)
        self.head = b"" if self._stream is None else form.head(self._stream)
        self._blocks: Iterator[Block] = (
            iter(()) if self._stream is None else form.blocks(self._stream, self.head, bom=bom)
        )
        self._total = total
        self._block: Block | None = None
        self._at = 0
        self._counted = 0
        self.row = 0

    def take(self, rows: int, whole: _Whole | None) -> None:
        """The next segments go into `whole`, or nowhere. The last takes what is left of the stream."""
        if rows == 0:
            return
        goal = self.row + rows
        if goal > self._total:
            raise Mismatch("the reasons file names more rows than there are")
        self.row = goal
        while True:
            block = self._block
            if block is not None:
                here = goal - 1 - block.first
                if goal < self._total and here < len(block.ends):
                    self._copy(block, int(block.ends[here]), whole)
                    return
                self._copy(block, len(block.data), whole)
            self._block, self._at = self._advance(), 0
            if self._block is None:
                if goal < self._total:
                    raise Mismatch("rows are missing")
                return

    def _advance(self) -> Block | None:
        block = next(self._blocks, None)
        if block is not None:
            self._counted = block.first + len(block.ends)
        return block

    def check_end(self) -> None:
        """Raise Mismatch unless there are exactly as many rows as the manifest says."""
        while self._advance() is not None:
            pass
        if self._counted != self._total:
            raise Mismatch(f"{self._name} holds {self._counted} rows; the manifest says {self._total}")

    def _copy(self, block: Block, stop: int, whole: _Whole | None) -> None:
        if whole is not None and stop > self._at:
            whole.add(memoryview(block.data)[self._at : stop])
        self._at = stop

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


class _Lengths:
    """Reads removed segments of delimited text by the lengths the reasons file gives.

    Among them are records with an unbalanced quote, which read in another way without the lines that followed them. The
    lengths need no trust: only the right ones put together the bytes whose hash is known.
    """

    def __init__(self, directory: Path, name: str | None, total: int, form: Form) -> None:
        self._name = name
        self._stream = None if name is None else open_utf8(directory / name, form.encoding)
        self.head = b"" if self._stream is None else form.head(self._stream)
        self._total = total
        self._taken = 0

    def take(self, length: object, whole: _Whole) -> None:
        """The next segment goes into `whole`."""
        if self._stream is None or not isinstance(length, int) or length < 1:
            raise Mismatch(f"a removed row has the length {length!r}")
        self._taken += 1
        while length:
            data = self._stream.read(min(length, COPY_BYTES))
            if not data:
                raise Mismatch(f"{self._name} ends too early")
            whole.add(memoryview(data))
            length -= len(data)

    def check_end(self) -> None:
        """Raise Mismatch unless all was taken, and as many rows as the manifest says."""
        if self._stream is not None and self._stream.read(1):
            raise Mismatch(f"{self._name} holds more than the rows its reasons file lists")
        if self._taken != self._total:
            raise Mismatch(f"{self._taken} rows were removed; the manifest says {self._total}")

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()


class _Whole:
    """The input as it is put together."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0

    def add(self, data: memoryview) -> None:
        """The next bytes."""
        self._hash.update(data)
        self.bytes += len(data)

    @property
    def sha256(self) -> str:
        """Of all bytes."""
        return self._hash.hexdigest()


def _prove_lines(directory: Path, entry: InputEntry) -> None:
    whole = _Whole()
    form = Form(entry.dialect)
    if entry.rows == 0:
        if entry.quarantine_path is None:
            raise Mismatch("its bytes are nowhere")
        with open_utf8(directory / entry.quarantine_path, form.encoding) as stream:
            whole.add(memoryview(head := form.head(stream)))
            for block in form.blocks(stream, head):
                whole.add(memoryview(block.data))
                if len(block.ends):
                    raise Mismatch(
                        f"{entry.quarantine_path} holds rows; the manifest says that there are none"
                    )
    else:
        _interleave(directory, entry, form, whole)
    size, digest = entry.bytes, entry.sha256
    if entry.codec is not None or form.encoding != "utf-8":
        if entry.plain_sha256 is None or entry.plain_bytes is None:
            raise Mismatch("the manifest lacks the hash of what the input holds")
        size, digest = entry.plain_bytes, entry.plain_sha256
    if (whole.bytes, whole.sha256) != (size, digest):
        raise Mismatch("kept and quarantined rows, put together by row number, are not the input")


def _interleave(directory: Path, entry: InputEntry, form: Form, whole: _Whole) -> None:
    first = next(reasons_of(directory, entry), None)
    head_removed = first is not None and first["row"] == 0
    head_kept = first is None or first["row"] > 0 or first["action"] == "redact"
    kept = _Segments(directory, entry.kept_path, entry.kept + entry.redacted, form, bom=head_kept)
    total = entry.redacted + entry.quarantined
    removed = (
        _Segments(directory, entry.quarantine_path, total, form, bom=head_removed)
        if form.dialect is None
        else _Lengths(directory, entry.quarantine_path, total, form)
    )
    try:
        if entry.kept_path and entry.quarantine_path and kept.head != removed.head:
            raise Mismatch("kept and quarantined rows have different headers")
        whole.add(memoryview(kept.head or removed.head))
        row = 0
        for reason in reasons_of(directory, entry):
            kept.take(reason["row"] - row, whole)
            start = whole.bytes
            if isinstance(removed, _Lengths):
                removed.take(reason["length"], whole)
            else:
                removed.take(1, whole)
            if (reason["offset"], reason["length"]) != (start, whole.bytes - start):
                raise Mismatch(f"row {reason['row']} is not where the reasons file says")
            if reason["action"] == "redact":
                kept.take(1, None)
            row = reason["row"] + 1
        kept.take(entry.rows - row, whole)
        kept.check_end()
        removed.check_end()
    finally:
        kept.close()
        removed.close()
