"""The output directory: who may write into it, what is unfinished, and how files get their final names.

States of a directory, each recognised by what lies in it:

    absent or empty           may be written
    marker, with or without   unfinished and ours: what the marker lists is removed, then it is written anew
    a manifest
    manifest, no marker       complete: refused, unless the caller asks to replace it
    anything else             foreign: refused

The marker is written before the first output and removed after the manifest, so no moment of a run, however
it ends, leaves a directory that looks complete and is not.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from dataaudit.errors import IncompleteError, ManifestError, UsageError
from dataaudit.export.manifest import MANIFEST_NAME, Manifest, encode, load

MARKER_NAME = ".dataaudit-unfinished"
_TMP_PREFIX = ".dataaudit-tmp-"
_MARKER_TMP = _TMP_PREFIX + "marker"


def _fsync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn errors of the operating system while writing `path` into one clear IncompleteError."""
    try:
        yield
    except OSError as error:
        raise IncompleteError(f"cannot write {path}: {error.strerror or error}") from error


class OutputDir:
    """One directory being written, as a context manager: leaving it by an error removes what was written."""

    def __init__(self, path: Path, planned: Iterable[str], *, overwrite: bool = False) -> None:
        self.path = path
        self._planned = sorted(set(planned))
        self._overwrite = overwrite
        self._created = False
        self._temps = 0
        self._lock: IO[bytes] | None = None
        self._done = False

    def __enter__(self) -> OutputDir:
        with writing(self.path):
            old = self._claim()
            if not self.path.exists():
                self.path.mkdir(parents=True)
                self._created = True
            self._mark(sorted({*old, *self._planned}))
            # From here on the directory says that it is unfinished; only now may the old content go.
            (self.path / MANIFEST_NAME).unlink(missing_ok=True)
            self._remove(old)
        return self

    def _claim(self) -> list[str]:
        """Check that the directory may be written; returns the paths of an earlier run, to be removed."""
        path = self.path
        if not path.exists():
            return []
        if not path.is_dir():
            raise UsageError(f"{path} is not a directory")
        old = self._earlier()
        known = {*old, MANIFEST_NAME, MARKER_NAME}
        for found in files_below(path):
            name = found.rsplit("/", 1)[-1]
            if found not in known and not name.startswith(_TMP_PREFIX):
                raise UsageError(
                    f"{path} holds files that clean did not write ({found}); name another directory"
                )
        return old

    def _earlier(self) -> list[str]:
        marker = self.path / MARKER_NAME
        if marker.exists():
            self._take(marker)
            try:
                plan = json.loads(marker.read_bytes())["outputs"]
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(f"{marker} is not one that clean wrote; name another directory") from error
            return [p for p in plan if isinstance(p, str) and is_safe(p)]
        if not (self.path / MANIFEST_NAME).exists():
            return []
        try:
            manifest = load(self.path)
        except ManifestError as error:
            raise UsageError(f"{self.path} holds a manifest that clean did not write: {error}") from error
        if not self._overwrite:
            raise UsageError(
                f"{self.path} is already complete; overwrite it (--overwrite) or name another directory"
            )
        return [o.path for o in manifest.outputs if is_safe(o.path)]

    def _take(self, marker: Path) -> None:
        """Hold the marker for as long as this process lives, so that two runs never share a directory."""
        if self._lock is not None:
            self._lock.close()
        self._lock = marker.open("rb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another run is writing {self.path}") from error

    def _mark(self, outputs: list[str]) -> None:
        temp, marker = self.path / _MARKER_TMP, self.path / MARKER_NAME
        temp.write_text(json.dumps({"tool": "dataaudit", "outputs": outputs}), encoding="ascii")
        _fsync(temp)
        temp.rename(marker)
        self._take(marker)
        _fsync(self.path)

    def temp(self, final: str) -> Path:
        """A temporary path beside the final one; its directory exists afterwards."""
        self._temps += 1
        # Short names: a name that is long already must not become too long.
        path = (self.path / final).parent / f"{_TMP_PREFIX}{self._temps}"
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def publish(self, temp: Path, final: str) -> None:
        """Give a complete, closed file its final name, once its bytes are on disk."""
        target = self.path / final
        with writing(target):
            _fsync(temp)
            temp.rename(target)

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, last of all, and take the marker away."""
        with writing(self.path / MANIFEST_NAME):
            self._remove_temps()
            for folder in sorted({(self.path / p).parent for p in self._planned}):
                if folder.is_dir():
                    _fsync(folder)
            temp = self.path / f"{_TMP_PREFIX}manifest"
            temp.write_bytes(encode(manifest))
            _fsync(temp)
            temp.rename(self.path / MANIFEST_NAME)
            _fsync(self.path)
            (self.path / MARKER_NAME).unlink()
            _fsync(self.path)
        self._done = True

    def __exit__(self, *_: object) -> None:
        try:
            if not self._done:
                with contextlib.suppress(OSError):
                    self._abandon()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _abandon(self) -> None:
        """Remove what this run wrote; the marker goes last, so that a failure leaves the directory marked."""
        (self.path / MANIFEST_NAME).unlink(missing_ok=True)
        self._remove(self._planned)
        (self.path / MARKER_NAME).unlink(missing_ok=True)
        if self._created:
            self.path.rmdir()

    def _remove_temps(self) -> None:
        for found in files_below(self.path):
            if found.rsplit("/", 1)[-1].startswith(_TMP_PREFIX):
                (self.path / found).unlink(missing_ok=True)

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove files by path, temporary files, and directories left empty."""
        self._remove_temps()
        for path in paths:
            (self.path / path).unlink(missing_ok=True)
        for top in ("kept", "quarantine"):
            folders = [Path(folder) for folder, _, _ in os.walk(self.path / top, topdown=False)]
            for folder in folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def files_below(path: Path) -> Iterator[str]:
    """Every file and symbolic link below a directory, relative, with `/`, in a fixed order."""
    for folder, subfolders, names in os.walk(path):
        subfolders.sort()
        links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in sorted([*names, *links]):
            yield (Path(folder) / name).relative_to(path).as_posix()


def is_safe(path: str) -> bool:
    """Does a relative path stay inside the directory it is relative to?"""
    if not path or path.startswith("/") or "\0" in path:
        return False
    return all(part not in ("", ".", "..") for part in path.split("/"))


def copy_bytes(source: IO[bytes], target: Path) -> None:
    """Copy the rest of an open file into a new one."""
    with writing(target), target.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
