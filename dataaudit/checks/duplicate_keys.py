"""The keys of the records of a batch, each once, however many ways of comparing see the same in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dataaudit.records.hashing import Keys, add_keys, tagged
from dataaudit.records.record_keys import role_keys
from dataaudit.records.types import ROLES, TEXT_ROLES, Batch

ALL, RECORD = "", "record"
SCOPES = (ALL, RECORD, *TEXT_ROLES)
"""What is compared: all role strings, the record, or one role."""

_NORMALISED = 1 << len(SCOPES)


class Compared(NamedTuple):
    """Records of a batch and their keys."""

    scopes: tuple[str, ...]
    """Those in which the records have these keys. Where a record is nothing but a text, they are three."""
    records: npt.NDArray[np.int64]
    """Index in the batch, ascending."""
    keys: Keys


def code_of(scopes: Sequence[str], normalised: bool) -> int:
    """A number of eight bits for scopes that have keys in common."""
    return sum(1 << SCOPES.index(one) for one in scopes) | (_NORMALISED if normalised else 0)


def codes_of(scope: str, normalised: bool, codes: Sequence[int]) -> tuple[int, ...]:
    """Those of the codes under which there are keys of a scope."""
    bit = 1 << SCOPES.index(scope)
    return tuple(one for one in codes if one & bit and bool(one & _NORMALISED) == normalised)


def compared(batch: Batch, scopes: Sequence[str], normalised: bool) -> Iterator[Compared]:
    """What is compared of a batch in these scopes."""
    held = tuple(role for role in ROLES if role in batch.roles and len(batch.roles[role]))
    rest = _rest(batch, normalised) if RECORD in scopes else None
    alike: dict[tuple[tuple[str, ...], bool, bool], list[str]] = {}
    for scope in scopes:
        roles = tuple(role for role in held if scope in (ALL, RECORD, role))
        every = (scope == RECORD and batch.rest is not None) or bool(batch.has_role(roles).all())
        alike.setdefault((roles, every, scope == RECORD and rest is not None), []).append(scope)
    of_role = {role: role_keys(batch, role, normalised=normalised) for role in held}
    nothing = np.zeros(len(batch), np.uint64)
    for (roles, every, whole), mine in alike.items():
        total = Keys(nothing, nothing)
        for i, role in enumerate(roles):
            total = add_keys(total, of_role[role]) if i else of_role[role]
        if whole and rest is not None:
            total = add_keys(total, rest)
        if every:
            yield Compared(tuple(mine), np.arange(len(batch)), total)
        elif roles:
            records = np.flatnonzero(batch.has_role(roles))
            yield Compared(tuple(mine), records, Keys(total.hi[records], total.lo[records]))


def _rest(batch: Batch, normalised: bool) -> Keys | None:
    """Per record the key of what is no role string; zero where there is nothing else, None if that is so of all."""
    keys = None if batch.rest is None else batch.rest(normalised)
    if keys is None or not (keys.hi.any() or keys.lo.any()):
        return None
    some = (keys.hi | keys.lo) != 0
    marked = tagged(keys, np.full(len(batch), 1 << 63, np.uint64))
    return Keys(np.where(some, marked.hi, 0), np.where(some, marked.lo, 0))
