"""Keys: xxh3-128 and nothing else, in any slice, for text and bytes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.records import compiling, record_keys
from dataaudit.records.hashing import (
    Keys,
    add_keys,
    mix64,
    row_order,
    string_keys,
    sum_by_record,
    tagged,
    unmix64,
)
from dataaudit.records.record_keys import role_keys
from dataaudit.records.types import ROLE_CODE, Batch, FileRef, RoleStrings

MANY = st.lists(st.text(max_size=300), max_size=12)


def wide(keys: Keys) -> list[int]:
    return [hi << 64 | lo for hi, lo in zip(keys.hi.tolist(), keys.lo.tolist(), strict=True)]


@settings(deadline=None)
@given(MANY, st.integers(0, 3))
def test_keys_are_xxh3_128_of_the_bytes(texts: list[str], head: int):
    expected = [xxhash.xxh3_128_intdigest(text.encode()) for text in texts]
    assert wide(string_keys(pa.array(texts, pa.large_string()))) == expected
    assert wide(string_keys(pa.array(texts, pa.large_string()).slice(head))) == expected[head:]
    assert wide(string_keys(pa.array([t.encode() for t in texts], pa.large_binary()))) == expected


SIZES = [*range(300), 511, 512, 513, *range(1020, 1030), *range(1085, 1092), 2048, 2049, 5000]


def test_the_compiled_form_gives_the_same_keys_at_every_length():
    numbers = np.random.default_rng(0)
    pieces = [numbers.integers(0, 256, size, np.uint8).tobytes() for size in SIZES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "COMPILE_BYTES", -1)
        keys = string_keys(pa.array([b"?", *pieces], pa.large_binary()).slice(1))
    assert wide(keys) == [xxhash.xxh3_128_intdigest(piece) for piece in pieces]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**40), st.text(max_size=3)), min_size=1))
def test_the_keys_of_a_role_are_sums_of_tagged_keys(strings: list[tuple[int, int, str]]):
    """With the compiled loop and without."""
    rows, ordinals = (np.asarray([one[i] for one in strings], np.int64) for i in (0, 1))
    values = pa.array([text for *_, text in strings], pa.large_string())
    flat = RoleStrings(values, rows, ordinals, rows, ("x",), rows, rows)
    batch = dataclasses.replace(support_batch(5), roles={"response": flat})
    found = []
    for most in (-1, 1 << 40):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(record_keys, "compiled", lambda _nbytes, _kernel, most=most: most < 0)
            found.append(wide(role_keys(batch, "response", normalised=False)))
    tags = mix64(ordinals.astype(np.uint64)) + np.uint64(ROLE_CODE["response"])
    assert found == [wide(sum_by_record(tagged(string_keys(values), tags), rows, 5))] * 2


def support_batch(count: int) -> Batch:
    flags, rows = np.zeros(count, np.bool_), np.arange(count, dtype=np.int64)
    return Batch(FileRef(0, "x", "x", "jsonl"), rows, None, {}, None, flags, flags, ())


def test_the_keys_of_known_texts_never_change():
    """Pinned: keys are compared between runs and versions."""
    keys = wide(string_keys(pa.array(["", "a", "größer", "x" * 1000], pa.large_string())))
    assert [f"{key:032x}" for key in keys] == [
        "99aa06d3014798d86001c324468d497f",
        "a96faf705af16834e6c632b61e964e1f",
        f"{xxhash.xxh3_128_intdigest('größer'.encode()):032x}",
        f"{xxhash.xxh3_128_intdigest(b'x' * 1000):032x}",
    ]
    assert mix64(np.arange(2, dtype=np.uint64)).tolist() == [0xE220A8397B1DCDAF, 0x910A2DEC89025CC1]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=10))
def test_mixing_can_be_undone(numbers: list[int]):
    values = np.asarray(numbers, np.uint64)
    assert unmix64(mix64(values)).tolist() == numbers


def _key(text: str) -> Keys:
    return string_keys(pa.array([text], pa.large_string()))


def test_a_tag_is_part_of_the_key():
    one = np.ones(1, np.uint64)
    assert wide(tagged(_key("a"), one)) == wide(tagged(_key("a"), one))
    assert wide(tagged(_key("a"), one)) != wide(tagged(_key("a"), one + one))
    assert wide(tagged(_key("a"), one)) != wide(tagged(_key("b"), one))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.text(max_size=5)), max_size=10), st.randoms())
def test_the_key_of_a_record_does_not_depend_on_the_order_of_its_strings(pairs: list[tuple[int, str]], rng):
    def key(some: list[tuple[int, str]]) -> list[int]:
        keys = string_keys(pa.array([text for _, text in some], pa.large_string()))
        return wide(sum_by_record(keys, np.asarray([row for row, _ in some], np.int64), 5))

    shuffled = pairs.copy()
    rng.shuffle(shuffled)
    assert key(shuffled) == key(pairs)
    half = len(pairs) // 2
    parts = [Keys(*(np.asarray([k >> s & (1 << 64) - 1 for k in key(x)], np.uint64) for s in (64, 0))) for x in (
        pairs[:half], pairs[half:]
    )]  # fmt: skip
    assert wide(add_keys(*parts)) == key(pairs)


def test_the_order_of_rows_depends_on_the_seed_and_the_row_alone():
    ids = np.arange(1000, dtype=np.uint64)
    order = row_order(ids, 1)
    assert len(set(order.tolist())) == 1000
    assert row_order(ids[::-1], 1).tolist() == order[::-1].tolist()
    assert row_order(ids, 2).tolist() != order.tolist()
    assert 0.4 < float((order < np.uint64(1 << 63)).mean()) < 0.6


def test_the_key_of_a_long_string_takes_no_copy_of_it():
    """Measured in a process of its own, whose peak the kernel keeps."""
    code = """if True:
        import resource
        import pyarrow as pa
        from dataaudit.records.hashing import string_keys

        string_keys(pa.array(["a", "b"], pa.large_string()))
        long = pa.array(["a few words " * 5_000_000], pa.large_string())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        string_keys(long)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, end="")
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KB elsewhere
    assert int(found.stdout) * unit < 60_000_000
