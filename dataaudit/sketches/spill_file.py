"""The file that a process spills to, and files of others that are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from dataaudit.sketches.workspace import Workspace

U64 = npt.NDArray[np.uint64]


class SpillFile:
    """One file of numbers, made when it is first written to. What is written to it stays where it is."""

    def __init__(self, work: Workspace, name: str) -> None:
        self._work = work
        self._name = name
        self._file: IO[bytes] | None = None
        self._written = 0
        self.path: Path | None = None

    def append(self, rows: U64) -> int:
        """Write rows behind the others; returns the byte at which they begin."""
        with self._work.writing():
            if self._file is None:
                self.path = self._work.new_file(self._name)
                self._file = self.path.open("wb")
            # `tofile` says nothing where the last of its buffer cannot be written.
            self._file.write(rows.data.cast("B"))
            self._file.flush()
        at, self._written = self._written, self._written + rows.nbytes
        return at

    def close(self) -> None:
        """Write no more; the next rows go to another file."""
        if self._file is not None:
            self._file.close()
        self._file, self._written, self.path = None, 0, None


class Readers:
    """Files that are read at several places, by several threads too, each opened once."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def read(self, path: str, at: int, into: U64) -> None:
        """Fill an array that lies in one piece with what begins at byte `at` of a file."""
        file = self._open.get(path)
        if file is None:
            # Two threads may both open it: the one that comes late takes what the first one has kept.
            mine = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            file = self._open.setdefault(path, mine)
            if file != mine:
                os.close(mine)
        view = into.data.cast("B")
        while len(view):
            count = os.preadv(file, [view], at)
            if count == 0:
                raise EOFError(path)
            view, at = view[count:], at + count

    def close(self) -> None:
        """Close all files."""
        while self._open:
            os.close(self._open.popitem()[1])

    __del__ = close
