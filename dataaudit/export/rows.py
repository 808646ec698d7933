"""The row-level sidecar: one record per row (and match) of every finding that was recorded, as Parquet or JSONL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import uuid4

import pyarrow as pa

from dataaudit.checks.base import RowEntries
from dataaudit.errors import UsageError
from dataaudit.export.outdir import writing
from dataaudit.records.types import ROLES, FileRef, unpack_row

CHUNK_ROWS = 1 << 16
"""Rows per Parquet row group, and per write."""

SCHEMA = pa.schema(
    [
        ("finding", pa.string()),
        ("category", pa.string()),
        ("severity", pa.string()),
        ("file", pa.string()),
        ("row", pa.int64()),
        ("line", pa.int64()),
        ("role", pa.string()),
        ("path", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("twin_file", pa.string()),
        ("twin_row", pa.int64()),
        ("similarity", pa.float64()),
        ("note", pa.string()),
    ]
)
"""`row` is 0-based, `line` 1-based; `start` and `end` are a half-open range in code points; `note` is what else
there is to say, such as the item of a benchmark. Unknown: null."""

LinesOf = Callable[[Sequence[int]], list[int | None]]
"""Row id → 1-based line, or None where the format has no lines."""


def write_rows(
    path: Path,
    entries: Iterable[tuple[dict[str, Any], RowEntries]],
    files: Iterable[FileRef],
    lines_of: LinesOf,
) -> int:
    """Write entries, each with what is known of its finding (`category`, `severity`); returns the rows written.

    The ending of `path` chooses the format: `.parquet` or `.jsonl`. The file gets its name when it is complete.
    Raises UsageError for another ending, IncompleteError where it cannot be written.
    """
    uris = {file.id: file.uri for file in files}
    makers: dict[str, Callable[[Path], _Sink]] = {".parquet": _Parquet, ".jsonl": _Lines}
    make = makers.get(path.suffix.lower())
    if make is None:
        raise UsageError(f"{path}: rows are written as .parquet or .jsonl")
    temp = path.with_name(f".dataaudit-tmp-{uuid4().hex}")
    count = 0
    try:
        with writing(path):
            sink = make(temp)
            try:
                for chunk in _gathered(_chunks(entries, uris, lines_of)):
                    sink.write(chunk)
                    count += len(chunk["row"])
            finally:
                sink.close()
            temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)
    return count


class _Sink(Protocol):
    def write(self, chunk: dict[str, list[Any]]) -> None: ...

    def close(self) -> None: ...


class _Parquet:
    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(path, SCHEMA, compression="zstd")

    def write(self, chunk: dict[str, list[Any]]) -> None:
        self._writer.write_table(pa.table(chunk, schema=SCHEMA))

    def close(self) -> None:
        self._writer.close()


class _Lines:
    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("wb")

    def write(self, chunk: dict[str, list[Any]]) -> None:
        rows = zip(*chunk.values(), strict=True)
        lines = [json.dumps(dict(zip(chunk, row, strict=True)), separators=(",", ":")) + "\n" for row in rows]
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        self._file.close()


def _chunks(
    entries: Iterable[tuple[dict[str, Any], RowEntries]], uris: dict[int, str], lines_of: LinesOf
) -> Iterator[dict[str, list[Any]]]:
    for meta, group in entries:
        for start in range(0, len(group.row_ids), CHUNK_ROWS):
            yield _columns(meta, group, slice(start, start + CHUNK_ROWS), uris, lines_of)


def _gathered(chunks: Iterable[dict[str, list[Any]]]) -> Iterator[dict[str, list[Any]]]:
    """The same rows in chunks of at least `CHUNK_ROWS`, the last one aside: many findings have a few rows each."""
    held: dict[str, list[Any]] = {}
    for chunk in chunks:
        held = {name: held.get(name, []) + values for name, values in chunk.items()} if held else chunk
        if len(held["row"]) >= CHUNK_ROWS:
            yield held
            held = {}
    if held:
        yield held


def _columns(
    meta: dict[str, Any], group: RowEntries, part: slice, uris: dict[int, str], lines_of: LinesOf
) -> dict[str, list[Any]]:
    ids = group.row_ids[part].tolist()
    empty: list[Any] = [None] * len(ids)
    columns: dict[str, list[Any]] = dict.fromkeys(SCHEMA.names, empty)
    places = [unpack_row(row_id) for row_id in ids]
    columns["finding"] = [group.finding] * len(ids)
    columns["category"] = [meta.get("category")] * len(ids)
    columns["severity"] = [meta.get("severity")] * len(ids)
    columns["file"] = [_text(uris[file]) for file, _ in places]
    columns["row"] = [row for _, row in places]
    columns["line"] = list(lines_of(ids))
    if group.spans is not None:
        spans = group.spans[part].tolist()
        columns["role"] = [ROLES[role] if role >= 0 else None for role, *_ in spans]
        columns["path"] = [_path(group.paths[path], at) for _, path, at, _, _ in spans]
        columns["start"] = [span[3] for span in spans]
        columns["end"] = [span[4] for span in spans]
    if group.twins is not None:
        twins = [unpack_row(twin) for twin in group.twins[part].tolist()]
        columns["twin_file"] = [_text(uris[file]) for file, _ in twins]
        columns["twin_row"] = [row for _, row in twins]
    if group.similarities is not None:
        columns["similarity"] = group.similarities[part].tolist()
    columns["note"] = [group.note] * len(ids)
    return columns


def _path(template: str, at: int) -> str:
    return template if at < 0 else template.replace("[*]", f"[{at}]", 1)


def _text(name: str) -> str:
    """A file name that is not UTF-8 with its odd bytes as `\\xNN`: Arrow holds nothing else."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
