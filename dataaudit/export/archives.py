"""WebDataset archives: the members of removed samples go to quarantine with their headers, the rest is copied.

A sample reaches from the first header of its first member to the padding of its last. What belongs to no sample
(directories, links, global headers, the end) stays in `kept/`, but for what lies between two members of a removed one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dataaudit.errors import DataauditError, IncompleteError, InputChangedError
from dataaudit.export.job import FileResult, FileTask, HashingFile, Output, Tally, reading_error
from dataaudit.export.lines import reason_line
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.verdicts import RowVerdict
from dataaudit.sources.compression import codec_of, decompressing
from dataaudit.sources.tarmembers import END, Archive, BrokenTarError, Cursor

HELD_BYTES = 8 << 20
"""Bytes kept in memory of what may belong to a removed sample or to none; beyond that they are on the disk."""
NO_REDACTION = "dropped, could not be redacted: members of archives are not rewritten"


class _Hold:
    """Bytes that have been read and not been sent anywhere yet."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(HELD_BYTES)  # noqa: SIM115 - closed with the pass
        self.start = 0
        """Byte of the archive at which they begin."""
        self._size = 0

    def write(self, data: bytes) -> None:
        """Hold more."""
        self._file.write(data)
        self._size += len(data)

    def send(self, first: Output, stop: int, second: Output) -> None:
        """What lies before the byte `stop` of the archive goes to one output, the rest to another."""
        self._file.seek(0)
        self._copy(first, min(stop - self.start, self._size))
        self._copy(second, self._size - (stop - self.start))
        self.start += self._size
        self._size = 0
        self._file.seek(0)
        self._file.truncate()

    def _copy(self, into: Output, size: int) -> None:
        while size > 0:
            data = self._file.read(min(size, HELD_BYTES))
            into.write(data)
            size -= len(data)

    def close(self) -> None:
        """Forget them."""
        self._file.close()


class _Sorter:
    """Sends every byte of an archive to `kept` or to `quarantine`, member by member."""

    def __init__(self, task: FileTask, codec: str | None) -> None:
        self._task = task
        file_id = task.source.file.id
        self.removed = sum(1 for _ in task.verdicts.for_file(file_id))
        self._verdicts: Iterator[RowVerdict] = task.verdicts.for_file(file_id)
        self._next = next(self._verdicts, None)
        self.kept = Output(task.out, task.kept, "kept", codec)
        self.quarantine = Output(task.out, task.quarantine, "quarantine", codec)
        self.reasons = Output(task.out, task.reasons, "reasons")
        self.tally = Tally(task.source.rows)
        self._open: RowVerdict | None = None
        self._span = (0, 0)
        self._hold: _Hold | None = None
        self._into: Output | None = None
        self._last: tuple[str, set[str]] | None = None

    @property
    def whole(self) -> Output | None:
        """The output that the archive is copied to as it is, where all or nothing of it is removed."""
        if self.removed == self._task.source.rows:
            return self.quarantine
        return self.kept if self.removed == 0 else None

    def run(self, archive: Archive, hold: _Hold | None) -> int:
        """Go through the archive; returns its samples. Without a hold the bytes are copied elsewhere."""
        self._hold = hold
        cursor = Cursor()
        for member in archive.members():
            place = member.place
            if place is None:
                archive.skip(member.padded)
                continue
            fresh = cursor.take(place)
            if fresh:
                self._close()
                self._begin(cursor.row, member.start)
            self._check_apart(place, fresh, cursor.row)
            into = self.kept if self._open is None else self.quarantine
            if hold is not None:
                # What lies between two members of a removed sample goes with it.
                hold.send(self.kept if fresh else into, member.start, into)
                self._into = into
            archive.skip(member.padded)
            if hold is not None:
                hold.start = archive.at
            self._into = None
            self._span = (self._span[0], archive.at)
        self._close()
        if hold is not None:
            hold.send(self.kept, archive.at, self.kept)
            self.quarantine.write(END)
        return cursor.row + 1

    def take(self, data: bytes) -> None:
        """Bytes of the archive, in order."""
        if self._into is not None:
            self._into.write(data)
        elif self._hold is not None:
            self._hold.write(data)

    def _begin(self, row: int, start: int) -> None:
        if self._next is not None and self._next.row == row:
            self._open, self._next = self._next, next(self._verdicts, None)
        self._span = (start, start)

    def _close(self) -> None:
        verdict, self._open = self._open, None
        if verdict is None:
            return
        if verdict.action == "redact":
            reasons = tuple(replace(reason, note=NO_REDACTION) for reason in verdict.reasons)
            verdict = RowVerdict(verdict.row, "drop", reasons)
        self.tally.add(verdict)
        start, stop = self._span
        place: dict[str, object] = {"line": None, "offset": start, "length": stop - start}
        self.reasons.write(reason_line(self._task, verdict, place))

    def _check_apart(self, place: tuple[str, str], fresh: bool, row: int) -> None:
        """Kept samples must stay two where one between them goes."""
        if self._open is not None:
            return
        key, kind = place
        last = self._last
        if fresh and last is not None and last[0] == key and kind not in last[1] and self._hold is not None:
            raise IncompleteError(
                f"{self._task.source.file.path}: samples of one name ({key!r}) would become one without what stands "
                f"between them (before row {row}); give them different names"
            )
        self._last = (key, {kind} if fresh or last is None else {*last[1], kind})

    def check(self, samples: int) -> None:
        """Raise InputChangedError unless every verdict found its sample."""
        path = self._task.source.file.path
        if samples != self._task.source.rows:
            raise InputChangedError(f"{path}: {self._task.source.rows} records when scanned, {samples} now")
        if self._next is not None:
            raise InputChangedError(f"{path}: a verdict names row {self._next.row}, which is not there")

    def publish(self) -> tuple[tuple[OutputEntry, ...], str | None]:
        """Name the files that hold something; say why where there is none of the kept samples."""
        outputs = []
        note = None
        if self.tally.in_kept:
            outputs.append(self.kept.publish(self.tally.in_kept))
        else:
            self.kept.discard()
            why = "no sample is kept" if self.tally.rows else "holds no sample"
            note = f"{why}: the archive is in quarantine/ as it is, because loaders stop at an empty one"
        if self.removed or not self.tally.rows:
            outputs.append(self.quarantine.publish(self.removed))
        if self.removed:
            outputs.append(self.reasons.publish(self.removed))
        return tuple(outputs), note

    def discard(self) -> None:
        """Leave no trace."""
        for output in (self.kept, self.quarantine, self.reasons):
            output.discard()


class _Watched:
    """The decompressed archive, with progress told as it is read."""

    def __init__(self, task: FileTask, raw: HashingFile, plain: HashingFile) -> None:
        self._task, self._raw, self._plain = task, raw, plain
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes."""
        data = self._plain.read(size)
        self._task.check_size(self._raw.bytes)
        self._task.progress(self._raw.bytes - self._done)
        self._done = self._raw.bytes
        return data


def clean_archive(task: FileTask) -> FileResult:
    """Second pass over a WebDataset archive, plain or compressed; what is written has its codec."""
    path = Path(task.source.file.path)
    try:
        codec = codec_of(path)
        raw = HashingFile(path.open("rb", buffering=0))
    except OSError as error:
        raise reading_error(task, error) from error
    sorter = _Sorter(task, codec)
    hold: _Hold | None = None
    if (whole := sorter.whole) is not None:
        # The file itself is copied, which spares compressing it again; its samples are still counted.
        copied = Output(task.out, whole.final, whole.role)
        raw.tee = copied
        if whole is sorter.kept:
            sorter.kept = copied
        else:
            sorter.quarantine = copied
    else:
        hold = _Hold()
    plain = HashingFile(decompressing(raw, codec)) if codec else raw  # type: ignore[arg-type]
    try:
        samples = sorter.run(Archive(_Watched(task, raw, plain), sorter.take), hold)
        sorter.check(samples)
        outputs, note = sorter.publish()
    except DataauditError:
        sorter.discard()
        raise
    except (OSError, BrokenTarError) as error:
        sorter.discard()
        raise reading_error(task, error) from error
    except BaseException:
        sorter.discard()
        raise
    finally:
        plain.close()
        if hold is not None:
            hold.close()
    return FileResult(
        tally=sorter.tally,
        bytes=raw.bytes,
        sha256=raw.sha256,
        outputs=outputs,
        codec=codec,
        plain_bytes=plain.bytes if codec else None,
        plain_sha256=plain.sha256 if codec else None,
        note=note,
    )
