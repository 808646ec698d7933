"""Machine code of compiled loops, kept for later processes, which run it without loading numba.

Loading numba, and its first call, takes half a second and 150 MB of a process. LLVM's linker alone, which places code
that is already compiled, takes a twentieth of the time and a third of the memory, nearly all of it shared by processes.
So the process that compiles a loop keeps what came out of it in the user's cache, for this version of the loop, of the
compiler and this processor.

What is kept is the function as numba compiles it, without the part that talks to Python: arguments are plain numbers
and addresses. Only a function that needs nothing else from outside itself is kept (no memory asked for, no error
raised), and only where its arguments are laid out as expected here. Any other stays with numba.
"""

from __future__ import annotations

import ctypes
import hashlib
import platform
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from dataaudit.records import cache as kept
from dataaudit.records.versions import version_of

FORMAT = b"dataaudit-code-2\n"
"""First line of a file; raised when its layout changes, or what can be kept."""
FOLDER = "code"
"""Where the files are, below the user's cache."""
NAME = "kept"
"""What the function is called."""


class Code(msgspec.Struct, frozen=True, array_like=True):
    """A compiled function."""

    leaves: tuple[str, ...]
    """What it takes, members of tuples one by one (see `leaf_of`)."""
    results: int
    """How many 64-bit integers it returns."""
    data: bytes
    """An object file; empty: it can only be had from numba."""


NONE = Code((), 0, b"")


class Native:
    """A function of machine code, in place."""

    def __init__(self, code: Code) -> None:
        self.leaves = code.leaves
        self._results = code.results
        self._engine, address = _placed(code.data)  # the code is there as long as the engine is
        types = [ctypes.c_void_p, ctypes.c_void_p]  # where results go, and errors, of which there are none
        for leaf in code.leaves:
            types += _ARGUMENTS.get(leaf) or _array_arguments(int(leaf[-1]))
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(address)

    def __call__(self, values: Sequence[Any]) -> Any:
        """Call it without the GIL; `values` are flat and as `leaves` says."""
        out = (ctypes.c_int64 * max(1, self._results))()
        flat: list[Any] = [ctypes.addressof(out), None]
        for leaf, value in zip(self.leaves, values, strict=True):
            if leaf in _ARGUMENTS:
                flat.append(int(value))
            else:
                # A buffer of Arrow's is the quickest to say where an array lies.
                address = pa.py_buffer(value).address
                flat += (None, None, value.size, value.itemsize, address, *value.shape, *value.strides)
        if self._call(*flat) != 0:
            raise RuntimeError("compiled code failed")
        if self._results == 0:
            return None
        return out[0] if self._results == 1 else tuple(out)


def native(code: Code | None) -> Native | None:
    """Code in place; None where there is none, or this version of LLVM does not take it."""
    if code is None or not code.data:
        return None
    try:
        return Native(code)
    except OTHER_VERSION:
        return None


OTHER_VERSION = (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError)
"""What calls of other versions of numba and LLVM than were tried may raise; numba alone does then."""

_ARGUMENTS: dict[str, list[Any]] = {
    "int": [ctypes.c_int64],
    "uint64": [ctypes.c_uint64],
    "bool": [ctypes.c_uint8],
}


def _array_arguments(dimensions: int) -> list[Any]:
    """numba's arrays: what holds the memory and the object (nothing does), items, bytes of an item, address, shape and

    strides.
    """
    sizes = [ctypes.c_int64] * (2 * dimensions)
    return [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, *sizes]


def flat_values(values: Sequence[Any]) -> Iterator[Any]:
    """Arguments with the members of tuples one by one."""
    for value in values:
        if isinstance(value, tuple):
            yield from flat_values(value)
        else:
            yield value


def leaf_of(value: Any) -> str | None:
    """The kind of an argument: `int`, `uint64`, `bool`, or the type and dimensions of an array; None: not served."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        return _leaf_of_array(value.dtype, value.ndim) if flags.c_contiguous and flags.aligned else None
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return "uint64" if isinstance(value, np.uint64) else None


@cache
def _leaf_of_array(kind: np.dtype[Any], dimensions: int) -> str | None:
    return f"{kind.str}{dimensions}" if kind.isnative and 0 < dimensions < 10 else None


def supported() -> bool:
    """Only where it was tried."""
    return sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")


def path_of(fingerprint: bytes) -> Path | None:
    """The file of a function in the user's cache; None where there is no cache or nothing can be in it."""
    folder = kept.cache_dir()
    if folder is None or not supported():
        return None
    digest = hashlib.sha256(FORMAT + fingerprint + _machine())
    return folder / FOLDER / f"{digest.hexdigest()[:40]}.bin"


def any_kept() -> bool:
    """Is there any code in the cache? Spares the loading of LLVM where not."""
    folder = kept.cache_dir()
    return folder is not None and (folder / FOLDER).is_dir()


def read(path: Path | None) -> Code | None:
    """The code in a file; None where there is none."""
    body = kept.read_kept(path, FORMAT)
    if body is None:
        return None
    try:
        return msgspec.msgpack.decode(body, type=Code)
    except msgspec.DecodeError:
        return None


def write(path: Path | None, code: Code) -> None:
    """Keep code for later processes, if that is possible."""
    kept.keep(path, FORMAT, msgspec.msgpack.encode(code))


def target(*, wide: bool = False) -> Any:
    """This processor as a target. An engine takes one over, and frees it."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    if wide and "+avx512f" in features:
        features += ",-prefer-256-bit"
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=features,
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


@cache
def _machine() -> bytes:
    """What the code depends on beside the function: compiler, interpreter, processor."""
    import llvmlite.binding as llvm

    parts = (
        version_of("numba"),
        version_of("llvmlite"),
        np.__version__,
        sys.version,
        llvm.get_default_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    )
    return "\n".join(parts).encode()


def _placed(data: bytes) -> tuple[Any, int]:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    return engine, engine.get_function_address(NAME)
