"""Where benchmark items stand: the strings of a batch by record and place, and what is found as fields and spans."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from dataaudit.benchmarks.found import ANSWER, CHOICES, QUESTION, Found, Strings
from dataaudit.benchmarks.index import Index
from dataaudit.checks.excerpts import excerpt
from dataaudit.records.findings import Example
from dataaudit.records.normalise import flat_bytes, from_flat
from dataaudit.records.record_words import Scratch
from dataaudit.records.types import TEXT_ROLES, Batch, RoleStrings
from dataaudit.records.word_windows import windows
from dataaudit.records.words import I64, words_of

PIECE = 4 << 20
"""Bytes of a text that are split into words at once to find where some of them lie."""
_SAID = {QUESTION: "without its answer", CHOICES: "with its choices", ANSWER: "with its answer"}


class Laid(msgspec.Struct, frozen=True):
    """The strings of a batch by record and place, and where each came from."""

    strings: Strings
    roles: I64
    """Of each string its role, as an index into `TEXT_ROLES`."""
    at: I64
    """Of each string its place among those of its role."""

    def of(self, batch: Batch, string: int) -> tuple[RoleStrings, int]:
        """The strings of the role of a string, and its place among them."""
        return batch.roles[TEXT_ROLES[int(self.roles[string])]], int(self.at[string])


def laid(batch: Batch, work: Scratch) -> Laid | None:
    """The strings of a batch in order, as words; None where it has none. See `Batch.record_words`."""
    made = batch.record_words(work)
    if made is None:
        return None
    return Laid(Strings(made.words, made.starts, made.records), made.roles, made.at)


def said(item: str, label: str, cover: int, kind: int) -> str:
    """What is found of an item, in words; `cover` is per mille of the words of its question."""
    return f"item {item} of {label}: {cover // 10} % of the question, {_SAID[kind]}"


def spans(batch: Batch, place: Laid, found: Found) -> npt.NDArray[np.int64]:
    """(n, 2): the code points of its field at which each found question begins and ends."""
    out = np.empty((len(found), 2), np.int64)
    order = np.argsort(found.strings, kind="stable")
    cuts = np.flatnonzero(np.diff(found.strings[order])) + 1
    for mine in np.split(order, cuts) if len(order) else ():
        strings, at = place.of(batch, int(found.strings[mine[0]]))
        data = flat_bytes(strings.values.slice(at, 1))[0]
        ends = np.stack([words_at(data, found.first[mine])[0], words_at(data, found.last[mine])[1]], axis=1)
        out[mine] = code_points(data, ends) + int(strings.starts[at])
    return out


def code_points(data: npt.NDArray[np.uint8], at: I64) -> I64:
    """How many code points of UTF-8 text lie before each byte."""
    if len(data) == 0 or int(data.max()) < 0x80:
        return at
    order = np.argsort(at, axis=None)
    out = np.empty(at.size, np.int64)
    done = total = 0
    for i in order.tolist():
        byte = int(at.flat[i])
        total += int(np.count_nonzero((data[done:byte] & 0xC0) != 0x80))
        done, out[i] = byte, total
    return out.reshape(at.shape)


def words_at(data: npt.NDArray[np.uint8], wanted: I64) -> tuple[I64, I64]:
    """The bytes at which words with these numbers begin and end. No more than a piece of the text is split at once."""
    begins, ends = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64)
    number = start = 0
    last = int(wanted.max())
    for piece in windows(data, PIECE):
        if number > last:
            break
        words = words_of(from_flat(piece, np.asarray([0, len(piece)])), spans=True)
        here = np.flatnonzero((wanted >= number) & (wanted < number + len(words.begins)))
        begins[here] = words.begins[wanted[here] - number] + start
        ends[here] = words.ends[wanted[here] - number] + start
        number, start = number + len(words.begins), start + len(piece)
    return begins, ends


def example(batch: Batch, place: Laid, index: Index, found: Found) -> Example:
    """The one item in `found`, as an example."""
    string = int(found.strings[0])
    strings, at = place.of(batch, string)
    ((start, end),) = spans(batch, place, found).tolist()
    offset = int(strings.starts[at])
    shown, mark = excerpt(strings.values[at].as_py(), start - offset, end - offset)
    record = int(strings.rows[at])
    note = said(
        index.id_of(int(found.items[0])), index.manifest.label, int(found.cover[0]), int(found.kinds[0])
    )
    return Example(
        file=batch.file.uri,
        row=int(batch.rows[record]),
        line=None if batch.lines is None else int(batch.lines[record]),
        path=strings.path_of(at),
        role=TEXT_ROLES[int(place.roles[string])],
        span=(start, end),
        text=shown,
        mark=mark,
        note=note,
    )
