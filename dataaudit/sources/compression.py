"""Compressed files as byte streams. Truncated or damaged streams raise; they never end early in silence."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from dataaudit.sources.zstd import ZstdMember

if TYPE_CHECKING:
    pass

SUFFIXES: dict[str, str] = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2", ".xz": "xz"}
"""File ending → codec."""

READ_BYTES = 1 << 16
"""Compressed bytes per read. Small, because a Zstandard block may expand some thousand times."""

OUTPUT_BYTES = 1 << 20
"""Decompressed bytes a codec may hand over in one step, where its library takes a limit."""

_LIBRARIES = frozenset({"zlib", "lzma", "_lzma", "zstandard", "zstd", "bz2"})
"""Modules whose exceptions tell of a damaged stream."""

_PADDED = frozenset({"gzip", "xz"})
"""Formats that allow zero bytes between and after members."""


class DamagedStreamError(OSError):
    """A compressed stream that is cut short or does not decode; the text says which codec and what."""


class Member(Protocol):
    """One member (frame, stream) of a compressed file."""

    @property
    def eof(self) -> bool:
        """Has the member ended?"""
        ...

    @property
    def unused_data(self) -> bytes:
        """Bytes given after the end of the member."""
        ...

    @property
    def hungry(self) -> bool:
        """Must there be more input before there is more output?"""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take in compressed bytes (empty when not hungry), hand over decompressed ones."""
        ...


class _GzipMember:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    def feed(self, data: bytes) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, OUTPUT_BYTES)


class _StdlibMember:
    """bz2 and lzma share one interface."""

    def __init__(self, inner: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def hungry(self) -> bool:
        return self._inner.needs_input

    def feed(self, data: bytes) -> bytes:
        return self._inner.decompress(data, OUTPUT_BYTES)


_MEMBERS: dict[str, Callable[[], Member]] = {
    "gzip": _GzipMember,
    "bz2": lambda: _StdlibMember(bz2.BZ2Decompressor()),
    "xz": lambda: _StdlibMember(lzma.LZMADecompressor(lzma.FORMAT_XZ)),
    "zstd": ZstdMember,
}


class MemberReader(io.RawIOBase):
    """Reads the decompressed bytes of all members of a compressed file, and closes the file with itself."""

    def __init__(self, file: IO[bytes], codec: str) -> None:
        self._file = file
        self._codec = codec
        self._member: Member | None = None
        self._input = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """This stream is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with decompressed bytes; 0 at the end of the last complete member.

        Raises DamagedStreamError where a member is cut short, does not decode, or is followed by other bytes.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._ready:
            try:
                if not self._advance():
                    return 0
            except DamagedStreamError:
                raise
            except Exception as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise DamagedStreamError(f"the {self._codec} stream is damaged: {error}") from error
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _advance(self) -> bool:
        """Take one step; False at the end of the file."""
        if self._member is None and not self._begin():
            return False
        member = self._member
        assert member is not None
        if member.hungry and not self._input:
            self._input = self._file.read(READ_BYTES)
            if not self._input:
                raise DamagedStreamError(f"the {self._codec} stream is cut short")
        data, self._input = (self._input, b"") if member.hungry else (b"", self._input)
        self._ready = memoryview(member.feed(data))
        if member.eof:
            self._input = member.unused_data + self._input
            self._member = None
        return True

    def _begin(self) -> bool:
        """Start the next member, past padding; False where there is none."""
        while True:
            if not self._input:
                self._input = self._file.read(READ_BYTES)
                if not self._input:
                    return False
            if self._codec in _PADDED:
                self._input = self._input.lstrip(b"\0")
            if self._input:
                self._member = _MEMBERS[self._codec]()
                return True

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


class PatientReader(io.BufferedReader):
    """A buffered reader that hands over what it has before it raises: the next read does.

    The one of the standard library drops what it has gathered of a large read when the source raises on the way.
    """

    _late: Exception | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, fewer only at the end or before an error; for -1 or None all, or the error."""
        parts: list[bytes] = []
        left = -1 if size is None or size < 0 else size
        while left:
            try:
                piece = self.read1(left if left > 0 else OUTPUT_BYTES)
            except Exception as error:
                if not parts or left < 0:
                    raise
                self._late = error
                break
            if not piece:
                break
            parts.append(piece)
            left -= len(piece) if left > 0 else 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, up to `size` bytes."""
        if self._late is not None:
            error, self._late = self._late, None
            raise error
        return super().read1(size)


def codec_of(path: Path) -> str | None:
    """The codec a file's first bytes show, or None for a plain file. A name may lie; bytes do not."""
    with path.open("rb") as file:
        head = file.read(10)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # A Zstandard file may open with a skippable frame (pzstd writes one): 0x184D2A50 to 0x184D2A5F.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    # "BZh" alone could open a line of text: a level and the magic of a block or of the end follow.
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return None


def stream_error(error: Exception) -> str | None:
    """What to say of an error that reading a file or decompressing it raised, or None for any other error."""
    library = type(error).__module__.split(".")[0]
    if not isinstance(error, (OSError, EOFError)) and library not in _LIBRARIES:
        return None
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200]


def strip_suffix(name: str) -> str:
    """The name without a compression ending: `a.jsonl.gz` → `a.jsonl`."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def decompressing(file: IO[bytes], codec: str | None) -> IO[bytes]:
    """The decompressed bytes of an open file, which is closed with it. `codec` None: the file itself."""
    if codec is None:
        return file
    return PatientReader(MemberReader(file, codec), OUTPUT_BYTES)


def open_plain(path: Path) -> IO[bytes]:
    """Open a file for reading its decompressed bytes, multi-member and concatenated streams included.

    Reading raises DamagedStreamError (an OSError) where the stream is cut short or does not decode.
    """
    return decompressing(path.open("rb"), codec_of(path))
