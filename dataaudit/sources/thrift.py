"""Values of Thrift's compact protocol (thrift/doc/specs/thrift-compact-protocol.md), which Parquet is described in."""

from __future__ import annotations

from typing import Any

_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(14)
_WIDTHS = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_DEEPEST = 64
"""Levels of nesting that are followed; a footer has eight."""

Struct = dict[int, Any]
"""A struct: its values by the numbers of their fields."""


class Compact:
    """Values, one after the other. Damage raises IndexError or ValueError."""

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data = data
        self.at = at
        """The byte after the last value."""

    def struct(self) -> Struct:
        """The struct that begins here."""
        fields: Struct = self._value(_STRUCT, 0)
        return fields

    def elements(self, wanted: int, most: int | None) -> list[Any]:
        """The first elements (None: all) of the list that is a field of the struct here; what follows is not read."""
        number = 0
        while True:
            number, kind = self._head(number)
            if kind == _STOP:
                return []
            if number == wanted and kind == _LIST:
                count, inner = self._list_head()
                return [self._element(inner, 0) for _ in range(count if most is None else min(count, most))]
            self._value(kind, 0)

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

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
        if count > len(self._data) - self.at:
            raise IndexError("a value that goes on behind the end")
        self.at += count
        return bytes(self._data[self.at - count : self.at])

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
        fields: Struct = {}
        number = 0
        while True:
            number, inner = self._head(number)
            if inner == _STOP:
                return fields
            fields[number] = self._value(inner, depth + 1)

    def _element(self, kind: int, depth: int) -> Any:
        """A value in a list: truth values take a byte there."""
        return self._byte() == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth + 1)
