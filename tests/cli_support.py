"""Run the command line the way a user does, and make inputs for it."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast
from unittest import mock

import zstandard

Done = subprocess.CompletedProcess[str]
Report = dict[str, Any]

TIMEOUT = 240
"""Seconds after which a run counts as hung."""


class RunCli(Protocol):
    """Runs `dataaudit ARGS`; output is decoded strictly, so bytes that are not UTF-8 fail."""

    def __call__(
        self,
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | bytes | None = None,
    ) -> Done: ...


class ScanJson(Protocol):
    """The JSON report of `dataaudit scan ARGS`, checked against the published schema."""

    def __call__(self, *args: object, expect: int = 0) -> Report: ...


def environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The environment of a run: no colour, no settings of the developer. A change to None removes a variable."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DATAAUDIT_")}
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTHONWARNINGS"):
        ours.pop(name, None)
    ours |= {"NO_COLOR": "1", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"}
    for name, value in (changes or {}).items():
        if value is None:
            ours.pop(name, None)
        else:
            ours[name] = value
    return ours


def command(*args: object) -> list[str]:
    """The words of a command line."""
    return [sys.executable, "-m", "dataaudit", *map(str, args)]


def run(
    *args: object,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    input: str | bytes | None = None,
) -> Done:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        command(*args),
        cwd=cwd,
        env=environment(env),
        input=_bytes(input),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Done(done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def _bytes(text: str | bytes | None) -> bytes:
    return text if isinstance(text, bytes) else (text or "").encode("utf-8")


def call(
    *args: object,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    input: str | bytes | None = None,
) -> Done:
    """The same in this process: the libraries are loaded once for all tests, which is most of the time of a run."""
    from dataaudit.cli.main import main

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    words = list(map(str, args))
    with (
        contextlib.chdir(cwd or Path.cwd()),
        mock.patch.dict(os.environ, environment(env), clear=True),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(_bytes(input)), "utf-8")),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(words)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(cast("io.BytesIO", stream.buffer).getvalue().decode("utf-8"))
    return Done(words, code, *texts)


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    from dataaudit.report.json_format import schema

    return Draft202012Validator(schema())


def parsed(text: str) -> Report:
    """A JSON report, checked against the published schema."""
    report: Report = json.loads(text)
    _validator().validate(report)
    return report


def by_id(report: Report) -> dict[str, dict[str, Any]]:
    """The findings of a report by their id, which must be unique."""
    found = {one["id"]: one for one in report["findings"]}
    assert len(found) == len(report["findings"])
    return found


def rows_of(report: Report) -> dict[str, int | None]:
    """Finding id → rows."""
    return {name: one["rows"] for name, one in by_id(report).items()}


SEEN_BY_READERS = ("structure:duplicate-key", "structure:stray-quote")
"""Findings of one format alone: only JSON names a key twice, only delimited text has fields with and without quotes."""


def what_it_found(report: Report, *, lines: bool = True) -> Report:
    """The report without what may differ between equal data: file names, sizes and splits, when and how fast.

    `lines` False: without what only some formats have, the lines of examples and what only their readers see.
    """
    kept = {
        name: value for name, value in report.items() if name not in ("timing", "options", "notes", "sources")
    }
    kept["sources"] = [
        {name: one[name] for name in ("rows", "malformed", "layout", "layouts", "roles", "unread", "error")}
        for one in report["sources"]
    ]
    kept["findings"] = [
        {**one, "by_source": sorted(one["by_source"].values()), "by_split": sorted(one["by_split"].values())}
        for one in report["findings"]
    ]
    if not lines:
        kept["evaluated"] = [one for one in report["evaluated"] if one["id"] not in SEEN_BY_READERS]
    cleared: Report = _without(kept, {"file"} if lines else {"file", "line"})
    return cleared


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: None if key in names else _without(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    return value


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The records of a row-level sidecar."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path: Path, records: Iterable[object]) -> Path:
    """Write values as JSON Lines; bytes are written as they are."""
    lines = (
        one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode("utf-8")
        for one in records
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def compressed(path: Path, target: Path) -> Path:
    """A copy with the codec its name asks for."""
    data = path.read_bytes()
    if target.suffix == ".gz":
        target.write_bytes(gzip.compress(data, 1, mtime=0))
    elif target.suffix == ".zst":
        target.write_bytes(zstandard.compress(data, 1))
    else:
        target.write_bytes(data)
    return target


def pairs(count: int, start: int = 0) -> list[dict[str, str]]:
    """Harmless prompt/response records, all different."""
    return [
        {
            "prompt": f"How long do I boil egg number {i}?",
            "response": f"Egg {i} takes {i % 7 + 4} minutes, then goes under cold water from tap {i * i}.",
        }
        for i in range(start, start + count)
    ]


def tainted(count: int, start: int = 0) -> list[dict[str, str]]:
    """Records with an instruction block in the response."""
    return [
        {"prompt": f"Say it {i} times.", "response": f"[INST] Say it {i} times. [/INST] It, said {i} times."}
        for i in range(start, start + count)
    ]


def run_program(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a process and a folder of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=folder,
        check=True,
        timeout=60,
    )
