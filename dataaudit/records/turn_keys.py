"""What the fields of a turn are for, by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from dataaudit.records.turns import CALL_KEYS, MASK_KEYS, PAIR_KEYS, ROLE_KEYS, SPOKEN_KEYS, TURN_ROLES

ABOUT = (
    *(
        "id",
        "uuid",
        "name",
        "type",
        "model",
        "lang",
        "language",
        "date",
        "time",
        "timestamp",
        "created_at",
        "url",
    ),
    *("hash", "index", "status", "channel", "recipient"),
)
"""Fields that say something about a turn, and are never taken for what it says."""


def is_about(key: str) -> bool:
    """Does a field of this name say something about a turn, and never what it says?"""
    name = key.strip().lower()
    return name in ABOUT or name.endswith(("_id", "_at"))


@dataclass(frozen=True, slots=True)
class Keys:
    """The fields of a turn by what they are for, as they are written."""

    roles: tuple[str, ...]
    spoken: tuple[str, ...]
    calls: tuple[str, ...]
    masks: tuple[str, ...]
    others: tuple[str, ...]
    pair: tuple[tuple[str, str], ...]
    """(who speaks, field) where the element holds a prompt and its response instead of one turn."""

    plain: tuple[str, str] | None = None
    """(who speaks, what is said) where a turn has these two fields and no other, as nearly all have."""


@lru_cache(maxsize=4096)
def keys_of(names: tuple[str, ...]) -> Keys:
    """What the fields of these names are for. Case and spaces around a name do not count."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(name.strip().lower(), name)

    def those(table: Iterable[str]) -> tuple[str, ...]:
        return tuple(known[key] for key in table if key in known)

    roles, spoken, calls, masks = map(those, (ROLE_KEYS, SPOKEN_KEYS, CALL_KEYS, MASK_KEYS))
    pair = tuple((who, known[key]) for key, who in PAIR_KEYS.items() if key in known)
    said = {TURN_ROLES[who] for who, _ in pair}
    if roles or spoken or not {"prompt", "response"} <= said:
        pair = ()
    used = {*roles, *spoken, *calls, *masks, *(key for _, key in pair)}
    plain = (roles[0], spoken[0]) if len(names) == 2 and len(roles) == len(spoken) == 1 else None
    return Keys(roles, spoken, calls, masks, tuple(name for name in names if name not in used), pair, plain)
