"""What the footer of a Parquet file says of its first column chunks, read as it stands.

The library decodes statistics along with it, and where those are damaged it throws from where it promises not to, which
ends the process. So the few fields that are wanted are taken from the footer itself: a Thrift struct in the compact
protocol (thrift/doc/specs/thrift-compact-protocol.md), whose field numbers stand in parquet-format's parquet.thrift.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROW_GROUPS, _COLUMNS, _META_DATA, _OFFSET_INDEX = 4, 1, 3, 4
_ENCODINGS, _CODEC = 2, 4
_DICTIONARY_ENCODINGS = frozenset({2, 8})
"""PLAIN_DICTIONARY and RLE_DICTIONARY."""
_CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(14)
_WIDTHS = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_DEEPEST = 64
"""Levels of nesting that are followed; a footer has eight."""


@dataclass(frozen=True)
class Chunk:
    """How one column chunk is written."""

    codec: str
    """Its name in the format's specification."""
    has_dictionary: bool
    has_offset_index: bool


def first_chunks(path: Path) -> list[Chunk]:
    """The column chunks of the first row group; none where there is no row group.

    Raises OSError, or ValueError where the footer is not as the format says.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length, magic = struct.unpack("<I4s", file.read(8).rjust(8, b"\0"))
        if magic != b"PAR1" or length > size - 8:
            raise ValueError("no footer")
        file.seek(size - 8 - length)
        reader = _Compact(file.read(length))
    try:
        groups = reader.field(_ROW_GROUPS)
        return [_chunk(one) for one in groups[0][_COLUMNS]] if groups else []
    except (IndexError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"a damaged footer: {error}") from None


def _chunk(column: dict[int, Any]) -> Chunk:
    meta = column[_META_DATA]
    return Chunk(
        _CODECS[meta[_CODEC]], not _DICTIONARY_ENCODINGS.isdisjoint(meta[_ENCODINGS]), _OFFSET_INDEX in column
    )


class _Compact:
    """Values of the compact protocol, one after the other. Damage raises IndexError, ValueError or struct.error."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def field(self, wanted: int) -> list[Any]:
        """The first element of the list that is a field of the outermost struct; nothing behind it is looked at."""
        number = 0
        while True:
            number, kind = self._head(number)
            if kind == _STOP:
                return []
            if number == wanted and kind == _LIST:
                count, inner = self._list_head()
                return [self._value(inner, 0)] if count else []
            self._value(kind, 0)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ValueError("a value that goes on behind the footer")
        self._at += count
        return self._data[self._at - count : self._at]

    def _head(self, before: int) -> tuple[int, int]:
        """Number and kind of the next field of a struct."""
        byte = self._byte()
        if byte == _STOP:
            return before, _STOP
        return (before + (byte >> 4) if byte >> 4 else self._zigzag()), byte & 0x0F

    def _list_head(self) -> tuple[int, int]:
        byte = self._byte()
        return (byte >> 4 if byte >> 4 < 15 else self._varint()), byte & 0x0F

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in _WIDTHS:
            return self._bytes(_WIDTHS[kind])
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            return self._bytes(self._varint())
        return self._container(kind, depth)

    def _container(self, kind: int, depth: int) -> Any:
        if kind in (_LIST, _SET):
            count, inner = self._list_head()
            return [self._element(inner, depth) for _ in range(count)]
        if kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            pair = (kinds >> 4, kinds & 0x0F)
            return [tuple(self._element(one, depth) for one in pair) for _ in range(count)]
        if kind != _STRUCT:
            raise ValueError(f"a value of unknown kind {kind}")
        fields: dict[int, Any] = {}
        number = 0
        while True:
            number, inner = self._head(number)
            if inner == _STOP:
                return fields
            fields[number] = self._value(inner, depth + 1)

    def _element(self, kind: int, depth: int) -> Any:
        """A value in a list: truth values take a byte there."""
        return self._byte() == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)
