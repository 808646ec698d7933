"""The second pass of `clean`: kept/ and quarantine/ from the verdicts of the first, the manifest last."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from dataaudit.errors import IncompleteError
from dataaudit.export.forms import LINE_FORMATS
from dataaudit.export.job import (
    CleanJob,
    FileResult,
    FileTask,
    InputFile,
    InputPart,
    InputStat,
    Output,
    UnreadableFile,
)
from dataaudit.export.layout import Layout, check_apart, plan
from dataaudit.export.manifest import (
    SCHEMA_VERSION,
    InputEntry,
    Manifest,
    OutputEntry,
    RuleRef,
    UnreadableEntry,
    digest_of,
    sum_up,
)
from dataaudit.export.outdir import OutputDir
from dataaudit.export.saved import metadata_paths, write_metadata

__all__ = ["CleanJob", "InputFile", "InputPart", "InputStat", "RuleRef", "UnreadableFile", "write_clean"]

COPY_BYTES = 1 << 20


def write_clean(job: CleanJob) -> Manifest:
    """Write the cleaned directory and return its manifest.

    Raises UsageError where the output directory cannot be meant, InputChangedError where a file is not what
    the first pass read, IncompleteError where something cannot be read or written. After an error nothing is
    left that looks complete; what this run wrote is removed where that is possible.
    """
    files = [source.file for source in job.inputs]
    check_apart(job.out, job.arguments, [*files, *(bad.file for bad in job.unreadable)])
    layout = plan(job)
    for source in job.inputs:
        source.check_unchanged()
    planned = [*layout.planned, *metadata_paths(job, layout)]
    with OutputDir(job.out, planned, overwrite=job.overwrite) as out:
        results = _run(job, layout, out)
        unreadable, copies = _set_aside(job, layout, out)
        metadata = write_metadata(job, layout, out, results)
        for source in job.inputs:
            source.check_unchanged()
        inputs = tuple(_entry(job, source, results[source.file.id]) for source in job.inputs)
        outputs = [o for source in job.inputs for o in results[source.file.id].outputs]
        manifest = _manifest(job, inputs, unreadable, (*outputs, *metadata, *copies))
        out.finish(manifest)
    return manifest


def _run(job: CleanJob, layout: Layout, out: OutputDir) -> dict[int, FileResult]:
    parts = [part.file for source in job.inputs for part in source.parts]
    known = [*(source.file for source in job.inputs), *(bad.file for bad in job.unreadable), *parts]
    uris = [""] * (max((file.id for file in known), default=-1) + 1)
    for file in known:
        uris[file.id] = file.uri
    progress = job.progress or (lambda _: None)
    tasks = []
    for source in job.inputs:
        names = layout.names[source.file.id]
        tasks.append(
            FileTask(
                source=source,
                kept=names.kept,
                quarantine=names.quarantine,
                reasons=names.reasons,
                out=out,
                verdicts=job.verdicts,
                uris=tuple(uris),
                progress=progress,
            )
        )
    if job.workers <= 1 or len(tasks) <= 1:
        return {task.source.file.id: _clean_file(task) for task in tasks}
    with ThreadPoolExecutor(job.workers) as pool:
        futures = {task.source.file.id: pool.submit(_clean_file, task) for task in tasks}
        try:
            return {file_id: future.result() for file_id, future in futures.items()}
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _clean_file(task: FileTask) -> FileResult:
    return _writer(task.source.file.format)(task)


def _writer(name: str) -> Callable[[FileTask], FileResult]:
    if name in LINE_FORMATS:
        from dataaudit.export.lines import clean_lines

        return clean_lines
    if name == "json":
        from dataaudit.export.documents import clean_documents

        return clean_documents
    if name == "webdataset":
        from dataaudit.export.archives import clean_archive

        return clean_archive
    from dataaudit.export.tables import clean_arrow, clean_parquet

    return clean_parquet if name == "parquet" else clean_arrow


def _set_aside(
    job: CleanJob, layout: Layout, out: OutputDir
) -> tuple[tuple[UnreadableEntry, ...], tuple[OutputEntry, ...]]:
    """Copy the files that could not be read, byte for byte, as far as they can be copied."""
    entries, copies = [], []
    for bad in job.unreadable:
        output = Output(out, layout.unreadable[bad.file.id], "unreadable")
        copy: OutputEntry | None = None
        try:
            with Path(bad.file.path).open("rb") as file:
                while data := file.read(COPY_BYTES):
                    output.write(data)
            copy = output.publish(None)
            copies.append(copy)
        except OSError:
            # Not even copying works; the manifest says so, and the input is where it was.
            output.discard()
        except BaseException:
            output.discard()
            raise
        entries.append(
            UnreadableEntry(
                file=bad.file.uri,
                path=bad.file.origin or bad.file.path,
                argument=job.arguments[bad.argument],
                reason=bad.reason,
                quarantine_path=copy.path if copy else None,
                bytes=copy.bytes if copy else None,
                sha256=copy.sha256 if copy else None,
            )
        )
    return tuple(entries), tuple(copies)


def _entry(job: CleanJob, source: InputFile, result: FileResult) -> InputEntry:
    tally = result.tally
    by_role = {output.role: output.path for output in result.outputs}
    in_kept = sum(o.rows or 0 for o in result.outputs if o.role == "kept")
    removed = sum(o.rows or 0 for o in result.outputs if o.role == "quarantine")
    whole = tally.kept + tally.redacted + tally.quarantined == tally.rows == source.rows
    if (
        not whole
        or tally.kept < 0
        or in_kept != tally.in_kept
        or removed != tally.redacted + tally.quarantined
    ):
        raise IncompleteError(
            f"{source.file.path}: rows do not add up; this is an error in dataaudit, report it"
        )
    return InputEntry(
        file=source.file.uri,
        path=source.file.origin or source.file.path,
        argument=job.arguments[source.argument],
        format=source.file.format,
        codec=result.codec,
        bytes=result.bytes,
        sha256=result.sha256,
        plain_bytes=result.plain_bytes,
        plain_sha256=result.plain_sha256,
        rows=tally.rows,
        kept=tally.kept,
        redacted=tally.redacted,
        quarantined=tally.quarantined,
        malformed=tally.malformed,
        reasons=dict(sorted(tally.reasons.items())),
        kept_path=by_role.get("kept"),
        quarantine_path=by_role.get("quarantine"),
        reasons_path=by_role.get("reasons"),
        note=result.note,
        dialect=result.dialect,
        parts=result.parts,
    )


def _manifest(
    job: CleanJob,
    inputs: tuple[InputEntry, ...],
    unreadable: tuple[UnreadableEntry, ...],
    outputs: tuple[OutputEntry, ...],
) -> Manifest:
    from msgspec.structs import replace

    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        tool="dataaudit",
        tool_version=job.tool_version,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        options=job.options,
        rules=tuple(sorted(job.rules, key=lambda rule: rule.id)),
        inputs=inputs,
        unreadable=unreadable,
        outputs=tuple(sorted(outputs, key=lambda output: output.path)),
        totals=sum_up(inputs, len(unreadable)),
        complete=True,
    )
    return replace(manifest, digest=digest_of(manifest))
