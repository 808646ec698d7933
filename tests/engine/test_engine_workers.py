"""Worker processes: what they say, what happens when one dies, and that they never run the caller's program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import dataaudit
from dataaudit.engine import effort, pool
from dataaudit.engine import run as engine
from dataaudit.engine.job import Progress
from dataaudit.errors import IncompleteError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some partitions' worth of lines."""
    monkeypatch.setattr(engine, "PARTITION_BYTES", 2000)
    lines = [json.dumps({"text": f"row {i % 90}"}) for i in range(400)]
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text("\n".join(lines))
    return data


def test_progress_adds_up_to_the_rows_and_bytes_of_the_input(folder: Path):
    for jobs in (1, 2):
        steps: list[Progress] = []
        report = dataaudit.scan(folder, jobs=jobs, progress=steps.append, select=("structure",))
        assert report.timing.workers == jobs
        assert sum(step.rows for step in steps) == 400 == report.rows
        assert (
            sum(step.nbytes for step in steps) == (folder / "a.jsonl").stat().st_size == report.timing.bytes
        )


def test_no_more_workers_than_partitions(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    assert dataaudit.scan(tmp_path, jobs=8, select=("structure",)).timing.workers == 1


def test_many_small_files_are_worth_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "processors", lambda: 2)
    monkeypatch.setattr(effort, "PER_FILE", 1.0)
    for i in range(12):
        (tmp_path / f"{i}.jsonl").write_text('{"text": "a"}\n')
    assert dataaudit.scan(tmp_path).timing.workers == 2


def _replaced(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Workers run another program."""
    popen = subprocess.Popen

    def start(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return popen([sys.executable, "-c", program], **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(pool.subprocess, "Popen", start)
    # This process reads along, and could be done before a worker has started.
    monkeypatch.setattr(pool.Pool, "_next", lambda self: None)


DEATHS = [
    ("import os; os._exit(7)", "status 7"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "status -9"),
    ("import sys; sys.stdin.buffer.read(8)", "status 0"),
    ("import sys, time; sys.stdin.close(); time.sleep(0.2)", "worker process"),
]


@pytest.mark.parametrize(("program", "said"), DEATHS)
def test_a_worker_that_dies_is_an_error_and_no_result(
    program: str, said: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    _replaced(monkeypatch, program)
    with pytest.raises(IncompleteError, match=said) as error:
        dataaudit.scan(folder, jobs=2, select=("structure",))
    assert error.value.exit_code == 3


def test_an_internal_error_in_a_worker_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    program = (
        "import dataaudit.engine.job as job\n"
        "def broken(self, *a): raise ZeroDivisionError('boom')\n"
        "job.Session.take = broken\n"
        "from dataaudit.engine.worker import main; main()"
    )
    _replaced(monkeypatch, program)
    with pytest.raises(IncompleteError, match="ZeroDivisionError: boom"):
        dataaudit.scan(folder, jobs=2, select=("structure",))


def test_what_a_worker_prints_does_not_disturb_its_answers(folder: Path, monkeypatch: pytest.MonkeyPatch):
    program = (
        "import dataaudit.engine.job as job\n"
        "take = job.Session.take\n"
        "def loud(self, batch):\n    print('noise', flush=True)\n    take(self, batch)\n"
        "job.Session.take = loud\n"
        "from dataaudit.engine.worker import main; main()"
    )
    _replaced(monkeypatch, program)
    assert dataaudit.scan(folder, jobs=2, select=("structure",)).rows == 400


def test_a_script_without_a_main_guard_may_scan_in_workers(folder: Path, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "import dataaudit\n"
        "import dataaudit.engine.run as engine\n"
        "engine.PARTITION_BYTES = 2000\n"
        "print('started')\n"
        f"report = dataaudit.scan({str(folder)!r}, jobs=2, select=('structure',))\n"
        "print(report.rows, report.timing.workers)\n"
    )
    root = Path(dataaudit.__file__).resolve().parents[1]
    env = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, env=env, check=True
    )
    assert done.stdout.split("\n")[:2] == ["started", "400 2"]


def test_no_worker_is_left_when_the_scan_is_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[pool._Worker] = []
    make = pool._Worker.__init__

    def noted(self: pool._Worker, *args: object) -> None:
        make(self, *args)  # type: ignore[arg-type]
        started.append(self)

    monkeypatch.setattr(pool._Worker, "__init__", noted)

    def stop(step: Progress) -> None:
        if step.rows:
            raise KeyboardInterrupt

    from dataaudit.api.scan import ScanInterruptedError

    with pytest.raises(ScanInterruptedError) as stopped:
        dataaudit.scan(folder, jobs=2, progress=stop, select=("structure",))
    assert stopped.value.report.status == "interrupted"
    assert len(started) == 1
    assert all(worker.process.poll() is not None for worker in started)


def test_the_work_directory_is_gone_afterwards(folder: Path, tmp_path: Path):
    work = tmp_path / "work"
    dataaudit.scan(folder, jobs=2, work_dir=str(work), select=("duplicates",))
    assert list(work.iterdir()) == []


def test_a_file_that_vanishes_is_said_and_the_rest_is_read(folder: Path):
    (folder / "b.jsonl").symlink_to(folder / "gone.jsonl")
    for jobs in (1, 2):
        report = dataaudit.scan(folder, jobs=jobs, select=("structure",))
        assert (report.rows, report.exit_code) == (400, 3)
        assert [one.id for one in report.not_evaluated] == ["b.jsonl"]


def test_workers_may_start_before_lines_are_counted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    expected = dataaudit.scan(folder, jobs=1, select=("structure", "duplicates"))
    order: list[str] = []
    make, plan = pool._Worker.__init__, engine._partitions

    def noted(self: pool._Worker, *args: object) -> None:
        order.append("worker")
        make(self, *args)  # type: ignore[arg-type]

    def planned(*args: object) -> object:
        order.append("plan")
        return plan(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(pool._Worker, "__init__", noted)
    monkeypatch.setattr(engine, "_partitions", planned)
    monkeypatch.setattr(engine, "COUNTED_BYTES", 2000)
    report = dataaudit.scan(folder, jobs=2, select=("structure", "duplicates"))
    assert order == ["worker", "plan"]
    assert (report.findings, report.rows) == (expected.findings, expected.rows)
    (folder / "b.jsonl").write_bytes(b"")
    order.clear()
    monkeypatch.setattr(engine, "_surely", lambda files: 2)  # mistaken: there is nothing to cut
    monkeypatch.setattr(engine, "PARTITION_BYTES", 1 << 40)
    assert dataaudit.scan(folder, jobs=2, select=("structure",)).rows == expected.rows
    assert order == ["worker", "plan"]


def test_a_worker_without_room_ends_the_run_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    """The limit is real, on the size of any file; texts are long from the first byte on."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512));"
        "from dataaudit.records import record_words; record_words.LONG_BYTES = 0;"
        "from dataaudit.engine.worker import main; main()"
    )
    _replaced(monkeypatch, program)
    work = tmp_path / "work"
    with pytest.raises(IncompleteError) as raised:
        dataaudit.scan(folder, jobs=2, select=("near-duplicates",), work_dir=str(work))
    assert "cannot write to the work directory: File too large" in str(raised.value)
    assert "internal error" not in str(raised.value) + capfd.readouterr().err
    assert list(work.iterdir()) == []
