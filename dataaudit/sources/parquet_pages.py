"""The pages of a column chunk of a Parquet file, unpacked one at a time and only where they are asked for.

The numbers of fields, pages and encodings stand in parquet-format's parquet.thrift.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO

import msgspec
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


class Page(msgspec.Struct, frozen=True):
    """A page as it lies in the file."""

    at: int
    """Its first byte behind the header."""
    packed: int
    unpacked: int
    """Its bytes, in the file and when they are unpacked."""
    crc: int | None
    codec: str
    kind: int
    values: int
    """Values in it, nulls included."""
    encoding: int
    """Of its values."""
    level_encoding: int = RLE
    level_bytes: int = 0
    """Of a page of the second version: bytes in front that are never packed, of what says which values are null."""

    @property
    def is_dictionary(self) -> bool:
        """Does it hold the values that other pages number?"""
        return self.kind == _DICTIONARY

    @property
    def second(self) -> bool:
        """Is it of the second version?"""
        return self.kind == _DATA_2

    def read(self, file: IO[bytes]) -> bytes:
        """Its bytes as they lie there. Raises UnusualError, OSError."""
        file.seek(self.at)
        data = file.read(self.packed)
        if len(data) != self.packed or (self.crc is not None and zlib.crc32(data) != self.crc & 0xFFFFFFFF):
            raise UnusualError
        return data


def _page(header: Struct, at: int, codec: str) -> Page:
    """The page behind a header; anything may be raised where one is damaged."""
    kind = header[_KIND]
    inner = header[{_DATA: _DATA_HEADER, _DICTIONARY: _DICTIONARY_HEADER, _DATA_2: _DATA_HEADER_2}[kind]]
    levels: tuple[int, int] = (RLE, 0)
    encoding = inner[2]
    if kind == _DATA:
        levels = (inner[3], 0)
    elif kind == _DATA_2:
        encoding, levels = inner[4], (RLE, inner[5])
        codec = codec if inner.get(7, True) else "UNCOMPRESSED"
    page = Page(
        at,
        header[_PACKED_SIZE],
        header[_UNPACKED_SIZE],
        int(header[_CRC]) if _CRC in header else None,
        codec,
        kind,
        inner[1],
        encoding,
        *levels,
    )
    if page.values < 0 or not 0 <= page.unpacked <= PAGE_BYTES or (kind == _DATA_2 and inner.get(6, 0)):
        raise ValueError("of no such size, or of lists")
    if not 0 <= page.level_bytes <= min(page.packed, page.unpacked):
        raise ValueError("levels of no such size")
    return page


class Unpacking:
    """The bytes of a page, unpacked as far as they are asked for."""

    def __init__(self, page: Page, file: IO[bytes], room: U8) -> None:
        """`room` is where they go, if it is large enough. Raises UnusualError, as all that follows, and OSError."""
        self._page = page
        self.size = page.unpacked
        data = page.read(file)
        self.bytes = room if len(room) >= self.size else np.empty(self.size + self.size // 4, np.uint8)
        """The bytes, of which `have` are there."""
        self.have = 0
        self._rest: _Zstandard | None = None
        self._put(data[: page.level_bytes])
        if page.codec == "ZSTD" and len(data) > page.level_bytes:
            self._rest = _Zstandard(memoryview(data)[page.level_bytes :])
        else:
            self._put(_unpacked(page.codec, data[page.level_bytes :], self.size - page.level_bytes))
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
            return (0, self._page.level_bytes), self._page.level_bytes
        self.need(4)
        size = int.from_bytes(self.bytes[:4].tobytes(), "little")
        if self._page.level_encoding != RLE or size > self.size - 4:
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
            header = compact.struct()
            behind = at + compact.at
            at = behind + header[_PACKED_SIZE]
            if at < behind or at > extent.end:
                raise UnusualError
            if header[_KIND] == _INDEX:
                continue
            page = _page(header, behind, extent.codec)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
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
