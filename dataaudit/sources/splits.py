"""Which split a file belongs to, as the Hub reads names, and which files of a repository are data by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPLITS = (
    ("train", ("train", "training")),
    ("validation", ("validation", "valid", "dev", "val")),
    ("test", ("test", "testing", "eval", "evaluation")),
)
_KEYWORD = {
    split: re.compile(rf"(?:^|[-._ 0-9])(?:{'|'.join(names)})(?:[-._ 0-9]|$)", re.IGNORECASE)
    for split, names in _SPLITS
}
_FOLDER = {name: split for split, names in _SPLITS for name in names}
_SHARD = re.compile(r"data/(\w+(?:\.\w+)*)-[0-9]{5}-of-[0-9]{5}[^/]*\.[^/]*", re.DOTALL)
"""Shards as `push_to_hub` names them, of splits with any name: data/SPLIT-00000-of-00001.parquet."""


def split_of(name: str, folders: Sequence[str] = ()) -> str | None:
    """The split a file belongs to, as the Hub reads names: a keyword in the file name, else a folder of that name."""
    found = _keyword(name)
    if found is not None:
        return found
    for folder in reversed(folders):
        if folder.lower() in _FOLDER:
            return _FOLDER[folder.lower()]
    return None


def split_word(key: str) -> str | None:
    """The split that a word names."""
    return _FOLDER.get(key.lower())


def _keyword(name: str) -> str | None:
    return next((split for split, pattern in _KEYWORD.items() if pattern.search(name)), None)


def default_splits(paths: Sequence[str]) -> dict[str, str]:
    """Path → split for the files that `datasets` reads where a repository does not say which.

    In this order, the first that fits any file: shards `data/SPLIT-00000-of-00001…`; folders that name a split; file
    names that do; all files, as `train`. Paths are relative to the repository, with `/`.
    """
    shards = {path: shard[1] for path in paths if (shard := _SHARD.fullmatch(path))}
    if shards:
        return shards
    by_folder: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for path in paths:
        *folders, name = path.split("/")
        split = next((word for one in folders if (word := _keyword(one)) is not None), None)
        if split is not None:
            by_folder[path] = split
        if (split := _keyword(name)) is not None:
            by_name[path] = split
    return by_folder or by_name or dict.fromkeys(paths, "train")
