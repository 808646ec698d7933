"""The pages of a column chunk of a Parquet file, unpacked one at a time and only where they are asked for.

The numbers of fields, pages and encodings stand in parquet-format's parquet.thrift.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.sources.parquet_footer import Extent
from dataaudit.sources.thrift import Compact, Struct

U8 = npt.NDArray[np.uint8]

_KIND, _UNPACKED_SIZE, _PACKED_SIZE, _CRC = 1, 2, 3, 4
_DATA_HEADER, _DICTIONARY_HEADER, _DATA_HEADER_2 = 5, 7, 8
_DATA, _INDEX, _DICTIONARY, _DATA_2 = 0, 1, 2, 3
PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY = 0, 2, 3, 8
CODECS = ("UNCOMPRESSED", "SNAPPY", "ZSTD")
"""Those whose library says how much it has unpacked, which is what nearly all files are written with."""

HEADER_BYTES = 1 << 16
"""A page header is hardly more than the smallest and the largest value of its page; longer ones are not followed."""
PAGE_BYTES = 1 << 29
"""A page that says it is larger when unpacked is not taken at its word."""


class UnusualError(Exception):
    """This is not read here, but by the library, which also says what is wrong where something is."""


@dataclass(frozen=True)
class Page:
    """A page as it lies in the file."""

    header: Struct
    at: int
    """Its first byte behind the header."""
    codec: str

    @property
    def is_dictionary(self) -> bool:
        """Does it hold the values that other pages number?"""
        return bool(self.header[_KIND] == _DICTIONARY)

    @property
    def values(self) -> int:
        """Values in it, nulls included."""
        return int(self.inner[1])

    @property
    def encoding(self) -> int:
        """Of its values."""
        return int(self.inner[4 if self.second else 2])

    @property
    def second(self) -> bool:
        """Is it of the second version, with its levels in front?"""
        return bool(self.header[_KIND] == _DATA_2)

    @property
    def inner(self) -> Struct:
        """The header of its kind."""
        names = {_DATA: _DATA_HEADER, _DICTIONARY: _DICTIONARY_HEADER, _DATA_2: _DATA_HEADER_2}
        inner: Struct = self.header[names[self.header[_KIND]]]
        return inner

    def read(self, file: IO[bytes]) -> bytes:
        """Its bytes as they lie there. Raises UnusualError, OSError."""
        file.seek(self.at)
        data = file.read(self.header[_PACKED_SIZE])
        crc = self.header.get(_CRC)
        if len(data) != self.header[_PACKED_SIZE] or not 0 <= self.header[_UNPACKED_SIZE] <= PAGE_BYTES:
            raise UnusualError
        if crc is not None and zlib.crc32(data) != crc & 0xFFFFFFFF:
            raise UnusualError
        return data


class Unpacking:
    """The bytes of a page, unpacked as far as they are asked for."""

    def __init__(self, page: Page, file: IO[bytes], room: U8) -> None:
        """`room` is where they go, if it is large enough. Raises UnusualError, as all that follows, and OSError."""
        self._page = page
        self.size = int(page.header[_UNPACKED_SIZE])
        data = page.read(file)
        self.bytes = room if len(room) >= self.size else np.empty(self.size + self.size // 4, np.uint8)
        """The bytes, of which `have` are there."""
        self.have = 0
        self._rest: _Zstandard | None = None
        levels, codec = 0, page.codec
        if page.second:  # whose levels are never packed
            levels, repetition = page.inner[5], page.inner.get(6, 0)
            codec = codec if page.inner.get(7, True) else "UNCOMPRESSED"
            if repetition or not 0 <= levels <= min(len(data), self.size):
                raise UnusualError
            self._put(data[:levels])
        self._levels = levels
        if codec == "ZSTD" and len(data) > levels:
            self._rest = _Zstandard(memoryview(data)[levels:])
        else:
            self._put(_unpacked(codec, data[levels:], self.size - levels))
            self.need(self.size)

    def need(self, size: int) -> None:
        """Unpack at least so many bytes, if there are as many."""
        while self.have < min(size, self.size):
            into = self.bytes[self.have : min(size, self.size)].data
            count = self._rest.into(into) if self._rest is not None else 0
            if not count:
                raise UnusualError
            self.have += count

    def levels(self) -> tuple[tuple[int, int], int]:
        """The range of bytes that says which values are null, and where the values begin."""
        if self._page.second:
            return (0, self._levels), self._levels
        self.need(4)
        size = int.from_bytes(self.bytes[:4].tobytes(), "little")
        if self._page.inner[3] != RLE or size > self.size - 4:
            raise UnusualError
        self.need(4 + size)
        return (4, 4 + size), 4 + size

    def _put(self, data: bytes | memoryview) -> None:
        if len(data) > self.size - self.have:
            raise UnusualError
        self.bytes[self.have : self.have + len(data)] = np.frombuffer(data, np.uint8)
        self.have += len(data)


def pages(file: IO[bytes], extent: Extent) -> Iterator[Page]:
    """The pages of a column chunk, none unpacked. Raises UnusualError, OSError."""
    at = extent.start
    while at < extent.end:
        file.seek(at)
        compact = Compact(file.read(HEADER_BYTES))
        try:
            page = Page(compact.struct(), at + compact.at, extent.codec)
            at = page.at + page.header[_PACKED_SIZE]
            if page.header[_PACKED_SIZE] < 0 or at > extent.end:
                raise UnusualError
            if page.header[_KIND] == _INDEX:
                continue
            if page.values < 0 or page.encoding < 0:
                raise UnusualError
        except (IndexError, KeyError, TypeError, ValueError):
            raise UnusualError from None
        yield page


def _unpacked(codec: str, data: bytes, size: int) -> bytes | memoryview:
    if codec == "UNCOMPRESSED" or size == 0:
        return data
    if codec != "SNAPPY":
        raise UnusualError
    # Packed bytes begin with the size of what they are made of, and the library fills no less than that.
    said = shift = 0
    for byte in data[:5]:
        said |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if said != size:
        raise UnusualError
    try:
        return memoryview(pa.Codec("snappy").decompress(data, size, asbytes=False))
    except (pa.ArrowException, OSError, ValueError):
        raise UnusualError from None


class _Zstandard:
    """What unpacks a frame, its errors as those here."""

    def __init__(self, data: memoryview) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        try:
            self._reader = zstandard.ZstdDecompressor().stream_reader(data)
        except zstandard.ZstdError:
            raise UnusualError from None

    def into(self, room: memoryview) -> int:
        try:
            return self._reader.readinto(room)
        except self._error:
            raise UnusualError from None
