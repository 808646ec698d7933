"""How a delimited or plain text file is written: delimiter, quoting, line ends, encoding, and where records begin."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import msgspec

from dataaudit.sources.compression import DamagedStreamError, PatientReader, codec_of, open_plain

if TYPE_CHECKING:
    from typing_extensions import Buffer

BOM = b"\xef\xbb\xbf"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_PIECE = 1 << 20


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it takes to cut a file into records and fields, and nothing else: kept in manifests for `verify`."""

    delimiter: str
    """One character of ASCII between fields; "" where a line is one field."""
    quoted: bool
    """Does a quotation mark at the start of a field quote it? If not, it is text like any other character."""
    newline: str = "\n"
    """What ends a record: a line feed (a carriage return before it belongs to it), or a lone carriage return."""
    encoding: str = "utf-8"
    """`utf-8`, or `utf-16-le` or `utf-16-be`, which are read and written through UTF-8."""
    head: int = 0
    """Bytes (of UTF-8) before the first record: the byte-order mark, and the header with the blank lines before it."""

    @property
    def blanks(self) -> bytes:
        """A line of these bytes alone is blank, no record."""
        return bytes(one for one in b" \t\r" if one not in (self.delimiter + self.newline).encode())


class _FromUtf16(io.RawIOBase):
    """UTF-16 bytes read as UTF-8. Lone surrogates pass as they are: such a row is malformed, not the file."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """This stream is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer. Raises DamagedStreamError where the last character is cut short."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._ready and not self._ended:
            data = self._file.read(_PIECE)
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeDecodeError as error:
                raise DamagedStreamError(f"the UTF-16 text is cut short: {error.reason}") from None
            self._ready = memoryview(text.encode("utf-8", "surrogatepass"))
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


class _ToUtf16(io.RawIOBase):
    """UTF-8 bytes written as UTF-16; what `_FromUtf16` read comes back as it was."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")

    def writable(self) -> bool:
        """This stream is for writing."""
        return True

    def write(self, data: Buffer) -> int:
        """Write all of the bytes."""
        self._file.write(self._decoder.decode(bytes(data)).encode(self._encoding, "surrogatepass"))
        return memoryview(data).nbytes

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def encoding_of(path: Path) -> str:
    """`utf-8`, unless the (decompressed) file opens with the byte-order mark of UTF-16. Raises OSError."""
    with open_plain(path) as file:
        return _UTF16.get(file.read(2), "utf-8")


def is_plain(path: Path) -> bool:
    """Are the bytes on disk those that are read, so that reading can begin in the middle? Raises OSError."""
    return codec_of(path) is None and encoding_of(path) == "utf-8"


def from_encoding(file: IO[bytes], encoding: str) -> IO[bytes]:
    """The bytes of an open file as UTF-8; the file is closed with the result."""
    if encoding == "utf-8":
        return file
    return PatientReader(_FromUtf16(file, encoding), _PIECE)


def to_encoding(file: IO[bytes], encoding: str) -> IO[bytes]:
    """A writer that takes UTF-8 and writes the encoding into an open file, which is closed with it."""
    return file if encoding == "utf-8" else cast("IO[bytes]", _ToUtf16(file, encoding))


def open_utf8(path: Path, encoding: str) -> IO[bytes]:
    """Open a file for reading what it holds, decompressed, as UTF-8. Raises OSError, on reading too."""
    return from_encoding(open_plain(path), encoding)
