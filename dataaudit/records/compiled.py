"""Loops over arrays that are compiled: by numba when first needed on a machine, from then on as kept machine code."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable
from functools import cached_property
from threading import RLock
from typing import Any

import numpy as np

from dataaudit.records import cache, machine_code

_MAKING = RLock()
"""Machine code is made, or put in place, by one thread at a time."""


class Kernel:
    """A function in the part of Python that numba compiles. It runs without the GIL.

    One that is called from Python takes arrays, numbers and tuples of them.
    """

    wide = False
    """Are its loops made over the widest vectors of the processor? LLVM prefers 256 bits to 512 where it may choose."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._native: machine_code.Native | None = None
        self._asked = False
        """Has the cache been asked?"""
        self._dispatchers: dict[bool, Any] = {}

    def __call__(self, *args: Any) -> Any:
        """Run it compiled, whatever that takes: compiling takes some seconds on a machine's first run."""
        values = tuple(machine_code.flat_values(args))
        leaves = tuple(map(machine_code.leaf_of, values))
        # Arguments that machine code does not take (an array with gaps) say nothing of those of other calls.
        if not self.at_hand and not self._numba_only and None not in leaves:
            with _MAKING:  # a thread that comes meanwhile finds it made
                if self._native is None and not self._numba_only:
                    self._compile(args)
        native = self._native
        if native is not None and native.leaves == leaves:
            return native(values)
        return self._by_numba(*args)

    @property
    def at_hand(self) -> bool:
        """Is machine code of it kept? Then numba need not be loaded."""
        if not self._asked:
            with _MAKING:
                if not self._asked:
                    code = machine_code.read(self._path) if machine_code.any_kept() else None
                    self._numba_only = code is not None and not code.data
                    self._native = machine_code.native(code)
                    self._asked = True
        return self._native is not None

    @property
    def made_elsewhere(self) -> bool:
        """Is another process compiling it just now? Then it will be at hand before it could be had here."""
        if self.at_hand or self._numba_only or self._path is None or not cache.taken(self._path):
            return False
        self._asked = False  # the cache is to be asked again
        return True

    _numba_only = False
    """Is it known that it cannot be kept?"""

    def _compile(self, args: tuple[Any, ...]) -> None:
        """Compile it for later processes too, where they can be told."""
        from dataaudit.records import exporting

        try:
            if self._path is not None and cache.writable():
                with cache.turn(self._path):
                    code = machine_code.read(self._path)
                    if code is None:
                        code = exporting.exported(self._dispatcher(cached=False), args, wide=self.wide)
                        machine_code.write(self._path, code)
                self._native = machine_code.native(code)
        finally:
            self._numba_only = True

    @cached_property
    def _path(self) -> Any:
        return machine_code.path_of(self.fingerprint)

    @cached_property
    def fingerprint(self) -> bytes:
        """A hash of its byte code and of everything it refers to by name."""
        digest = hashlib.sha256(b"wide" if self.wide else b"")
        _add(digest, self.function.__code__)
        for name in sorted(_names(self.function.__code__)):
            if name in self.function.__globals__:
                digest.update(name.encode() + b"=")
                _add(digest, self.function.__globals__[name])
        return digest.digest()

    @cached_property
    def _by_numba(self) -> Any:
        """It as numba's, which keeps in a cache of its own what it compiles where it finds a place."""
        return self._dispatcher(cached=True)

    def _dispatcher(self, *, cached: bool) -> Any:
        """It as numba's; the same each time, so that what several kernels call is compiled once."""
        if cached not in self._dispatchers:
            self._dispatchers[cached] = self._made(cached)
        return self._dispatchers[cached]

    def _made(self, cached: bool) -> Any:
        import numba

        make: Any = numba.njit
        function = self._for_numba(cached)
        if not cached:  # Python calls none of it
            return make(function, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
        try:
            return make(function, nogil=True, cache=True)
        except RuntimeError:  # numba can write neither beside the package nor to the user's cache folder
            return make(function, nogil=True)

    def _for_numba(self, cached: bool) -> Any:
        """The function, with the kernels that it calls as numba knows them."""
        known = {
            name: one._dispatcher(cached=cached) if isinstance(one, Kernel) else one
            for name, one in self.function.__globals__.items()
            if name in _names(self.function.__code__) or name.startswith("__")
        }
        made = types.FunctionType(self.function.__code__, known, self.function.__name__)
        made.__module__, made.__qualname__ = self.function.__module__, self.function.__qualname__
        return made


class WideKernel(Kernel):
    """One that measurement says is faster over the widest vectors: much arithmetic, little else."""

    wide = True


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)


def _add(digest: Any, value: Any) -> None:
    """Take a constant, or something that a name stands for, into a hash."""
    if isinstance(value, Kernel):
        digest.update(value.fingerprint)
    elif isinstance(value, types.CodeType):
        digest.update(value.co_code + repr((value.co_names, value.co_varnames, value.co_argcount)).encode())
        for one in value.co_consts:
            _add(digest, one)
    elif isinstance(value, np.ndarray):
        digest.update(repr((value.dtype.str, value.shape)).encode() + value.tobytes())
    elif isinstance(value, np.generic | int | float | str | bytes | tuple | None):
        digest.update(repr((type(value).__name__, value)).encode())
    else:  # a module, a class, a function of Python's: by its name
        named = getattr(value, "__qualname__", type(value).__qualname__)
        digest.update(f"{getattr(value, '__module__', '')}.{named};".encode())
