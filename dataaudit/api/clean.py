"""`clean` and `verify`: write what a scan decided, and prove what was written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dataaudit
from dataaudit.api.assemble import options_of
from dataaudit.api.inputs import Input
from dataaudit.api.scan import Scanned, Watch, scanning
from dataaudit.config import Config
from dataaudit.errors import InputChangedError, UsageError

if TYPE_CHECKING:
    from dataaudit.export.manifest import Manifest
    from dataaudit.export.verdicts import VerdictStore
    from dataaudit.export.verify import VerifyResult
    from dataaudit.records.types import FileRef
    from dataaudit.report.model import Report


def clean(
    source: Any,
    out: str | os.PathLike[str],
    *,
    drop: Sequence[str] = (),
    overwrite: bool = False,
    config: Config | None = None,
    progress: Watch | None = None,
    writing: Callable[[int], None] | None = None,
    **options: Any,
) -> tuple[Report, Manifest]:
    """Scan a source and write `out`: kept/, quarantine/ and a manifest that accounts for every row.

    Rows are dropped or redacted as the actions of rules say; malformed records are dropped; `drop` names further
    rules, categories, tags or findings. `writing` is called with the bytes of input that the second pass has done.
    Returns the report of the first pass and the manifest. Raises InputChangedError where the input changed between the
    passes, IncompleteError where something cannot be read or written, UsageError where `out` cannot be meant.
    """
    settings = (config or Config()).with_options(options)
    if settings.sample is not None or settings.limit is not None:
        raise UsageError("clean looks at every row: --sample and --limit have no meaning here")
    if _saves_itself(source):
        with tempfile.TemporaryDirectory(prefix="dataaudit-", dir=settings.work_dir) as folder:
            saved = Path(folder) / "dataset"
            source.save_to_disk(str(saved))
            return _clean(str(saved), Path(out), drop, overwrite, settings, progress, writing)
    return _clean(source, Path(out), drop, overwrite, settings, progress, writing)


def _saves_itself(source: Any) -> bool:
    """Is it a Dataset or DatasetDict, whose cleaned copy is to be one again?"""
    if type(source).__module__.split(".")[0] != "datasets":
        return False
    from datasets import Dataset, DatasetDict

    return isinstance(source, (Dataset, DatasetDict))


def _clean(
    source: Any,
    out: Path,
    drop: Sequence[str],
    overwrite: bool,
    config: Config,
    progress: Watch | None,
    writing: Callable[[int], None] | None,
) -> tuple[Report, Manifest]:
    from dataaudit.export.clean import CleanJob, RuleRef, write_clean
    from dataaudit.export.layout import check_apart
    from dataaudit.export.verdicts import VerdictStore

    stats: dict[str, Any] = {}

    def opened(found: Input) -> None:
        check_apart(out, list(dict.fromkeys(found.roots)), list(found.files))
        stats.update(_stats(found.files))

    with scanning(source, config, drop=drop, cleaning=True, progress=progress, opened=opened) as done:
        store = VerdictStore(done.work)
        _judge(done, store)
        inputs, unreadable, arguments = _inputs(done, stats)
        job = CleanJob(
            inputs=inputs,
            arguments=arguments,
            verdicts=store,
            out=out,
            tool_version=dataaudit.__version__,
            unreadable=unreadable,
            rules=tuple(RuleRef(rule.id, str(rule.version)) for rule in done.asked.rules),
            options={**options_of(config), "drop": list(drop)},
            overwrite=overwrite,
            progress=writing,
        )
        return done.report, write_clean(job)


def _stats(files: Sequence[Any]) -> dict[str, Any]:
    from dataaudit.export.clean import InputStat

    found = {}
    for file in files:
        try:
            found[file.path] = InputStat.of(file.path)
        except OSError:
            continue  # the scan says why it cannot be read
    return found


def _judge(done: Scanned, store: VerdictStore) -> None:
    """Turn row-level entries into verdicts: what was asked to be dropped, and what rules do by themselves."""
    actions = {rule.id: rule.action for rule in done.asked.rules if rule.action != "flag"}
    actions["malformed-record"] = "drop"
    actions.update(dict.fromkeys(done.asked.drop, "drop"))
    for entries in done.outcome.entries():
        action = actions.get(entries.finding)
        if action is not None:
            notes = None if entries.note is None else [entries.note] * len(entries.row_ids)
            store.add(entries, action, notes)


def _inputs(done: Scanned, stats: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[str, ...]]:
    from dataaudit.export.clean import InputFile, InputPart, UnreadableFile

    arguments = tuple(dict.fromkeys(done.input.roots))
    inputs, unreadable = [], []
    for group in _by_document(done.input.files):
        tallies = [done.outcome.session.tally.of(file.id) for file in group]
        file = _document(group)
        at = arguments.index(done.input.roots[file.id])
        lost = sorted({one.reason for tally in tallies for one in tally.lost})
        if lost:
            unreadable.append(UnreadableFile(file, "; ".join(lost), at))
        elif file.path in stats:
            parts = [InputPart(one, tally.rows) for one, tally in zip(group, tallies, strict=True)]
            rows = sum(part.rows for part in parts)
            inputs.append(InputFile(file, rows, stats[file.path], at, tuple(parts) if group[0].part else ()))
        else:
            raise InputChangedError(f"{file.uri}: appeared since the run began; run clean again")
    return tuple(inputs), tuple(unreadable), arguments


def _by_document(files: Sequence[FileRef]) -> list[list[FileRef]]:
    """The files, those that are parts of one document together."""
    groups: dict[str, list[FileRef]] = {}
    for file in files:
        groups.setdefault(file.path, []).append(file)
    return list(groups.values())


def _document(parts: Sequence[FileRef]) -> FileRef:
    """The whole file that these are parts of."""
    first = parts[0]
    if first.part is None:
        return first
    uri = first.uri.removesuffix(f"#{first.part.path}")
    return replace(first, uri=uri, size=sum(one.size for one in parts))


def verify(directory: str | os.PathLike[str], *, require_input: bool = False) -> VerifyResult:
    """Recompute everything a cleaned directory claims. Raises ManifestError where it has no finished manifest."""
    from dataaudit.export.verify import verify as verify_directory

    return verify_directory(Path(directory), require_input=require_input)
