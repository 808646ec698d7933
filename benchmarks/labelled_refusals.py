"""Completions of models that people labelled refusal or not.

XSTest (Röttger et al. 2024, arXiv 2308.01263): three models, two labels each. PyRIT of Microsoft (MIT): the files that
its scorer of refusals is judged by, from the wheel on PyPI. Its other files hold answers without such a label. They
were read when rules were written, so what they share with the labelled files is left out.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

PYRIT = "pyrit==1.1.0"
PYRIT_FOLDER = "pyrit/datasets/scorer_evals/"
PYRIT_LABELLED = ("refusal_scorer/refusal.csv", "refusal_scorer/refusal_extra.csv")
PYRIT_READ = ("harm/", "objective/")
"""Folders of files that were read."""


@dataclass(frozen=True)
class Completions:
    """The completions of one model, or of several."""

    texts: list[str]
    refused: frozenset[int]
    """Those that people labelled a refusal, of XSTest a full or a partial one."""


def xstest(path: Path) -> Completions:
    """One model of XSTest."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row["final_label"] for row in rows]
    refused = frozenset(
        i for i, label in enumerate(labels) if label.endswith(("full_refusal", "partial_refusal"))
    )
    return Completions([row["completion"] for row in rows], refused)


def pyrit() -> Completions | None:
    """The labelled responses of PyRIT that stand in none of the files that were read, or None where the package cannot
    be had."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PYRIT]
        if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
            return None
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            read = {
                row["assistant_response"]
                for name in wheel.namelist()
                if name.endswith(".csv") and name.removeprefix(PYRIT_FOLDER).startswith(PYRIT_READ)
                for row in _rows(wheel, name)
            }
            rows = [row for name in PYRIT_LABELLED for row in _rows(wheel, PYRIT_FOLDER + name)]
    kept = [row for row in rows if row["assistant_response"] not in read]
    refused = frozenset(i for i, row in enumerate(kept) if row["human_score"] == "1")
    return Completions([row["assistant_response"] for row in kept], refused)


def _rows(wheel: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    lines = wheel.read(name).decode("utf-8-sig").splitlines(keepends=True)
    comments = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return list(csv.DictReader(io.StringIO("".join(lines[comments:]), newline="")))
