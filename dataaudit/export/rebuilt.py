"""The input as it is put together again from what was kept and what was removed, for the proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import IO

from dataaudit.export.proof import COPY_BYTES, Mismatch


class Rebuilt:
    """The input as it is put together, as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._hash = hashlib.sha256()
        self.bytes = 0

        self._left = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._hash.update(piece)
            self.bytes += len(piece)
            self._left = memoryview(piece)
        size = len(self._left) if size < 0 else size
        data, self._left = self._left[:size], self._left[size:]
        return bytes(data)

    @property
    def sha256(self) -> str:
        """Of the bytes so far, to the end of a piece."""
        return self._hash.hexdigest()


def copy_exactly(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Exactly this many bytes of a stream. Raises Mismatch where there are fewer."""
    if size < 0:
        raise Mismatch("the reasons file names places out of order")
    while size:
        piece = stream.read(min(size, COPY_BYTES))
        if not piece:
            raise Mismatch("rows are missing")
        size -= len(piece)
        yield piece


def read_all(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a stream."""
    while piece := stream.read(COPY_BYTES):
        yield piece
