"""Files of the Hub that are read in pieces where they lie, for runs that need a part of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import IO, cast
from urllib.parse import quote

from dataaudit.errors import DataauditError
from dataaudit.sources.hub import Address, Hub, Listing, tried


def in_pieces(hub: Hub, listing: Listing, path: str) -> IO[bytes]:
    """Open a file of a repository. Raises OSError, in one line, on reading too."""
    target = f"datasets/{listing.repo}@{quote(listing.commit, safe='')}/{path}"
    # Readers ask for large pieces, so nothing is fetched ahead of what they ask for.
    opening = partial(hub.files.open, target, "rb", cache_type="none")
    address = Address(listing.repo, listing.commit, path)
    return cast("IO[bytes]", _Pieces(opening, listing.files[path], listing.uri(path), address))


class _Pieces(io.RawIOBase):
    """A file that is fetched piece by piece; a request that fails is made again, as for whole files."""

    def __init__(self, opening: Callable[[], IO[bytes]], size: int, uri: str, address: Address) -> None:
        self._opening = opening
        self._file: IO[bytes] | None = None
        self._size = size
        self._uri = uri
        self._address = address
        self._at = 0

    def readable(self) -> bool:
        """This file is for reading."""
        return True

    def seekable(self) -> bool:
        """Any part of it can be read."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fetch as much as the buffer holds. Raises OSError."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        want = max(0, min(len(view), self._size - self._at))
        if not want:
            return 0

        def once() -> bytes:
            if self._file is None:
                self._file = self._opening()
            self._file.seek(self._at)
            return self._file.read(want)

        try:
            data = tried(once, self._uri, self._address, transport=False)
        except DataauditError as error:
            raise OSError(str(error).removeprefix(f"{self._uri}: ")) from None
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None and not self.closed:
            self._file.close()
        super().close()
