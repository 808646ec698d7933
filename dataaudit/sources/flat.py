"""Lines of flat JSON objects, read a block at a time straight into Arrow.

Served are lines whose objects have the same keys in the same order, each with a string, a number, a truth value or
null. At the first line that is anything else (nested, malformed, a key missing or named twice, a number that may not
fit) the fast way ends, and the strict reader goes on from there. So what is read is the same, whoever reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from dataaudit.records.bindings import Binding, FieldKind, Layout
from dataaudit.records.chatjson import HOLDERS, chat_in
from dataaudit.records.extracted import Extracted, Place, RoleBuilder
from dataaudit.records.layouts import Overrides, detect
from dataaudit.records.paths import parse
from dataaudit.records.remainder import Shape, rest_of_columns, shape_of
from dataaudit.records.shapes import Shapes
from dataaudit.records.types import LayoutNote

if TYPE_CHECKING:
    from dataaudit.sources.flat_kernel import Cells

LEAST = 512 << 20
"""Bytes of a file from which on the loops are compiled for it, which takes seconds; the fast way saves some two seconds
a gigabyte. Smaller files are read the fast way where numba is loaded, or machine code is kept."""
LARGEST = 64 << 20
"""Bytes of a block above which lines are so long that they are read one by one."""
MAX_FIELDS = 64
FEW = 256
"""Fewer lines than this are not served: a batch has its costs, whatever is in it."""
PATIENCE = 8
"""Failures, less one for each success, after which it is no longer tried."""

I64 = npt.NDArray[np.int64]

_KINDS = np.array([ord(c) for c in "nssiif"], np.uint8)
"""The letter of `bindings` by the kind of a cell."""
_MAY_OPEN = np.isin(np.arange(256), list(b"[ \t\r\n\\"))
"""Can a string whose first byte is this hold a chat written as JSON? White space may be written as an escape."""


@dataclass(frozen=True)
class Served:
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

        names = _names(block, at)
        if names is None:
            return None
        data = np.frombuffer(b"".join((block, b"\n" * kernel.SPARE)), np.uint8)
        quoted = [b'"%s"' % name for name in names]
        places = np.cumsum([0, *map(len, quoted)], dtype=np.int64)
        cells = kernel.room(min(lines, block.count(b"\n", at) + 1), len(names))
        count, after = kernel.objects(data, at, np.frombuffer(b"".join(quoted), np.uint8), places, cells)
        after = min(after, len(block))
        if not count or not _is_utf8(data, at, after):
            return None
        table = _Table(data, tuple(name.decode() for name in names), cells, count)
        found = table.extract(self._overrides, self._shapes)
        return None if found is None else Served(count, after, found)


def _at_hand() -> bool:
    from dataaudit.sources import flat_kernel as kernel

    return kernel.objects.at_hand and kernel.gather.at_hand


def _names(block: bytes, at: int) -> list[bytes] | None:
    """The keys of the first object, as they stand in the text; None where it has none that are plain."""
    feed = block.find(b"\n", at)
    try:
        first = orjson.loads(block[at : feed if feed >= 0 else len(block)])
        if type(first) is not dict or not 0 < len(first) <= MAX_FIELDS:
            return None
        names = [name.encode() for name in first]
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return None if any(orjson.dumps(name.decode()) != b'"%s"' % name for name in names) else names


def _is_utf8(data: npt.NDArray[np.uint8], start: int, end: int) -> bool:
    offsets = pa.py_buffer(np.array([start, end], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class _Table:
    """Lines as columns."""

    def __init__(self, data: npt.NDArray[np.uint8], names: tuple[str, ...], cells: Cells, count: int) -> None:
        self.data = data
        self.names = names
        self.cells = cells
        self.count = count

    def extract(self, overrides: Overrides, shapes: Shapes) -> Extracted | None:
        """The roles of the lines; None where a layout reads more than plain fields."""
        builder = RoleBuilder()
        expects, readable = np.zeros(self.count, np.bool_), np.zeros(self.count, np.bool_)
        counts: dict[str, int] = {}
        notes: dict[LayoutNote, None] = {}
        planned: list[Shape] = []
        for kinds, rows in self._by_kinds():
            layout = detect(tuple(map(FieldKind, self.names, kinds)), overrides, shapes)
            if not _is_plain(layout) or self._holds_chats(kinds, rows):
                return None
            for binding in layout.bindings:
                self._add(builder, binding, kinds, rows)
            members = rows.tolist()
            planned.append(shape_of(layout, self.names, kinds, members))
            counts[layout.name] = counts.get(layout.name, 0) + len(members)
            expects[rows], readable[rows] = layout.expects_response, layout.readable
            notes[layout.describe()] = None
        return Extracted(
            roles=builder.build(),
            turns=None,
            expects_response=expects,
            readable=readable,
            layouts=tuple(sorted(counts.items())),
            described=tuple(notes),
            rest=rest_of_columns(self.count, self._values, planned),
        )

    def _by_kinds(self) -> list[tuple[tuple[str, ...], I64]]:
        """The rows by the kinds of their fields, in order of first appearance."""
        letters = _KINDS[self.cells.kinds[: self.count]]
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

    def _strings(self, field: int, rows: I64) -> pa.LargeStringArray:
        from dataaudit.sources import flat_kernel as kernel

        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(self.cells.sizes[rows, field], out=offsets[1:])
        out = np.empty(int(offsets[-1]), np.uint8)
        kernel.gather(self.data, self.cells, field, rows, offsets, out)
        return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(out))

    def _raw(self, field: int, rows: I64) -> list[bytes]:
        whole = self.data.data
        begins, ends = self.cells.begins[rows, field].tolist(), self.cells.ends[rows, field].tolist()
        return [bytes(whole[begin:end]) for begin, end in zip(begins, ends, strict=True)]

    def _values(self, name: str, members: Sequence[int]) -> Sequence[Any] | pa.Array:
        """The values of a field; all of these rows have the same kind there."""
        field, rows = self.names.index(name), np.asarray(members, np.int64)
        if self.cells.kinds[rows[0], field] in STRINGS:
            return self._strings(field, rows)
        return [orjson.loads(one) for one in self._raw(field, rows)]


STRINGS = (1, 2)
"""Kinds of cells that are strings (see `flat_kernel`)."""


def _is_plain(layout: Layout) -> bool:
    """Does a layout read whole fields and nothing in them? A binding that says anything more is not known here."""
    return all(
        binding.role is not None
        and len(parse(binding.path)) == 1
        and binding == Binding(binding.path, binding.role, binding.rank, binding.fallback)
        for binding in layout.bindings
    )
