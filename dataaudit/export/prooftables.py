"""The proof for tables: kept and quarantined rows, interleaved by row number, have the values of the input."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dataaudit.export.manifest import InputEntry
from dataaudit.export.parquetshape import int96_unit
from dataaudit.export.proof import Mismatch, reasons_of
from dataaudit.export.tables import pick
from dataaudit.sources.ipc import IpcReader


def _tables(path: Path, format: str, unit: str = "ns") -> Iterator[Any]:
    """Row groups or batches; `unit` is what INT96 timestamps are read as."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if format == "parquet":
        with pq.ParquetFile(path, coerce_int96_timestamp_unit=unit, page_checksum_verification=True) as file:
            for i in range(file.num_row_groups):
                yield file.read_row_group(i)
        return
    with IpcReader(path) as opened:
        for batch in opened.batches():
            yield pa.Table.from_batches([batch])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Tables:
    """Hands out the rows of a table file in order, any number at a time."""

    def __init__(self, path: Path | None, format: str, unit: str) -> None:
        self._tables: Iterator[Any] = iter(()) if path is None else _tables(path, format, unit)
        self._rest: Any = None

    def take(self, rows: int, like: Any) -> Any:
        """The next rows as one table; fewer at the end. `like` has the schema for no rows."""
        import pyarrow as pa

        parts = []
        while rows:
            if self._rest is None or len(self._rest) == 0:
                self._rest = next(self._tables, None)
                if self._rest is None:
                    break
            parts.append(self._rest.slice(0, rows))
            self._rest = self._rest.slice(len(parts[-1]))
            rows -= len(parts[-1])
        return pa.concat_tables(parts) if parts else like.slice(0, 0)


def prove_tables(directory: Path, entry: InputEntry, source: Path | None) -> str | None:
    """Compare with the input, group by group. Raises Mismatch; returns a note where there is no input."""
    for name, expected in (
        (entry.kept_path, entry.kept + entry.redacted),
        (entry.quarantine_path, entry.redacted + entry.quarantined),
    ):
        rows = 0 if name is None else sum(len(table) for table in _tables(directory / name, entry.format))
        if rows != expected:
            raise Mismatch(f"{name} holds {rows} rows; the manifest says {expected}")
    if source is None:
        whole = [entry.kept_path, entry.quarantine_path][entry.rows == 0]
        if entry.reasons_path is None and whole is not None and _sha256(directory / whole) == entry.sha256:
            return None  # Nothing was removed, and the file is the input byte for byte.
        return "the input is not there to compare with; hashes and counts were checked"
    # One unit for all three: whether a timestamp fits depends on its neighbours.
    unit = int96_unit(source) if entry.format == "parquet" else "ns"
    kept = _Tables(None if entry.kept_path is None else directory / entry.kept_path, entry.format, unit)
    path = entry.quarantine_path if entry.reasons_path is not None else None
    removed = _Tables(None if path is None else directory / path, entry.format, unit)
    reasons = reasons_of(directory, entry)
    pending = next(reasons, None)
    base = 0
    for table in _tables(source, entry.format, unit):
        gone, redacted = [], []
        while pending is not None and pending["row"] < base + len(table):
            gone.append(pending["row"] - base)
            if pending["action"] == "redact":
                redacted.append(pending["row"] - base)
            pending = next(reasons, None)
        stays = np.ones(len(table), np.bool_)
        stays[gone] = False
        in_kept = stays.copy()
        in_kept[redacted] = True
        have = kept.take(int(in_kept.sum()), table)
        # A redacted row is in kept/ too, changed; its original is compared in quarantine.
        have = pick(have, np.flatnonzero(stays[in_kept])) if redacted and len(have) == in_kept.sum() else have
        if not same(have, pick(table, np.flatnonzero(stays))):
            raise Mismatch(f"kept rows between {base} and {base + len(table)} are not those of the input")
        if not same(removed.take(len(gone), table), pick(table, np.array(gone, np.int64))):
            raise Mismatch(
                f"quarantined rows between {base} and {base + len(table)} are not those of the input"
            )
        base += len(table)
    if base != entry.rows or pending is not None:
        raise Mismatch(f"the input has {base} rows; the manifest says {entry.rows}")
    return None


def same(one: Any, other: Any) -> bool:
    """Are two tables equal in schema (metadata included) and values? Unlike Arrow, NaN equals NaN."""
    if not one.schema.equals(other.schema, check_metadata=True) or len(one) != len(other):
        return False
    return all(
        a.equals(b) or _same_values(a, b) for a, b in zip(one.itercolumns(), other.itercolumns(), strict=True)
    )


def _same_values(one: Any, other: Any) -> bool:
    """Compare as Python prints them: NaN is NaN, and dictionaries may list their texts in another order."""
    try:
        return all(repr(a) == repr(b) for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True))
    except ValueError:
        # Nanoseconds that Python's types cannot hold: compare what would be written.
        return _serialised(one) == _serialised(other)


def _serialised(column: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    table = pa.table({"x": column}).combine_chunks()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
