"""`-`: standard input is copied to the work directory, recognised by its bytes, and read like a file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from cli_support import Done, Report, call, command, environment, pairs, parsed, run, tainted, what_it_found

RECORDS = [*pairs(30), *tainted(5, 30)]
LINES = b"".join(json.dumps(one).encode() + b"\n" for one in RECORDS)
GATE = ("--max-contamination", "50%", "--format", "json")


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), sink)
    return sink.getvalue()


def _csv() -> bytes:
    rows = [",".join(f'"{one[key]}"' for key in ("prompt", "response")) for one in RECORDS]
    return "\n".join(["prompt,response", *rows, ""]).encode()


FORMS = {
    "jsonl": (LINES, "jsonl", "stdin.jsonl"),
    "jsonl.gz": (gzip.compress(LINES), "jsonl", "stdin.jsonl.gz"),
    "jsonl.zst": (zstandard.compress(LINES), "jsonl", "stdin.jsonl.zst"),
    "jsonl.bz2": (bz2.compress(LINES), "jsonl", "stdin.jsonl.bz2"),
    "jsonl.xz": (lzma.compress(LINES), "jsonl", "stdin.jsonl.xz"),
    "json": (json.dumps(RECORDS, indent=1).encode(), "json", "stdin.json"),
    "json.gz": (gzip.compress(json.dumps(RECORDS).encode()), "json", "stdin.json.gz"),
    "parquet": (_parquet(), "parquet", "stdin.parquet"),
    "csv": (_csv(), "csv", "stdin.csv"),
    "tsv": (_csv().replace(b'","', b'"\t"').replace(b"t,r", b"t\tr"), "csv", "stdin.csv"),
}


def _scan(data: bytes, *more: object) -> Report:
    done = call("scan", "-", *GATE, *more, input=data)
    assert (done.returncode, done.stderr) == (0, "")
    return parsed(done.stdout)


@pytest.fixture(scope="module")
def by_file(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("file") / "a.jsonl"
    path.write_bytes(LINES)
    return parsed(call("scan", path, *GATE).stdout)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_recognised_and_found_equal_to_the_file(form: str, by_file: Report) -> None:
    data, kind, _ = FORMS[form]
    report = _scan(data)
    (source,) = report["sources"]
    assert (source["uri"], source["format"], source["rows"]) == ("-", kind, 35)
    assert report["rates"] == by_file["rates"]
    if kind == "jsonl":
        assert what_it_found(report) == what_it_found(by_file)


@pytest.mark.parametrize("form", FORMS)
def test_clean_gives_back_what_went_in(form: str, tmp_path: Path) -> None:
    data, _, name = FORMS[form]
    out = tmp_path / "out"
    done = call("clean", "-", "-o", out, "--drop", "contamination", input=data)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in (out / "kept").iterdir()] == [name]
    manifest = json.loads((out / "manifest.json").read_bytes())
    (entry,) = manifest["inputs"]
    assert (entry["file"], entry["path"], entry["argument"]) == ("-", "-", "-")
    assert (entry["rows"], entry["kept"], entry["quarantined"]) == (35, 30, 5)
    assert call("verify", out).returncode == 0
    gone = call("verify", out, "--require-input")
    assert gone.returncode == 1 and "not compared" in gone.stdout + gone.stderr
    again = call("scan", out / "kept", "--format", "json")
    assert parsed(again.stdout)["rows"] == 30


def test_lines_of_prose_are_text_although_they_hold_commas() -> None:
    data = b"One, two, three.\nNo comma here.\nFour, five.\nAnd so on, and so on, and so on, and so on.\n"
    (source,) = _scan(data)["sources"]
    assert (source["format"], source["rows"], source["malformed"]) == ("text", 4, 0)


@pytest.mark.parametrize("data", [b"", b"\n \n", gzip.compress(b"", mtime=0)], ids=["empty", "blank", "gzip"])
def test_nothing_on_standard_input_is_nothing_evaluated(data: bytes) -> None:
    done = call("scan", "-", "--max-contamination", "1%", "--format", "json", input=data)
    assert done.returncode == 4
    assert parsed(done.stdout)["status"] == "not-evaluated"


def test_a_stream_that_is_cut_short_is_incomplete() -> None:
    done = call("scan", "-", "--format", "json", input=gzip.compress(LINES * 50)[:-20])
    assert done.returncode == 3
    assert "cut short" in parsed(done.stdout)["sources"][0]["error"]


def test_bytes_that_are_no_data_are_refused() -> None:
    done = call("scan", "-", input=b"\x7fELF\x02\x01\x01" + bytes(200))
    assert done.returncode == 2
    assert done.stderr.startswith("dataaudit: -: not a format that can be read")
    assert done.stderr.count("\n") == 1


def test_named_twice_it_is_read_once_and_beside_files(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES)
    done = call("scan", "-", path, "-", "--format", "json", input=LINES)
    assert [(one["uri"], one["rows"]) for one in parsed(done.stdout)["sources"]] == [
        ("-", 35),
        ("a.jsonl", 35),
    ]


def test_a_malformed_line_has_its_place_and_a_limit_holds() -> None:
    data = b'{"text": "a"}\n{"text": \n{"text": "b"}\n'
    report = _scan(data)
    assert (report["rows"], report["malformed"]) == (3, 1)
    (finding,) = [one for one in report["findings"] if one["id"] == "malformed-record"]
    assert (finding["examples"][0]["file"], finding["examples"][0]["line"]) == ("-", 2)
    done = call("scan", "-", "--limit", 7, "--format", "json", input=LINES)
    assert parsed(done.stdout)["rows"] == 7


def test_schema_reads_it_too() -> None:
    done = call("schema", "-", "--json", input=LINES)
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["uri"] == "-"


def test_closed_standard_input_is_a_usage_error() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" <&-', *command("scan", "-")],
        capture_output=True, encoding="utf-8", env=environment(), check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "dataaudit: -: standard input is closed\n")


def test_no_room_for_the_copy_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        command("scan", "-", "--work-dir", tmp_path / "work"),
        input=LINES * 1000,
        capture_output=True,
        env=environment(),
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert done.returncode == 3
    text = done.stderr.decode()
    assert "no room for a copy of standard input" in text and "--work-dir" in text and text.count("\n") == 1
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_while_it_is_copied_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    work = tmp_path / "work"
    process = subprocess.Popen(
        command("scan", "-", "--format", "json", "--work-dir", work),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    try:
        assert process.stdin is not None
        process.stdin.write(LINES)
        process.stdin.flush()
        end = time.monotonic() + 60
        while not list(work.glob("*/stdin")) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(process.pid, number)
        assert process.wait(60) == code
        assert process.stdout is not None
        assert parsed(process.stdout.read().decode())["status"] == "interrupted"
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    assert list(work.iterdir()) == []


def test_a_pipe_in_a_process_of_its_own() -> None:
    done: Done = run("scan", "-", "--max-contamination", "1%", "--format", "json", input=LINES)
    assert done.returncode == 1
    assert parsed(done.stdout)["rows"] == 35
