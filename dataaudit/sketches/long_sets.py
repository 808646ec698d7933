"""Sets of hashes too large to hold: their keys and their members are worked out from stretches of the sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO

import numpy as np

from dataaudit.records.compiling import compiled
from dataaudit.records.hashing import mix64
from dataaudit.records.words import SHINGLE_BASE, U64, WORD_BASE
from dataaudit.sketches.minhash import U32, Banding
from dataaudit.sketches.spill import Spill
from dataaudit.sketches.workspace import Workspace

PART = 1 << 20
"""Hashes sorted, or compared, together."""
_MODULUS = 1 << 64


def keys_of(stretches: Iterable[U64], banding: Banding) -> tuple[U64, U64, U64]:
    """What `band_keys` and `sequence_keys` give for one sequence: (1, bands), (1,) and (1,)."""
    factors, summands = banding.permutations
    least = np.full(len(factors), 0xFFFFFFFF, np.uint32)
    lanes, powers = [0, 0], [1, 1]
    bases = (int(WORD_BASE), int(SHINGLE_BASE))
    for hashes in stretches:
        _lower(hashes, factors, summands, least)
        for i, base in enumerate(bases):
            power = np.cumprod(np.concatenate([[np.uint64(1)], np.full(len(hashes) - 1, base, np.uint64)]))
            lanes[i] = (lanes[i] + powers[i] * int((hashes * power).sum())) % _MODULUS
            powers[i] = powers[i] * pow(base, len(hashes), _MODULUS) % _MODULUS
    places = np.asarray([pow(int(SHINGLE_BASE), k, _MODULUS) for k in range(banding.rows)], np.uint64)
    bands = mix64((least.reshape(banding.bands, banding.rows).astype(np.uint64) * places).sum(axis=1))
    hi, lo = (mix64(np.asarray([lane], np.uint64)) for lane in lanes)
    return bands[None], hi, lo


def _lower(hashes: U64, factors: U32, summands: U32, least: U32) -> None:
    """Lower the least image under each permutation to those of some hashes."""
    from dataaudit.sketches.minhash_kernels import lower

    if compiled(len(hashes) * 4, lower):
        lower(hashes, 0, len(hashes), factors, summands, least)
        return
    values = (hashes >> np.uint64(32)).astype(np.uint32)
    for k in range(len(factors)):
        least[k] = min(least[k], (values * factors[k] + summands[k]).min())


def write_set(stretches: Iterable[U64], out: IO[bytes], work: Workspace) -> int:
    """Write the members of a sequence, ascending, each once; returns how many there are.

    They are parted by their upper bits on disk first, so that no more than a part is sorted at once.
    """
    spill = Spill(work, 1, name="near-long")
    for hashes in stretches:
        members = np.unique(hashes)
        spill.add((members >> np.uint64(64 - 8)).astype(np.int64), members[:, None])
    count = 0
    for part in spill.partitions():
        members = np.unique(spill.read(part)[:, 0])
        out.write(members.data.cast("B"))
        count += len(members)
    spill.remove()
    return count


Read = Callable[[int, int], U64]
"""Some members of a sorted set: from a place on, at most so many; none past its end."""


def shared_members(one: Read, other: Read) -> int:
    """How many members two sorted sets share."""
    both = 0
    here, there = _Reader(one), _Reader(other)
    while len(here.held) and len(there.held):
        # All members up to the smaller of the last ones held have been read of both.
        upto = min(int(here.held[-1]), int(there.held[-1]))
        both += len(np.intersect1d(here.take(upto), there.take(upto), assume_unique=True))
    return both


class _Reader:
    """A sorted set, read part by part."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._at = 0
        self.held = read(0, PART)

    def take(self, upto: int) -> U64:
        """The members held up to a value, and hold the next where none is left."""
        count = int(np.searchsorted(self.held, np.uint64(upto), "right"))
        taken, self.held = self.held[:count], self.held[count:]
        if len(self.held) == 0:
            self._at += PART
            self.held = self._read(self._at, PART)
        return taken
