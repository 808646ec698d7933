"""What the engine itself counts: per file what was read, how, and where every batch lies. Mergeable like any state."""

from __future__ import annotations

import msgspec

from dataaudit.records.paths import EACH
from dataaudit.records.types import Batch, LayoutNote

TURNS_LAST = 1 << 16
"""Place of the paths of turns among those of a role: after all columns."""


class Lost(msgspec.Struct, frozen=True, array_like=True):
    """Something of a file that could not be read."""

    reason: str
    rows: int | None = None


class Spot(msgspec.Struct, frozen=True, array_like=True):
    """Where a batch lies in its file (see the fields of `Batch`)."""

    first_row: int
    rows: int
    first_line: int
    lines: int
    """Physical lines it spans; 0 where the format has none."""
    start: int
    end: int


class FileTally(msgspec.Struct):
    """What was read of one file."""

    rows: int = 0
    malformed: int = 0
    layouts: dict[str, int] = {}
    roles: dict[str, dict[str, int]] = {}
    """Role → path template → its place among the bindings of the layout (the smallest, where layouts differ)."""
    unread: dict[str, None] = {}
    """String columns no role reads; a dict serves as a set that MessagePack knows."""
    notes: dict[str, None] = {}
    columns: dict[str, str] = {}
    """Name → type of all columns, where the format has any."""
    skipped: dict[str, int] = {}
    """Typed parts of turns that hold no text, by type."""
    lost: list[Lost] = []
    spots: list[Spot] = []
    rendered: dict[str, dict[str, int]] = {}
    """Path → dialect → texts that are whole chats, rendered by a template."""

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.rows += len(batch) + len(batch.malformed)
        self.malformed += len(batch.malformed)
        for name, count in batch.layouts:
            self.layouts[name] = self.layouts.get(name, 0) + count
        for kind, count in batch.skipped:
            self.skipped[kind] = self.skipped.get(kind, 0) + count
        for (path, dialect), count in batch.rendered:
            self._render(path, dialect, count)
        for note in batch.described:
            self._describe(note)
        self.columns = self.columns or dict(batch.columns)
        if batch.span[0]:
            self.spots.append(
                Spot(batch.first_row, batch.span[0], batch.first_line, batch.span[1], *batch.extent)
            )

    def _describe(self, note: LayoutNote) -> None:
        for rank, (role, path) in enumerate(note.roles):
            # Which turns a batch shows is chance, so their paths have no place of their own: they go by name.
            self._place(role, path, TURNS_LAST if f"{EACH}." in path else rank)
        self.unread.update(dict.fromkeys(note.unread))
        self.notes.update(dict.fromkeys(note.notes))

    def _place(self, role: str, path: str, rank: int) -> None:
        paths = self.roles.setdefault(role, {})
        paths[path] = min(rank, paths.get(path, rank))

    def _render(self, path: str, dialect: str, count: int) -> None:
        dialects = self.rendered.setdefault(path, {})
        dialects[dialect] = dialects.get(dialect, 0) + count

    def merge(self, other: FileTally) -> None:
        """Take in another tally of the same file."""
        self.rows += other.rows
        self.malformed += other.malformed
        for name, count in other.layouts.items():
            self.layouts[name] = self.layouts.get(name, 0) + count
        for role, paths in other.roles.items():
            for path, rank in paths.items():
                self._place(role, path, rank)
        for kind, count in other.skipped.items():
            self.skipped[kind] = self.skipped.get(kind, 0) + count
        for path, dialects in other.rendered.items():
            for dialect, count in dialects.items():
                self._render(path, dialect, count)
        self.unread.update(other.unread)
        self.notes.update(other.notes)
        self.columns = self.columns or other.columns
        self.lost += other.lost
        self.spots += other.spots


class Tally(msgspec.Struct):
    """What was read of all files, by file id (as text)."""

    files: dict[str, FileTally] = {}

    def of(self, file_id: int) -> FileTally:
        """The tally of a file."""
        return self.files.setdefault(str(file_id), FileTally())

    def merge(self, other: Tally) -> None:
        """Take in another tally."""
        for file_id, tally in other.files.items():
            self.of(int(file_id)).merge(tally)

    def to_bytes(self) -> bytes:
        """Serialise."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        """Inverse of `to_bytes`."""
        return msgspec.msgpack.decode(data, type=cls)
