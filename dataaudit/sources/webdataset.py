"""WebDataset archives: tar files, plain or compressed. Members that share a name up to its first dot are one sample.

The record of a sample is the object of its `.json` member; the text of its `.txt` member stands beside it as `text`
(`txt` where the object has a `text`). Members of other kinds are passed by.
"""

from __future__ import annotations

import re
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
from dataaudit.sources.tarmembers import Archive, BrokenTarError, Cursor

READ = ("json", "txt")
"""Kinds of members that are read."""

_DATA = re.compile(
    r".*\.(?:jsonl|ndjson|parquet|csv|tsv|arrow|feather)(?:\.(?:gz|zst|bz2|xz))?", re.IGNORECASE
)


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
        said = str(error) if isinstance(error, BrokenTarError) else stream_error(error)
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
    sample: dict[str, bytes] = {}
    cursor = Cursor()
    archive = Archive(stream)
    try:
        for member in archive.members():
            if _DATA.fullmatch(member.name):
                shown = member.name.rpartition("/")[2]
                raise BrokenTarError(
                    f"an archive of data files ({shown!r}), not of samples; unpack it first,"
                )
            place = member.place
            data = archive.exactly(member.size) if place is not None and place[1] in READ else None
            archive.skip(member.padded - (0 if data is None else member.size))
            if place is None:
                continue
            if cursor.take(place):
                if cursor.row:
                    yield sample
                sample = {}
            if data is not None:
                sample[place[1]] = data
    except (BrokenTarError, OSError):
        if sample:
            yield sample  # complete as far as it goes
        raise
    if cursor.row >= 0:
        yield sample
