"""Files that lie elsewhere: fetched before they are read, some ahead of the reader, and removed to make room.

What was read stays as long as there is room, because some rows are read again for examples and verification; what is
gone by then is fetched again.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dataaudit.errors import DataauditError, IncompleteError
from dataaudit.records.types import FileRef
from dataaudit.sources import ranged

if TYPE_CHECKING:
    from concurrent.futures import Future

ROUND_BYTES = 256 << 20
"""Files are fetched and read together up to this size, so that small ones keep all workers busy."""
AT_ONCE = 4
"""Files fetched at the same time."""
FLOOR = 1 << 30
"""Bytes that are kept at least; else it is half of what is free."""

Fetch = Callable[[IO[bytes]], None]
"""Writes the bytes of a file. Raises a DataauditError, in one line."""


class StoppedError(Exception):
    """The run has ended; nothing more is wanted."""


@dataclass
class _Entry:
    path: Path
    fetch: Fetch
    size: int
    users: int = 0
    future: Future[None] | None = None
    used: int = field(default=0)
    """When it was used last; larger is later."""


class Supply:
    """The files of a run that must be fetched. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._entries: dict[str, _Entry] = {}
        self._lent: list[str] = []
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="dataaudit-fetch")
        self._stop = threading.Event()
        self._clock = 0
        self.budget = max(FLOOR, shutil.disk_usage(folder).free // 2)
        """Bytes of fetched files that are kept; those in use come on top."""

    def add(self, path: Path, fetch: Fetch, size: int) -> None:
        """Tell how a file is fetched."""
        self._entries[str(path)] = _Entry(path, fetch, size)

    def lend(self, path: Path, opener: ranged.Opener) -> None:
        """Tell how a file is read in pieces where it lies, until the end of the run; it is never fetched."""
        ranged.offer(str(path), opener)
        self._lent.append(str(path))

    def rounds(
        self, files: Sequence[FileRef], *, ahead: bool = True
    ) -> Iterator[tuple[list[FileRef], dict[int, DataauditError]]]:
        """The files in order, in groups that are there to be read; by file id, why one is not.

        `ahead`: is the next group fetched while one is read?
        """
        groups = list(self._groups(files))
        for at, group in enumerate(groups):
            for one in groups[at : at + 2] if ahead else [group]:
                self._want(one)
            lost: dict[int, DataauditError] = {}
            for file in group:
                try:
                    self._wait(file)
                except DataauditError as error:
                    lost[file.id] = error
            yield group, lost
            self._release(group)
            if ahead and at + 1 < len(groups):
                self._release(groups[at + 1])  # it is wanted again in the next turn, and cannot go before

    def _groups(self, files: Sequence[FileRef]) -> Iterator[list[FileRef]]:
        group: list[FileRef] = []
        size = 0
        for file in files:
            entry = self._entries.get(file.path)
            more = entry.size if entry is not None else 0
            if group and size + more > ROUND_BYTES and file.path != group[-1].path:
                yield group
                group, size = [], 0
            group.append(file)
            size += more
        if group:
            yield group

    @contextmanager
    def there(self, file: FileRef) -> Iterator[None]:
        """Have one file at hand. Raises a DataauditError where it cannot be fetched."""
        self._want([file])
        try:
            self._wait(file)
            yield
        finally:
            self._release([file])

    def fetch_all(self, files: Sequence[FileRef]) -> None:
        """Fetch all of them, and keep them until the end. Raises a DataauditError for the first that cannot be."""
        self._want(files)
        for file in files:
            self._wait(file)

    def _want(self, files: Sequence[FileRef]) -> None:
        for file in files:
            entry = self._entries.get(file.path)
            if entry is None:
                continue
            entry.users += 1
            self._clock += 1
            entry.used = self._clock
            if entry.future is None:
                entry.future = self._pool.submit(self._fetch, entry)

    def _wait(self, file: FileRef) -> None:
        entry = self._entries.get(file.path)
        if entry is not None and entry.future is not None:
            entry.future.result()

    def _release(self, files: Sequence[FileRef]) -> None:
        for file in files:
            if (entry := self._entries.get(file.path)) is not None:
                entry.users -= 1
        here = [one for one in self._entries.values() if one.future is not None and one.future.done()]
        total = sum(one.size for one in here)
        for entry in sorted(here, key=lambda one: one.used):
            if total <= self.budget:
                return
            if entry.users <= 0 and entry.future is not None and entry.future.exception() is None:
                entry.path.unlink(missing_ok=True)
                entry.future = None
                total -= entry.size

    def _fetch(self, entry: _Entry) -> None:
        try:
            self._check()
            entry.path.parent.mkdir(parents=True, exist_ok=True)
            with entry.path.open("wb") as file:
                entry.fetch(_Watched(file, self._check))  # type: ignore[arg-type]
        except BaseException as error:
            entry.path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                what = error.strerror or error
                raise IncompleteError(
                    f"{entry.path.parent}: no room for a fetched file: {what}; name another folder with --work-dir"
                ) from None
            raise

    def _check(self) -> None:
        if self._stop.is_set():
            raise StoppedError

    def close(self) -> None:
        """Fetch no more."""
        for path in self._lent:
            ranged.release(path)
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Watched:
    """An open file that refuses to be written to once the run has ended."""

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file = file
        self._check = check

    def write(self, data: bytes) -> int:
        """Write all of the bytes."""
        self._check()
        return self._file.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move in the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The place in the file."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut the file."""
        return self._file.truncate(size)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()
