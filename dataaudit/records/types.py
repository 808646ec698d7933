"""The nouns every layer shares: files, row ids, role strings, batches, malformed records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dataaudit.records.hashing import Keys

if TYPE_CHECKING:
    from dataaudit.records.record_words import RecordWords, Scratch

ROLES: tuple[str, ...] = ("system", "prompt", "response", "text", "tool", "label")
"""What a string is for. Rules name these; `any` means all of them but `label`."""

TEXT_ROLES: tuple[str, ...] = ROLES[:-1]
ROLE_CODE: dict[str, int] = {role: code for code, role in enumerate(ROLES)}

NUMBER = "number"
"""Not a role of texts: what a field is bound to when its numbers are read again, by `Rows.numbers` alone."""

FILE_BITS = 24
ROW_BITS = 40
ROW_MASK = (1 << ROW_BITS) - 1


def pack_row(file_id: int, row: int) -> int:
    """Row id as one integer that sorts by (file order, row): 24 bits of file, 40 bits of row."""
    return file_id << ROW_BITS | row


def unpack_row(row_id: int) -> tuple[int, int]:
    """Inverse of `pack_row`: (file id, row)."""
    return row_id >> ROW_BITS, row_id & ROW_MASK


@dataclass(frozen=True)
class Part:
    """Where in a JSON document the records are: an array or an object, under a key or at the top.

    Offsets are after decompression.
    """

    path: str
    """Keys from the top, joined by dots."""
    start: int
    """Byte after the bracket that opens the array."""
    line: int
    """1-based line of that bracket."""
    arrays: bool = False
    """Are its elements rows without names, such as `[text, label]`? Their columns are then `0`, `1`, …"""
    notes: tuple[str, ...] = ()
    """What there is to say about the choice of this array."""
    damage: str | None = None
    """What is wrong with the document after the array, noted with its last part."""
    keyed: bool = False
    """Are the records the values of an object's keys, rather than the elements of an array?"""

    @property
    def inside(self) -> bool:
        """Do the records start at `start`, rather than where the document does?"""
        return bool(self.path) or self.keyed


@dataclass(frozen=True)
class FileRef:
    """One file of the input. `id` is its place in the order of reading (argument, then path bytes)."""

    id: int
    path: str
    """Where it is opened."""
    uri: str
    """What is reported: the path relative to the argument that named it."""
    format: str
    """The source module that reads it: `jsonl`, `json`, `csv`, `text`, `parquet`, `arrow`, `webdataset`, `memory`."""
    split: str | None = None
    size: int = 0
    """Bytes on disk; 0 for data in memory."""
    columns: tuple[tuple[str, str], ...] = ()
    """(role, path) pairs of `--columns`, for delimited text only: they may say whether it has a header."""
    encoding: str = ""
    """What delimited or plain text without a byte-order mark is written in, where `--encoding` says so; else UTF-8."""
    notes: tuple[str, ...] = ()
    """What there is to say of how the file was recognised."""
    part: Part | None = None
    """The part of the file that this stands for, where a document holds several arrays or names one; else all of it."""
    origin: str = ""
    """What `path` is a copy of: `-` for standard input, an address; empty where the path is the source itself."""
    name: str = ""
    """What its rows are written as by `clean`; empty for the uri."""

    @property
    def output(self) -> str:
        """The relative path that `clean` writes its rows under."""
        return self.name or self.uri


class Malformed(msgspec.Struct, frozen=True):
    """A record that could not be parsed. `line` (1-based) and `offset` (bytes) are None in tables."""

    row: int
    reason: str
    line: int | None = None
    offset: int | None = None
    length: int | None = None
    """Bytes of the record without its terminator."""


class RoleStrings(msgspec.Struct, frozen=True):
    """The strings of one role in one batch, flat. All arrays have one entry per string; no nulls.

    No order is promised: a row may come several times and rows need not ascend.
    """

    values: pa.LargeStringArray
    rows: npt.NDArray[np.int64]
    """Index of the string's record in the batch (not its row number)."""
    ordinals: npt.NDArray[np.int64]
    """Place of the string among all role strings of its record; fixed by the layout, unique in the record."""
    path_ids: npt.NDArray[np.int64]
    """Index into `paths`."""
    paths: tuple[str, ...]
    """Where strings come from, e.g. `messages[*].content`."""
    index: npt.NDArray[np.int64]
    """Place in the list for a path with `[*]`, else -1."""
    starts: npt.NDArray[np.int64]
    """Code point of the field at which the string begins: 0 but for turns of a dialogue in one string."""

    def __len__(self) -> int:
        return len(self.values)

    def path_of(self, i: int) -> str:
        """The full path of string `i`, e.g. `messages[2].content`."""
        path = self.paths[int(self.path_ids[i])]
        at = int(self.index[i])
        return path if at < 0 else path.replace("[*]", f"[{at}]", 1)


class Turns(msgspec.Struct, frozen=True):
    """The turns of the chats in a batch: one entry per turn, grouped by record and list of turns, in order."""

    rows: npt.NDArray[np.int64]
    roles: npt.NDArray[np.int8]
    """`ROLE_CODE` of the turn; -1 for a turn whose role name is not known."""
    chats: npt.NDArray[np.int8]
    """Which list of turns of its record it is in, by the order of the layout; ascending within a record."""
    laden: npt.NDArray[np.bool_]
    """Does it carry something that is no string: a tool call, a list of parts?"""


@dataclass(frozen=True, slots=True)
class LayoutNote:
    """What a layout binds, leaves unread and found ambiguous, in words for the report."""

    name: str
    roles: tuple[tuple[str, str], ...]
    """(role, path template); a path whose turns decide the role comes once per role seen."""
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Some thousand records of one partition, seen through their roles."""

    file: FileRef
    rows: npt.NDArray[np.int64]
    """Row number in the file of every parsed record of the batch, ascending."""
    lines: npt.NDArray[np.int64] | None
    """1-based physical line of every record; None where the format has no lines."""
    roles: dict[str, RoleStrings]
    turns: Turns | None
    expects_response: npt.NDArray[np.bool_]
    """Per record: does its layout have a place for a response?"""
    readable: npt.NDArray[np.bool_]
    """Per record: does its layout have a place for text at all?"""
    layouts: tuple[tuple[str, int], ...]
    """(layout name, records) of this batch."""
    malformed: tuple[Malformed, ...] = ()
    nbytes: int = 0
    """Bytes of input this batch accounts for (for throughput only)."""
    first_row: int = 0
    """Row number of its first record, malformed ones included."""
    first_line: int = 0
    """1-based line of that record; 0 where the format has no lines."""
    span: tuple[int, int] = (0, 0)
    """Records of the file it stands for, sampled or not, malformed ones included; and physical lines."""
    extent: tuple[int, int] = (0, 0)
    """Where to find it again: byte range (after decompression) in line formats, row range in tables."""
    remarks: tuple[tuple[str, npt.NDArray[np.int64]], ...] = ()
    """(structure finding, indices of records) that only the reader could see, e.g. `duplicate-key`."""
    skipped: tuple[tuple[str, int], ...] = ()
    """(type, count) of the typed parts of turns that hold no text, such as images."""
    rendered: tuple[tuple[tuple[str, str], int], ...] = ()
    """((path, dialect), count) of the texts that are whole chats, rendered by a template and not declared to be."""
    described: tuple[LayoutNote, ...] = ()
    """What the layouts of this batch bind and leave unread."""
    columns: tuple[tuple[str, str], ...] = ()
    """(name, type) of all columns of the file, read or not; none where records name their fields themselves."""
    label_names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Per label path the classes its schema declares (a ClassLabel feature)."""
    rest: Callable[[bool], Keys] | None = field(default=None, compare=False)
    """Keys of everything in the record that is not a role string; the argument asks for the normalised form."""

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def _keys(self) -> dict[tuple[str, bool], Keys]:
        return {}

    def string_keys(self, role: str, *, normalised: bool) -> Keys:
        """128-bit keys of the strings of a role, hashed once per batch and shared by all checks."""
        from dataaudit.records.hashing import string_keys
        from dataaudit.records.normalise_long import normalised_keys

        at = (role, normalised)
        if at not in self._keys:
            values = self.roles[role].values
            self._keys[at] = normalised_keys(values) if normalised else string_keys(values)
        return self._keys[at]

    @cached_property
    def _record_words(self) -> list[RecordWords | None]:
        return []

    def record_words(self, work: Scratch) -> RecordWords | None:
        """The words of all text, record by record, hashed once per batch and shared by all checks.

        None where there is no text. The words of long texts go to `work`, the work directory.
        """
        from dataaudit.records.record_words import record_words

        if not self._record_words:
            self._record_words.append(record_words(self, work))
        return self._record_words[0]

    @cached_property
    def text_bytes(self) -> int:
        """Bytes of all role strings."""
        return sum(int(strings.values.nbytes) for strings in self.roles.values())

    @cached_property
    def shared(self) -> dict[str, Any]:
        """What one check found and another may use, by a name that the finding check defines. Checks see a batch in
        the order of their modules, and must do without where nothing is there."""
        return {}

    def has_role(self, roles: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Per record: is there a non-null string in any of these roles?"""
        mask = np.zeros(len(self.rows), dtype=np.bool_)
        for role in roles:
            strings = self.roles.get(role)
            if strings is not None:
                mask[strings.rows] = True
        return mask
