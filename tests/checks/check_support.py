"""Scan records that a test writes down, and make batches of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import dataaudit
from dataaudit.records.objects import extract_objects
from dataaudit.records.types import Batch, FileRef
from dataaudit.report.model import Report
from dataaudit.sources.base import Place, make_batch

Files = Mapping[str, Sequence[Any]]


def write(folder: Path, files: Files) -> Path:
    """Files of lines; bytes stand as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, records in files.items():
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
        (folder / name).write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def scan(folder: Path, files: Files, **options: Any) -> Report:
    """The report on files of records."""
    return dataaudit.scan(write(folder / "in", files), **{"jobs": 1, "reference": True, **options})


def batch(*records: dict[str, Any]) -> Batch:
    """One batch of records."""
    n = len(records)
    numbers = np.arange(n, dtype=np.int64)
    file = FileRef(0, "x.jsonl", "x.jsonl", "jsonl")
    return make_batch(
        file, numbers, numbers + 1, extract_objects(records, ()), Place(0, 1, (n, n), (0, 0), 0)
    )
