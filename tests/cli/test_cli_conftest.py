"""The account of the tests on real data."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from cli_support import environment

HERE = Path(__file__).resolve().parents[1]

TESTS = """
import pytest

def test_plain(): pass
def test_one(real_data): assert real_data.is_dir()
def test_two(real_data): pass
def test_three(real_data): pytest.skip("one file is gone")
@pytest.mark.xfail(strict=True)
def test_four(real_data): assert False
"""


def _run(folder: Path, *args: str, **env: str) -> tuple[int, list[str]]:
    tests = folder / "project" / "tests"
    tests.mkdir(parents=True, exist_ok=True)
    for name in ("conftest.py", "cli_support.py"):
        shutil.copy(HERE / name, tests / name)
    (tests / "test_made.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args, str(tests)],
        cwd=folder / "project",
        env={**environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    return done.returncode, [line for line in lines if line.startswith("real-data tests:")]


def test_real_tests_are_counted(tmp_path: Path) -> None:
    assert _run(tmp_path) == (0, ["real-data tests: 0 ran, 4 skipped"])
    (tmp_path / "shared" / "data").mkdir(parents=True)
    present = ["real-data tests: 3 ran, 1 skipped"]
    assert _run(tmp_path) == (0, present)
    assert _run(tmp_path, DATAAUDIT_REQUIRE_REAL="1") == (1, present)
    whole = ["--deselect", "tests/test_made.py::test_three"]
    assert _run(tmp_path, *whole, DATAAUDIT_REQUIRE_REAL="1") == (0, ["real-data tests: 3 ran, 0 skipped"])


def test_workers_report_them_too(tmp_path: Path) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    counted = _run(tmp_path, "-p", "xdist", "-n", "2", DATAAUDIT_REQUIRE_REAL="1")
    assert counted == (1, ["real-data tests: 3 ran, 1 skipped"])


def test_the_data_may_lie_elsewhere(tmp_path: Path) -> None:
    named = tmp_path / "elsewhere"
    named.mkdir()
    assert _run(tmp_path, DATAAUDIT_REAL_DATA=str(named))[1] == ["real-data tests: 3 ran, 1 skipped"]
    assert _run(tmp_path, DATAAUDIT_REAL_DATA=str(named / "no"))[1] == ["real-data tests: 0 ran, 4 skipped"]
