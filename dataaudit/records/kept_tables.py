"""Tables over all code points, kept in the user's cache: to make one takes a second, to read it some milliseconds."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.records import cache

FORMAT = b"dataaudit-tables-1\n"
"""First line of a file; raised when its layout changes."""

Tables = Sequence[npt.NDArray[Any]]


class _Table(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    data: bytes


def tables(source: str, like: Tables, make: Callable[[], Tables] | None) -> list[npt.NDArray[Any]] | None:
    """Arrays of one dimension, kept for a module (its `__file__`), its version of Unicode and Python.

    Where nothing is kept yet they are made and kept; where nothing can be kept, or `make` is None: None. `like` are
    arrays of the types that are expected.
    """
    path = _path(source)
    body = cache.read_kept(path, FORMAT)
    if body is not None:
        try:
            found = msgspec.msgpack.decode(body, type=tuple[_Table, ...])
        except msgspec.DecodeError:
            found = ()
        if [one.dtype for one in found] == [one.dtype.str for one in like]:
            return [np.frombuffer(one.data, one.dtype).copy() for one in found]
    if make is None or path is None or not cache.writable():
        return None
    made = list(make())
    cache.keep(path, FORMAT, msgspec.msgpack.encode([_Table(one.dtype.str, one.tobytes()) for one in made]))
    return made


def _path(source: str) -> Path | None:
    folder = cache.cache_dir()
    if folder is None:
        return None
    digest = hashlib.sha256(f"{unicodedata.unidata_version} {sys.version} ".encode())
    try:
        digest.update(Path(source).read_bytes())
    except OSError:  # the package is in an archive, for example
        return None
    return folder / f"tables-{Path(source).stem}-{digest.hexdigest()[:40]}.bin"
