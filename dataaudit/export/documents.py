"""JSON documents: removed elements are cut out with one separator each, everything else is copied byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataaudit.errors import DataauditError, InputChangedError
from dataaudit.export.elements import BETWEEN, Found, Place, Tape, around, elements
from dataaudit.export.job import FileResult, FileTask, HashingFile, InputPart, Output, Tally, reading_error
from dataaudit.export.lines import drop_instead, places_of, reason_line
from dataaudit.export.manifest import OutputEntry, PartEntry
from dataaudit.export.redact import CannotRedactError, redact_record
from dataaudit.export.verdicts import RowVerdict
from dataaudit.sources.compression import codec_of, decompressing
from dataaudit.sources.dialect import Dialect, from_encoding
from dataaudit.sources.json import start_of
from dataaudit.sources.json_encoding import BOM, UTF8, open_json, written_as
from dataaudit.sources.json_keyed import key_length
from dataaudit.sources.json_scan import OBJECT, VALUES, Cut


@dataclass
class _Part:
    """A part of the document while it is cleaned."""

    source: InputPart
    place: Place
    verdicts: Iterator[RowVerdict]
    next: RowVerdict | None
    kept_before: bool = False
    """Does any element stay before the one that is looked at?"""
    handled: int = 0
    """Rows up to the last one that had a verdict."""
    last_end: int = 0
    """Where the last element before the cut ends."""


@dataclass(frozen=True)
class _Removed:
    """An element at the head of its part that is cut out up to the next one, which has not been seen."""

    verdict: RowVerdict
    start: int
    end: int
    line: int


class _Surgeon:
    """Takes the elements in order, and sends the bytes to `kept` or to `quarantine`."""

    def __init__(
        self, task: FileTask, codec: str | None, parts: list[_Part], dialect: Dialect | None
    ) -> None:
        self._task = task
        self._parts = parts
        encoding = dialect.encoding if dialect is not None else UTF8
        self._mark = BOM if dialect is not None and dialect.head else b""
        self.kept = Output(task.out, task.kept, "kept", codec, encoding)
        self.quarantine = Output(task.out, task.quarantine, "quarantine", codec, encoding)
        self.reasons = Output(task.out, task.reasons, "reasons")
        self.tally = Tally(task.source.rows)
        self._open: _Removed | None = None
        self._around = around(parts[0].place.closes)
        self._uri = ""

    @property
    def untouched(self) -> bool:
        """Is there nothing to remove from the file?"""
        return all(part.next is None for part in self._parts)

    def discard(self) -> None:
        """Leave no trace."""
        for output in (self.kept, self.quarantine, self.reasons):
            output.discard()

    def pass_by(self, stop: int, tape: Tape) -> None:
        """Bytes that are in no element."""
        if stop > tape.at:
            self.kept.write(tape.take(stop))

    def take(self, found: Found, tape: Tape) -> None:
        """The next elements, or the end of a part."""
        part = self._parts[found.part]
        self._uri = part.source.file.uri
        if found.cut is None:
            self._resolve(tape, None)
            if found.row != part.source.rows or part.next is not None:
                path, rows = self._task.source.file.path, part.source.rows
                raise InputChangedError(f"{path}: {rows} records when scanned, {found.row} now")
            return
        cut, spans = found.cut, found.cut.spans
        self._resolve(tape, spans[0][0])
        while part.next is not None and part.next.row < found.row + len(spans):
            self._act(part, part.next, cut, part.next.row - found.row, tape)
            part.next = next(part.verdicts, None)
        part.last_end = spans[-1][1]
        if self._open is None and part.last_end > tape.at:
            self.kept.write(tape.take(part.last_end))
        self.kept.flush()
        self.quarantine.flush()

    def _act(self, part: _Part, verdict: RowVerdict, cut: Cut, i: int, tape: Tape) -> None:
        """Drop or redact element `i` of a cut."""
        start, end = cut.spans[i]
        line = int(cut.lines[i])
        part.kept_before = part.kept_before or verdict.row > part.handled
        part.handled = verdict.row + 1
        if verdict.action == "redact":
            raw = cut.texts(i, i + 1)[0]
            try:
                redacted = redact_record(raw, self._value_at(part, raw), places_of(verdict))
            except CannotRedactError as error:
                verdict = drop_instead(verdict, error)
            else:
                part.kept_before = True
                self.kept.write(tape.take(start))
                tape.take(end)
                self.kept.write(redacted)
                self._record(verdict, raw, line, start, {"kept_length": len(redacted)})
                return
        if part.kept_before:
            before = cut.spans[i - 1][1] if i else part.last_end
            self.kept.write(tape.take(before))
            self._remove(tape, verdict, (start, end), line, end)
        else:
            self.kept.write(tape.take(start))
            self._open = _Removed(verdict, start, end, line)
            if i + 1 < len(cut.spans):
                self._resolve(tape, cut.spans[i + 1][0])

    @staticmethod
    def _value_at(part: _Part, raw: bytes) -> int:
        """Where the record starts in the bytes of its element."""
        return (key_length(raw) or 0) if part.place.closes == OBJECT else 0

    def _resolve(self, tape: Tape, following: int | None) -> None:
        """Cut out what is open, now that it is known where the next element starts, or that there is none."""
        if self._open is not None:
            one, self._open = self._open, None
            stop = one.end if following is None else following
            self._remove(tape, one.verdict, (one.start, one.end), one.line, stop)

    def _remove(self, tape: Tape, verdict: RowVerdict, span: tuple[int, int], line: int, stop: int) -> None:
        at = tape.at
        data = tape.take(stop)
        before, raw, after = data[: span[0] - at], data[span[0] - at : span[1] - at], data[span[1] - at :]
        self._record(verdict, raw, line, span[0], {"cut": [before.decode("ascii"), after.decode("ascii")]})

    def _record(
        self, verdict: RowVerdict, raw: bytes, line: int, start: int, more: dict[str, object]
    ) -> None:
        removed = self.tally.quarantined + self.tally.redacted
        self.quarantine.write(BETWEEN if removed else self._mark + self._around[0])
        self.quarantine.write(raw)
        self.tally.add(verdict)
        place = {"line": line, "offset": start, "length": len(raw), **more}
        self.reasons.write(reason_line(self._task, verdict, place, uri=self._uri))

    def publish(self) -> tuple[tuple[OutputEntry, ...], str | None]:
        """Name the files that hold something; say why where there is none of the kept rows."""
        tally, task = self.tally, self._task
        removed = tally.quarantined + tally.redacted
        if tally.in_kept:
            outputs = [self.kept.publish(tally.in_kept)]
            if removed:
                self.quarantine.write(self._around[1])
                outputs += [self.quarantine.publish(removed), self.reasons.publish(removed)]
            return tuple(outputs), None
        # Without a kept row there is nothing to put together again: the document stays whole, in quarantine.
        self.kept.discard()
        self.quarantine.discard()
        whole = Output(task.out, task.quarantine, "quarantine")
        try:
            with Path(task.source.file.path).open("rb") as file:
                while data := file.read(1 << 20):
                    whole.write(data)
            outputs = [whole.publish(tally.rows)]
        except BaseException:
            whole.discard()
            raise
        if removed:
            outputs.append(self.reasons.publish(removed))
        why = "no row is kept" if tally.rows else "holds no record"
        return tuple(
            outputs
        ), f"{why}: the document is in quarantine/ as it is, because loaders stop at an empty one"


def clean_documents(task: FileTask) -> FileResult:
    """Second pass over a JSON document, plain or compressed; all its parts come back in one document."""
    path = Path(task.source.file.path)
    try:
        codec = codec_of(path)
        dialect = written_as(path)
        parts = _parts(task)
        raw = HashingFile(path.open("rb", buffering=0))
    except OSError as error:
        raise reading_error(task, error) from error
    surgeon = _Surgeon(task, codec, parts, dialect)
    untouched = surgeon.untouched and task.source.rows > 0
    if untouched:
        # Then the file itself is copied, which spares compressing it again; its records are still counted.
        surgeon.kept = raw.tee = Output(task.out, task.kept, "kept")
    plain = raw
    if codec or dialect is not None:
        encoding = dialect.encoding if dialect is not None else UTF8
        plain = HashingFile(from_encoding(decompressing(raw, codec), encoding))  # type: ignore[arg-type]
    try:
        done = 0
        tape = Tape(plain.read)
        for found in elements(plain.read if untouched else tape.read, [part.place for part in parts]):
            if isinstance(found, int):
                surgeon.pass_by(found, tape)
            elif not untouched or found.cut is None:
                surgeon.take(found, tape)
            task.check_size(raw.bytes)
            task.progress(raw.bytes - done)
            done = raw.bytes
        surgeon.kept.write(tape.take())
        outputs, note = surgeon.publish()
    except DataauditError:
        surgeon.discard()
        raise
    except OSError as error:
        surgeon.discard()
        raise reading_error(task, error) from error
    except BaseException:
        surgeon.discard()
        raise
    finally:
        plain.close()
    return FileResult(
        tally=surgeon.tally,
        bytes=raw.bytes,
        sha256=raw.sha256,
        outputs=outputs,
        codec=codec,
        plain_bytes=plain.bytes if plain is not raw else None,
        plain_sha256=plain.sha256 if plain is not raw else None,
        note=note,
        dialect=dialect,
        parts=tuple(
            PartEntry(
                file=part.source.file.uri,
                rows=part.source.rows,
                start=part.place.start,
                separated=part.place.closes != VALUES,
                keyed=part.place.closes == OBJECT,
            )
            for part in parts
        ),
    )


def _parts(task: FileTask) -> list[_Part]:
    """The parts of a document in the order in which they stand in it."""
    parts = []
    for source in task.source.parts or (InputPart(task.source.file, task.source.rows),):
        with open_json(Path(source.file.path)) as stream:
            start, line, closes = start_of(stream, source.file)
        verdicts = task.verdicts.for_file(source.file.id)
        parts.append(_Part(source, Place(start, line, closes), verdicts, next(verdicts, None)))
    return sorted(parts, key=lambda part: part.place.start)
