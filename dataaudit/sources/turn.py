"""Long lines are held one at a time, however many workers read: to parse one takes several times its size."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import IO


class Turn:
    """A lock that all processes of a run share, by a file; without one (an empty path) nobody waits for anybody.

    A process that ends gives its turn back, however it ends.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Wait until no other process has the turn, and have it; nothing if it is had already."""
        if self._path and self._file is None:
            self._file = Path(self._path).open("ab")  # noqa: SIM115  # closed by `give`
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def give(self) -> None:
        """Let the next one have it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()
