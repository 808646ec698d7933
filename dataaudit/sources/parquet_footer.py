"""What the footer of a Parquet file says of its column chunks, read as it stands.

The library decodes statistics along with it, and where those are damaged it throws from where it promises not to, which
ends the process. So the few fields that are wanted are taken from the footer itself; the numbers of its fields stand in
parquet-format's parquet.thrift.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

import msgspec

from dataaudit.sources.thrift import Compact, Struct

_ROW_GROUPS, _COLUMNS, _META_DATA, _OFFSET_INDEX = 4, 1, 3, 4
_FILE_PATH, _CRYPTO = 1, 8
_ENCODINGS, _CODEC, _NUM_VALUES, _COMPRESSED_SIZE, _DATA_PAGE, _DICTIONARY_PAGE = 2, 4, 5, 7, 9, 11
_DICTIONARY_ENCODINGS = frozenset({2, 8})
"""PLAIN_DICTIONARY and RLE_DICTIONARY."""
_CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")


class Chunk(msgspec.Struct, frozen=True):
    """How one column chunk is written."""

    codec: str
    """Its name in the format's specification."""
    has_dictionary: bool
    has_offset_index: bool


class Extent(msgspec.Struct, frozen=True):
    """Where the pages of one column chunk lie."""

    codec: str
    start: int
    end: int
    """Half-open range of bytes of the file."""
    values: int
    """Values in it, nulls included."""


def first_chunks(path: Path) -> list[Chunk]:
    """The column chunks of the first row group; none where there is no row group.

    Raises OSError, or ValueError where the footer is not as the format says.
    """
    groups = _groups(_footer(path), 1)
    try:
        return [_chunk(one) for one in groups[0][_COLUMNS]] if groups else []
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"a damaged footer: {error}") from None


@lru_cache(maxsize=4)
def extents(path: Path, stamp: tuple[int, int], most: int) -> list[list[Extent | None]]:
    """By row group and column, where the chunks lie; None for one that is encrypted or in another file.

    `stamp` tells one state of the file from the next. A footer of more than `most` bytes is not looked at: no groups
    then. Raises as `first_chunks` does.
    """
    data = _footer(path)
    if len(data) > most:
        return []
    try:
        return [[_extent(one) for one in group[_COLUMNS]] for group in _groups(data)]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"a damaged footer: {error}") from None


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length, magic = struct.unpack("<I4s", file.read(8).rjust(8, b"\0"))
        if magic != b"PAR1" or length > size - 8:
            raise ValueError("no footer")
        file.seek(size - 8 - length)
        return file.read(length)


def _groups(footer: bytes, most: int | None = None) -> list[Struct]:
    """The row groups, or so many of them."""
    try:
        return Compact(footer).elements(_ROW_GROUPS, most)
    except IndexError as error:
        raise ValueError(f"a damaged footer: {error}") from None


def _chunk(column: Struct) -> Chunk:
    meta = column[_META_DATA]
    return Chunk(
        _CODECS[meta[_CODEC]], not _DICTIONARY_ENCODINGS.isdisjoint(meta[_ENCODINGS]), _OFFSET_INDEX in column
    )


def _extent(column: Struct) -> Extent | None:
    if _FILE_PATH in column or _CRYPTO in column:
        return None
    meta = column[_META_DATA]
    start, dictionary = meta[_DATA_PAGE], meta.get(_DICTIONARY_PAGE, 0)
    if 0 < dictionary < start:
        start = dictionary
    return Extent(_CODECS[meta[_CODEC]], start, start + meta[_COMPRESSED_SIZE], meta[_NUM_VALUES])
