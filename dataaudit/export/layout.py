"""Where every output goes: the layout of the input under `kept/` and `quarantine/`, without collisions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dataaudit.errors import UsageError
from dataaudit.export.forms import LINE_FORMATS
from dataaudit.export.job import CleanJob
from dataaudit.export.outdir import is_safe
from dataaudit.records.types import FileRef
from dataaudit.sources.arrow import is_saved_dataset

KEPT, QUARANTINE = "kept", "quarantine"
FORMATS = (*LINE_FORMATS, "json", "parquet", "arrow", "webdataset")


@dataclass(frozen=True)
class Names:
    """The outputs of one input file, relative to the output directory."""

    kept: str
    quarantine: str
    reasons: str


@dataclass(frozen=True)
class Layout:
    """Names for everything a run may write."""

    names: dict[int, Names]
    """By file id."""
    unreadable: dict[int, str]
    """By file id."""
    prefixes: tuple[str, ...]
    """By argument: what stands before the reported names, "" or a folder with a trailing slash."""

    @property
    def planned(self) -> list[str]:
        """All of them."""
        paths = [path for n in self.names.values() for path in (n.kept, n.quarantine, n.reasons)]
        return [*paths, *self.unreadable.values()]


def plan(job: CleanJob) -> Layout:
    """Choose the names. Raises UsageError for a name that leaves the directory or an unknown format.

    Where files of two arguments would meet, every argument gets a folder of its own, numbered in their order.
    """
    for source in job.inputs:
        if source.file.format not in FORMATS:
            raise UsageError(f"{source.file.uri}: clean does not write {source.file.format} data")
    for file in _files(job):
        if not is_safe(file.output):
            raise UsageError(f"{file.output!r} would be written outside the output directory")
    layout = _layout(job, tuple("" for _ in job.arguments))
    if _collides(layout, job):
        layout = _layout(job, _prefixes(job.arguments))
        if (both := _collides(layout, job)) is not None:
            raise UsageError(f"two outputs would have the name {both}; clean these inputs one at a time")
    return layout


def _files(job: CleanJob) -> list[FileRef]:
    return [*(source.file for source in job.inputs), *(bad.file for bad in job.unreadable)]


def _prefixes(arguments: tuple[str, ...]) -> tuple[str, ...]:
    width = len(str(len(arguments) - 1))
    stems = [re.sub(r"[^\w.-]+", "_", Path(argument).name).strip(".") or "input" for argument in arguments]
    return tuple(f"{n:0{width}}-{stem[:100]}/" for n, stem in enumerate(stems))


def _layout(job: CleanJob, prefixes: tuple[str, ...]) -> Layout:
    bases = {source.file.id: prefixes[source.argument] + source.file.output for source in job.inputs}
    taken = {f"{QUARANTINE}/{base}" for base in bases.values()}
    names = {}
    for file_id, base in sorted(bases.items()):
        reasons = f"{QUARANTINE}/{base}.reasons.jsonl"
        again = 1
        while reasons in taken:
            # The input has a file of this very name, as a directory that clean wrote has.
            again += 1
            reasons = f"{QUARANTINE}/{base}.reasons-{again}.jsonl"
        taken.add(reasons)
        names[file_id] = Names(f"{KEPT}/{base}", f"{QUARANTINE}/{base}", reasons)
    unreadable = {
        bad.file.id: f"{QUARANTINE}/unreadable/{prefixes[bad.argument]}{bad.file.output}"
        for bad in job.unreadable
    }
    return Layout(names, unreadable, prefixes)


def _collides(layout: Layout, job: CleanJob) -> str | None:
    """A path that two outputs share, or that is a file for one and a folder for another; else None."""
    metadata: dict[str, str] = {}
    for source in job.inputs:
        home = Path(source.file.path).parent
        if source.file.format == "arrow" and is_saved_dataset(home):
            # The files beside the shards of a saved dataset: one directory may stand for one argument only.
            folder = layout.names[source.file.id].kept.rpartition("/")[0]
            if metadata.setdefault(folder, str(home)) != str(home):
                return f"{folder}/state.json"
    seen: set[str] = set()
    # Some file systems do not tell upper from lower case.
    paths = [path.casefold() for path in layout.planned]
    for path in paths:
        if path in seen:
            return path
        seen.add(path)
    for path in seen:
        at = path.rfind("/")
        while at > 0:
            if path[:at] in seen:
                return path[:at]
            at = path.rfind("/", 0, at)
    return None


def check_apart(out: Path, arguments: Iterable[str], files: Iterable[FileRef]) -> None:
    """Raise UsageError where the output is an input, lies in one, or holds one."""
    target = Path(os.path.realpath(out))
    named = [a for a in arguments if a != "-" and "://" not in a and not any(c in a for c in "*?[")]
    for path in [*named, *(file.path for file in files if not file.origin)]:
        source = Path(os.path.realpath(path))
        if target == source:
            raise UsageError(f"{out} is the input itself; name another directory")
        if source in target.parents:
            raise UsageError(f"{out} lies inside the input {path}; name a directory outside it")
        if target in source.parents:
            raise UsageError(f"{out} holds the input {path}; name another directory")
