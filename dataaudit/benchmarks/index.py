"""A benchmark index: one Arrow file of hashes, memory-mapped, with a manifest and without any text of the benchmark.

The file holds one record batch of one row, every column a list: `grams` sorted, so that it is searched in place, and
the columns beside it; what is known of each item; the questions too short for shingles; the answers and choices.
The manifest is JSON in the metadata of the schema.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from dataaudit.benchmarks.manifest import METADATA, SHINGLE, Manifest, manifest_of
from dataaudit.errors import BenchmarkError, IncompleteError

FEW = 3
"""Items up to which an answer or choice that they share tells of any of them."""

NO_HASH = np.uint64(1 << 63)
"""No hash of an answer, which has 32 bits."""

LATER = 16
"""Strings of a record after that of a question in which its answer is looked for: further fields, later turns."""

SHORT, PUBLIC, UNSEEN = 1, 2, 4
"""Flags of an item: whole question and answer are needed; public text; cannot be found at all."""

TYPES = {
    "grams": pa.uint32(),
    "gram_items": pa.uint32(),
    "gram_weights": pa.uint8(),
    "ids": pa.string(),
    "words": pa.uint32(),
    "covered": pa.uint32(),
    "totals": pa.uint32(),
    "floors": pa.uint16(),
    "reach": pa.uint16(),
    "flags": pa.uint8(),
    "short_prefixes": pa.uint64(),
    "short_hashes": pa.uint64(),
    "short_sizes": pa.uint8(),
    "short_items": pa.uint32(),
    "answer_starts": pa.uint32(),
    "answer_hashes": pa.uint32(),
    "answer_sizes": pa.uint8(),
    "answer_parts": pa.uint8(),
}
"""The columns. `grams`, `gram_items`, `gram_weights`: (shingle, item) pairs by shingle. `ids` to `flags`: per item its
id, words of its question, words that indexed shingles cover, sum of its weights, the share (per mille) that a training
split is known to hold, how many words after the question the answer is looked for, flags. `short_…`: questions of two
to four words: hash of the first two words, of all, how many, item. `answer_…`: `answer_starts` (items + 1); hashes of
up to `SKETCH` shingles of every part, how many words they have, and the part: 0 the answer, else a choice."""


@dataclass(frozen=True, eq=False)
class Index:
    """An open index. Columns by name; see `TYPES`."""

    manifest: Manifest
    columns: dict[str, npt.NDArray[Any]]
    path: str = ""
    _keep: Any = field(default=None, repr=False)
    """The mapped file, for as long as the columns look into it."""

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        try:
            return self.columns[name]
        except KeyError:
            raise AttributeError(name) from None

    def id_of(self, item: int) -> str:
        """The id of an item."""
        return str(self._keep.column("ids")[0].values[int(item)].as_py())

    def __len__(self) -> int:
        return len(self.columns["words"])

    @cached_property
    def own_totals(self) -> npt.NDArray[np.uint32]:
        """Per item the weight of its shingles that no other item has."""
        at = np.flatnonzero(self.is_own(np.arange(len(self.grams))))
        return np.bincount(self.gram_items[at], self.gram_weights[at], len(self)).astype(np.uint32)

    def is_own(self, pair: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of these (shingle, item) pairs have a shingle that no other item has."""
        gram, last = self.grams[pair], len(self.grams) - 1
        before = (pair == 0) | (self.grams[np.maximum(pair - 1, 0)] != gram)
        own: npt.NDArray[np.bool_] = before & (
            (pair == last) | (self.grams[np.minimum(pair + 1, last)] != gram)
        )
        return own

    @cached_property
    def _common(self) -> npt.NDArray[np.uint64]:
        """Ascending: the hashes of answers and choices that more than `FEW` items have."""
        sizes = self.answer_starts[1:] - self.answer_starts[:-1]
        owner = np.repeat(np.arange(len(self), dtype=np.uint64), sizes)
        pairs = self.answer_hashes.astype(np.uint64) << np.uint64(32) | owner
        pairs.sort()
        new = np.ones(len(pairs), np.bool_)
        new[1:] = pairs[1:] != pairs[:-1]
        hashes = pairs[new] >> np.uint64(32)
        return np.unique(hashes[FEW:][hashes[FEW:] == hashes[: max(0, len(hashes) - FEW)]])

    def telling(self, at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Of these places in `answer_hashes`: do no more than `FEW` items have it? "None of the above" says nothing."""
        wanted, common = self.answer_hashes[at].astype(np.uint64), self._common
        place = np.searchsorted(common, wanted)
        telling: npt.NDArray[np.bool_] = np.append(common, NO_HASH)[place] != wanted
        return telling


def to_batch(manifest: Manifest, columns: dict[str, Any]) -> pa.RecordBatch:
    """Manifest and columns as the record batch that is written."""
    arrays = [pa.array(columns[name], kind) for name, kind in TYPES.items()]
    checksum = _checksum(arrays)
    lists = [pa.LargeListArray.from_arrays(pa.array([0, len(one)], pa.int64()), one) for one in arrays]
    signed = msgspec.structs.replace(manifest, checksum=checksum)
    fields = [pa.field(name, one.type) for name, one in zip(TYPES, lists, strict=True)]
    return pa.RecordBatch.from_arrays(
        lists, schema=pa.schema(fields, metadata={METADATA: msgspec.json.encode(signed, order="sorted")})
    )


def _checksum(arrays: list[pa.Array]) -> str:
    digest = xxhash.xxh3_128()
    for one in arrays:
        digest.update(len(one).to_bytes(8, "little"))
        for buffer in one.buffers():
            if buffer is not None:
                digest.update(buffer)
    return digest.hexdigest()


def from_batch(batch: pa.RecordBatch, path: str = "") -> Index:
    """The index of a record batch, without a copy. Raises BenchmarkError."""
    manifest = manifest_of(batch.schema, path)
    try:
        batch.validate(full=True)  # before anything follows its offsets
        arrays = {name: batch.column(name)[0].values for name in TYPES}
    except (pa.ArrowInvalid, KeyError, IndexError, AttributeError) as error:
        raise BenchmarkError(f"{path}: the index is damaged ({_line(error)}); build it again") from None
    if any(one is None or one.type != TYPES[name] or one.null_count for name, one in arrays.items()):
        raise BenchmarkError(f"{path}: the index is damaged (a column is of another type); build it again")
    if _checksum(_compact(arrays)) != manifest.checksum:
        raise BenchmarkError(f"{path}: the index is damaged (its checksum differs); build it again")
    numbers = {name: _numbers(one) for name, one in arrays.items() if name != "ids"}
    if len(arrays["ids"]) != len(numbers["words"]) or not _fits(numbers):
        raise BenchmarkError(f"{path}: the index is damaged (its columns do not fit); build it again")
    return Index(manifest, numbers, path, batch)


def _numbers(one: pa.Array) -> npt.NDArray[Any]:
    """A column as numpy, without the import of pandas that `to_numpy` makes where there is one."""
    kind = one.type.to_pandas_dtype()
    return np.frombuffer(one.buffers()[1], kind, len(one)) if len(one) else np.empty(0, kind)


def _fits(columns: dict[str, npt.NDArray[Any]]) -> bool:
    """Do columns that are parts of one table have one length, and do numbers of items and places name some?"""
    items = len(columns["words"])
    tables = (
        ("grams", "gram_items", "gram_weights"),
        ("words", "covered", "totals", "floors", "reach", "flags"),
        ("short_prefixes", "short_hashes", "short_sizes", "short_items"),
        ("answer_hashes", "answer_sizes", "answer_parts"),
    )
    grams, starts = columns["grams"], columns["answer_starts"]
    return (
        all(len({len(columns[name]) for name in table}) == 1 for table in tables)
        and all(int(columns[name].max(initial=0)) < max(1, items) for name in ("gram_items", "short_items"))
        and bool((grams[1:] >= grams[:-1]).all())
        and len(starts) == items + 1
        and (starts[0], starts[-1]) == (0, len(columns["answer_hashes"]))
        and bool((starts[1:] >= starts[:-1]).all())
        and bool(np.isin(columns["answer_sizes"], np.arange(1, SHINGLE + 1)).all())
    )


def _compact(arrays: dict[str, pa.Array]) -> list[pa.Array]:
    """The columns without the padding that a file puts behind buffers."""
    return [pa.Array.from_buffers(one.type, len(one), [None, *_trimmed(one)]) for one in arrays.values()]


def _trimmed(one: pa.Array) -> list[pa.Buffer]:
    buffers = one.buffers()[1:]
    if one.type == pa.string():
        ends = np.frombuffer(buffers[0], np.int32, len(one) + 1) if len(one) else np.zeros(1, np.int32)
        return [buffers[0].slice(0, 4 * (len(one) + 1)), buffers[1].slice(0, int(ends[-1]))]
    return [buffers[0].slice(0, len(one) * one.type.bit_width // 8)]


def require_writable(path: Path) -> None:
    """Refuse to write an index over anything but one: a slip must not cost the benchmark. Raises BenchmarkError."""
    if not path.exists():
        return
    try:
        with pa.memory_map(str(path)) as file:
            if METADATA in (pa.ipc.open_file(file).schema.metadata or {}):
                return
    except (pa.ArrowInvalid, OSError):
        pass
    raise BenchmarkError(f"{path}: exists and is no benchmark index, so it is not written over")


def write_index(path: Path, batch: pa.RecordBatch) -> int:
    """Write an index whole or not at all; its size in bytes.

    Raises BenchmarkError for a place that cannot be meant, IncompleteError for a disk that cannot hold it.
    """
    require_writable(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        part.replace(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise BenchmarkError(f"{path}: cannot be written: {error.strerror or _line(error)}") from None
    except OSError as error:
        raise IncompleteError(f"{path}: cannot be written: {error.strerror or _line(error)}") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path.stat().st_size


def read_manifest(path: Path) -> Manifest:
    """The manifest of an index, without its columns. Raises BenchmarkError."""
    return manifest_of(_open(path).schema, str(path))


def open_index(path: Path) -> Index:
    """Map an index into memory. Raises BenchmarkError for what cannot be read, is damaged, or does not fit."""
    reader = _open(path)
    manifest_of(reader.schema, str(path))
    try:
        return from_batch(reader.get_batch(0), str(path))
    except (pa.ArrowInvalid, IndexError, OSError) as error:
        raise BenchmarkError(f"{path}: the index is damaged ({_line(error)}); build it again") from None


def _open(path: Path) -> pa.ipc.RecordBatchFileReader:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path)))
    except FileNotFoundError:
        raise BenchmarkError(f"{path}: no such benchmark index") from None
    except pa.ArrowInvalid:
        raise BenchmarkError(
            f"{path}: not a benchmark index, or cut short; `dataaudit benchmarks build` makes one"
        ) from None
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read: {error.strerror or _line(error)}") from None


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
