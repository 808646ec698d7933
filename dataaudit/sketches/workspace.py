"""The work directory of one run: where states spill. It is removed when the run ends."""

from __future__ import annotations

import errno
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from dataaudit.errors import IncompleteError


class Workspace:
    """A private directory for spilled state, made on first use below `parent` (default: the system's)."""

    def __init__(self, parent: Path | None = None, *, root: Path | None = None) -> None:
        self._parent = parent
        self._root = root
        self._owned = root is None

    @property
    def root(self) -> Path:
        """The directory itself; workers share it by path."""
        if self._root is None:
            try:
                if self._parent is not None:
                    self._parent.mkdir(parents=True, exist_ok=True)
                self._root = Path(tempfile.mkdtemp(prefix="dataaudit-", dir=self._parent))
            except OSError as error:
                where = error.filename if self._parent is None else self._parent
                raise IncompleteError(f"{where}: no work directory: {error.strerror or error}") from None
        return self._root

    def new_file(self, stem: str) -> Path:
        """A path no other file of the run has."""
        return self.root / f"{stem}-{uuid.uuid4().hex}.bin"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system says while a file of the directory is written into one line. Raises IncompleteError."""
        try:
            yield
        except OSError as error:
            try:
                free = shutil.disk_usage(self.root).free
            except OSError:
                free = None
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full" if full else error.strerror or str(error)
            left = f" ({free / 1e6:,.0f} MB left)" if full and free is not None else ""
            raise IncompleteError(
                f"{self.root}: cannot write to the work directory: {what}{left}; name one with room: --work-dir DIR"
            ) from error

    def close(self) -> None:
        """Remove the directory, if this object made it."""
        if self._owned and self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
