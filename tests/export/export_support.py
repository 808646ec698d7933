"""Builds clean jobs from files and a table of verdicts."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import zstandard

from dataaudit.checks.base import RowEntries
from dataaudit.export.clean import CleanJob, InputFile, InputStat, RuleRef, UnreadableFile, write_clean
from dataaudit.export.manifest import Manifest
from dataaudit.export.verdicts import VerdictStore
from dataaudit.records.types import FileRef, pack_row
from dataaudit.sketches.workspace import Workspace

COMPRESS = {
    None: lambda data: data,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}

Drops = dict[int, list[int]]
Redactions = list[tuple[int, int, str, tuple[int, int]]]


def records(data: bytes) -> int:
    """Records by the plainest possible reading of the rules: lines that are not blank."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    return sum(1 for line in data.split(b"\n") if line.strip(b" \t\r"))


def inputs(
    files: list[tuple[Path, str, str, int]], argument: list[int] | None = None
) -> tuple[InputFile, ...]:
    """(path, uri, format, rows) of every file, in order."""
    return tuple(
        InputFile(
            FileRef(i, str(path), uri, kind, size=path.stat().st_size),
            rows,
            InputStat.of(path),
            argument[i] if argument else 0,
        )
        for i, (path, uri, kind, rows) in enumerate(files)
    )


def store(work: Workspace, drops: Drops, redactions: Redactions = ()) -> VerdictStore:
    """Drops by file id; redactions as (file id, row, path, span)."""
    verdicts = VerdictStore(work)
    ids = np.array([pack_row(file, row) for file, rows in drops.items() for row in rows], np.uint64)
    verdicts.add(RowEntries("dropped", ids), "drop")
    for file, row, path, span in redactions:
        entries = RowEntries(
            "secret",
            np.array([pack_row(file, row)], np.uint64),
            spans=np.array([[1, 0, -1, *span]], np.int64),
            paths=(path,),
        )
        verdicts.add(entries, "redact")
    return verdicts


def clean(
    source: Path,
    out: Path,
    files: list[tuple[str, str, int]],
    drops: Drops,
    redactions: Redactions = (),
    **more: object,
) -> Manifest:
    """Clean files below one directory; `files` lists (uri, format, rows)."""
    found = inputs([(source / uri, uri, kind, rows) for uri, kind, rows in files])
    with Workspace(out.parent / "work") as work:
        job = CleanJob(
            inputs=found,
            arguments=(str(source),),
            verdicts=store(work, drops, redactions),
            out=out,
            tool_version="1.2.3",
            rules=(RuleRef("dropped", "1"), RuleRef("secret", "2")),
            options={"drop": ["dropped"]},
            **more,
        )
        return write_clean(job)


def reasons(out: Path, uri: str) -> list[dict]:
    path = out / "quarantine" / f"{uri}.reasons.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def segments(data: bytes) -> list[bytes]:
    """The segments of a file by a slow and obvious reading of the definition."""
    lines = data.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    out: list[bytes] = []
    pending = b""
    for i, line in enumerate(lines):
        pending += line
        content = line.removeprefix(b"\xef\xbb\xbf") if i == 0 else line
        if content.strip(b" \t\r\n"):
            out.append(pending)
            pending = b""
    if out:
        out[-1] += pending
    return out


__all__ = ["UnreadableFile"]
