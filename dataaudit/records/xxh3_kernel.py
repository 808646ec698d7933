"""xxh3-128 of every string of an array in one compiled loop.

Written after the specification of xxHash (Y. Collet, doc/xxhash_spec.md), for the seed 0 and the default secret, which
are what keys have always been made with. Constants are named as there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
SECRET: U64 = np.asarray(
    [int.from_bytes(_SECRET[at : at + 8], "little") for at in range(len(_SECRET) - 7)], np.uint64
)
"""The eight bytes at every place of it."""

_P32_1, _P32_2, _P32_3 = (np.uint64(one) for one in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D))
_P64_1, _P64_2, _P64_3 = (
    np.uint64(one) for one in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_P64_4, _P64_5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)
_MX1, _MX2 = np.uint64(0x165667919E3779F9), np.uint64(0x9FB21C651E98DF25)
_START = np.asarray([_P32_3, _P64_1, _P64_2, _P64_3, _P64_4, _P32_2, _P64_5, _P32_1], np.uint64)
_LOW = np.uint64(0xFFFFFFFF)


class _Room(NamedTuple):
    """What the loop needs beside the strings."""

    secret: U64
    start: U64
    sums: U64
    """(8,), written over."""


@Kernel
def four(data: Bytes, at: np.uint64) -> Any:
    """Four bytes as a number. Unsigned places, and bytes in a row, so that the compiler makes it one load."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << np.uint64(8)
        | np.uint64(data[at + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data[at + np.uint64(3)]) << np.uint64(24)
    )


@Kernel
def eight(data: Bytes, at: np.uint64) -> Any:
    """Eight bytes as a number."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << np.uint64(8)
        | np.uint64(data[at + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data[at + np.uint64(3)]) << np.uint64(24)
        | np.uint64(data[at + np.uint64(4)]) << np.uint64(32)
        | np.uint64(data[at + np.uint64(5)]) << np.uint64(40)
        | np.uint64(data[at + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[at + np.uint64(7)]) << np.uint64(56)
    )


@Kernel
def upper(a: np.uint64, b: np.uint64) -> Any:
    """The upper half of a product; the lower is `a * b`."""
    high_a, low_a, high_b, low_b = a >> np.uint64(32), a & _LOW, b >> np.uint64(32), b & _LOW
    middle = high_a * low_b
    cross = (low_a * low_b >> np.uint64(32)) + (middle & _LOW) + low_a * high_b
    return (middle >> np.uint64(32)) + (cross >> np.uint64(32)) + high_a * high_b


@Kernel
def folded(a: np.uint64, b: np.uint64) -> Any:
    """Both halves of a product, one upon the other."""
    return a * b ^ upper(a, b)


@Kernel
def swapped(x: np.uint64) -> Any:
    """The bytes in reverse."""
    x = (x >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)) | (
        x & np.uint64(0x00FF00FF00FF00FF)
    ) << np.uint64(8)
    x = (x >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)) | (
        x & np.uint64(0x0000FFFF0000FFFF)
    ) << np.uint64(16)
    return x >> np.uint64(32) | x << np.uint64(32)


@Kernel
def avalanche(x: np.uint64) -> Any:
    """XXH3_avalanche."""
    x = (x ^ x >> np.uint64(37)) * _MX1
    return x ^ x >> np.uint64(32)


@Kernel
def avalanche64(x: np.uint64) -> Any:
    """XXH64_avalanche."""
    x = (x ^ x >> np.uint64(33)) * _P64_2
    x = (x ^ x >> np.uint64(29)) * _P64_3
    return x ^ x >> np.uint64(32)


@Kernel
def _to_sixteen(data: Bytes, at: np.uint64, size: np.uint64, secret: U64) -> Any:
    if size > 8:
        low, high = eight(data, at), eight(data, at + size - np.uint64(8))
        keyed = low ^ high ^ secret[32] ^ secret[40]
        one = keyed * _P64_1 + (size - np.uint64(1) << np.uint64(54))
        high ^= secret[48] ^ secret[56]
        other = upper(keyed, _P64_1) + high + (high & _LOW) * (_P32_2 - np.uint64(1))
        one ^= swapped(other)
        return avalanche(upper(one, _P64_2) + other * _P64_2), avalanche(one * _P64_2)
    if size > 3:
        both = four(data, at) | four(data, at + size - np.uint64(4)) << np.uint64(32)
        keyed = both ^ secret[16] ^ secret[24]
        times = _P64_1 + (size << np.uint64(2))
        one = keyed * times
        other = upper(keyed, times) + (one << np.uint64(1))
        one ^= other >> np.uint64(3)
        one = (one ^ one >> np.uint64(35)) * _MX2
        return avalanche(other), one ^ one >> np.uint64(28)
    if size > 0:
        first, middle = np.uint64(data[at]), np.uint64(data[at + (size >> np.uint64(1))])
        last = np.uint64(data[at + size - np.uint64(1)])
        one = first << np.uint64(16) | middle << np.uint64(24) | last | size << np.uint64(8)
        other = swapped(one) >> np.uint64(32)
        other = (other << np.uint64(13) | other >> np.uint64(19)) & _LOW
        low = (secret[0] ^ secret[4]) & _LOW
        high = (secret[8] ^ secret[12]) & _LOW
        return avalanche64(other ^ high), avalanche64(one ^ low)
    return avalanche64(secret[80] ^ secret[88]), avalanche64(secret[64] ^ secret[72])


@Kernel
def _mixed(low: np.uint64, high: np.uint64, data: Bytes, places: Any, secret: U64, key: int) -> Any:
    """XXH128_mix32B of the bytes at two places."""
    one, other = places
    a, b = eight(data, one), eight(data, one + np.uint64(8))
    c, d = eight(data, other), eight(data, other + np.uint64(8))
    low = low + folded(a ^ secret[key], b ^ secret[key + 8]) ^ c + d
    high = high + folded(c ^ secret[key + 16], d ^ secret[key + 24]) ^ a + b
    return low, high


@Kernel
def _to_240(data: Bytes, at: np.uint64, size: np.uint64, secret: U64) -> Any:
    low = size * _P64_1
    high = np.uint64(0)
    end = at + size
    if size > 128:
        rounds = np.int64(size) // 32
        for i in range(rounds):
            if i == 4:
                low, high = avalanche(low), avalanche(high)
            here = at + np.uint64(32 * i)
            key = 32 * i if i < 4 else 32 * (i - 4) + 3
            low, high = _mixed(low, high, data, (here, here + np.uint64(16)), secret, key)
        if rounds == 4:
            low, high = avalanche(low), avalanche(high)
        low, high = _mixed(low, high, data, (end - np.uint64(16), end - np.uint64(32)), secret, 103)
    else:
        for i in range((np.int64(size) - 1) // 32, -1, -1):
            inward = np.uint64(16 * i)
            low, high = _mixed(low, high, data, (at + inward, end - inward - np.uint64(16)), secret, 32 * i)
    return np.uint64(0) - avalanche(low * _P64_1 + high * _P64_4 + size * _P64_2), avalanche(low + high)


@Kernel
def _stripe(data: Bytes, at: np.uint64, sums: U64, secret: U64, key: int) -> None:
    for i in range(8):
        value = eight(data, at + np.uint64(8 * i))
        keyed = value ^ secret[key + 8 * i]
        sums[i ^ 1] += value
        sums[i] += (keyed & _LOW) * (keyed >> np.uint64(32))


@Kernel
def _merged(sums: U64, secret: U64, key: int, start: np.uint64) -> Any:
    for i in range(0, 8, 2):
        start += folded(sums[i] ^ secret[key + 8 * i], sums[i + 1] ^ secret[key + 8 * i + 8])
    return avalanche(start)


@Kernel
def _long(data: Bytes, at: np.uint64, size: np.uint64, room: _Room) -> Any:
    sums, secret = room.sums, room.secret
    for i in range(8):
        sums[i] = room.start[i]
    stripes = (np.int64(size) - 1) // 64
    for n in range(stripes):
        _stripe(data, at + np.uint64(64 * n), sums, secret, 8 * (n & 15))
        if n & 15 == 15:
            for i in range(8):
                sums[i] = (sums[i] ^ sums[i] >> np.uint64(47) ^ secret[128 + 8 * i]) * _P32_1
    _stripe(data, at + size - np.uint64(64), sums, secret, 121)
    low = _merged(sums, secret, 11, size * _P64_1)
    return _merged(sums, secret, 117, ~(size * _P64_2)), low


@Kernel
def hash_all(data: Bytes, offsets: I64, room: _Room, hi: U64, lo: U64) -> None:
    """Write the two lanes of the hash of each string."""
    for i in range(len(offsets) - 1):
        at, size = np.uint64(offsets[i]), np.uint64(offsets[i + 1] - offsets[i])
        if size <= 16:
            hi[i], lo[i] = _to_sixteen(data, at, size, room.secret)
        elif size <= 240:
            hi[i], lo[i] = _to_240(data, at, size, room.secret)
        else:
            hi[i], lo[i] = _long(data, at, size, room)


def hashes(data: Bytes, offsets: I64) -> tuple[U64, U64]:
    """The two lanes of the hash of each string `data[offsets[i]:offsets[i + 1]]`."""
    hi, lo = (np.empty(len(offsets) - 1, np.uint64) for _ in range(2))
    hash_all(data, offsets, _Room(SECRET, _START, np.empty(8, np.uint64)), hi, lo)
    return hi, lo
