"""The proof for JSON documents: what was cut out is put back at its byte, and the input comes out.

Then every row that was removed is looked up in the document that was put together: it must be where the reasons
file says, and the document that is left must hold as many rows as the manifest says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from dataaudit.export.elements import BETWEEN, SEPARATORS, Place, around, elements
from dataaudit.export.manifest import InputEntry, PartEntry
from dataaudit.export.proof import Mismatch, reasons_of
from dataaudit.export.rebuilt import Rebuilt, copy_exactly, read_all
from dataaudit.sources.dialect import open_utf8
from dataaudit.sources.json_encoding import BOM, UTF8
from dataaudit.sources.json_scan import ARRAY, OBJECT, VALUES


def prove_document(directory: Path, entry: InputEntry) -> None:
    """Put the input together again. Raises Mismatch where that fails."""
    with ExitStack() as stack:
        pieces = _pieces(directory, entry, stack)
        rebuilt = Rebuilt(pieces)
        _check_rows(directory, entry, rebuilt.read)
    size, digest = entry.bytes, entry.sha256
    if entry.codec is not None or entry.dialect is not None:
        if entry.plain_sha256 is None or entry.plain_bytes is None:
            raise Mismatch("the manifest lacks the hash of the decompressed input")
        size, digest = entry.plain_bytes, entry.plain_sha256
    if (rebuilt.bytes, rebuilt.sha256) != (size, digest):
        raise Mismatch("kept and quarantined elements, put together by their places, are not the input")
    if entry.kept_path is not None:
        _check_kept(directory, entry)


def _pieces(directory: Path, entry: InputEntry, stack: ExitStack) -> Iterator[bytes]:
    """The input, piece by piece."""
    if entry.kept_path is None:
        if entry.quarantine_path is None:
            raise Mismatch("its bytes are nowhere")
        yield from read_all(stack.enter_context(_open(directory, entry.quarantine_path, entry)))
        return
    kept = stack.enter_context(_open(directory, entry.kept_path, entry))
    removed = None
    if entry.quarantine_path is not None:
        removed = stack.enter_context(_open(directory, entry.quarantine_path, entry))
    opening, closing = around(_closes(entry.parts[0])) if entry.parts else around(ARRAY)
    mark = BOM if entry.dialect is not None and entry.dialect.head else b""
    at, before_it = 0, mark + opening
    for reason in reasons_of(directory, entry):
        before, after = _cut(reason)
        yield from copy_exactly(kept, reason["offset"] - len(before) - at)
        if removed is None or removed.read(len(before_it)) != before_it:
            raise Mismatch(f"{entry.quarantine_path} does not hold the elements that were removed")
        yield before
        yield from copy_exactly(removed, reason["length"])
        yield after
        if reason["action"] == "redact":
            for _ in copy_exactly(kept, reason["kept_length"]):
                pass
        at, before_it = reason["offset"] + reason["length"] + len(after), BETWEEN
    if removed is not None and removed.read() != closing:
        raise Mismatch(f"{entry.quarantine_path} does not end with the last element that was removed")
    yield from read_all(kept)


def _closes(part: PartEntry) -> bytes:
    return OBJECT if part.keyed else ARRAY if part.separated else VALUES


def _open(directory: Path, name: str, entry: InputEntry) -> IO[bytes]:
    """What an output holds, as UTF-8."""
    return open_utf8(directory / name, entry.dialect.encoding if entry.dialect is not None else UTF8)


def _cut(reason: dict[str, Any]) -> tuple[bytes, bytes]:
    """What was cut out around an element."""
    before, after = (part.encode("ascii") for part in reason.get("cut", ("", "")))
    if (before + after).translate(None, SEPARATORS) or (before + after).count(b",") > 1:
        raise Mismatch(f"more than an element and a separator was cut out at byte {reason['offset']}")
    return before, after


def _check_rows(directory: Path, entry: InputEntry, read: Callable[[int], bytes]) -> None:
    """Does the document hold the rows of the manifest, and are those of the reasons file where it says?"""
    reasons = reasons_of(directory, entry)
    reason = next(reasons, None)
    for found in elements(read, [Place(part.start, 1, _closes(part)) for part in entry.parts]):
        if isinstance(found, int):
            continue
        part = entry.parts[found.part]
        if found.cut is None:
            if found.row != part.rows:
                raise Mismatch(f"{part.file} holds {found.row} rows; the manifest says {part.rows}")
            continue
        spans = found.cut.spans
        while reason is not None and reason["file"] == part.file and reason["row"] < found.row + len(spans):
            start, end = spans[reason["row"] - found.row]
            if (reason["offset"], reason["length"]) != (start, end - start):
                raise Mismatch(f"row {reason['row']} of {part.file} is not where the reasons file says")
            reason = next(reasons, None)
    if reason is not None:
        raise Mismatch(f"the reasons file names row {reason['row']} of {reason['file']}, which is not there")


def _check_kept(directory: Path, entry: InputEntry) -> None:
    """Does what is left hold as many rows as the manifest says? Its parts start where the cuts before them say."""
    rows = {part.file: part.rows for part in entry.parts}
    starts = {part.file: part.start for part in entry.parts}
    for reason in reasons_of(directory, entry):
        before, after = _cut(reason)
        gone = len(before) + len(after) + reason["length"] - reason.get("kept_length", 0)
        rows[reason["file"]] -= reason["action"] == "drop"
        for part in entry.parts:
            if part.start > reason["offset"]:
                starts[part.file] -= gone
    assert entry.kept_path is not None
    with _open(directory, entry.kept_path, entry) as kept:
        places = [Place(starts[part.file], 1, _closes(part)) for part in entry.parts]
        for found in elements(kept.read, places):
            if not isinstance(found, int) and found.cut is None:
                name = entry.parts[found.part].file
                if found.row != rows[name]:
                    raise Mismatch(
                        f"{entry.kept_path} holds {found.row} rows of {name}; {rows[name]} were kept"
                    )
