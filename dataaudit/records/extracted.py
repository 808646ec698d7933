"""Role strings while they are being collected, and the result that readers turn into a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.bindings import Binding
from dataaudit.records.hashing import Keys
from dataaudit.records.strings import string_array
from dataaudit.records.types import NUMBER, ROLES, LayoutNote, RoleStrings, Turns

RANK_SHIFT = 44
SUB_BITS = 14
"""An ordinal is the rank of the binding, the place in its list and the place within the element."""


@dataclass(frozen=True)
class Extracted:
    """What the layouts of a batch give: see the fields of the same names in `Batch`."""

    roles: dict[str, RoleStrings]
    turns: Turns | None
    expects_response: npt.NDArray[np.bool_]
    readable: npt.NDArray[np.bool_]
    layouts: tuple[tuple[str, int], ...]
    described: tuple[LayoutNote, ...]
    rest: Callable[[bool], Keys] | None = None
    label_names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()
    """(type, count) of the typed parts of turns that hold no text, such as images."""

    @property
    def rendered(self) -> tuple[tuple[tuple[str, str], int], ...]:
        """See the field of the same name in `Batch`."""
        from dataaudit.records.rendered import count_rendered

        texts = self.roles.get("text")
        return () if texts is None else tuple(sorted(count_rendered(texts).items()))


class Place(msgspec.Struct, frozen=True):
    """Where strings come from, one entry per string."""

    rows: npt.NDArray[np.int64]
    index: npt.NDArray[np.int64]
    """Place in the list of the path, or -1."""
    starts: npt.NDArray[np.int64] | None = None
    """Code point of the field at which the string begins; None: it is the whole field."""
    subs: npt.NDArray[np.int64] | None = None
    """Place among the strings of one element (parts of a turn, turns of a dialogue); None: the only one."""


@dataclass
class _Column:
    values: list[pa.Array] = field(default_factory=list)
    rows: list[npt.NDArray[np.int64]] = field(default_factory=list)
    ordinals: list[npt.NDArray[np.int64]] = field(default_factory=list)
    path_ids: list[npt.NDArray[np.int64]] = field(default_factory=list)
    index: list[npt.NDArray[np.int64]] = field(default_factory=list)
    starts: list[npt.NDArray[np.int64]] = field(default_factory=list)


class RoleBuilder:
    """Collects strings binding by binding."""

    def __init__(self, *, valid: bool = False) -> None:
        self.valid = valid
        """Are arrays of strings known to be valid UTF-8?"""
        self._columns: dict[str, _Column] = {}
        self._paths: dict[str, int] = {}
        self.rows: npt.NDArray[np.int64] | None = None
        """Which records of the batch the ones being read are; None: they are all."""

    def add(
        self,
        binding: Binding,
        values: Sequence[str | None] | pa.Array,
        place: Place,
        *,
        role: str | None = None,
        path: str | None = None,
    ) -> None:
        """Add strings of a binding; `role` and `path` are given where they are not those of the binding."""
        n = len(values)
        if n == 0:
            return
        into = self._columns.setdefault(role or binding.role or "text", _Column())
        path_id = self._paths.setdefault(path or binding.path, len(self._paths))
        if not isinstance(values, pa.Array):
            values = string_array(values)
        subs = np.zeros(n, np.int64) if place.subs is None else np.minimum(place.subs, (1 << SUB_BITS) - 1)
        into.values.append(values)
        into.rows.append(place.rows if self.rows is None else self.rows[place.rows])
        ordinals = (np.int64(binding.rank) << RANK_SHIFT) + (place.index + 1 << SUB_BITS) + subs
        into.ordinals.append(ordinals)
        into.path_ids.append(np.full(n, path_id, np.int64))
        into.index.append(place.index)
        into.starts.append(np.zeros(n, np.int64) if place.starts is None else place.starts)

    def build(self) -> dict[str, RoleStrings]:
        """The roles that have strings, in the order of `ROLES`."""
        paths = tuple(self._paths)
        built: dict[str, RoleStrings] = {}
        for role in (*ROLES, NUMBER):
            column = self._columns.get(role)
            if column is None:
                continue
            joined = column.values[0] if len(column.values) == 1 else pa.concat_arrays(column.values)
            built[role] = RoleStrings(
                joined,
                np.concatenate(column.rows),
                np.concatenate(column.ordinals),
                np.concatenate(column.path_ids),
                paths,
                np.concatenate(column.index),
                np.concatenate(column.starts),
            )
        return built


class TurnBuilder:
    """Collects the turns of chats."""

    def __init__(self) -> None:
        self._chunks: list[Turns] = []
        self._open: tuple[list[int], list[int], list[int], list[bool]] = ([], [], [], [])
        self.rows: npt.NDArray[np.int64] | None = None
        """As in `RoleBuilder`; set with `among`."""

    def among(self, rows: npt.NDArray[np.int64] | None) -> None:
        """Say which records of the batch the next turns are of."""
        self._close()
        self.rows = rows

    def add(self, row: int, code: int, chat: int, *, laden: bool) -> None:
        """A turn of a record (see the fields of `Turns`); turns of a record come in order."""
        rows, codes, chats, ladens = self._open
        rows.append(row)
        codes.append(code)
        chats.append(chat)
        ladens.append(laden)

    def extend(self, turns: Turns) -> None:
        """Many turns of one list."""
        self._close()
        self._take(turns)

    def _take(self, turns: Turns) -> None:
        rows = turns.rows if self.rows is None else self.rows[turns.rows]
        self._chunks.append(Turns(rows, turns.roles, turns.chats, turns.laden))

    def _close(self) -> None:
        rows, codes, chats, laden = self._open
        if rows:
            self._take(
                Turns(
                    np.asarray(rows, np.int64),
                    np.asarray(codes, np.int8),
                    np.asarray(chats, np.int8),
                    np.asarray(laden, np.bool_),
                )
            )
            self._open = ([], [], [], [])

    def build(self) -> Turns | None:
        """All turns, grouped by record and binding, or None if there were none."""
        self._close()
        if not self._chunks:
            return None
        rows, roles, chats, laden = (
            np.concatenate([getattr(one, name) for one in self._chunks])
            for name in ("rows", "roles", "chats", "laden")
        )
        order = np.lexsort((chats, rows))  # stable: turns of one list keep their order
        return Turns(rows[order], roles[order], chats[order], laden[order])
