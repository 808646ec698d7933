"""What `datasets.save_to_disk` writes beside the shards, so that `kept/` loads again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataaudit.errors import SourceError
from dataaudit.export.job import CleanJob, FileResult, InputFile, Output
from dataaudit.export.layout import Layout
from dataaudit.export.manifest import OutputEntry
from dataaudit.export.outdir import OutputDir

STATE, INFO, DICT = "state.json", "dataset_info.json", "dataset_dict.json"


@dataclass
class _Saved:
    """One saved `Dataset`: a folder with shards and a state."""

    home: Path
    kept: str
    """Its folder under `kept/`."""
    sources: list[InputFile] = field(default_factory=list)


def _found(job: CleanJob, layout: Layout) -> list[_Saved]:
    saved: dict[Path, _Saved] = {}
    for source in job.inputs:
        path = Path(source.file.path)
        # A shard that was named itself stands alone; the state beside it speaks of shards that were not read.
        if source.file.format != "arrow" or Path(job.arguments[source.argument]) == path:
            continue
        if (path.parent / STATE).is_file():
            folder = layout.names[source.file.id].kept.rpartition("/")[0]
            saved.setdefault(path.parent, _Saved(path.parent, folder)).sources.append(source)
    return list(saved.values())


def _dicts(job: CleanJob, saved: Iterable[_Saved]) -> dict[str, Path]:
    """The `dataset_dict.json` files above saved datasets, within the arguments: name in kept/ → file."""
    found = {}
    for one in saved:
        path = one.home.parent / DICT
        if "/" in one.sources[0].file.uri and path.is_file():
            found[f"{one.kept.rpartition('/')[0]}/{DICT}"] = path
    return found


def metadata_paths(job: CleanJob, layout: Layout) -> list[str]:
    """The names that `write_metadata` may write."""
    saved = _found(job, layout)
    return [*(f"{one.kept}/{name}" for one in saved for name in (STATE, INFO)), *_dicts(job, saved)]


def write_metadata(
    job: CleanJob, layout: Layout, out: OutputDir, results: dict[int, FileResult]
) -> tuple[OutputEntry, ...]:
    """Write states, infos and split lists. Raises SourceError for one that is not JSON."""
    saved = _found(job, layout)
    entries = []
    rows = {one.home: [results[s.file.id].tally.in_kept for s in one.sources] for one in saved}
    states = {one.home: _read(one.home / STATE) for one in saved}
    for one in saved:
        changes = [results[s.file.id].tally.changes for s in one.sources]
        state = _state(states[one.home], [Path(s.file.path).name for s in one.sources], changes)
        entries.append(_write(out, f"{one.kept}/{STATE}", _dump(state)))
        if (one.home / INFO).is_file():
            # In a DatasetDict each info may list all splits, which lie in folders side by side.
            counts = {
                str(states[home].get("_split")): counts
                for home, counts in rows.items()
                if home == one.home or home.parent == one.home.parent
            }
            info = _info(_read(one.home / INFO), counts)
            entries.append(_write(out, f"{one.kept}/{INFO}", _dump(info)))
    for name, path in sorted(_dicts(job, saved).items()):
        entries.append(_write(out, name, _bytes(path)))
    return tuple(entries)


def _state(state: dict[str, Any], names: list[str], changes: list[str]) -> dict[str, Any]:
    """The state with the shards that were read and, where rows changed, a new fingerprint.

    Cached transforms are found by fingerprint: with the old one, `map` would return results for removed rows.
    """
    listed = [f for f in state.get("_data_files") or [] if isinstance(f, dict) and f.get("filename") in names]
    state = {**state, "_data_files": listed or [{"filename": name} for name in names]}
    if any(changes):
        text = json.dumps([state.get("_fingerprint"), changes])
        state["_fingerprint"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return state


def _info(info: dict[str, Any], counts: dict[str, list[int]]) -> dict[str, Any]:
    """The info with the rows that each split has now; sizes in bytes still describe the original."""
    splits = info.get("splits")
    if not isinstance(splits, dict):
        return info
    new = {}
    for name, split in splits.items():
        rows = counts.get(name)
        if rows is not None and isinstance(split, dict):
            split = {**split, "num_examples": sum(rows)}  # noqa: PLW2901
            if split.get("shard_lengths"):
                split["shard_lengths"] = rows
        new[name] = split
    return {**info, "splits": new}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(path))
    except ValueError as error:
        raise SourceError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise SourceError(f"{path}: not a JSON object")
    return value


def _dump(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()


def _write(out: OutputDir, name: str, data: bytes) -> OutputEntry:
    output = Output(out, name, "metadata")
    try:
        output.write(data)
        return output.publish(None)
    except BaseException:
        output.discard()
        raise
