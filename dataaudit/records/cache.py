"""Files in which a user's later runs find what is costly to make: compiled databases and loops, plans of patterns."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
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
