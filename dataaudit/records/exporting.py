"""What numba makes of a function as machine code that can be kept (see `machine_code`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from dataaudit.records.machine_code import NAME, NONE, OTHER_VERSION, Code, flat_values, leaf_of, target

_FREEING = re.compile(r"^declare void @(NRT_MemInfo_call_dtor)\(ptr\b[^)\n]*\)[^\n]*$", re.MULTILINE)
"""What numba calls when the last user of an array is gone. Here arrays belong to the caller, and it is never called."""

_COUNTING = re.compile(r"^ +(?:tail )?call void @NRT_(?:inc|dec)ref\(ptr[^()\n]*\)[^\n]*$", re.MULTILINE)
"""Counts the users of an array, at each call of a function that takes it. Here there is nothing that counts, so these
calls do nothing, but keep functions from being put into those that call them."""

_IN_LLVM = {"int": ["i64"], "uint64": ["i64"], "bool": ["i8"]}


def exported(dispatcher: Any, values: Sequence[Any], *, wide: bool) -> Code:
    """The code that numba makes of a function for such arguments; `NONE` where it needs more than itself.

    `wide`: are the widest vectors to be used?
    """
    leaves = tuple(leaf_of(value) for value in flat_values(values))
    try:
        return NONE if None in leaves else _exported(dispatcher, values, leaves, wide)
    except OTHER_VERSION:
        return NONE


def _exported(dispatcher: Any, values: Sequence[Any], leaves: tuple[Any, ...], wide: bool) -> Code:
    signature = tuple(_numba_type(value) for value in values)
    with _as_written() if wide else nullcontext():
        dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature]
    results = _results(str(compiled.signature.return_type))
    data = None if results is None else _object(dispatcher, signature, (compiled, leaves, wide))
    return NONE if results is None or data is None else Code(leaves, results, data)


@contextmanager
def _as_written() -> Iterator[None]:
    """What numba compiles meanwhile it does not optimise: its loops over vectors would be as wide as it likes."""
    from numba.core import config
    from numba.core.compiler_lock import global_compiler_lock

    settings: Any = config
    with global_compiler_lock:
        before = settings.OPT
        settings.OPT = type(before)("0")
        try:
            yield
        finally:
            settings.OPT = before


def _numba_type(value: Any) -> Any:
    """numba's type of an argument; that an array may not be written to makes no other code."""
    import numba

    typeof: Any = numba.typeof
    return typeof(_emptied(value))


def _emptied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.empty((0,) * value.ndim, value.dtype)
    if isinstance(value, tuple):
        return (
            type(value)(*map(_emptied, value)) if hasattr(value, "_fields") else tuple(map(_emptied, value))
        )
    return value


def _results(named: str) -> int | None:
    return {"none": 0, "int64": 1, "UniTuple(int64 x 2)": 2}.get(named)


def _object(dispatcher: Any, signature: Any, made: tuple[Any, Sequence[Any], bool]) -> bytes | None:
    import llvmlite.binding as llvm

    compiled, leaves, wide = made

    text = _FREEING.sub(r"define internal void @\1(ptr %0) { ret void }", dispatcher.inspect_llvm(signature))
    text = _COUNTING.sub("", text)
    module = llvm.parse_assembly(text)
    name = compiled.fndesc.llvm_func_name
    function = module.get_function(name)
    takes = [str(one.type) for one in function.arguments]
    wanted = ["ptr", "ptr"]
    for leaf in leaves:
        wanted += _IN_LLVM.get(leaf) or ["ptr", "ptr", "i64", "i64", "ptr"] + ["i64"] * (2 * int(leaf[-1]))
    if takes != wanted:
        return None
    for one in (*module.functions, *module.global_variables):
        if one.name != name and not one.is_declaration:
            one.linkage = "internal"  # so that it goes where nothing uses it
    machine = target(wide=wide)
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(3))
    builder.getModulePassManager().run(module, builder)
    for one in (*module.functions, *module.global_variables):
        if one.is_declaration and not one.name.startswith("llvm."):
            return None
    function.name = NAME
    return bytes(machine.emit_object(module))
