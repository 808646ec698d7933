"""What `source` may be: paths and globs, standard input, or data in memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

from dataaudit.config import Config
from dataaudit.errors import UsageError
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace
from dataaudit.sources.candidates import Candidate, Skipped
from dataaudit.sources.discover import discover, is_data
from dataaudit.sources.fetched import Supply
from dataaudit.sources.repository import local_repository


@dataclass(frozen=True)
class Input:
    """The files of a source."""

    files: tuple[FileRef, ...]
    arguments: tuple[str, ...]
    """What the user named."""
    roots: tuple[str, ...]
    """Per file, the argument that named it."""
    skipped: tuple[Skipped, ...] = ()
    supply: Supply | None = None
    """Fetches the files that lie elsewhere; None where all are here."""


@contextmanager
def open_input(source: Any, config: Config, work: Workspace, *, again: bool = False) -> Iterator[Input]:
    """The files of a source; copies of what cannot be read twice, and data in memory, stay until the context ends.

    `again`: every file must lie on the disk, because it will be opened once more.
    """
    from dataaudit.api.held import paths_of

    if (
        isinstance(source, Iterator)
        and not isinstance(source, io.IOBase)
        and not hasattr(source, "__arrow_c_stream__")
    ):
        source = _peeked(source)
    paths = paths_of(source)
    if paths is not None:
        with ExitStack() as stack:
            yield _named(paths, config, work, stack, again=again)
        return
    from dataaudit.api.held import place, splits_of
    from dataaudit.sources import memory

    data = splits_of(source)
    for flag, value in (("--subset", config.subset), ("--revision", config.revision)):
        if value is not None:
            raise UsageError(f"{flag}: the data is in memory; name a dataset of the Hub")
    if config.split is not None:
        if config.split not in data:
            there = ", ".join(name for name in data if name)
            raise UsageError(
                f"the data has no split {config.split!r}; it has {there}"
                if there
                else "--split: the data has no splits"
            )
        data = {config.split: data[config.split]}
    files: list[FileRef] = []
    try:
        for split, one in data.items():
            key = f"memory:{uuid4().hex}"
            file = FileRef(len(files), key, split or "dataset", "memory", split or None)
            files.append(place(file, one, work, again=again))
        yield Input(tuple(files), (), tuple("" for _ in files))
    finally:
        for file in files:
            memory.release(file.path)


def _peeked(source: Iterator[Any]) -> Any:
    """An iterator of paths as a list; any other as it was."""
    try:
        first = next(source)
    except StopIteration:
        return iter(())
    if isinstance(first, (str, os.PathLike)):
        return [first, *source]
    return chain([first], source)


def _named(
    arguments: Sequence[str], config: Config, work: Workspace, stack: ExitStack, *, again: bool
) -> Input:
    """The files that arguments name. `again`: those that lie elsewhere are fetched at once."""
    given: dict[str, Sequence[Candidate | Skipped]] = {}
    supply: Supply | None = None
    for number, one in enumerate(dict.fromkeys(arguments)):
        if one == "-":
            from dataaudit.sources.spool import stdin_candidate

            given[one] = [stdin_candidate(work.root)]
        elif one.startswith("hf://"):
            from dataaudit.sources.hub import quiet_hub
            from dataaudit.sources.hubfiles import Wanted, hub_files

            if supply is None:
                stack.enter_context(quiet_hub())
                supply = Supply(work.root)
                stack.callback(supply.close)
            wanted = Wanted(config.revision, config.subset, config.split, None if again else config.limit)
            given[one] = hub_files(one, wanted, work.root / f"hub-{number}", supply)
        elif Path(one).is_dir():
            found = local_repository(Path(one), one, config.subset, is_data)
            if found is not None:
                given[one] = found
    if config.revision is not None and supply is None:
        raise UsageError("--revision: no source of the Hub (hf://datasets/ORG/NAME) is named")
    if config.subset not in (None, "default") and not any(one != "-" for one in given):
        raise UsageError(f"no subset is named {config.subset!r}: {', '.join(arguments)} has no subsets")
    listed = discover(arguments, config.split, config.field, given)
    if not listed.files:
        raise UsageError(f"no data files in {', '.join(arguments)}")
    files = tuple(_completed(one, config) for one in listed.files)
    if config.encoding is not None and not any(_is_written_in(config.encoding, file) for file in files):
        raise UsageError(
            "--encoding: no file is delimited or plain text; other formats have an encoding of their own"
        )
    if again and supply is not None:
        supply.fetch_all(files)
    return Input(files, tuple(arguments), listed.roots, listed.skipped, supply)


def _is_written_in(encoding: str, file: FileRef) -> bool:
    """Has naming an encoding any meaning for a file? JSON says by itself that it is UTF-16 or UTF-32."""
    from dataaudit.sources.dialect import known_encoding
    from dataaudit.sources.json_encoding import encoding_note

    return bool(file.encoding) or set(encoding_note(known_encoding(encoding))) & set(file.notes) != set()


def _completed(file: FileRef, config: Config) -> FileRef:
    """The file with what is known of it only now."""
    if file.format == "csv":
        file = replace(file, columns=config.overrides)
    if file.format in ("csv", "text") and config.encoding is not None:
        from dataaudit.sources.dialect import known_encoding

        file = replace(file, encoding=known_encoding(config.encoding))
    if file.origin == "-":
        from dataaudit.sources.spool import stdin_name

        file = replace(file, name=stdin_name(file))
    return file
