"""Line formats: kept segments are copied byte for byte in large runs, removed ones go to quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from dataaudit.errors import DataauditError, InputChangedError
from dataaudit.export.forms import Form, form_of
from dataaudit.export.job import FileResult, FileTask, HashingFile, Output, Tally, reading_error
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.redact import CannotRedactError
from dataaudit.export.segments import Block
from dataaudit.export.verdicts import Reason, RowVerdict
from dataaudit.sources.compression import codec_of, decompressing
from dataaudit.sources.dialect import from_encoding


def reason_line(
    task: FileTask, verdict: RowVerdict, place: Mapping[str, object], *, uri: str | None = None
) -> bytes:
    """One line of a reasons file; `uri` names the part of the file that the row is in.

    ASCII: names that are not UTF-8 survive as lone surrogates.
    """
    entry = {
        "file": uri or task.uri,
        "row": verdict.row,
        **place,
        "action": verdict.action,
        "reasons": [_reason(task, reason) for reason in verdict.reasons],
    }
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _reason(task: FileTask, reason: Reason) -> dict[str, object]:
    out: dict[str, object] = {"id": reason.id}
    if reason.note is not None:
        out["note"] = reason.note
    if reason.twin is not None:
        out["twin"] = {"file": task.uris[reason.twin[0]], "row": reason.twin[1]}
    if reason.similarity is not None:
        out["similarity"] = reason.similarity
    if reason.path is not None:
        out["path"] = reason.path
    if reason.span is not None:
        out["span"] = list(reason.span)
    return out


def places_of(verdict: RowVerdict) -> dict[str, list[tuple[int, int]]]:
    """Path → spans to redact."""
    places: dict[str, list[tuple[int, int]]] = {}
    for reason in verdict.reasons:
        if reason.path is not None and reason.span is not None:
            places.setdefault(reason.path, []).append(reason.span)
    return places


def drop_instead(verdict: RowVerdict, error: CannotRedactError) -> RowVerdict:
    """A row whose match cannot be replaced must not be kept with it: it is dropped, and says why."""
    reasons = tuple(replace(r, note=f"dropped, could not be redacted: {error}") for r in verdict.reasons)
    return RowVerdict(verdict.row, "drop", reasons)


class _Router:
    """Takes blocks in order and sends every byte to `kept` or to `quarantine`."""

    def __init__(self, task: FileTask, codec: str | None, form: Form) -> None:
        self._task = task
        self._form = form
        self._head = b""
        self._rows = task.source.rows
        self.kept = Output(task.out, task.kept, "kept", codec, form.encoding)
        self.quarantine = Output(task.out, task.quarantine, "quarantine", codec, form.encoding)
        self.reasons = Output(task.out, task.reasons, "reasons")
        self.tally = Tally(task.source.rows)
        self._verdicts: Iterator[RowVerdict] = task.verdicts.for_file(task.source.file.id)
        self._next = next(self._verdicts, None)
        self._open: RowVerdict | None = None
        self._start = 0
        self._line = 0
        self._parts: list[bytes] = []

    @property
    def untouched(self) -> bool:
        """Is there nothing to remove from the file?"""
        return self._next is None

    def discard(self) -> None:
        """Leave no trace."""
        for output in (self.kept, self.quarantine, self.reasons):
            output.discard()

    def head(self, data: bytes) -> None:
        """What stands before the first segment: it stays, and goes before what is removed too."""
        self.kept.write(data)
        self._head = data

    def take(self, block: Block) -> None:
        """Route one block."""
        at, data = 0, memoryview(block.data)
        last = block.first + len(block.ends)
        while True:
            if self._open is None:
                begin = self._start_of_next(block)
                if begin is None or begin < at:
                    break
                self.kept.write(data[at:begin])
                self._open, self._start, at = self._next, block.offset + begin, begin
                self._next = next(self._verdicts, None)
            verdict = self._open
            assert verdict is not None
            # The last record takes what follows it, so it ends with the stream.
            if verdict.row >= last or verdict.row == self._rows - 1:
                self._quarantine(data[at:], verdict)
                if block.first <= verdict.row < last:
                    self._line = int(block.lines[verdict.row - block.first])
                at = len(data)
                break
            end = int(block.ends[verdict.row - block.first])
            self._quarantine(data[at:end], verdict)
            self._close(block.offset + end, int(block.lines[verdict.row - block.first]))
            at = end
        if self._open is None:
            self.kept.write(data[at:])
        self.kept.flush()
        self.quarantine.flush()

    def _start_of_next(self, block: Block) -> int | None:
        """Where in the block the segment of the next verdict's row starts."""
        if self._next is None:
            return None
        before = self._next.row - 1 - block.first
        if before >= len(block.ends):
            return None
        return 0 if before < 0 else int(block.ends[before])

    def _quarantine(self, data: memoryview, verdict: RowVerdict) -> None:
        if self._head:
            self.quarantine.write(self._head)
            self._head = b""
        self.quarantine.write(data)
        if verdict.action == "redact":
            self._parts.append(bytes(data))

    def _close(self, stop: int, line: int) -> None:
        verdict, self._open = self._open, None
        assert verdict is not None
        kept_length: int | None = None
        if verdict.action == "redact":
            segment, self._parts = b"".join(self._parts), []
            try:
                redacted = self._form.redact(segment, self._start, places_of(verdict))
                self.kept.write(redacted)
                kept_length = len(redacted)
            except CannotRedactError as error:
                verdict = drop_instead(verdict, error)
        self.tally.add(verdict)
        place = {"line": line, "offset": self._start, "length": stop - self._start}
        if kept_length is not None:
            place["kept_length"] = kept_length
        self.reasons.write(reason_line(self._task, verdict, {**place}))

    def end(self, stop: int) -> None:
        """The stream has ended at byte `stop`."""
        if self._open is not None and self._open.row == self._rows - 1:
            self._close(stop, self._line)
        if self._open is not None or self._next is not None:
            row = (self._open or self._next).row  # type: ignore[union-attr]
            raise InputChangedError(
                f"{self._task.source.file.path}: a verdict names row {row}, which is not there"
            )

    def publish(self) -> tuple[tuple[OutputEntry, ...], str | None]:
        """Name the files that hold something; say why where there is none of the kept rows."""
        tally = self.tally
        outputs = []
        note = None
        if self._rows == 0:
            # No record, so nothing to keep; but what bytes there are must be somewhere.
            self.kept.final, self.kept.role = self._task.quarantine, "quarantine"
            outputs.append(self.kept.publish(0))
            note = "holds no record: its bytes are in quarantine/, because loaders stop at such a file"
        elif tally.in_kept:
            outputs.append(self.kept.publish(tally.in_kept))
        else:
            self.kept.discard()
            note = "no row is kept, so there is no file in kept/: loaders stop at an empty one"
        removed = tally.quarantined + tally.redacted
        if removed:
            outputs += [self.quarantine.publish(removed), self.reasons.publish(removed)]
        return tuple(outputs), note


def clean_lines(task: FileTask) -> FileResult:
    """Second pass over a file of lines; the outputs use its codec, its encoding, and its dialect if it has one."""
    path = Path(task.source.file.path)
    try:
        codec = codec_of(path)
        form = form_of(task.source.file)
        raw = HashingFile(path.open("rb", buffering=0))
    except (OSError, EOFError) as error:
        raise reading_error(task, error) from error
    router = _Router(task, codec, form)
    untouched = router.untouched
    if untouched:
        # Then the file itself is copied, which spares compressing it again; its records are still counted.
        router.kept = raw.tee = Output(task.out, task.kept, "kept")
    plain = raw
    if codec or form.encoding != "utf-8":
        plain = HashingFile(from_encoding(decompressing(raw, codec), form.encoding))  # type: ignore[arg-type]
    try:
        count = done = 0
        head = form.head(plain)
        if not untouched:
            router.head(head)
        for block in form.blocks(plain, head):
            count += len(block.ends)
            if not untouched:
                router.take(block)
            task.check_size(raw.bytes)
            task.progress(raw.bytes - done)
            done = raw.bytes
        if count != task.source.rows:
            raise InputChangedError(f"{path}: {task.source.rows} records when scanned, {count} now")
        router.end(plain.bytes)
        outputs, note = router.publish()
    except DataauditError:
        router.discard()
        raise
    except OSError as error:
        router.discard()
        raise reading_error(task, error) from error
    except BaseException:
        router.discard()
        raise
    finally:
        plain.close()
    return FileResult(
        tally=router.tally,
        bytes=raw.bytes,
        sha256=raw.sha256,
        outputs=outputs,
        codec=codec,
        plain_bytes=plain.bytes if plain is not raw else None,
        plain_sha256=plain.sha256 if plain is not raw else None,
        note=note,
        dialect=form.dialect,
    )
