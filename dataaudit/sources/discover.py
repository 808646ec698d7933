"""From what the user names to an ordered list of files: files, folders, globs, saved datasets; splits by name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import msgspec

from dataaudit.errors import SourceError, UsageError
from dataaudit.records.types import FileRef
from dataaudit.sources.arrow import is_saved_dataset, saved_files, saved_splits
from dataaudit.sources.candidates import Candidate, Skipped
from dataaudit.sources.compression import strip_suffix
from dataaudit.sources.json_choice import Records, Survey
from dataaudit.sources.json_encoding import encoding_note
from dataaudit.sources.json_survey import survey
from dataaudit.sources.recognise import Look, codec_note, look
from dataaudit.sources.splits import split_of, split_word

FORMATS: dict[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "text",
    ".tar": "webdataset",
}
"""File ending (without that of the compression) → source module."""

NAMES = {
    "jsonl": "JSON Lines",
    "json": "a JSON document",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "webdataset": "a tar archive",
}
"""What formats are called that first bytes may show."""

DOCUMENTATION = frozenset(
    ("readme", "license", "licence", "copying", "notice", "authors", "changelog", "citation", "requirements")
)
"""Text files of these names (in lower case, without ending) below a folder are about the data."""

METADATA = frozenset(
    ("config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
)
"""Files that `datasets` writes beside the data and never reads as data."""


@dataclass(frozen=True)
class Found:
    """The files of an input, in order of reading."""

    files: tuple[FileRef, ...]
    roots: tuple[str, ...]
    """Per file, the argument that named it."""
    skipped: tuple[Skipped, ...]


def is_data(path: str) -> bool:
    """Does a file of a repository have the ending of a data file, and is it neither hidden nor about the data?"""
    *folders, name = path.split("/")
    if any(one.startswith((".", "__")) for one in folders) or name.startswith("."):
        return False
    plain = Path(strip_suffix(name).lower())
    return plain.suffix in FORMATS and plain.stem not in DOCUMENTATION and plain.name not in METADATA


Given = Mapping[str, Sequence[Candidate | Skipped]]
"""Argument → what it leads to, for arguments that are no paths."""


def discover(
    arguments: Sequence[str], split: str | None = None, field: str | None = None, given: Given | None = None
) -> Found:
    """The files the arguments name. `field`: the key that holds the records of JSON documents.

    Raises UsageError for a path that names nothing, and for a document whose records cannot be told.
    """
    candidates: list[Candidate] = []
    skipped: list[Skipped] = []
    for argument in arguments:
        for one in given[argument] if given and argument in given else _expand(argument):
            if isinstance(one, Skipped):
                skipped.append(one)
            else:
                candidates.append(one)
    files: list[FileRef] = []
    roots: list[str] = []
    seen: set[str] = set()
    splits: dict[str, None] = {}
    taken = _clashes(candidates)
    for one in candidates:
        real = os.path.realpath(one.path)
        if real in seen:
            continue
        seen.add(real)
        kind = _format_of(one, field)
        if isinstance(kind, Skipped):
            skipped.append(kind)
            continue
        found = one.split or split_of(one.path.name, _folders(one))
        uri = str(one.path) if one.uri in taken else one.uri
        size = one.size
        if size is None:
            size = one.path.stat().st_size if one.path.exists() else 0
        whole = FileRef(
            len(files),
            str(one.path),
            uri,
            kind.format,
            found,
            size,
            origin=one.origin,
            name=one.name,
            notes=(*kind.notes, *one.notes),
        )
        for file in [_part_of(whole, part) for part in kind.parts] or [whole]:
            splits.update(dict.fromkeys([file.split] if file.split else []))
            if split is None or file.split == split:
                files.append(replace(file, id=len(files)))
                roots.append(one.root)
    if field is not None and not any(file.part is not None and file.part.path for file in files):
        raise UsageError(f"--field: no JSON document has records under {field!r}")
    if split is not None and not files and candidates:
        there = f"; there is {', '.join(splits)}" if splits else "; no file has a split"
        raise UsageError(f"no file belongs to the split {split!r}{there}")
    return Found(tuple(files), tuple(roots), tuple(skipped))


def _part_of(whole: FileRef, records: Records) -> FileRef:
    """The part of a document as a source of its own."""
    if not records.part.path:
        return replace(whole, part=records.part)
    uri = f"{whole.uri}#{records.part.path}"
    split = records.split or whole.split
    return replace(whole, uri=uri, split=split, size=records.nbytes, part=records.part)


class _Kind(msgspec.Struct, frozen=True):
    """How a file is read."""

    format: str
    parts: tuple[Records, ...] = ()
    """The parts of a document that are read."""
    notes: tuple[str, ...] = ()


def _format_of(one: Candidate, field: str | None) -> _Kind | Skipped:
    """How a file is read. What is below a folder and no data is skipped, what was named is refused."""
    if one.format is not None:
        return _Kind(one.format)
    name = strip_suffix(one.path.name).lower()
    ending = Path(name).suffix
    named = FORMATS.get(ending)
    if named == "text" and not one.explicit and Path(name).stem in DOCUMENTATION:
        return Skipped(one.uri, "documentation, not data")
    seen = look(one.path)
    foreign = seen.foreign(named)
    if foreign is not None and named is not None:
        return _Kind("foreign")
    kind = _by_bytes(one, named, seen)
    if kind is None:
        if one.explicit:
            known = ", ".join(FORMATS)
            why = foreign or f"not a format that can be read ({known}, plain or compressed)"
            raise UsageError(f"{one.shown}: {why}")
        return Skipped(one.uri, "not a data file")
    json = kind == "json" or (kind == "jsonl" and seen.may_be_document)
    found = _json(one, field, strict=kind == "jsonl" and not seen.one_array) if json else _Kind(kind)
    if isinstance(found, Skipped):
        return found
    notes = [] if one.origin else [codec_note(one.path.name, seen.codec)]
    if found.format in ("json", "jsonl"):
        notes += encoding_note(seen.encoding)
    if named is not None and found.format != named:
        notes.append(f"named {ending}, but its first bytes are those of {NAMES[found.format]}: read as such")
    return msgspec.structs.replace(found, notes=tuple(note for note in notes if note is not None))


def _by_bytes(one: Candidate, named: str | None, seen: Look) -> str | None:
    """The format by the first bytes, where they tell, else by the name; None where neither does."""
    if seen.table is not None:
        return seen.table
    if named in ("json", "jsonl"):
        return named
    if named is None:
        # Many a text that is no data starts with a bracket: below a folder, only what is compressed is taken for JSON.
        return (
            "json" if seen.looks_like_json and (one.explicit or (seen.codec and seen.has_objects)) else None
        )
    return "jsonl" if seen.looks_like_json and seen.has_objects else named


def _json(one: Candidate, field: str | None, *, strict: bool) -> _Kind | Skipped:
    """Lines or a document: the name says what to expect, the bytes what it is."""
    try:
        stat = one.path.stat()
    except OSError:
        return _Kind("jsonl")  # unreadable is for the reader to say, not to skip
    state = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    found = _surveyed(one.path, state, field, strict=strict, lone=one.explicit)
    if found.kind == "lines":
        return _Kind("jsonl")
    if found.kind == "document":
        return _Kind("json", found.parts)
    if strict and not found.choice and field is None:
        return _Kind("jsonl")  # no records in it: as lines, what is wrong is said line by line
    if one.explicit:
        raise UsageError(f"{one.shown}: {found.reason}")
    return Skipped(one.uri, found.reason or "not a data file")


@lru_cache(maxsize=64)
def _surveyed(path: Path, state: tuple[int, ...], field: str | None, *, strict: bool, lone: bool) -> Survey:
    """A survey reads a document of splits to its end, and files are listed several times in a run."""
    return survey(path, split_word, field=field, strict=strict, lone=lone)


def _clashes(candidates: Sequence[Candidate]) -> set[str]:
    """Names that two different files would be reported under."""
    by_uri: dict[str, set[str]] = {}
    for one in candidates:
        by_uri.setdefault(one.uri, set()).add(os.path.realpath(one.path))
    return {uri for uri, paths in by_uri.items() if len(paths) > 1}


def _folders(one: Candidate) -> tuple[str, ...]:
    parts = Path(one.uri).parts[:-1]
    return (one.path.parent.name, *parts)


def _expand(argument: str) -> Iterator[Candidate | Skipped]:
    if not argument:
        raise UsageError("an empty path names no such file or folder")
    path = Path(argument)
    if path.is_dir():
        yield from _folder(path, path, argument)
    elif path.exists():
        yield Candidate(path, path.name, argument, explicit=True)
    elif glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True), key=os.fsencode)  # noqa: PTH207 - takes any pattern
        if not matches:
            raise UsageError(f"{argument}: no file matches")
        base = _fixed_part(argument)
        for match in map(Path, matches):
            if match.is_dir():
                yield from _folder(match, base, argument)
            else:
                yield Candidate(match, os.path.relpath(match, base), argument, explicit=False)
    else:
        raise UsageError(f"{argument}: no such file or folder")


def _fixed_part(pattern: str) -> Path:
    parts = []
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts) if parts else Path()


def _folder(folder: Path, base: Path, root: str) -> Iterator[Candidate | Skipped]:
    """The files below a folder by path bytes; a saved dataset anywhere below is taken as one."""
    found: list[Candidate | Skipped] = []
    for at, folders, names in os.walk(folder, onerror=_cannot_list):
        here = Path(at)
        splits = saved_splits(here)
        if splits is not None or is_saved_dataset(here):
            for split in splits if splits is not None else [None]:
                for path in saved_files(here / split if split else here):
                    uri = os.path.relpath(path, base)
                    found.append(Candidate(path, uri, root, explicit=True, split=split, format="arrow"))
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        for name in names:
            uri = os.path.relpath(here / name, base)
            if name.startswith("."):
                found.append(Skipped(uri, "hidden"))
            else:
                found.append(Candidate(here / name, uri, root, explicit=False))
    yield from sorted(found, key=lambda one: os.fsencode(one.uri))


def _cannot_list(error: OSError) -> None:
    raise SourceError(f"{error.filename}: {error.strerror}")
