"""The first byte of a block that a test is true of is what a loop over the block finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.records.block_kernel import BLOCK, FirstOf
from dataaudit.records.compiled import Kernel

first_odd = FirstOf(
    lambda ask, block: ask.either(ask.equal(block, 32), ask.within(block, 0x7E, 3), ask.within(block, 0, 9))
)
first_quote = FirstOf(lambda ask, block: ask.equal(block, 34), copies=True)


@Kernel
def look(data: Any, at: int, out: Any, to: int) -> Any:
    return first_odd(data, at), first_quote(data, at, out, to)


def expected(block: bytes) -> tuple[int, int]:
    odd = [b < 9 or 0x7E <= b <= 0x80 or b == 32 for b in block]
    return [*odd, True].index(True), (block + b'"').index(34)


characters = st.sampled_from([*b' "\\~\x7f\x80\x81\xff\t\n\x08\x00', *b"abcdefghijklmnop" * 9])


@given(st.lists(characters, min_size=BLOCK, max_size=BLOCK + 40), st.data())
def test_the_first_byte_is_found_and_the_block_copied(made: list[int], draw: st.DataObject) -> None:
    data = np.asarray(made, np.uint8)
    at = draw.draw(st.integers(0, len(data) - BLOCK))
    out = np.zeros(BLOCK + 10, np.uint8)
    block = bytes(made[at : at + BLOCK])
    assert look(data, at, out, 5) == expected(block)
    assert bytes(out[5 : 5 + BLOCK]) == block
    assert not out[:5].any()
    assert not out[5 + BLOCK :].any()


def test_another_test_or_way_to_ask_is_another_kernel() -> None:
    kernels = [
        FirstOf(lambda ask, block: ask.equal(block, 34)),
        FirstOf(lambda ask, block: ask.equal(block, 35)),
        FirstOf(lambda ask, block: ask.equal(block, 34), copies=True),
    ]
    assert len({one.fingerprint for one in kernels}) == 3
