"""The structural tests: each looks at a batch and says which records fail, and where."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.checks.excerpts import excerpt
from dataaudit.checks.structure_texts import texts_of
from dataaudit.records.types import ROLE_CODE, TEXT_ROLES, Batch, RoleStrings

SYSTEM, PROMPT, RESPONSE, TOOL = (ROLE_CODE[role] for role in ("system", "prompt", "response", "tool"))
UNKNOWN = -1


class Spot(msgspec.Struct, frozen=True):
    """A record that fails a test, and what to show of it. `record` is its index in the batch."""

    record: int
    path: str | None = None
    role: str | None = None
    span: tuple[int, int] | None = None
    text: str | None = None
    mark: tuple[int, int] | None = None
    note: str | None = None


class Tested(msgspec.Struct, frozen=True):
    """Records tested, and those that fail (one spot each, records ascending)."""

    of: int
    spots: list[Spot]


def _spots(records: npt.NDArray[np.int64], note: str | None = None) -> list[Spot]:
    return [Spot(i, note=note) for i in records.tolist()]


def _with_text(batch: Batch, roles: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Per record: is there a string in these roles that is more than white space?"""
    mask = np.zeros(len(batch), np.bool_)
    for role in roles:
        strings = batch.roles.get(role)
        if strings is not None and len(strings):
            mask[strings.rows[texts_of(batch, role).shown]] = True
    return mask


def empty_text(batch: Batch) -> Tested:
    """Records whose layout has a place for text and in which it holds nothing but white space."""
    empty = batch.readable & ~_with_text(batch, TEXT_ROLES)
    return Tested(int(batch.readable.sum()), _spots(np.flatnonzero(empty)))


def no_response(batch: Batch) -> Tested:
    """Records with text whose layout has a response and that have none; a tool call, or parts, are one."""
    expected = batch.expects_response
    if not expected.any():
        return Tested(0, [])
    answered = _with_text(batch, ("response",))
    if batch.turns is not None:
        answered[batch.turns.rows[(batch.turns.roles == RESPONSE) & batch.turns.laden]] = True
    text = _with_text(batch, TEXT_ROLES)
    return Tested(int(expected.sum()), _spots(np.flatnonzero(expected & ~answered & text)))


def turn_order(batch: Batch) -> Tested:
    """Chats that do not go: system at the start only, then a prompt, then prompts and responses in turn.

    Tool turns follow a response or a tool; a response may follow a tool. Turns of unknown role are passed over. Where
    a record has its prompt in another field, a chat may open with the response, or go on where the other one ended.
    """
    if batch.turns is None:
        return Tested(0, [])
    rows, roles, chats = batch.turns.rows, batch.turns.roles, batch.turns.chats
    known = roles != UNKNOWN
    rows, roles, chats = rows[known], roles[known], chats[known]
    first = np.ones(len(rows), np.bool_)
    first[1:] = rows[1:] != rows[:-1]
    begins = first.copy()
    begins[1:] |= chats[1:] != chats[:-1]
    before = np.concatenate(([UNKNOWN], roles[:-1])).astype(np.int8)
    goes_on = begins & ~first & _may_follow(roles, before)
    before[begins] = UNKNOWN
    prompted = _has_prompt_column(batch)[rows]
    prompted[chats > 0] |= np.isin(rows[chats > 0], rows[(chats == 0) & (roles == PROMPT)])
    allowed = _may_follow(roles, before) | goes_on | (begins & (roles == RESPONSE) & prompted)
    names = {code: role for role, code in ROLE_CODE.items()}
    wrong = np.flatnonzero(~allowed)
    records, at = np.unique(rows[wrong], return_index=True)
    spots = []
    for record, i in zip(records.tolist(), wrong[at].tolist(), strict=True):
        after = "first" if before[i] == UNKNOWN else f"after {names[int(before[i])]}"
        spots.append(Spot(record, note=f"a {names[int(roles[i])]} turn comes {after}"))
    return Tested(len(np.unique(batch.turns.rows)), spots)


def _may_follow(roles: npt.NDArray[np.int8], before: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    opens = (before == UNKNOWN) | (before == SYSTEM)
    allowed: npt.NDArray[np.bool_] = (roles == SYSTEM) & opens
    allowed |= (roles == PROMPT) & (opens | (before == RESPONSE))
    allowed |= (roles == RESPONSE) & ((before == PROMPT) | (before == TOOL))
    allowed |= (roles == TOOL) & ((before == RESPONSE) | (before == TOOL))
    return allowed


def _has_prompt_column(batch: Batch) -> npt.NDArray[np.bool_]:
    """Per record: is there a prompt that is no turn?"""
    mask = np.zeros(len(batch), np.bool_)
    prompts = batch.roles.get("prompt")
    if prompts is not None:
        mask[prompts.rows[prompts.index < 0]] = True
    return mask


def unknown_turn_role(batch: Batch) -> Tested:
    """Chats with a turn whose role name is not in the table of names."""
    if batch.turns is None:
        return Tested(0, [])
    return Tested(
        len(np.unique(batch.turns.rows)), _spots(np.unique(batch.turns.rows[batch.turns.roles == UNKNOWN]))
    )


def duplicate_key(batch: Batch) -> Tested:
    """Records that name a key twice; only a reader of JSON can see it."""
    found = dict(batch.remarks).get("duplicate-key")
    of = len(batch) if batch.lines is not None and batch.file.format not in ("csv", "text") else 0
    return Tested(of, [] if found is None else _spots(found))


def stray_quote(batch: Batch) -> Tested:
    """Records of delimited text with an odd number of quotes; only its reader can see them."""
    found = dict(batch.remarks).get("stray-quote")
    return Tested(len(batch) if batch.file.format == "csv" else 0, [] if found is None else _spots(found))


def _characters(name: str) -> Callable[[Batch], Tested]:
    """A test for odd characters, by the field of `Texts` that holds the place of the first."""

    def test(batch: Batch) -> Tested:
        found: dict[int, tuple[int, int, Spot]] = {}
        for role in TEXT_ROLES:
            strings = batch.roles.get(role)
            if strings is None or not len(strings):
                continue
            places = getattr(texts_of(batch, role), name)
            for i in np.flatnonzero(places >= 0).tolist():
                at, record, ordinal = int(places[i]), int(strings.rows[i]), int(strings.ordinals[i])
                if record not in found or (ordinal, at) < found[record][:2]:
                    found[record] = (ordinal, at, _spot_at(strings, role, i, at))
        return Tested(int(batch.has_role(TEXT_ROLES).sum()), [found[record][2] for record in sorted(found)])

    return test


def _spot_at(strings: RoleStrings, role: str, i: int, byte: int) -> Spot:
    text = strings.values[i].as_py()
    start = len(text.encode()[:byte].decode())
    shown, mark = excerpt(text, start, start + 1)
    note = f"U+{ord(text[start]):04X}"
    at = start + int(strings.starts[i])
    return Spot(int(strings.rows[i]), strings.path_of(i), role, (at, at + 1), shown, mark, note)


TESTS: dict[str, Callable[[Batch], Tested]] = {
    "empty-text": empty_text,
    "no-response": no_response,
    "turn-order": turn_order,
    "unknown-turn-role": unknown_turn_role,
    "replacement-character": _characters("replacement"),
    "control-character": _characters("control"),
    "duplicate-key": duplicate_key,
    "stray-quote": stray_quote,
}


def lengths_of(batch: Batch) -> npt.NDArray[np.int64]:
    """Characters of every record over its text roles."""
    total = np.zeros(len(batch), np.int64)
    for role in TEXT_ROLES:
        strings = batch.roles.get(role)
        if strings is not None and len(strings):
            np.add.at(total, strings.rows, texts_of(batch, role).characters)
    return total
