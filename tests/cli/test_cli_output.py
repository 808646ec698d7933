"""What is printed and written: formats, files, texts hidden, colour, width."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cli_support import (
    RunCli,
    ScanJson,
    by_id,
    command,
    environment,
    pairs,
    parsed,
    read_rows,
    tainted,
    write_lines,
)
from rich.cells import cell_len

SECRET = "the combination of the safe is nineteen"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows with a bit of everything: matches, duplicates, labels, a malformed line."""
    rows = [
        {"text": f"Note {i}: {SECRET}. [INST] {i} [/INST]", "label": f"shelf {(i % 2 and 'left') or 'right'}"}
        for i in range(12)
    ]
    return write_lines(tmp_path / "a.jsonl", [*rows, rows[3], b'{"text": "' + SECRET.encode()])


def _on_a_terminal(words: list[str], cwd: Path, env: Mapping[str, str | None]) -> tuple[int, str]:
    """Exit code and everything a terminal would show."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=environment(env)
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # Linux: the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return process.wait(), shown.decode("utf-8")


def test_files_hold_what_standard_output_would(tmp_path: Path, data: Path, call_cli: RunCli) -> None:
    outputs = [
        word
        for one in ("json=r.json", "markdown=r.md", "terminal=r.txt", "rows=r.jsonl", "rows=r.parquet")
        for word in ("--output", one)
    ]
    done = call_cli("scan", data, "--format", "json", *outputs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == done.stdout
    report = parsed(done.stdout)
    assert (tmp_path / "r.md").read_text(encoding="utf-8").startswith("#")
    assert "chat-inst-block" in (tmp_path / "r.txt").read_text(encoding="utf-8")
    rows = read_rows(tmp_path / "r.jsonl")
    assert pq.read_table(tmp_path / "r.parquet").to_pylist() == rows
    # Every finding with rows is there with all of them.
    counted: dict[str, set[int]] = {}
    for one in rows:
        counted.setdefault(one["finding"], set()).add(one["row"])
    expected = {name: one["rows"] for name, one in by_id(report).items() if one["rows"] is not None}
    assert {name: len(at) for name, at in counted.items()} == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.jsonl",
        "r.json",
        "r.jsonl",
        "r.md",
        "r.parquet",
        "r.txt",
    ]


def test_outputs_are_written_when_a_gate_fails(tmp_path: Path, data: Path, call_cli: RunCli) -> None:
    done = call_cli("scan", data, "--max-contamination", "0", "--output", "json=r.json")
    assert done.returncode == 1
    assert parsed((tmp_path / "r.json").read_text(encoding="utf-8"))["status"] == "fail"


def test_hidden_text_appears_nowhere(tmp_path: Path, data: Path, call_cli: RunCli) -> None:
    outputs = ["--output", "json=r.json", "--output", "markdown=r.md", "--output", "rows=r.jsonl"]
    shown = call_cli("scan", data, *outputs)
    assert SECRET in shown.stdout.replace("\n            │ ", " ")
    assert SECRET in (tmp_path / "r.json").read_text()
    for name in ("terminal", "json", "markdown"):
        hidden = call_cli("scan", data, "--hide-text", "--format", name, *outputs)
        assert hidden.returncode == 0
        for text in (
            hidden.stdout,
            hidden.stderr,
            *((tmp_path / one).read_text() for one in ("r.json", "r.md", "r.jsonl")),
        ):
            assert "combination" not in text
            assert not re.search(r"\[INST\] \d", text)
    report = json.loads((tmp_path / "r.json").read_text())
    example = by_id(report)["chat-inst-block"]["examples"][0]
    assert example["row"] is not None
    assert example["span"] is not None


def test_no_terminal_no_escape_codes(tmp_path: Path, data: Path, call_cli: RunCli) -> None:
    plain = call_cli("scan", data, env={"NO_COLOR": None, "TERM": "xterm-256color"})
    assert "\x1b" not in plain.stdout + plain.stderr
    for args in (["--help"], ["scan", "--help"], ["rules", "list"], ["rules", "show", "chat-inst-block"]):
        done = call_cli(*args, env={"NO_COLOR": None, "TERM": "xterm-256color"})
        assert "\x1b" not in done.stdout + done.stderr
    wrong = call_cli("scan", data, "--nope", env={"NO_COLOR": None, "TERM": "xterm-256color"})
    assert "\x1b" not in wrong.stdout + wrong.stderr


@pytest.mark.parametrize(
    ("env", "flags", "coloured"),
    [
        ({"NO_COLOR": None, "TERM": "xterm-256color"}, [], True),
        ({"NO_COLOR": "1", "TERM": "xterm-256color"}, [], False),
        ({"NO_COLOR": None, "TERM": "dumb"}, [], False),
        ({"NO_COLOR": None, "TERM": "xterm-256color"}, ["--color", "never"], False),
        ({"NO_COLOR": "1", "TERM": "xterm-256color"}, ["--color", "always"], True),
    ],
)
def test_colour_on_a_terminal(
    tmp_path: Path, data: Path, env: dict[str, str | None], flags: list[object], coloured: bool
) -> None:
    code, shown = _on_a_terminal(command("scan", data, "-q", *flags), tmp_path, env)
    assert code == 0
    assert bool(STYLE.search(shown)) is coloured
    assert "\x1b" not in STYLE.sub("", shown)
    assert "chat-inst-block" in shown


BAR = """
import sys
import dataaudit.cli.progress
from dataaudit.cli.main import main

dataaudit.cli.progress.BAR_AFTER = -1.0
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("env", "flags", "coloured"),
    [
        ({"NO_COLOR": None}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": None}, ["--color", "never"], False),
    ],
)
def test_colour_of_the_progress_bar(
    tmp_path: Path, data: Path, env: dict[str, str | None], flags: list[str], coloured: bool
) -> None:
    words = [sys.executable, "-c", BAR, "scan", str(data), "--output", "json=r.json", *flags]
    code, shown = _on_a_terminal(words, tmp_path, {**env, "TERM": "xterm-256color"})
    assert code == 0
    assert "rows/s" in shown
    # A bar moves the cursor; that is no colour.
    assert bool(re.search("\x1b\\[[0-9;]*[1-9][0-9;]*m", shown)) is coloured


def test_colour_into_a_pipe_on_demand(data: Path, call_cli: RunCli) -> None:
    coloured = call_cli("scan", data, "--color", "always", "-q").stdout
    plain = call_cli("scan", data, "-q").stdout
    assert STYLE.search(coloured)
    assert "\x1b" not in plain
    for shown in (STYLE.sub("", coloured), plain):
        assert "chat-inst-block" in shown


@pytest.mark.parametrize("width", [80, 60])
def test_lines_fit_the_width(tmp_path: Path, call_cli: RunCli, width: int) -> None:
    folder = tmp_path / ("a folder with a name " * 4).strip()
    texts = ["漢字と仮名" * 30, "👩‍👩‍👧 family " * 20, "x" * 400, "é" * 200, "word " * 100]
    rows = [
        {"instruction": f"{text} {i}", "output": f"[INST] {text} [/INST] {i}"}
        for i, text in enumerate(texts * 3)
    ]
    write_lines(folder / ("train-" + "0" * 90 + ".jsonl"), [*rows, rows[0], b"{"])
    done = call_cli("scan", folder, "-v", "--max-contamination", "1%", env={"COLUMNS": str(width)})
    assert done.returncode == 1
    # A command to copy is not broken.
    lines = [line for line in done.stdout.splitlines() if "dataaudit " not in line]
    assert [line for line in lines if cell_len(line) > width] == []


def test_help_fits_eighty_columns(call_cli: RunCli) -> None:
    for args in (["--help"], ["scan", "--help"], ["clean", "--help"], ["rules", "--help"]):
        shown = call_cli(*args, env={"COLUMNS": "80"}).stdout
        assert [line for line in shown.splitlines() if cell_len(line) > 80] == []


def test_only_the_report_goes_to_standard_output(data: Path, call_cli: RunCli) -> None:
    done = call_cli("scan", data, "--format", "json")
    parsed(done.stdout)
    assert done.stderr == ""


FULL_DISK = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@FULL_DISK
@pytest.mark.parametrize("unbuffered", [None, "1"])
@pytest.mark.parametrize("args", [["scan", "DATA"], ["rules", "list"]])
def test_a_full_disk_is_no_bug(args: list[str], unbuffered: str | None, data: Path) -> None:
    words = command(*(data if one == "DATA" else one for one in args))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            words,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment({"PYTHONUNBUFFERED": unbuffered}),
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        3,
        "dataaudit: the output cannot be written: No space left on device\n",
    )


@FULL_DISK
@pytest.mark.parametrize(("args", "code"), [(["scan", "DATA"], 3), (["scan", "missing.jsonl"], 2)])
def test_the_exit_code_is_right_where_nothing_can_be_said(args: list[str], code: int, data: Path) -> None:
    words = command(*(data if one == "DATA" else one for one in args))
    with Path("/dev/full").open("wb") as full:
        env = environment({"PYTHONUNBUFFERED": None})
        assert subprocess.run(words, stdout=full, stderr=full, env=env, check=False).returncode == code


def test_a_good_run_is_silent_on_standard_error(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "good.jsonl", pairs(5))
    for args in (
        ["scan", "good.jsonl"],
        ["clean", "good.jsonl", "-o", "out"],
        ["verify", "out"],
        ["rules", "list"],
    ):
        done = call_cli(*args)
        assert (done.returncode, done.stderr) == (0, "")


def test_every_status_validates(tmp_path: Path, scan_json: ScanJson) -> None:
    """`scan_json` checks each report against the schema; this goes through the shapes a report can have."""
    write_lines(tmp_path / "good.jsonl", pairs(20))
    write_lines(tmp_path / "bad.jsonl", [*tainted(20), b"{", {"x": 1}, {"messages": []}])
    (tmp_path / "empty.jsonl").write_bytes(b"")
    gate = ("--max-contamination", "1%")
    assert scan_json("good.jsonl")["status"] == "no-gate"
    assert scan_json("good.jsonl", *gate)["status"] == "pass"
    assert scan_json("bad.jsonl", *gate, expect=1)["status"] == "fail"
    assert scan_json("empty.jsonl", *gate, expect=4)["status"] == "not-evaluated"
    assert scan_json("good.jsonl", "--limit", 3)["sample"] == {"limit": 3, "rows_seen": 3}
    assert scan_json("good.jsonl", "--sample", "50%")["sample"]["fraction"] == 0.5
    assert scan_json("bad.jsonl", "--hide-text", "--jobs", 2, "--memory", "1GB")["status"] == "no-gate"


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_report_does_not_depend_on_how_it_was_made(
    tmp_path: Path, scan_json: ScanJson, jobs: int
) -> None:
    write_lines(tmp_path / "d" / "a.jsonl", [*pairs(50), *tainted(20), b"{", *pairs(9)])
    write_lines(tmp_path / "d" / "b.jsonl", [*pairs(30, start=40), *tainted(20, start=9)])
    plain = scan_json("d")
    other = scan_json("d", "--jobs", jobs, "--batch-rows", 3)
    assert {**other, "timing": None} == {**plain, "timing": None}
