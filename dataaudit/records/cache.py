"""Files in which a user's later runs find what is costly to make: compiled databases and loops, plans of patterns."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_DIGEST = 32
"""Bytes of a SHA-256."""


def cache_dir() -> Path | None:
    """Where they are kept: `DATAAUDIT_CACHE_DIR`, else below the XDG cache; None where there is none."""
    if named := os.environ.get("DATAAUDIT_CACHE_DIR"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "dataaudit"
    except RuntimeError:  # no home directory
        return None


def writable() -> bool:
    """Can anything be kept? The folder is made to find out."""
    folder = cache_dir()
    if folder is None:
        return False
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError):
        return False
    return os.access(folder, os.W_OK)


def read_kept(path: Path | None, format_line: bytes) -> bytes | None:
    """What a file keeps; None where there is none, it is of another format, or damaged in any way.

    Some of it is run. So a file that another user than this one or root wrote, or could write, counts as none.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return None
            data = file.read()
    except (OSError, ValueError):
        return None
    start = len(format_line) + _DIGEST
    body = data[start:]
    if (
        data[: len(format_line)] != format_line
        or hashlib.sha256(body).digest() != data[len(format_line) : start]
    ):
        return None
    return body


def _is_ours(about: os.stat_result) -> bool:
    if not hasattr(os, "getuid"):  # Windows: the folder is in the user's profile
        return True
    return about.st_uid in (0, os.getuid()) and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def keep(path: Path | None, format_line: bytes, body: bytes) -> None:
    """Keep something. The file appears complete or not at all; failing to write it is no error."""
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(format_line + hashlib.sha256(body).digest() + body)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait while another process makes what this file is to keep; whoever comes next looks for it again.

    Where locks cannot be had nobody waits: then it is made twice.
    """
    with _locked(path, wait=True):
        yield


def taken(path: Path) -> bool:
    """Is another process making what this file is to keep?"""
    with _locked(path, wait=False) as mine:
        return not mine


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a file; False where another process holds it and is not waited for."""
    try:
        import fcntl

        folder = cache_dir() or path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "turns", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (ImportError, OSError):
        yield True
        return
    mine = True
    try:
        # One file for all: a byte of it stands for one that is kept. Locks of this kind go with any descriptor of the
        # file that the process closes: where threads come at once, the worst is that something is made twice.
        place = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big")
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, place)
        except BlockingIOError:
            mine = False
        except OSError:
            pass  # no locks here
        yield mine
    finally:
        os.close(descriptor)
