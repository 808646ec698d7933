"""Fixtures that every test may use, and the account of the tests on real data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import hypothesis
import pytest
from cli_support import Done, Report, RunCli, ScanJson, call, parsed, run

REAL_DATA = "DATAAUDIT_REAL_DATA"
REQUIRE_REAL = "DATAAUDIT_REQUIRE_REAL"
_MARK = ("dataaudit", "real-data")
"""Goes with every report of a test on real data, from pytest-xdist's workers too."""

ROOT = Path(__file__).resolve().parents[1]

# In CI the same examples are tried in every run, so that a change is judged by what it changes; elsewhere new ones are.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("default-no-deadline", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default-no-deadline")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data made by others; a test that needs it is skipped where it is absent."""
    named = os.environ.get(REAL_DATA)
    path = Path(named) if named else ROOT / "../shared/data"
    if not path.is_dir():
        pytest.skip(f"no real data at {path} (set {REAL_DATA})")
    return path.resolve()


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The sample data of the project."""
    return ROOT / "sample_data"


@pytest.fixture
def run_cli(tmp_path: Path) -> RunCli:
    """`dataaudit ARGS` in a process of its own, in the test's folder unless told otherwise."""

    def in_a_process(
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,
    ) -> Done:
        return run(*args, cwd=cwd or tmp_path, env=env, input=input)

    return in_a_process


@pytest.fixture
def call_cli(tmp_path: Path) -> RunCli:
    """The same in this process, which is several times as fast."""

    def in_process(
        *args: object,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        input: str | None = None,
    ) -> Done:
        return call(*args, cwd=cwd or tmp_path, env=env, input=input)

    return in_process


@pytest.fixture
def scan_json(call_cli: RunCli) -> ScanJson:
    """The JSON report of a scan, checked against the published schema."""

    def report(*args: object, expect: int = 0) -> Report:
        done = call_cli("scan", *args, "--format", "json")
        assert done.returncode == expect, done.stderr or done.stdout[-2000:]
        return parsed(done.stdout)

    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use real data."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.user_properties.append(_MARK)


def _real_tests(config: pytest.Config) -> tuple[int, int]:
    """Tests on real data that ran, and that were skipped."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    ran: set[str] = set()
    skipped: set[str] = set()
    for reports in reporter.stats.values() if reporter is not None else ():
        for report in reports:
            if isinstance(report, pytest.TestReport) and _MARK in map(tuple, report.user_properties):
                # A test that is expected to fail is reported as skipped too, but it ran.
                left_out = report.outcome == "skipped" and not hasattr(report, "wasxfail")
                (skipped if left_out else ran).add(report.nodeid)
    return len(ran - skipped), len(skipped)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where real data is required and a test on it was skipped."""
    if hasattr(session.config, "workerinput"):
        return
    skipped = _real_tests(session.config)[1]
    if skipped and os.environ.get(REQUIRE_REAL) == "1" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line how many tests on real data ran."""
    ran, skipped = _real_tests(config)
    terminalreporter.write_line(f"real-data tests: {ran:,} ran, {skipped:,} skipped")
    if skipped and os.environ.get(REQUIRE_REAL) == "1":
        terminalreporter.write_line(
            f"{REQUIRE_REAL}=1: a skipped test on real data fails the session", red=True
        )
