"""Repositories of the Hub, on disk or not: which files are data, by the `configs` in the front matter of README.md.

Read as the `datasets` library reads it (https://huggingface.co/docs/hub/datasets-manual-configuration): a list of
subsets (`config_name`), each with `data_files` (a pattern, a list of them, or a list of `split` and `path`) or a
`data_dir`. Without any, the names of files tell the splits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from dataaudit.errors import UsageError
from dataaudit.records.globbing import matches
from dataaudit.sources.candidates import Candidate, Skipped
from dataaudit.sources.splits import default_splits

CARD = "README.md"
CARD_BYTES = 4 << 20
"""Of a README, at most so much is looked at. Front matter is far shorter."""
KEYS = ("config_name", "default", "data_files", "data_dir", "description", "version")
"""What an entry of `configs` says about itself and its files; any other key says how they are to be read."""
MAX_DEPTH = 64
"""Nesting of the front matter beyond which it is refused."""

_FRONT = re.compile(r"\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)


class Subset(msgspec.Struct, frozen=True):
    """One entry of `configs`."""

    name: str
    default: bool
    patterns: tuple[tuple[str, tuple[str, ...]], ...] | None
    """(split, patterns) pairs; None where the names of files tell the splits."""
    folder: str = ""
    """Its `data_dir`."""
    options: tuple[str, ...] = ()
    """What else it sets: how `datasets` is to read its files (`sep`, `header` …)."""


class Chosen(msgspec.Struct, frozen=True):
    """The files of a repository that are read, by split, and the name of their subset."""

    files: dict[str, str]
    subset: str | None
    notes: tuple[str, ...] = ()
    """What there is to say of every one of them."""


def subsets_of(card: str, where: str) -> tuple[Subset, ...]:
    """The subsets that the front matter of a README declares. Raises UsageError, `where` naming the file."""
    found = _FRONT.match(card)
    if found is None:
        return ()
    value = _yaml(found[1], where)
    configs = value.get("configs") if isinstance(value, dict) else None
    if configs is None:
        return ()
    if not isinstance(configs, list):
        raise UsageError(f"{where}: configs must be a list")
    subsets = tuple(_subset(one, where) for one in configs)
    names = [one.name for one in subsets]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise UsageError(f"{where}: several configs are named {twice[0]!r}")
    return subsets


def _yaml(text: str, where: str) -> Any:
    """Front matter, read without running or expanding anything."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):  # a few lines of them expand to gigabytes
                raise UsageError(f"{where}: YAML aliases are not read")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise UsageError(f"{where}: the front matter is nested deeper than {MAX_DEPTH} levels")
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 2}" if mark is not None else ""
        raise UsageError(
            f"{where}{line}: the front matter is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: the front matter is not YAML: {error}") from None


def _subset(value: Any, where: str) -> Subset:
    if not isinstance(value, dict) or not isinstance(value.get("config_name"), (str, int, float)):
        raise UsageError(f"{where}: every entry of configs needs a config_name")
    name = str(value["config_name"])
    here = f"{where}: config {name!r}"
    folder = value.get("data_dir")
    if folder is not None and not isinstance(folder, str):
        raise UsageError(f"{here}: data_dir must be a string")
    files = value.get("data_files")
    patterns = None if files is None else _patterns(files, here)
    options = tuple(str(key) for key in value if key not in KEYS)
    return Subset(name, value.get("default") is True, patterns, _within(folder or "", here), options)


def _patterns(files: Any, here: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The three forms that `data_files` may have."""
    wrong = UsageError(
        f"{here}: data_files must be a pattern, a list of patterns, or a list of entries with split and path"
    )
    if isinstance(files, str):
        files = [files]
    if isinstance(files, dict):
        files = [{"split": split, "path": path} for split, path in files.items()]
    if not isinstance(files, list) or not files:
        raise wrong
    if all(isinstance(one, str) for one in files):
        return (("train", tuple(_within(one, here) for one in files)),)
    found: dict[str, tuple[str, ...]] = {}
    for one in files:
        if (
            not isinstance(one, dict)
            or not isinstance(one.get("split"), (str, int))
            or isinstance(one["split"], bool)
        ):
            raise wrong
        split, paths = str(one["split"]), one.get("path")
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise wrong
        if split in found:
            raise UsageError(f"{here}: the split {split!r} comes twice")
        found[split] = tuple(_within(path, here) for path in paths)
    return tuple(found.items())


def _within(pattern: str, here: str) -> str:
    """A pattern that stays in the repository, without `.` and doubled slashes."""
    if "://" in pattern or "::" in pattern:
        raise UsageError(f"{here}: {pattern!r} leads out of the repository, and is not followed")
    parts = [one for one in pattern.split("/") if one not in ("", ".")]
    if pattern.startswith("/") or ".." in parts:
        raise UsageError(f"{here}: {pattern!r} leads out of the repository, and is not followed")
    return "/".join(parts)


def choose(subsets: Sequence[Subset], wanted: str | None, shown: str) -> Subset | None:
    """The subset that is read: the one named, else the default one. Raises UsageError, naming those there are."""
    names = ", ".join(one.name for one in subsets)
    if not subsets:
        if wanted not in (None, "default"):
            raise UsageError(f"{shown}: no subset is named {wanted!r}; it has no subsets")
        return None
    if wanted is not None:
        for one in subsets:
            if one.name == wanted:
                return one
        raise UsageError(f"{shown}: no subset is named {wanted!r}; it has {names}")
    default = [one for one in subsets if one.default or one.name == "default"] or list(subsets)
    if len(default) > 1:
        raise UsageError(f"{shown} has several subsets ({names}); name one with --subset")
    return default[0]


def select(subset: Subset | None, paths: Sequence[str], data: Sequence[str], where: str) -> Chosen:
    """The files of a subset among all `paths`, of which `data` have the ending of a data file."""
    if subset is None or subset.patterns is None:
        folder = f"{subset.folder}/" if subset is not None and subset.folder else ""
        below = [path[len(folder) :] for path in data if path.startswith(folder)]
        if subset is not None and not below:
            raise UsageError(
                f"{where}: config {subset.name!r}: no data file in {subset.folder or 'the repository'}"
            )
        files = {folder + path: split for path, split in default_splits(below).items()} if below else {}
        return Chosen(files, subset.name if subset is not None else None, _notes(subset))
    files = {}
    for split, patterns in subset.patterns:
        for pattern in patterns:
            full = f"{subset.folder}/{pattern}" if subset.folder else pattern
            found = [path for path in paths if matches(full, path) and (path != CARD or pattern == CARD)]
            if not found:
                raise UsageError(
                    f"{where}: config {subset.name!r}, split {split!r}: no file matches {pattern!r}"
                )
            for path in found:
                files.setdefault(path, split)
    return Chosen(files, subset.name, _notes(subset))


def _notes(subset: Subset | None) -> tuple[str, ...]:
    """That what a README says of how to read its files is not followed: it is found out from their bytes."""
    if subset is None or not subset.options:
        return ()
    return (
        f"{CARD} sets {', '.join(subset.options)}: not followed; how a file is read is found out from its bytes",
    )


def passed_over(subset: str | None) -> str:
    """Why a data file is not read."""
    return f"not in the subset {subset}" if subset is not None else "not among the files of any split"


def local_repository(
    folder: Path, root: str, wanted: str | None, is_data: Any
) -> list[Candidate | Skipped] | None:
    """The files of a folder whose README.md declares subsets, or None for any other folder."""
    card = folder / CARD
    try:
        with card.open("rb") as file:
            text = file.read(CARD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None
    subsets = subsets_of(text, f"{root}/{CARD}" if not root.endswith("/") else f"{root}{CARD}")
    if not subsets:
        return None
    subset = choose(subsets, wanted, root)
    paths = sorted(_below(folder), key=os.fsencode)
    data = [path for path in paths if is_data(path)]
    chosen = select(subset, paths, data, f"{root.rstrip('/')}/{CARD}")
    found: list[Candidate | Skipped] = []
    for path in paths:
        if path in chosen.files:
            split = chosen.files[path]
            found.append(
                Candidate(folder / path, path, root, explicit=False, split=split, notes=chosen.notes)
            )
        elif path in data:
            found.append(Skipped(path, passed_over(chosen.subset)))
    return found


def _below(folder: Path) -> list[str]:
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one not in (".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/") for name in names]  # noqa: PTH118
    return found
