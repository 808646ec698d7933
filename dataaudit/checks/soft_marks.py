"""Soft marks in a batch: which kinds of marks each answer carries, from matches of the rules that name a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.share_model import LENGTHS
from dataaudit.errors import RuleError
from dataaudit.records.normalise import flat_bytes
from dataaudit.records.types import Batch
from dataaudit.rules.hits import Matches
from dataaudit.rules.model import Rule

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Found = Mapping[str, Sequence[tuple[str, Matches]]]
"""Rule id → (role, matches)."""

READ = ("response", "text")
"""Roles that are read: of a record with a response its responses, of any other its text."""
MOST_KINDS = 32
DEEP = 2
"""Kinds of marks in one text from which its row counts."""

_LENGTH_BITS = 2
_KIND_SHIFT = _LENGTH_BITS
_DEPTH_SHIFT = _KIND_SHIFT + MOST_KINDS


class Cells(msgspec.Struct, frozen=True):
    """What the records of a batch carry. Arrays have one entry per record."""

    read: Flags
    """Was a text of it read?"""
    keys: Ints
    """The text with the most kinds of marks (then the largest key): how many kinds, which, and its class of lengths."""
    depth: Ints
    """How many kinds."""


def kinds_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """The kinds of marks that rules count for, in order. Raises RuleError where they are too many."""
    kinds = tuple(sorted({rule.soft for rule in rules if rule.soft is not None}))
    if len(kinds) > MOST_KINDS:
        raise RuleError(f"rules name {len(kinds)} soft categories; at most {MOST_KINDS} are counted")
    return kinds


def wanted(batch: Batch) -> Iterator[tuple[str, Flags]]:
    """Per role that is read: which of its strings are."""
    answered = batch.has_role(("response",))
    for role in READ:
        strings = batch.roles.get(role)
        if strings is not None and len(strings):
            keep = np.ones(len(strings), np.bool_) if role == "response" else ~answered[strings.rows]
            if keep.any():
                yield role, keep


def cells_of(batch: Batch, rules: Sequence[Rule], found: Found) -> Cells:
    """The marks of every record, from the matches of the rules."""
    kinds = kinds_of(rules)
    read = np.zeros(len(batch), np.bool_)
    keys = np.zeros(len(batch), np.int64)
    for role, keep in wanted(batch):
        strings = batch.roles[role]
        marks = _string_keys(role, len(strings), rules, kinds, found)
        marked = np.flatnonzero((marks > 0) & keep)
        if len(marked):
            nbytes = np.diff(flat_bytes(strings.values)[1])[marked]
            marks[marked] |= np.searchsorted(LENGTHS, nbytes, side="right")
            np.maximum.at(keys, strings.rows[marked], marks[marked])
        read[strings.rows[keep]] = True
    return Cells(read, keys, keys >> _DEPTH_SHIFT)


def _string_keys(role: str, n: int, rules: Sequence[Rule], kinds: tuple[str, ...], found: Found) -> Ints:
    """Per string of a role its key, the class of lengths left open; 0 without a mark."""
    by_kind: dict[str, Flags] = {}
    for rule in rules:
        for at, matches in found.get(rule.id, ()):
            if at == role and rule.soft is not None:
                by_kind.setdefault(rule.soft, np.zeros(n, np.bool_))[matches.strings] = True
    keys = np.zeros(n, np.int64)
    for kind, hit in by_kind.items():
        keys[hit] += (1 << _DEPTH_SHIFT) + (1 << (_KIND_SHIFT + kinds.index(kind)))
    return keys


def unpack(key: int, kinds: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """(kinds of marks, class of lengths) of a key."""
    bits = key >> _KIND_SHIFT
    return tuple(kind for i, kind in enumerate(kinds) if bits >> i & 1), key & ((1 << _LENGTH_BITS) - 1)


class Mark(msgspec.Struct, frozen=True):
    """The first mark in the text that decided a row."""

    role: str
    string: int
    """Index among the strings of the role."""
    span: tuple[int, int]


def first_mark(batch: Batch, rules: Sequence[Rule], found: Found, record: int, key: int) -> Mark:
    """Where the text of a record that gave its key is marked first."""
    kinds = kinds_of(rules)
    carried = set(unpack(key, kinds)[0])
    best: tuple[int, Mark] | None = None
    for role, keep in wanted(batch):
        strings = batch.roles[role]
        marks: dict[int, list[tuple[int, int]]] = {}
        held: dict[int, set[str]] = {}
        for rule in rules:
            for at, matches in found.get(rule.id, ()):
                if at != role or rule.soft is None:
                    continue
                mine = np.flatnonzero((strings.rows[matches.strings] == record) & keep[matches.strings])
                for i in mine.tolist():
                    string = int(matches.strings[i])
                    start, end = (int(x) for x in matches.spans[i])
                    marks.setdefault(string, []).append((start, end))
                    held.setdefault(string, set()).add(rule.soft)
        for string, spans in marks.items():
            place = int(strings.ordinals[string])
            if held[string] == carried and (best is None or place < best[0]):
                best = place, Mark(role, string, min(spans))
    assert best is not None  # the key came from one of these strings
    return best[1]
