"""Writers of compressed files, whose bytes depend on what is written alone."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing_extensions import Buffer

GZIP_LEVEL = 6
"""What `gzip` itself uses; Python's default of 9 takes several times as long for one or two per cent."""

ZSTD_LEVEL = 3
"""The default of the `zstd` command."""


class _Closing(io.RawIOBase):
    """A compressing writer that closes the file below it, which the standard library's writers leave open."""

    def __init__(self, inner: IO[bytes], file: IO[bytes]) -> None:
        self._inner = inner
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        return self._inner.write(data)

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._inner.close()
        finally:
            self._file.close()
            super().close()


def compressing(file: IO[bytes], codec: str | None) -> IO[bytes]:
    """A writer that compresses into an open file, which is closed with it. `codec` None: the file itself.

    Output depends on the bytes alone: no file name and no time is stored.
    """
    if codec is None:
        return file
    inner: object
    if codec == "gzip":
        inner = gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=file, mtime=0)
    elif codec == "bz2":
        inner = bz2.BZ2File(file, "wb")
    elif codec == "xz":
        inner = lzma.LZMAFile(file, "wb")  # noqa: SIM115
    elif codec == "zstd":
        import zstandard

        writer = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        inner = writer.stream_writer(file, closefd=False)
    else:
        raise ValueError(f"unknown codec {codec!r}")
    return cast("IO[bytes]", _Closing(cast("IO[bytes]", inner), file))


def open_compressed(path: Path, codec: str | None) -> IO[bytes]:
    """Open a file for writing bytes that are compressed with `codec` (None: as they are)."""
    return compressing(path.open("wb"), codec)
