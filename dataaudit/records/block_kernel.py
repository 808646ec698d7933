"""Where in a block of bytes something stands first, for compiled loops: a few instructions over vectors.

A loop over the block that lowers an index says the same, but what the compiler makes of it takes some thirty cycles to
tell, and what reads JSON waits for it at each escape.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from dataaudit.records.compiled import Kernel

BLOCK = 64
"""Bytes of a block: those of the widest vectors."""


class Ask:
    """What is asked of each byte of a block; the answers are vectors of truths."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def equal(self, block: Any, value: int) -> Any:
        """Is it this byte?"""
        return self._builder.icmp_unsigned("==", block, block.type([value] * BLOCK))

    def within(self, block: Any, first: int, count: int) -> Any:
        """Is it one of so many from this byte on?"""
        moved = self._builder.sub(block, block.type([first] * BLOCK)) if first else block
        return self._builder.icmp_unsigned("<", moved, block.type([count] * BLOCK))

    def either(self, one: Any, *others: Any) -> Any:
        """Is any true?"""
        for other in others:
            one = self._builder.or_(one, other)
        return one


class FirstOf(Kernel):
    """`first(data, at)`: the bytes of a block before the first that a test is true of, BLOCK if it is true of none.

    With `copies` it is `first(data, at, out, to)`, and the block is copied. Kernels call it, Python cannot. All
    these bytes must be there.
    """

    def __init__(self, test: Callable[[Ask, Any], Any], *, copies: bool = False) -> None:
        super().__init__(test)
        self._copies = copies

    @cached_property
    def fingerprint(self) -> bytes:
        """A hash of the test and of how it is asked."""
        return super().fingerprint + repr((BLOCK, self._copies)).encode()

    def _dispatcher(self, *, cached: bool) -> Any:
        return self._intrinsic

    @cached_property
    def _intrinsic(self) -> Any:
        from llvmlite import ir
        from numba import extending, types

        make: Any = extending.intrinsic
        word, kind = ir.IntType(64), ir.VectorType(ir.IntType(8), BLOCK).as_pointer()

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            def place(array: int) -> Any:
                begins = context.make_array(signature.args[array])(context, builder, values[array]).data
                return builder.bitcast(builder.gep(begins, [values[array + 1]]), kind)

            block = builder.load(place(0))
            block.align = 1
            if self._copies:
                builder.store(block, place(2)).align = 1
            mask = builder.bitcast(self.function(Ask(builder), block), word)
            return builder.cttz(mask, ir.Constant(ir.IntType(1), 0))

        if self._copies:
            return make(
                lambda _, data, at, out, to: (types.int64(data, types.int64, out, types.int64), generate)
            )
        return make(lambda _, data, at: (types.int64(data, types.int64), generate))
