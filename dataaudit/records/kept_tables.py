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

FORMAT = b"dataaudit-tables-2\n"
"""First line of a file; raised when its layout changes."""

Tables = Sequence[npt.NDArray[Any]]

SPARSE = 8
"""Of a table in which one entry in so many is not the number of its place, those alone are kept."""


class _Table(msgspec.Struct, frozen=True, array_like=True):
    dtype: str
    data: bytes
    size: int
    """Entries of which those at `places` are in `data`, and the others are the numbers of their places; 0: all are."""
    places: bytes

    def array(self) -> npt.NDArray[Any]:
        """The table."""
        if not self.size:
            return np.frombuffer(self.data, self.dtype).copy()
        whole = np.arange(self.size, dtype=self.dtype)
        whole[np.frombuffer(self.places, np.int32)] = np.frombuffer(self.data, self.dtype)
        return whole


def _table(array: npt.NDArray[Any]) -> _Table:
    places = np.flatnonzero(array != np.arange(len(array))).astype(np.int32)
    if SPARSE * len(places) >= len(array):
        return _Table(array.dtype.str, array.tobytes(), 0, b"")
    return _Table(array.dtype.str, array[places].tobytes(), len(array), places.tobytes())


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
            return [one.array() for one in found]
    if make is None or path is None or not cache.writable():
        return None
    made = list(make())
    cache.keep(path, FORMAT, msgspec.msgpack.encode(list(map(_table, made))))
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
