"""The members of tar archives, streamed: every header is checked, nothing is unpacked, names are only compared."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dataaudit.sources.csvsplit import Readable

BLOCK = 512
"""Bytes of a header, and what members are padded to (POSIX.1-1988 ustar)."""
PIECE = 1 << 20
NAME_BYTES = 1 << 20
"""A long name or extended header beyond this is no honest one."""
END = bytes(2 * BLOCK)
"""The mark at the end of an archive."""

_SAMPLE = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)", re.DOTALL)
_EXTENDED = {
    tarfile.XHDTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_EMPTY = {
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
}


class BrokenTarError(ValueError):
    """An archive that cannot be followed any further."""


class Member(NamedTuple):
    """A member that is a file."""

    name: str
    size: int
    start: int
    """Byte of the archive at which its headers begin, extended ones of its own included."""

    @property
    def padded(self) -> int:
        """Bytes it takes after its headers."""
        return self.size + -self.size % BLOCK

    @property
    def place(self) -> tuple[str, str] | None:
        """The sample it belongs to, and its kind there; None where its name makes it part of none."""
        found = _SAMPLE.fullmatch(self.name)
        return (found[1], found[2].lower()) if found else None


class Cursor:
    """Tells where samples begin: members that stand side by side and share a name up to its first dot are one.

    A member of a kind that the sample has already begins another one. Members that belong to no sample change nothing.
    """

    def __init__(self) -> None:
        self.row = -1
        """Of the sample that the last member was part of."""
        self._key: str | None = None
        self._kinds: set[str] = set()

    def take(self, place: tuple[str, str]) -> bool:
        """Go on to a member of a sample; does it begin a new one?"""
        key, kind = place
        fresh = key != self._key or kind in self._kinds
        if fresh:
            self.row += 1
            self._key, self._kinds = key, set()
        self._kinds.add(kind)
        return fresh


class Archive:
    """A stream of tar members. `seen` is given every byte that is read, in order."""

    def __init__(self, stream: Readable, seen: Callable[[bytes], None] | None = None) -> None:
        self._stream = stream
        self._seen = seen
        self.at = 0
        """Bytes read."""

    def _read(self, size: int) -> bytes:
        parts, left = [], size
        while left and (piece := self._stream.read(min(left, PIECE))):
            self.at += len(piece)
            if self._seen is not None:
                self._seen(piece)
            parts.append(piece)
            left -= len(piece)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def exactly(self, size: int) -> bytes:
        """The next bytes. Raises BrokenTarError where there are fewer."""
        data = self._read(size)
        if len(data) < size:
            raise BrokenTarError("the archive is cut short")
        return data

    def skip(self, size: int) -> None:
        """Pass over bytes. Raises BrokenTarError where there are fewer."""
        while size:
            size -= len(self.exactly(min(size, PIECE)))

    def members(self) -> Iterator[Member]:
        """Every member that is a file; the caller reads or skips its `padded` bytes. Raises BrokenTarError.

        Ends after the mark at the end of the archive, and the zeros that follow it.
        """
        name: str | None = None
        size: int | None = None
        start = self.at
        while header := self._read(BLOCK):
            if not header.strip(b"\0"):
                self._check_end()
                return
            info = _header(header)
            if info.type in _EXTENDED:
                if info.size > NAME_BYTES:
                    raise BrokenTarError("the archive is damaged: a name of more than a megabyte")
                data = self.exactly(info.size)
                self.skip(-info.size % BLOCK)
                if info.type == tarfile.GNUTYPE_LONGNAME:
                    name = data.rstrip(b"\0").decode("utf-8", "surrogateescape")
                elif info.type == tarfile.XGLTYPE:
                    start = self.at  # it is about all that follow
                elif info.type != tarfile.GNUTYPE_LONGLINK:
                    name, size = _extended(data, name, size)
                continue
            member = Member(name or info.name, info.size if size is None else size, start)
            name, size = None, None
            if info.type == tarfile.GNUTYPE_SPARSE:
                raise BrokenTarError("a sparse member, which is not read; pack the archive without --sparse;")
            if info.isreg():
                yield member
            elif info.type not in _EMPTY:
                self.skip(member.padded)
            start = self.at
        raise BrokenTarError("the archive has no end mark, so it may be cut short")

    def _check_end(self) -> None:
        """After the end there are zeros alone."""
        while piece := self._read(PIECE):
            if piece.strip(b"\0"):
                raise BrokenTarError("something follows the end of the archive")


def _header(block: bytes) -> tarfile.TarInfo:
    if len(block) < BLOCK:
        raise BrokenTarError("the archive is cut short")
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise BrokenTarError(f"the archive is damaged: {error}") from None
    if info.size < 0:
        raise BrokenTarError("the archive is damaged: a member of negative size")
    return info


def _extended(data: bytes, name: str | None, size: int | None) -> tuple[str | None, int | None]:
    """Name and size by the records of an extended header (POSIX.1-2001 pax): `LENGTH KEY=VALUE\\n`."""
    at = 0
    while at < len(data):
        found = re.compile(rb"(\d{1,9}) ([^=]+)=").match(data, at)
        end = at + int(found[1]) if found else 0
        if found is None or not found.end() < end <= len(data):
            raise BrokenTarError("the archive is damaged: an extended header")
        value = data[found.end() : end - 1]
        if found[2] == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif found[2] == b"size" and value.isdigit() and len(value) < 19:
            size = int(value)
        at = end
    return name, size
