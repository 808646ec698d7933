"""What a file is by its first bytes. A name may lie; bytes do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import orjson

from dataaudit.sources.compression import SUFFIXES, codec_of, open_plain, stream_error
from dataaudit.sources.ipc import FILE_MAGIC
from dataaudit.sources.json_encoding import UTF8, encoding_in

HEAD = 1 << 16
"""Bytes looked at, after decompression."""
BOM = b"\xef\xbb\xbf"
TABLES = ("parquet", "arrow")
TEXTS = ("csv", "text")

UNPACK = "unpack it first"
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"FEA1", "Feather version 1, which is not read; write it again as version 2"),
    (b"PK\x03\x04", f"a ZIP archive (a spreadsheet is one, too); {UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {UNPACK}"),
    (b"Rar!\x1a\x07", f"a RAR archive; {UNPACK}"),
    (b"SQLite format 3\0", "an SQLite database; export its table first"),
    (b"Obj\x01", "Avro, which is not read; convert it to Parquet or JSON Lines"),
    (b"ORC", "ORC, which is not read; convert it to Parquet or JSON Lines"),
    (b"\x89HDF\r\n\x1a\n", "HDF5, which is not read; convert it to Parquet or JSON Lines"),
    (b"\x93NUMPY", "a NumPy array, which is not read; convert it to Parquet or JSON Lines"),
    (b"\x80\x04\x95", "a Python pickle, which is never opened: it may run code"),
)
"""First bytes of formats that are not read, and what to say of them."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_HTML = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """What the first bytes of a file show."""

    codec: str | None = None
    head: bytes = b""
    """After decompression; those before the damage, where it is damaged. Of UTF-16 and UTF-32 as UTF-8."""
    encoding: str = UTF8
    """What it is written in, if it is JSON."""

    @property
    def table(self) -> str | None:
        """`parquet`, `arrow` or `webdataset` (a tar archive), where it is one."""
        if self.head.startswith(b"PAR1"):
            return "parquet"
        if self.head[257:262] == b"ustar":
            return "webdataset"
        return "arrow" if self.head.startswith(FILE_MAGIC + b"\0\0") or self._is_stream() else None

    def _is_stream(self) -> bool:
        """A continuation marker, then the length of a schema that is no longer than any real one."""
        size = int.from_bytes(self.head[4:8], "little")
        # Since Arrow 1.0 the schema's flatbuffer names its version 4 or 5 and its kind 1 within the first bytes.
        return self.head[:4] == b"\xff" * 4 and 0 < size < 1 << 26 and size % 8 == 0 and len(self.head) > 16

    @property
    def looks_like_json(self) -> bool:
        """Does it open with a bracket of JSON?"""
        text = self.head.removeprefix(BOM).lstrip()
        return text.startswith((b"[", b"{")) and b"\0" not in self.head

    @property
    def may_be_document(self) -> bool:
        """Does it open as a JSON document with records does, printed in whatever way?"""
        return bool(re.match(rb'\[\s*[\[{\]]|\{\s*"', self.head.removeprefix(BOM).lstrip()))

    @property
    def one_array(self) -> bool:
        """Is there nothing but one line, an array of objects? As a line it would be no record."""
        first, _, rest = self.head.removeprefix(BOM).strip().partition(b"\n")
        return not rest and bool(re.match(rb'\[\s*\{\s*"', first))

    @property
    def has_objects(self) -> bool:
        """Is the first line, or what an array opens with, an object of JSON? So no text of another kind begins."""
        text = self.head.removeprefix(BOM).lstrip()
        if re.match(rb'\[\s*\{\s*"', text):
            return True
        line, feed, _ = text.partition(b"\n")
        if not feed and len(self.head) == HEAD:
            return text.startswith(b'{"')
        try:
            return isinstance(orjson.loads(line), dict)
        except orjson.JSONDecodeError:
            return False

    def foreign(self, kind: str | None) -> str | None:
        """What it is, where that is nothing that is read; `kind`: the format its name says."""
        if self.head.startswith(_POINTER):
            return "a Git LFS pointer, not the data; fetch it with `git lfs pull`"
        if self.codec is not None and self.table in TABLES:
            return f"{self.table.capitalize()} data compressed as a whole; decompress it first"
        if b"\0" in self.head[:512]:
            for magic, what in _FOREIGN:
                if self.head.startswith(magic):
                    return what
        if kind not in (*TEXTS, None) and _HTML.match(self.head):
            return "an HTML page, perhaps an error message saved in place of the data"
        return None


def look(path: Path) -> Look:
    """The first bytes of a file; nothing, where it cannot be read: that is for its reader to say."""
    head = b""
    codec = None
    try:
        codec = codec_of(path)
        with open_plain(path) as file:
            while len(head) < HEAD and (piece := file.read(HEAD - len(head))):
                head += piece
    except Exception as error:
        if stream_error(error) is None:
            raise
    encoding = encoding_in(head)
    if encoding != UTF8:
        head = head.decode(encoding, "ignore").encode()
    return Look(codec, head, encoding)


def codec_note(name: str, codec: str | None) -> str | None:
    """What to say where the name of a file and its bytes disagree on compression."""
    said = next((known for ending, known in SUFFIXES.items() if name.lower().endswith(ending)), None)
    if said == codec:
        return None
    if said is None:
        return f"compressed with {codec}, though its name does not say so"
    return (
        f"its name says {said}, but it is {'not compressed' if codec is None else f'compressed with {codec}'}"
    )
