"""What `source` may be: paths and globs, standard input, or data in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from dataaudit.config import Config
from dataaudit.errors import UsageError
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.candidates import Candidate, Skipped
from dataaudit.sources.discover import discover


@dataclass(frozen=True)
class Input:
    """The files of a source."""

    files: tuple[FileRef, ...]
    arguments: tuple[str, ...]
    """What the user named."""
    roots: tuple[str, ...]
    """Per file, the argument that named it."""
    skipped: tuple[Skipped, ...] = ()


@contextmanager
def open_input(source: Any, config: Config, work: Workspace) -> Iterator[Input]:
    """The files of a source; copies of what cannot be read twice, and data in memory, stay until the context ends."""
    datasets = _in_memory(source)
    if datasets is None:
        yield _named(_paths(source), config, work)
        return
    from dataaudit.sources import memory

    if config.split is not None:
        datasets = {name: one for name, one in datasets.items() if name == config.split}
        if not datasets:
            raise UsageError(f"the dataset has no split {config.split!r}")
    files: list[FileRef] = []
    try:
        for split, dataset in datasets.items():
            key = f"memory:{uuid4().hex}"
            memory.hold(key, dataset)
            files.append(FileRef(len(files), key, split or "dataset", "memory", split or None))
        yield Input(tuple(files), (), tuple("" for _ in files))
    finally:
        for file in files:
            memory.release(file.path)


def _named(arguments: Sequence[str], config: Config, work: Workspace) -> Input:
    """The files that arguments name."""
    given: dict[str, Sequence[Candidate | Skipped]] = {}
    for one in dict.fromkeys(arguments):
        if one == "-":
            from dataaudit.sources.spool import stdin_candidate

            given[one] = [stdin_candidate(work.root)]
    found = discover(arguments, config.split, config.field, given)
    if not found.files:
        raise UsageError(f"no data files in {', '.join(arguments)}")
    return Input(
        tuple(_completed(one, config) for one in found.files), tuple(arguments), found.roots, found.skipped
    )


def _completed(file: FileRef, config: Config) -> FileRef:
    """The file with what is known of it only now."""
    if file.format == "csv":
        file = replace(file, columns=config.overrides)
    if file.origin == "-":
        from dataaudit.sources.spool import stdin_name

        file = replace(file, name=stdin_name(file))
    return file


def _paths(source: Any) -> list[str]:
    named = source if isinstance(source, (list, tuple)) else [source]
    if not named:
        raise UsageError("no source is named")
    paths = []
    for one in named:
        if not isinstance(one, (str, os.PathLike)):
            raise UsageError(f"cannot read a {type(one).__name__}: name a path, or give a datasets.Dataset")
        paths.append(os.fspath(one))
    return paths


def _in_memory(source: Any) -> dict[str, Any] | None:
    """Split → dataset for a Dataset or DatasetDict, without importing `datasets` where it is not in use."""
    if type(source).__module__.split(".")[0] != "datasets":
        return None
    from datasets import Dataset, DatasetDict

    if isinstance(source, Dataset):
        return {str(source.split) if source.split is not None else "": source}
    if isinstance(source, DatasetDict):
        return {str(name): one for name, one in source.items()}
    raise UsageError(f"cannot read a {type(source).__name__}: give a datasets.Dataset or DatasetDict")
