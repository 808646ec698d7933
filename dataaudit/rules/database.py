"""Hyperscan databases: compiled within bounds, cached on disk, and scanned over a whole buffer at once."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dataaudit.records import cache
from dataaudit.records.versions import version_of
from dataaudit.rules.events import FloodError

CACHE_FORMAT = b"dataaudit-hs-1\n"
"""First line of a cache file; raised when its layout changes."""

Ints = npt.NDArray[np.int64]


def available() -> str | None:
    """None where Hyperscan can be used, else the reason why not."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return "hyperscan is not installed for this platform"
    except Exception as error:  # e.g. a processor without the instructions it was built for
        return f"hyperscan cannot be loaded ({type(error).__name__})"
    return None


class Database:
    """Compiled expressions. Expression `i` of the list has id `i` in the events. For one thread at a time."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def scan(self, data: Any, limit: int) -> tuple[Ints, Ints]:
        """Scan a buffer, without copying it: (expression ids, offsets just behind the end of each match).

        Raises:
            FloodError: There were more than `limit` events.
        """
        import hyperscan

        ids: list[int] = []
        ends: list[int] = []
        add_id, add_end = ids.append, ends.append

        def event(expression: int, start: int, end: int, flags: int, context: object) -> bool | None:
            add_id(expression)
            add_end(end)
            return True if len(ids) > limit else None

        try:
            self._handle.scan(data, match_event_handler=event)
        except hyperscan.ScanTerminated:
            raise FloodError(np.asarray(ids, np.int64)) from None
        return np.asarray(ids, np.int64), np.asarray(ends, np.int64)


def compile_database(expressions: Sequence[bytes]) -> Database:
    """Compile expressions, or take them from the cache of the user.

    Raises:
        ValueError: Hyperscan refuses them.
    """
    import hyperscan

    path = _cache_path(expressions)
    handle = _read_cache(path)
    if handle is None:
        handle = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            handle.compile(
                expressions=list(expressions),
                ids=list(range(len(expressions))),
                elements=len(expressions),
                flags=[hyperscan.HS_FLAG_DOTALL] * len(expressions),
            )
        except hyperscan.error as error:
            raise ValueError(str(error)) from error
        _write_cache(path, handle)
    return Database(handle)


def refusal(expression: bytes) -> str | None:
    """Why Hyperscan refuses an expression by itself, or None where it does not."""
    import hyperscan

    try:
        hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK).compile(
            expressions=[expression], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_DOTALL]
        )
    except hyperscan.error as error:
        return str(error)
    return None


@lru_cache(maxsize=1)
def _platform_key() -> bytes:
    """What a compiled database depends on besides its expressions: library, instruction set, machine."""
    import hyperscan

    probe = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    probe.compile(expressions=[b"probe"], ids=[0], elements=1, flags=[0])
    info = probe.info()
    text = info.decode() if isinstance(info, bytes) else str(info)
    return f"{version_of('hyperscan')}\n{text}\n{platform.machine()}\n{platform.system()}".encode()


def _cache_path(expressions: Sequence[bytes]) -> Path | None:
    folder = cache.cache_dir()
    if folder is None:
        return None
    digest = hashlib.sha256(CACHE_FORMAT + _platform_key())
    for expression in expressions:
        digest.update(b"%d:" % len(expression) + expression)
    return folder / f"rules-{digest.hexdigest()[:40]}.hsdb"


def _read_cache(path: Path | None) -> Any | None:
    """The cached database; None where there is none or it is damaged in any way."""
    import hyperscan

    body = cache.read_kept(path, CACHE_FORMAT)
    if body is None:
        return None
    try:
        handle = hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        handle.scratch = hyperscan.Scratch(handle)
    except (hyperscan.error, ValueError, TypeError):
        return None
    return handle


def _write_cache(path: Path | None, handle: Any) -> None:
    """Keep a database for later runs."""
    import hyperscan

    with suppress(hyperscan.error):
        cache.keep(path, CACHE_FORMAT, hyperscan.dumpb(handle))
