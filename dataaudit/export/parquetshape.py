"""How a Parquet file is written, so that another can be written the same way."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dataaudit.errors import SourceError
from dataaudit.sources.parquet_footer import first_chunks

_WRITABLE = frozenset({"SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"})
_ARROW_SCHEMA = b"ARROW:schema"


@dataclass(frozen=True)
class ParquetShape:
    """How a Parquet file is written, so that another can be written the same way."""

    schema: pa.Schema
    options: dict[str, Any]
    """For `pyarrow.parquet.ParquetWriter`."""
    extra: dict[bytes, bytes]
    """Key-value metadata of the file that does not travel with the Arrow schema."""

    @classmethod
    def of(cls, file: Any, path: Path, unit: str = "ns") -> ParquetShape:
        """The shape of a `pyarrow.parquet.ParquetFile` opened with this unit for INT96 timestamps.

        Raises SourceError for a schema that cannot be written back as it is, ValueError for a damaged footer.
        """
        meta = file.metadata
        columns = [file.schema.column(i) for i in range(len(file.schema))]
        stored = meta.metadata or {}
        base: dict[str, Any] = {
            "version": "2.6",
            "store_schema": _ARROW_SCHEMA in stored,
            "use_deprecated_int96_timestamps": any(c.physical_type == "INT96" for c in columns),
        }
        schema = file.schema_arrow
        # Arrow writes a schema's metadata only where it also stores the schema; the rest is added by hand.
        travels = (schema.metadata or {}) if base["store_schema"] else {}
        extra = {k: v for k, v in stored.items() if k != _ARROW_SCHEMA and k not in travels}
        for nested in (True, False):
            # Whichever names the levels of lists as this file does gives the same schema back.
            options = {**base, "use_compliant_nested_type": nested}
            again = _written_back(schema, options, extra, unit)
            if again is not None and again.schema_arrow.equals(schema, check_metadata=True):
                break
        else:
            raise SourceError(f"{path}: its schema cannot be written back without a change")
        paths = [again.schema.column(i).path for i in range(len(again.schema))]
        chunks = first_chunks(path)
        if chunks and len(paths) == len(chunks):
            options["compression"] = {
                column: _codec(one.codec) for column, one in zip(paths, chunks, strict=True)
            }
            options["use_dictionary"] = [
                column for column, one in zip(paths, chunks, strict=True) if one.has_dictionary
            ]
            if not options["use_dictionary"]:
                options["use_dictionary"] = False
            options["write_page_index"] = chunks[0].has_offset_index
            sorting = meta.row_group(0).sorting_columns
            if sorting:
                options["sorting_columns"] = sorting
        return cls(schema, options, extra)


def int96_unit(path: Path) -> str:
    """The finest unit in which all INT96 timestamps of a file fit 64 bits; `ns` where there are none.

    Arrow reads INT96 as nanoseconds unless told otherwise, and wraps around in silence outside 1677 to 2262:
    a date of 9999-12-31, as other writers use for "never", would come back as another day.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema
        columns = [schema.column(i) for i in range(len(schema))]
        names = [c.path for c in columns if c.physical_type == "INT96"]
        groups = file.num_row_groups
    if not names:
        return "ns"
    units = ("ns", "us", "ms", "s")
    for fine, coarse in pairwise(units[:3]):
        if all(_fits(path, group, names, (fine, coarse)) for group in range(groups)):
            return fine
    raise SourceError(f"{path}: INT96 timestamps outside the range of microseconds cannot be written back")


def _fits(path: Path, group: int, names: list[str], units: tuple[str, str]) -> bool:
    """Do a row group's timestamps mean the same in a fine unit as in one a thousand times coarser?"""
    import pyarrow.parquet as pq

    pair = []
    for unit in units:
        with pq.ParquetFile(path, coerce_int96_timestamp_unit=unit) as file:
            pair.append([_timestamps(column) for column in file.read_row_group(group, columns=names).columns])
    return all(
        bool(np.array_equal(fine // 1000, coarse))
        for many, few in zip(*pair, strict=True)
        for fine, coarse in zip(many, few, strict=True)
    )


def _timestamps(column: Any) -> list[Any]:
    """All timestamps in a column, however deep, as arrays of integers."""
    found = []
    pending = list(column.chunks)
    while pending:
        array = pending.pop()
        if pa.types.is_timestamp(array.type):
            found.append(array.drop_null().cast(pa.int64()).to_numpy())
        elif pa.types.is_nested(array.type):
            pending += array.flatten() if pa.types.is_struct(array.type) else [array.flatten()]
    return found


def _written_back(schema: pa.Schema, options: dict[str, Any], extra: dict[bytes, bytes], unit: str) -> Any:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    try:
        with pq.ParquetWriter(buffer, schema, **options) as writer:
            if extra:
                writer.add_key_value_metadata(extra)
        return pq.ParquetFile(io.BytesIO(buffer.getvalue()), coerce_int96_timestamp_unit=unit)
    except pa.ArrowException:
        return None


def _codec(name: str) -> str:
    """A codec to write with; what cannot be written any more becomes the nearest that can."""
    if name in _WRITABLE:
        return name
    return "LZ4" if name.startswith("LZ4") else "NONE" if name == "UNCOMPRESSED" else "SNAPPY"
