"""The keys of a line that is to be read fast, and of the turns in it, as they stand in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import orjson

from dataaudit.sources.flat_chats import TurnFields, turn_fields
from dataaudit.sources.flat_kernel import Keys

MAX_FIELDS = 64
"""Keys of a line that is served; the loop looks for each in its place."""


class Names(NamedTuple):
    """The keys of an object, as they stand in the text."""

    fields: tuple[str, ...]
    turn: TurnFields | None
    """Those of the turns in it, if there are any."""


def names_of(block: bytes, at: int) -> Names | None:
    """The keys of the first object; None where it has none that are plain."""
    feed = block.find(b"\n", at)
    try:
        first = orjson.loads(block[at : feed if feed >= 0 else len(block)])
    except orjson.JSONDecodeError:
        return None
    if type(first) is not dict or not 0 < len(first) <= MAX_FIELDS:
        return None
    lists = [value for value in first.values() if type(value) is list and value]
    turn = None
    if lists:
        if type(lists[0][0]) is not dict:
            return None
        turn = turn_fields(tuple(lists[0][0]))
        if turn is None:
            return None
    written = (*first, *(turn.names if turn is not None else ()))
    try:
        plain = all(orjson.dumps(name) == b'"%s"' % name.encode() for name in written)
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return None
    return Names(tuple(first), turn) if plain else None


def least(names: Sequence[str]) -> int:
    """Bytes of the shortest object of strings with these keys."""
    return sum(len(b'"":"",%s' % name.encode()) for name in names) + len(b"{}") - len(b",")


def quoted(names: Sequence[str]) -> Keys:
    """The keys as the compiled loop takes them."""
    written = [b'"%s"' % name.encode() for name in names]
    places = np.cumsum([0, *map(len, written)], dtype=np.int64)
    return Keys(np.frombuffer(b"".join(written), np.uint8), places)
