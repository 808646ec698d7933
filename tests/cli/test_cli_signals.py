"""Ctrl-C, SIGTERM and readers that leave early: exit codes, what is printed, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_support import Done, RunCli, command, environment, pairs, parsed, tainted, write_lines

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WAIT = 60
"""Seconds until a run that has not begun counts as failed."""


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes some seconds to scan, whatever the machine."""
    path = tmp_path_factory.mktemp("big") / "big.jsonl"
    filler = "The greyhound keeps the figures in a ledger by the door, and nobody has asked for them. " * 8
    block = b"".join(
        json.dumps({"prompt": f"{i} {filler}", "response": f"{filler} {i}"}).encode() + b"\n"
        for i in range(2000)
    )
    with path.open("wb") as file:
        for _ in range(60):
            file.write(block)
    return path


def _interrupted(args: list[object], work: Path, number: signal.Signals, *, group: bool = False) -> Done:
    """Start a run, send a signal once it works, and wait for its end."""
    process = subprocess.Popen(
        command(*args, "--work-dir", work),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        encoding="utf-8",
        cwd=work.parent,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + WAIT
        while not (work.is_dir() and any(work.iterdir())):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end, "the run never began to work"
            time.sleep(0.02)
        time.sleep(0.3)
        (os.killpg if group else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=WAIT)
    finally:
        process.kill()
    return Done(process.args, process.returncode, out, err)


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stopped_scan_says_so_and_leaves_nothing(
    big: Path, tmp_path: Path, number: signal.Signals, jobs: int
) -> None:
    work = tmp_path / "work"
    done = _interrupted(
        ["scan", big, "--format", "json", "--jobs", jobs, "--max-contamination", "1%"], work, number
    )
    assert done.returncode == CODES[number], done.stderr
    report = parsed(done.stdout)
    assert report["status"] == "interrupted"
    assert [gate["outcome"] for gate in report["gates"]] == ["not-evaluated"]
    assert report["findings"] == []
    assert list(work.iterdir()) == []
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", CODES)
def test_a_signal_to_the_whole_group_is_no_internal_error(
    big: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """A terminal and most job runners signal the workers too."""
    work = tmp_path / "work"
    done = _interrupted(["scan", big, "--jobs", 2, "--format", "json"], work, number, group=True)
    assert done.returncode == CODES[number], done.stderr
    assert parsed(done.stdout)["status"] == "interrupted"
    assert list(work.iterdir()) == []
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", CODES)
def test_a_stopped_scan_forgives_nothing(big: Path, tmp_path: Path, number: signal.Signals) -> None:
    done = _interrupted(["scan", big, "--exit-zero", "--jobs", 1], tmp_path / "work", number)
    assert done.returncode == CODES[number]
    assert "INTERRUPTED" in done.stdout.upper()


@pytest.mark.parametrize("number", CODES)
def test_a_stopped_clean_leaves_no_directory_that_looks_complete(
    big: Path, tmp_path: Path, number: signal.Signals, run_cli: RunCli
) -> None:
    out, work = tmp_path / "cleaned", tmp_path / "work"
    done = _interrupted(["clean", big, "-o", out, "--jobs", 1], work, number)
    assert done.returncode == CODES[number], done.stderr
    assert list(work.iterdir()) == []
    assert "Traceback" not in done.stderr
    assert not (out / "kept").exists()
    assert run_cli("verify", out).returncode == 3


IN_EXEC = """
import sys
import dataaudit.cli.main as cli

def interrupted(arguments):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        print("cleared up")
        return 130

cli._run = interrupted
cli.run()
"""


def test_an_interrupt_while_a_class_is_made_ends_with_the_exit_code_too(tmp_path: Path) -> None:
    """`python -m` ends itself by the signal if the interrupt passed through the exec of a string, handled or not."""
    (tmp_path / "stopped.py").write_text(IN_EXEC)
    done = subprocess.run(
        [sys.executable, "-m", "stopped"],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "cleared up\n", "")


def _reader_that_leaves(args: list[object], cwd: Path, *, lines: int) -> tuple[int, str]:
    """Exit code and standard error of a run whose reader takes some lines and closes the pipe."""
    process = subprocess.Popen(
        command(*args),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        encoding="utf-8",
        cwd=cwd,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    return process.wait(timeout=WAIT), err


@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize("output", ["terminal", "json", "markdown"])
def test_head_changes_no_exit_code(tmp_path: Path, lines: int, output: str) -> None:
    good = write_lines(tmp_path / "good.jsonl", pairs(40))
    bad = write_lines(tmp_path / "bad.jsonl", [*pairs(40), *tainted(20)])
    gate = ["--max-contamination", "1%", "--format", output]
    assert _reader_that_leaves(["scan", good, *gate], tmp_path, lines=lines) == (0, "")
    assert _reader_that_leaves(["scan", bad, *gate], tmp_path, lines=lines) == (1, "")


@pytest.mark.parametrize(
    "args",
    [["--help"], ["scan", "--help"], ["rules", "list"], ["rules", "list", "--json"], ["rules", "schema"]],
)
@pytest.mark.parametrize("lines", [0, 1])
def test_head_of_other_output_is_no_failed_gate(tmp_path: Path, args: list[object], lines: int) -> None:
    code, err = _reader_that_leaves(args, tmp_path, lines=lines)
    assert (code, err) == (0, "")
