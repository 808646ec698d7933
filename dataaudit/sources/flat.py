"""Lines of flat JSON objects, read a block at a time straight into Arrow.

Served are lines whose objects have the same keys in the same order, each with a string, a number, a truth value, null
or a list of turns that all have the same two fields, who speaks and what is said. At the first line that is anything
else (nested otherwise, malformed, a key missing or named twice, a number that may not fit) the fast way ends, and the
strict reader goes on from there. So what is read is the same, whoever reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from dataaudit.records.bindings import Binding, FieldKind, Layout
from dataaudit.records.chatjson import HOLDERS, chat_in
from dataaudit.records.extracted import Extracted, Place, RoleBuilder, TurnBuilder
from dataaudit.records.layouts import Overrides, detect
from dataaudit.records.paths import EACH, parse
from dataaudit.records.remainder import Repeated, Shape, rest_of_columns, shape_of
from dataaudit.records.shapes import Shapes
from dataaudit.records.types import LayoutNote
from dataaudit.sources.flat_chats import Chats
from dataaudit.sources.flat_names import Names, least, names_of, quoted

if TYPE_CHECKING:
    from dataaudit.sources.flat_kernel import Found
    from dataaudit.sources.flat_strings import Cells

LEAST = 512 << 20
"""Bytes of a file from which on the loops are compiled for it, which takes seconds; the fast way saves some two seconds
a gigabyte. Smaller files are read the fast way where numba is loaded, or machine code is kept."""
LARGEST = 64 << 20
"""Bytes of a block above which lines are so long that they are read one by one."""
FEW = 256
"""Fewer lines than this are not served: a batch has its costs, whatever is in it."""
PATIENCE = 8
"""Failures, less one for each success, after which it is no longer tried."""

I64 = npt.NDArray[np.int64]

_KINDS = np.array([ord(c) for c in "nssiife"], np.uint8)
"""The letter of `bindings` by the kind of a cell; of a list while it is not known to hold anything."""
_MAY_OPEN = np.isin(np.arange(256), list(b"[ \t\r\n\\"))
"""Can a string whose first byte is this hold a chat written as JSON? White space may be written as an escape."""


class Served(msgspec.Struct, frozen=True):
    """Lines that were read."""

    lines: int
    end: int
    """Byte of the block behind them."""
    found: Extracted


class FlatReader:
    """Reads flat objects of one partition of a file of so many bytes, and gives up where there are few of them."""

    def __init__(self, size: int, overrides: Overrides, shapes: Shapes) -> None:
        self._loads = size >= LEAST
        self._overrides = overrides
        self._shapes = shapes
        self._failures = 0

    @property
    def hopeful(self) -> bool:
        """Is it worth trying?"""
        if self._failures >= PATIENCE:
            return False
        return self._loads or "numba" in sys.modules or _at_hand()

    def read(self, block: bytes, at: int, lines: int) -> Served | None:
        """At most so many lines of a block of whole lines, from a byte on; None where there is no line to serve."""
        served = self._read(block, at, lines) if len(block) <= LARGEST else None
        if served is not None and served.lines < min(FEW, lines) and served.end < len(block):
            served = None
        self._failures = max(0, self._failures - 1) if served is not None else self._failures + 1
        return served

    def _read(self, block: bytes, at: int, lines: int) -> Served | None:
        from dataaudit.sources import flat_kernel as kernel
        from dataaudit.sources.flat_strings import room

        names = names_of(block, at)
        if names is None:
            return None
        data = np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        turn = () if names.turn is None else names.turn.names
        known = kernel.Known(quoted(names.fields), quoted(turn))
        # Room for the most that there can be: memory that is not written to is not taken.
        found = kernel.Found(
            room(min(lines, (len(block) - at) // 2 + 1), len(names.fields)),
            room((len(block) - at) // least(turn) if turn else 0, 2),
            np.zeros(1, np.int64),
        )
        count, after = kernel.objects(data, at, known, found)
        after = min(after, len(block))
        if not count or not _is_utf8(data, at, after):
            return None
        table = _Table(data, names, found, count)
        extracted = table.extract(self._overrides, self._shapes)
        return None if extracted is None else Served(count, after, extracted)


def _at_hand() -> bool:
    from dataaudit.sources.flat_kernel import objects
    from dataaudit.sources.flat_strings import gather

    return objects.at_hand and gather.at_hand


def _is_utf8(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    offsets = pa.py_buffer(np.array([start, end], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class _Table:
    """Lines as columns."""

    def __init__(self, data: npt.NDArray[np.uint8], names: Names, found: Found, count: int) -> None:
        self.data = data
        self.names = names.fields
        self.cells = found.cells
        self.count = count
        self.chats: Chats | None = None
        letters = _KINDS[self.cells.kinds[:count]]
        if names.turn is not None and found.used[0]:
            self.chats = Chats(names.turn, int(found.used[0]), partial(_gathered, data, found.turns))
            listed = self.cells.kinds[:count] == LIST
            listed &= self.cells.begins[:count] != self.cells.ends[:count]
            letters[listed] = ord(names.turn.kind)
        self.letters = letters

    def extract(self, overrides: Overrides, shapes: Shapes) -> Extracted | None:
        """The roles of the lines; None where a layout reads more than plain fields and turns."""
        builder, turns = RoleBuilder(), TurnBuilder()
        expects, readable = np.zeros(self.count, np.bool_), np.zeros(self.count, np.bool_)
        counts: dict[str, int] = {}
        notes: dict[LayoutNote, None] = {}
        planned: list[Shape] = []
        for kinds, rows in self._by_kinds():
            layout = detect(tuple(map(FieldKind, self.names, kinds)), overrides, shapes)
            if not _is_plain(layout, dict(zip(self.names, kinds, strict=True))) or self._holds_chats(
                kinds, rows
            ):
                return None
            seen: set[tuple[str, str]] = set()
            for binding in layout.bindings:
                if binding.is_turns:
                    seen |= self._add_turns(builder, turns, (binding, layout.chats.index(binding)), rows)
                else:
                    self._add(builder, binding, kinds, rows)
            members = rows.tolist()
            planned.append(shape_of(layout, self.names, kinds, members))
            counts[layout.name] = counts.get(layout.name, 0) + len(members)
            expects[rows], readable[rows] = layout.expects_response, layout.readable
            notes[layout.describe(sorted(seen))] = None
        return Extracted(
            roles=builder.build(),
            turns=turns.build(),
            expects_response=expects,
            readable=readable,
            layouts=tuple(sorted(counts.items())),
            described=tuple(notes),
            rest=rest_of_columns(self.count, self._values, planned),
        )

    def _by_kinds(self) -> list[tuple[tuple[str, ...], I64]]:
        """The rows by the kinds of their fields, in order of first appearance."""
        letters = self.letters
        if (letters == letters[0]).all():
            return [(tuple(letters[0].tobytes().decode()), np.arange(self.count, dtype=np.int64))]
        unique, first, which = np.unique(letters, axis=0, return_index=True, return_inverse=True)
        which = which.reshape(-1)
        return [
            (tuple(unique[k].tobytes().decode()), np.flatnonzero(which == k).astype(np.int64))
            for k in np.argsort(first).tolist()
        ]

    def _holds_chats(self, kinds: Sequence[str], rows: I64) -> bool:
        """Is there a chat written as JSON in a string of these rows?"""
        for field, (name, kind) in enumerate(zip(self.names, kinds, strict=True)):
            if kind == "s" and name.lower() in HOLDERS:
                maybe = rows[_MAY_OPEN[self.data[self.cells.begins[rows, field]]]]
                if any(chat_in(text) is not None for text in self._strings(field, maybe).to_pylist()):
                    return True
        return False

    def _add(self, builder: RoleBuilder, binding: Binding, kinds: Sequence[str], rows: I64) -> None:
        (name,) = parse(binding.path)
        if name not in self.names:
            return
        field = self.names.index(name)
        if kinds[field] == "s":
            values: Any = self._strings(field, rows)
        elif kinds[field] == "i" and binding.role == "label":
            values = [one.decode() for one in self._raw(field, rows)]
        else:
            return
        builder.add(binding, values, Place(rows, np.full(len(rows), -1, np.int64)))

    def _add_turns(
        self, builder: RoleBuilder, turns: TurnBuilder, chat: tuple[Binding, int], rows: I64
    ) -> set[tuple[str, str]]:
        """Add the turns of a binding; returns the (role, path) pairs seen."""
        name = parse(chat[0].path)[0]
        if self.chats is None or name not in self.names:
            return set()
        field = self.names.index(name)
        if self.cells.kinds[rows[0], field] != LIST:
            return set()
        return self.chats.add(builder, turns, chat, (rows, *self._lists(field, rows)))

    def _lists(self, field: int, rows: I64) -> tuple[I64, I64]:
        """Per row the first turn of its list and the one after its last."""
        begins, ends = self.cells.begins[rows, field], self.cells.ends[rows, field]
        return begins.astype(np.int64), ends.astype(np.int64)

    def _strings(self, field: int, rows: I64) -> pa.LargeStringArray:
        return _gathered(self.data, self.cells, field, rows)

    def _raw(self, field: int, rows: I64) -> list[bytes]:
        whole = self.data.data
        begins, ends = self.cells.begins[rows, field].tolist(), self.cells.ends[rows, field].tolist()
        return [bytes(whole[begin:end]) for begin, end in zip(begins, ends, strict=True)]

    def _values(self, name: str, members: Sequence[int]) -> Sequence[Any] | pa.Array | Repeated:
        """The values of a field; all of these rows have the same kind there."""
        field, rows = self.names.index(name), np.asarray(members, np.int64)
        kind = self.cells.kinds[rows[0], field]
        if kind in STRINGS:
            return self._strings(field, rows)
        if kind == LIST:
            assert self.chats is not None  # an empty list is left of no record
            return self.chats.without_texts(*self._lists(field, rows))
        return [orjson.loads(one) for one in self._raw(field, rows)]


def _gathered(data: npt.NDArray[np.uint8], cells: Cells, field: int, rows: I64) -> pa.LargeStringArray:
    """The strings of a field of these rows, or turns."""
    from dataaudit.records.block_kernel import BLOCK
    from dataaudit.sources.flat_strings import gather

    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(cells.sizes[rows, field], out=offsets[1:])
    out = np.empty(int(offsets[-1]) + BLOCK, np.uint8)
    gather(data, cells, field, rows, offsets, out)
    return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(out))


STRINGS = (1, 2)
LIST = 6
"""Kinds of cells (see `flat_strings`)."""
LISTS = ("t", "v")
EMPTY = ("e", "n")


def _is_plain(layout: Layout, kinds: Mapping[str, str]) -> bool:
    """Does a layout read whole fields and nothing in them but turns? A binding that says anything more is not known."""
    listed = {name for name, kind in kinds.items() if kind in LISTS}
    for binding in layout.bindings:
        steps = parse(binding.path)
        if binding != Binding(binding.path, binding.role, binding.rank, binding.fallback):
            return False
        if not binding.is_turns:
            if len(steps) != 1:
                return False
        elif steps[1:] == (EACH,) and steps[0] in listed:
            listed.remove(steps[0])
        elif kinds.get(steps[0]) not in EMPTY:
            return False
    return not listed  # what is left of a list of turns that nobody reads is all of it, texts included
