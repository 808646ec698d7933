"""WebDataset archives: tar files, plain or compressed. Members that share a name up to its first dot are one sample.

The record of a sample is the object of its `.json` member; the text of its `.txt` member stands beside it as `text`
(`txt` where the object has a `text`). Members of other kinds are passed by. Archives are streamed, nothing is ever
unpacked: names are only compared, links and devices hold nothing.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson

from dataaudit.errors import SourceError
from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef, Malformed
from dataaudit.sources.base import Damage, Partition, Place, ReadOptions, make_batch, sampled
from dataaudit.sources.compression import open_plain, stream_error
from dataaudit.sources.json_reasons import why_malformed

BLOCK = 512
"""Bytes of a header, and what members are padded to (POSIX.1-1988 ustar)."""
PIECE = 1 << 20
NAME_BYTES = 1 << 20
"""A long name or extended header beyond this is no honest one."""
READ = ("json", "txt")
"""Kinds of members that are read."""

_SAMPLE = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)", re.DOTALL)
_DATA = re.compile(
    r".*\.(?:jsonl|ndjson|parquet|csv|tsv|arrow|feather)(?:\.(?:gz|zst|bz2|xz))?", re.IGNORECASE
)
_EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class _BrokenTarError(ValueError):
    """An archive that cannot be followed any further."""


def plan(file: FileRef, target: int) -> list[Partition]:
    """The whole archive: it has no index."""
    return [Partition(file, 0, -1, nbytes=file.size)]


def read(partition: Partition, options: ReadOptions) -> Iterator[Batch | Damage]:
    """The batches of an archive; raises SourceError where it breaks off."""
    file = partition.file
    row, held, nbytes = 0, [], 0
    try:
        with open_plain(Path(file.path)) as stream:
            for sample in _samples(stream):
                held.append(sample)
                nbytes += sum(map(len, sample.values()))
                if len(held) >= options.batch_rows or nbytes >= options.batch_bytes:
                    yield _batch(file, row, held, options, 0)
                    row, held, nbytes = row + len(held), [], 0
    except Exception as error:
        said = str(error) if isinstance(error, _BrokenTarError) else stream_error(error)
        if said is None:
            raise
        if held:
            yield _batch(file, row, held, options, 0)
        raise SourceError(f"{file.uri}: {said} after row {row + len(held)}") from None
    yield _batch(file, row, held, options, file.size)


def _batch(
    file: FileRef, row: int, samples: list[dict[str, bytes]], options: ReadOptions, nbytes: int
) -> Batch:
    rows = row + np.arange(len(samples), dtype=np.int64)
    extent = (row, row + len(samples))
    chosen = sampled(file.id, rows, options)
    good, objects, malformed = [], [], []
    for i, sample in enumerate(samples):
        if chosen is not None and not chosen[i]:
            continue
        found, reason = _record(sample)
        if reason is None:
            good.append(i)
            objects.append(found)
        else:
            malformed.append(Malformed(row + i, reason))
    place = Place(row, 0, (len(samples), 0), extent, nbytes)
    extracted = extract_objects(objects, options.overrides, options.shapes)
    return make_batch(file, rows[good], None, extracted, place, tuple(malformed))


def _record(sample: dict[str, bytes]) -> tuple[dict[str, Any], str | None]:
    """The record of a sample, or why there is none."""
    record: dict[str, Any] = {}
    if "json" in sample:
        reason = why_malformed(sample["json"])
        if reason is not None:
            return {}, reason
        record = dict(orjson.loads(sample["json"]))
    if "txt" in sample:
        try:
            record["txt" if "text" in record else "text"] = sample["txt"].decode("utf-8")
        except UnicodeDecodeError:
            return {}, "invalid-utf8"
    return record, None


def _samples(stream: IO[bytes]) -> Iterator[dict[str, bytes]]:
    """The members that are read of every sample, by kind."""
    key: str | None = None
    sample: dict[str, bytes] = {}
    kinds: set[str] = set()
    try:
        for name, size in _members(stream):
            if _DATA.fullmatch(name):
                shown = name.rpartition("/")[2]
                raise _BrokenTarError(
                    f"an archive of data files ({shown!r}), not of samples; unpack it first,"
                )
            found = _SAMPLE.fullmatch(name)
            kind = found[2].lower() if found else ""
            data = _exactly(stream, size) if kind in READ else None
            _skip(stream, (0 if data is not None else size) + -size % BLOCK)
            if found is None:
                continue
            if key is not None and (found[1] != key or kind in kinds):
                yield sample
                sample, kinds = {}, set()
            key = found[1]
            kinds.add(kind)
            if data is not None:
                sample[kind] = data
    except (_BrokenTarError, OSError):
        if kinds and sample:
            yield sample  # complete as far as it goes
        raise
    if key is not None:
        yield sample


def _members(stream: IO[bytes]) -> Iterator[tuple[str, int]]:
    """(name, bytes) of every member that is a file; the caller reads or skips what it holds, padding included."""
    name: str | None = None
    size: int | None = None
    while header := stream.read(BLOCK):
        if not header.strip(b"\0"):
            _check_end(stream)
            return
        info = _header(header)
        if info.type in _EXTENDED:
            if info.size > NAME_BYTES:
                raise _BrokenTarError("the archive is damaged: a name of more than a megabyte")
            data = _exactly(stream, info.size)
            _skip(stream, -info.size % BLOCK)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif info.type not in (tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE):
                name, size = _extended(data, name, size)
            continue
        at, length = name or info.name, info.size if size is None else size
        name, size = None, None
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise _BrokenTarError("a sparse member, which is not read; pack the archive without --sparse;")
        if info.isreg():
            yield at, length
        elif info.type not in (
            tarfile.LNKTYPE,
            tarfile.SYMTYPE,
            tarfile.CHRTYPE,
            tarfile.BLKTYPE,
            tarfile.FIFOTYPE,
            tarfile.DIRTYPE,
        ):
            _skip(stream, length + -length % BLOCK)
    raise _BrokenTarError("the archive has no end mark, so it may be cut short")


def _header(block: bytes) -> tarfile.TarInfo:
    if len(block) < BLOCK:
        raise _BrokenTarError("the archive is cut short")
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _BrokenTarError(f"the archive is damaged: {error}") from None
    if info.size < 0:
        raise _BrokenTarError("the archive is damaged: a member of negative size")
    return info


def _extended(data: bytes, name: str | None, size: int | None) -> tuple[str | None, int | None]:
    """Name and size by the records of an extended header (POSIX.1-2001 pax): `LENGTH KEY=VALUE\\n`."""
    at = 0
    while at < len(data):
        found = re.compile(rb"(\d{1,9}) ([^=]+)=").match(data, at)
        end = at + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(data):
            raise _BrokenTarError("the archive is damaged: an extended header")
        value = data[found.end() : end - 1]
        if found[2] == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif found[2] == b"size" and value.isdigit() and len(value) < 19:
            size = int(value)
        at = end
    return name, size


def _exactly(stream: IO[bytes], size: int) -> bytes:
    parts, left = [], size
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise _BrokenTarError("the archive is cut short")
        parts.append(piece)
        left -= len(piece)
    return b"".join(parts)


def _skip(stream: IO[bytes], size: int) -> None:
    left = size
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise _BrokenTarError("the archive is cut short")
        left -= len(piece)


def _check_end(stream: IO[bytes]) -> None:
    """After the end there are zeros alone."""
    while piece := stream.read(PIECE):
        if piece.strip(b"\0"):
            raise _BrokenTarError("something follows the end of the archive")
