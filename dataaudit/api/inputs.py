"""What `source` may be: paths and globs, or datasets in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from dataaudit.config import Config
from dataaudit.errors import UsageError
from dataaudit.records.types import FileRef
from dataaudit.sources.discover import Skipped, discover


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
def open_input(source: Any, config: Config) -> Iterator[Input]:
    """The files of a source; data in memory stays readable until the context ends."""
    datasets = _in_memory(source)
    if datasets is None:
        arguments = _paths(source)
        found = discover(arguments, config.split, config.field)
        if not found.files:
            raise UsageError(f"no data files in {', '.join(arguments)}")
        named = tuple(
            replace(one, columns=config.overrides) if one.format == "csv" else one for one in found.files
        )
        yield Input(named, tuple(arguments), found.roots, found.skipped)
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
