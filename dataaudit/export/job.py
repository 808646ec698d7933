"""What a clean run is given, and what cleaning one file gives back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dataaudit.errors import InputChangedError, SourceError
from dataaudit.export.manifest import OutputEntry, PartEntry, RuleRef
from dataaudit.export.outdir import OutputDir, writing
from dataaudit.export.verdicts import MALFORMED, RowVerdict, VerdictStore
from dataaudit.records.types import FileRef
from dataaudit.sources.compressing import compressing
from dataaudit.sources.dialect import Dialect, to_encoding

BUFFER_BYTES = 1 << 20
"""Bytes collected before they are hashed and written."""


@dataclass(frozen=True)
class InputStat:
    """What identifies the state of a file: a change of any of these between the passes stops the run."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: str | Path) -> InputStat:
        """The state of a file now. Raises OSError."""
        stat = os.stat(path)  # noqa: PTH116
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@dataclass(frozen=True)
class InputPart:
    """A part of a document, with records of its own."""

    file: FileRef
    rows: int


@dataclass(frozen=True)
class InputFile:
    """A file that the first pass read to its end."""

    file: FileRef
    rows: int
    """Records, malformed ones included."""
    stat: InputStat
    """Taken before the first pass read the file."""
    argument: int = 0
    """Index into `CleanJob.arguments`."""
    parts: tuple[InputPart, ...] = ()
    """The parts of a document that were read; their rows add up to `rows`."""

    def check_unchanged(self) -> None:
        """Raise InputChangedError unless the file is what the first pass read."""
        try:
            now = InputStat.of(self.file.path)
        except OSError as error:
            raise InputChangedError(
                f"{self.file.path}: gone since it was scanned ({error.strerror})"
            ) from error
        if now != self.stat:
            raise InputChangedError(f"{self.file.path}: changed since it was scanned; run clean again")


@dataclass(frozen=True)
class UnreadableFile:
    """A file that could not be read, wholly or from some point on; it is set aside whole."""

    file: FileRef
    reason: str
    argument: int = 0


@dataclass(frozen=True)
class CleanJob:
    """One clean run: the input as the first pass saw it, the verdicts, and where to write."""

    inputs: tuple[InputFile, ...]
    arguments: tuple[str, ...]
    """The arguments that named the input: paths, as given."""
    verdicts: VerdictStore
    out: Path
    tool_version: str
    unreadable: tuple[UnreadableFile, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    """JSON values, recorded in the manifest."""
    overwrite: bool = False
    """Replace a complete directory: exactly what its manifest lists."""
    workers: int = 1
    """Files cleaned at the same time, in threads."""
    progress: Callable[[int], None] | None = None
    """Called with the number of input bytes done since the last call, perhaps from several threads."""


@dataclass(frozen=True)
class FileTask:
    """One input file and the names of its outputs, relative to the directory."""

    source: InputFile
    kept: str
    quarantine: str
    reasons: str
    out: OutputDir
    verdicts: VerdictStore
    uris: tuple[str, ...]
    """Reported names of all files, by file id."""
    progress: Callable[[int], None]

    @property
    def uri(self) -> str:
        """The reported name of the file."""
        return self.source.file.uri

    def check_size(self, done: int) -> None:
        """Stop where more is read than there was: a file that grows as fast as it is read would never end."""
        if done > self.source.stat.size:
            raise InputChangedError(f"{self.source.file.path}: grew since it was scanned; run clean again")


@dataclass(frozen=True)
class FileResult:
    """What cleaning one file came to."""

    tally: Tally
    bytes: int
    sha256: str
    outputs: tuple[OutputEntry, ...]
    codec: str | None = None
    plain_bytes: int | None = None
    plain_sha256: str | None = None
    note: str | None = None
    dialect: Dialect | None = None
    parts: tuple[PartEntry, ...] = ()


class Tally:
    """Counts of one file, row by row, and a digest of what was done to it."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.redacted = 0
        self.quarantined = 0
        self.malformed = 0
        self.reasons: dict[str, int] = {}
        self._changes = hashlib.sha256()

    @property
    def kept(self) -> int:
        """Rows that are as they were."""
        return self.rows - self.redacted - self.quarantined

    @property
    def in_kept(self) -> int:
        """Rows in `kept/`, redacted ones included."""
        return self.rows - self.quarantined

    @property
    def changes(self) -> str:
        """Digest of the verdicts that were carried out; of nothing, where nothing was."""
        return self._changes.hexdigest() if self.redacted or self.quarantined else ""

    def add(self, verdict: RowVerdict) -> None:
        """Count a verdict that was carried out."""
        ids = {reason.id for reason in verdict.reasons}
        if verdict.action == "drop":
            self.quarantined += 1
            self.malformed += MALFORMED in ids
        else:
            self.redacted += 1
        for name in ids:
            self.reasons[name] = self.reasons.get(name, 0) + 1
        spans = sorted((r.path or "", r.span or (0, 0)) for r in verdict.reasons)
        self._changes.update(repr((verdict.row, spans if verdict.action == "redact" else None)).encode())


class HashingFile:
    """Counts and hashes the bytes that pass through an open file, in either direction."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.tee: Output | None = None
        """Where bytes that are read are also written."""

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._file.read(size)
        self._hash.update(data)
        self.bytes += len(data)
        if self.tee is not None:
            self.tee.write(data)
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Write all of the bytes."""
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def sha256(self) -> str:
        """Of the bytes so far."""
        return self._hash.hexdigest()


class Output:
    """One output file: made at its first byte, buffered, compressed, hashed, published when complete."""

    def __init__(
        self,
        out: OutputDir,
        final: str,
        role: str,
        codec: str | None = None,
        encoding: str = "utf-8",
    ) -> None:
        self._out = out
        self.final = final
        self.role = role
        self._codec = codec
        self._encoding = encoding
        self._parts: list[bytes | memoryview] = []
        self._size = 0
        self._temp: Path | None = None
        self._raw: HashingFile | None = None
        self._sink: IO[bytes] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes; a view must stay unchanged until `flush`."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what was collected to the operating system."""
        if not self._parts:
            return
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._size = [], 0
        with writing(self._out.path / self.final):
            self._open().write(data)

    def _open(self) -> IO[bytes]:
        if self._sink is None:
            self._temp = self._out.temp(self.final)
            self._raw = HashingFile(self._temp.open("wb", buffering=0))
            self._sink = to_encoding(compressing(self._raw, self._codec), self._encoding)  # type: ignore[arg-type]
        return self._sink

    def publish(self, rows: int | None) -> OutputEntry:
        """Complete the file and give it its name."""
        with writing(self._out.path / self.final):
            self.flush()
            self._open().close()
        assert self._temp is not None and self._raw is not None
        self._out.publish(self._temp, self.final)
        return OutputEntry(
            path=self.final, role=self.role, sha256=self._raw.sha256, bytes=self._raw.bytes, rows=rows
        )

    def discard(self) -> None:
        """Close without a trace. Safe to call at any time, more than once."""
        self._parts, self._size = [], 0
        if self._sink is not None and self._temp is not None:
            try:
                self._sink.close()
            except OSError:
                pass  # The file is removed; that its last bytes could not be written no longer matters.
            finally:
                self._temp.unlink(missing_ok=True)


def reading_error(task: FileTask, error: BaseException) -> SourceError:
    """An input that could be read in the first pass and cannot in the second."""
    return SourceError(f"{task.source.file.path}: cannot be read any more: {error}")
