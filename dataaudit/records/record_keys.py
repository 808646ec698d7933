"""The keys of records from those of their strings: a string counts with its role and its place in the record."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dataaudit.records.compiled import Kernel
from dataaudit.records.compiling import compiled
from dataaudit.records.hashing import LANE, U64, Keys, mix64, sum_by_record, tagged
from dataaudit.records.kernels import mix
from dataaudit.records.types import ROLE_CODE, Batch

I64 = npt.NDArray[np.int64]


@Kernel
def add_tagged(keys: Keys, rows: I64, ordinals: I64, role: np.uint64, into: Keys) -> None:
    """Add the tagged key of each string to that of its record."""
    for i in range(len(rows)):
        spread = mix(mix(np.uint64(ordinals[i])) + role)
        one = mix(keys.hi[i] ^ spread)
        into.hi[rows[i]] += one
        into.lo[rows[i]] += mix(keys.lo[i] ^ mix(spread + LANE) ^ one)


def role_keys(batch: Batch, role: str, *, normalised: bool) -> Keys:
    """Per record of a batch the key of its strings in a role; zero where it has none."""
    strings, keys = batch.roles[role], batch.string_keys(role, normalised=normalised)
    code, n = np.uint64(ROLE_CODE[role]), len(batch)
    if not compiled(len(strings), add_tagged):
        tags: U64 = mix64(strings.ordinals.astype(np.uint64)) + code
        return sum_by_record(tagged(keys, tags), strings.rows, n)
    into = Keys(np.zeros(n, np.uint64), np.zeros(n, np.uint64))
    add_tagged(keys, strings.rows, strings.ordinals, code, into)
    return into
