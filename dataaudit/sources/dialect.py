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
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    BOM: "utf-8",
}
"""What byte-order marks say."""
_SURROGATES = ("utf-16", "utf-32")
_MULTIBYTE = frozenset(
    ("gb18030", "gbk", "gb2312", "big5", "cp932", "cp949", "cp950", "shift_jis", "euc_jp", "euc_kr")
)
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
    """`utf-8`, or another one (`utf-16-le`, `cp1252`, …), which is read and written through UTF-8."""
    head: int = 0
    """Bytes (of UTF-8) before the first record: the byte-order mark, and the header with the blank lines before it."""

    @property
    def blanks(self) -> bytes:
        """A line of these bytes alone is blank, no record."""
        return bytes(one for one in b" \t\r" if one not in (self.delimiter + self.newline).encode())


def known_encoding(name: str) -> str:
    """The canonical name of an encoding that can be read and written back byte for byte.

    Those are UTF-8, UTF-16 and UTF-32 of a named byte order, the encodings of one byte a character, and the usual ones
    of East Asia. Raises ValueError for any other.
    """
    try:
        found = codecs.lookup(name)
        canonical = found.name
        unicode = canonical in {"utf-8", *_MARKS.values()}
        if unicode or canonical in _MULTIBYTE:
            return canonical
        every = bytes(range(256))
        text = every.decode(canonical, "surrogateescape")
        if len(text) == len(every) and text.encode(canonical, "surrogateescape") == every:
            return canonical
    except (LookupError, UnicodeError, ValueError, TypeError):
        pass
    raise ValueError(f"{name!r} is no encoding that can be read and written back")


def _errors(encoding: str) -> str:
    """What stands for bytes that are no text: lone surrogates, which make the row malformed, not the file."""
    return "surrogatepass" if encoding.startswith(_SURROGATES) else "surrogateescape"


class _ToUtf8(io.RawIOBase):
    """Bytes of another encoding read as UTF-8, where they can be written back."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(_errors(encoding))
        self._encoder = codecs.getincrementalencoder(encoding)(_errors(encoding))
        self._unproved = b""
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
                name = self._encoding.upper()
                raise DamagedStreamError(f"the {name} text is cut short or damaged: {error.reason}") from None
            self._prove(data, text)
            self._ready = memoryview(text.encode("utf-8", "surrogatepass"))
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _prove(self, data: bytes, text: str) -> None:
        """Would the text be written as these bytes? Some encodings have several ways to write a character."""
        again = self._encoder.encode(text, final=self._ended)
        self._unproved += data
        if not self._unproved.startswith(again):
            raise DamagedStreamError(
                f"bytes that {self._encoding} writes in another way; convert the file to UTF-8"
            )
        self._unproved = self._unproved[len(again) :]

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


class _FromUtf8(io.RawIOBase):
    """UTF-8 bytes written in another encoding; what `_ToUtf8` read comes back as it was."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")

    def writable(self) -> bool:
        """This stream is for writing."""
        return True

    def write(self, data: Buffer) -> int:
        """Write all of the bytes."""
        text = self._decoder.decode(bytes(data))
        self._file.write(text.encode(self._encoding, _errors(self._encoding)))
        return memoryview(data).nbytes

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def encoding_of(path: Path, named: str = "") -> str:
    """What the (decompressed) file is written in: its byte-order mark says it, else `named` does, else it is UTF-8.

    Raises OSError.
    """
    with open_plain(path) as file:
        head = file.read(4)
    return mark_of(head) or named or "utf-8"


def mark_of(head: bytes) -> str | None:
    """The encoding that a byte-order mark at the start names, or None."""
    return next((one for mark, one in _MARKS.items() if head.startswith(mark)), None)


def is_plain(path: Path, named: str = "") -> bool:
    """Are the bytes on disk those that are read, so that reading can begin in the middle? Raises OSError."""
    return codec_of(path) is None and encoding_of(path, named) == "utf-8"


def from_encoding(file: IO[bytes], encoding: str) -> IO[bytes]:
    """The bytes of an open file as UTF-8; the file is closed with the result."""
    if encoding == "utf-8":
        return file
    return PatientReader(_ToUtf8(file, encoding), _PIECE)


def to_encoding(file: IO[bytes], encoding: str) -> IO[bytes]:
    """A writer that takes UTF-8 and writes the encoding into an open file, which is closed with it."""
    return file if encoding == "utf-8" else cast("IO[bytes]", _FromUtf8(file, encoding))


def open_utf8(path: Path, encoding: str) -> IO[bytes]:
    """Open a file for reading what it holds, decompressed, as UTF-8. Raises OSError, on reading too."""
    return from_encoding(open_plain(path), encoding)
