"""128-bit, version-stable keys (xxh3) of strings and of records, computed a batch at a time."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from dataaudit.records.compiling import compiled
from dataaudit.records.normalise import flat_bytes

U64 = npt.NDArray[np.uint64]


FEW = 16
"""Values that are hashed one by one where no loop is compiled yet."""
FEW_AT_FIRST = 4096
"""The same while nothing else has loaded polars, which takes a seventh of a second."""


class Keys(NamedTuple):
    """Two 64-bit lanes of a 128-bit key, one entry per item."""

    hi: U64
    lo: U64


FEW_LONG = 1 << 20
"""Bytes per string from which on the library that hashes one at a time is the fastest."""


def digest_lanes(digest: int) -> tuple[int, int]:
    """The two lanes of a 128-bit digest."""
    return divmod(digest, 1 << 64)


def _one_by_one(values: pa.Array) -> Keys:
    lanes = [digest_lanes(xxhash.xxh3_128_intdigest(one.as_buffer())) for one in values]
    hi, lo = np.asarray(lanes, np.uint64).T
    return Keys(hi.copy(), lo.copy())


def string_keys(values: pa.Array) -> Keys:
    """xxh3-128 of each string or binary value (no nulls), as two lanes."""
    if len(values) == 0:
        empty = np.empty(0, np.uint64)
        return Keys(empty, empty.copy())
    if values.nbytes >= FEW_LONG * len(values):
        return _one_by_one(values)
    from dataaudit.records.xxh3_kernel import hash_all, hashes

    ready = compiled(values.nbytes >> 4, hash_all)
    few = FEW if "polars" in sys.modules else FEW_AT_FIRST
    if not ready and len(values) <= few:
        return _one_by_one(values)  # polars takes longer to start
    if ready or hash_all.at_hand:
        return Keys(*hashes(*flat_bytes(values)))
    import polars as pl
    import polars_hash as plh

    frame = pl.DataFrame({"v": pl.from_arrow(values)})
    wide = frame.select(h=plh.col("v").nchash.xxh3_128())
    lane = pl.lit(1 << 64, dtype=pl.UInt128)
    split = wide.select(hi=(pl.col("h") // lane).cast(pl.UInt64), lo=(pl.col("h") % lane).cast(pl.UInt64))
    return Keys(split["hi"].to_numpy(), split["lo"].to_numpy())


_GOLDEN = np.uint64(
    0x9E3779B97F4A7C15
)  # 2**64 / golden ratio: the increment of splitmix64 (Steele et al., 2014)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)  # splitmix64's two multipliers
_MIX2 = np.uint64(0x94D049BB133111EB)
_UNMIX1, _UNMIX2 = (np.uint64(pow(int(one), -1, 1 << 64)) for one in (_MIX1, _MIX2))
LANE = np.uint64(0xD6E8FEB86659FD93)
"""An odd constant that keeps the two lanes apart."""


def mix64(x: U64) -> U64:
    """splitmix64's finaliser: a bijection of 64-bit integers in which every input bit moves every output bit."""
    x = x + _GOLDEN
    x = (x ^ (x >> np.uint64(30))) * _MIX1
    x = (x ^ (x >> np.uint64(27))) * _MIX2
    result: U64 = x ^ (x >> np.uint64(31))
    return result


def unmix64(x: U64) -> U64:
    """The inverse of `mix64`."""
    x = (x ^ (x >> np.uint64(31)) ^ (x >> np.uint64(62))) * _UNMIX2
    x = (x ^ (x >> np.uint64(27)) ^ (x >> np.uint64(54))) * _UNMIX1
    result: U64 = (x ^ (x >> np.uint64(30)) ^ (x >> np.uint64(60))) - _GOLDEN
    return result


def tagged(keys: Keys, tags: U64) -> Keys:
    """Keys that also depend on a tag (the place and role of a string in its record)."""
    spread = mix64(tags)
    hi = mix64(keys.hi ^ spread)
    lo = mix64(keys.lo ^ mix64(spread + LANE) ^ hi)
    return Keys(hi, lo)


def sum_by_record(keys: Keys, rows: npt.NDArray[np.int64], n: int) -> Keys:
    """Wrapping sum of tagged keys per record: the key of the record, whatever order its strings come in."""
    hi = np.zeros(n, np.uint64)
    lo = np.zeros(n, np.uint64)
    np.add.at(hi, rows, keys.hi)
    np.add.at(lo, rows, keys.lo)
    return Keys(hi, lo)


def add_keys(a: Keys, b: Keys) -> Keys:
    """Wrapping sum of two arrays of record keys."""
    return Keys(a.hi + b.hi, a.lo + b.lo)


def row_order(row_ids: U64, seed: int) -> U64:
    """The order in which rows are sampled: a hash of the row id, so that any split of the data picks the same rows."""
    return mix64(row_ids ^ mix64(np.full(1, seed, np.uint64)))
