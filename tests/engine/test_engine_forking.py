"""Workers that are copies of the process: where they are used, what they answer, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dataaudit
from dataaudit.engine import forking

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are copied on Linux alone")

OURS = """
import sys, threading
from dataaudit.engine import forking, pool, worker
from dataaudit.engine import run as engine
import dataaudit
engine.PARTITION_BYTES = 2000
forking.allow()
def scan(**more):
    return dataaudit.scan(sys.argv[1], jobs=3, **more)
def refused(*args, **more):
    raise AssertionError("a worker was started anew")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some partitions' worth of lines."""
    data = tmp_path / "data"
    data.mkdir()
    lines = [json.dumps({"text": f"As an AI language model, I count {i % 90}"}) for i in range(400)]
    (data / "a.jsonl").write_text("\n".join(lines))
    return data


def _run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    root = Path(dataaudit.__file__).resolve().parents[1]
    return subprocess.run(
        [sys.executable, "-c", OURS + program, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=root,
    )


def test_workers_of_our_own_process_are_copies_and_find_the_same(folder: Path):
    done = _run(
        "pool.subprocess.Popen = refused\n"
        "report = scan()\n"
        "print(report.timing.workers, report.rows, sorted((one.id, one.rows) for one in report.findings))",
        folder,
    )
    alone = dataaudit.scan(folder, jobs=1)
    expected = sorted((one.id, one.rows) for one in alone.findings)
    assert done.stdout == f"3 400 {expected}\n"
    assert done.stderr == ""


def test_a_copy_that_dies_is_an_error(folder: Path):
    done = _run(
        "import os\n"
        "worker.answer = lambda inbox, outbox: os._exit(7)\n"
        "pool.Pool._next = lambda self: None\n"
        "try:\n    scan()\n"
        "except dataaudit.errors.IncompleteError as error:\n    print(error)",
        folder,
    )
    assert "a worker process ended with status 7" in done.stdout


def test_what_a_copy_prints_and_raises_stays_in_it(folder: Path):
    done = _run(
        "from dataaudit.engine.job import Session\n"
        "import os\n"
        "parent, take = os.getpid(), Session.take\n"
        "def loud(self, batch):\n"
        "    print('noise', flush=True)\n"
        "    if os.getpid() != parent:\n        raise KeyboardInterrupt\n"
        "    take(self, batch)\n"
        "Session.take = loud\n"
        "pool.Pool._next = lambda self: None\n"
        "try:\n    scan()\n"
        "except dataaudit.errors.IncompleteError as error:\n    print(error)\n"
        "finally:\n    print('once')",
        folder,
    )
    assert done.stdout == "internal error in a worker: KeyboardInterrupt: \nonce\n"
    assert "noise" in done.stderr


def test_a_copy_ends_with_its_input_and_can_be_killed():
    done = _run(
        "copy = forking.Forked(lambda inbox, outbox: len(inbox.read()))\n"
        "print(copy.poll())\n"
        "copy.stdin.write(b'seven..')\n"
        "copy.stdin.close()\n"
        "print(copy.wait(60), copy.poll())\n"
        "stuck = forking.Forked(lambda inbox, outbox: len(inbox.read()), [copy.stdout])\n"
        "try:\n    stuck.wait(0.0)\n"
        "except __import__('subprocess').TimeoutExpired:\n    print('waited')\n"
        "stuck.kill()\n"
        "print(stuck.wait())\n"
        "stuck.kill()",
        Path(),
    )
    assert done.stdout.split() == ["None", "7", "7", "waited", "-9"]


def test_nothing_is_copied_beside_threads_or_in_a_program_that_is_not_ours(folder: Path):
    assert not forking.may_fork()
    done = _run(
        "print(forking.may_fork())\n"
        "held = threading.Event()\n"
        "thread = threading.Thread(target=held.wait)\n"
        "thread.start()\n"
        "print(forking.may_fork())\n"
        "held.set()\n"
        "thread.join()\n"
        "import polars\n"
        "print(forking.may_fork())\n"
        "print(scan(select=('structure',)).rows)",
        folder,
    )
    assert done.stdout.split() == ["True", "False", "False", "400"]
