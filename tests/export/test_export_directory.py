"""The output directory: what is refused, what is replaced, and that nothing unfinished looks complete."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from export_support import clean, inputs, store

from dataaudit.errors import IncompleteError, InputChangedError, ManifestError, UsageError
from dataaudit.export.clean import CleanJob, UnreadableFile, write_clean
from dataaudit.export.manifest import SCHEMA_FILE, decode, encode, json_schema
from dataaudit.export.outdir import MARKER_NAME, OutputDir
from dataaudit.export.verify import verify
from dataaudit.records.types import FileRef
from dataaudit.sketches.workspace import Workspace

FILES = [("a.jsonl", "jsonl", 3), ("d/b.jsonl", "jsonl", 2)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "d").mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(b'{"t":"0"}\n{"t":"1"}\n{"t":"2"}\n')
    (folder / "d/b.jsonl").write_bytes(b'{"t":"3"}\n{"t":"4"}')
    return folder


def run(source: Path, out: Path, **more: object) -> object:
    return clean(source, out, FILES, {0: [1], 1: [1]}, [(0, 2, "t", (0, 1))], **more)


def test_manifest_matches_its_published_schema(source: Path, tmp_path: Path) -> None:
    bad = FileRef(7, str(source / "a.jsonl"), "bad.jsonl", "jsonl")
    manifest = run(source, tmp_path / "out", unreadable=(UnreadableFile(bad, "cut short"),))
    published = json.loads(SCHEMA_FILE.read_text())
    assert published == json_schema()
    jsonschema.validate(json.loads((tmp_path / "out/manifest.json").read_text()), published)
    assert decode(encode(manifest)) == manifest
    assert manifest.totals.rows == 5 and manifest.totals.kept == 2
    assert (tmp_path / "out/quarantine/unreadable/bad.jsonl").read_bytes() == (
        source / "a.jsonl"
    ).read_bytes()
    result = verify(tmp_path / "out")
    assert result.ok and "cut short" in result.notes[0]


def test_a_file_that_cannot_even_be_copied_is_listed(source: Path, tmp_path: Path) -> None:
    gone = FileRef(7, str(source / "gone.jsonl"), "gone.jsonl", "jsonl")
    manifest = run(source, tmp_path / "out", unreadable=(UnreadableFile(gone, "no permission"),))
    assert manifest.unreadable[0].quarantine_path is None
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("where", ["in", "in/out", "in/a.jsonl", "."])
def test_output_over_inside_or_around_the_input(where: str, source: Path) -> None:
    with pytest.raises(UsageError):
        run(source, source.parent / where)
    assert sorted(p.name for p in source.iterdir()) == ["a.jsonl", "d"]


def test_a_link_to_the_input_is_the_input(source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    with pytest.raises(UsageError):
        run(source, tmp_path / "link" / "out")


def test_foreign_files_are_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out/kept").mkdir(parents=True)
    (tmp_path / "out/kept/mine.txt").write_text("keep me")
    for overwrite in (False, True):
        with pytest.raises(UsageError, match=r"mine\.txt"):
            run(source, tmp_path / "out", overwrite=overwrite)
    assert (tmp_path / "out/kept/mine.txt").exists()


def test_a_complete_directory_is_replaced_only_when_asked(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(source, out)
    with pytest.raises(UsageError, match="already complete"):
        run(source, out)
    assert verify(out).ok
    clean(source, out, FILES[:1], {}, overwrite=True)
    assert verify(out).problems == ()
    assert not (out / "kept/d").exists() and not (out / "quarantine").exists()


@pytest.mark.parametrize("uri", ["../a.jsonl", "/a.jsonl", "d/../../a", ""])
def test_names_stay_inside(uri: str, source: Path, tmp_path: Path) -> None:
    found = inputs([(source / "a.jsonl", uri, "jsonl", 3)])
    with Workspace(tmp_path / "w") as work, pytest.raises(UsageError):
        write_clean(CleanJob(found, (str(source),), store(work, {}), tmp_path / "out", "1"))


def test_unknown_formats_are_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xml"):
        clean(source, tmp_path / "out", [("a.jsonl", "xml", 3)], {})


def test_equal_names_from_two_arguments(source: Path, tmp_path: Path) -> None:
    files = [(source / "a.jsonl", "x.jsonl", "jsonl", 3), (source / "d/b.jsonl", "x.jsonl", "jsonl", 2)]
    arguments = (str(source / "a.jsonl"), str(source / "d"))
    for overwrite in (False, True):
        with Workspace(tmp_path / "w") as work:
            verdicts = store(work, {0: [0], 1: [0]})
            found = inputs(files, [0, 1])
            manifest = write_clean(
                CleanJob(found, arguments, verdicts, tmp_path / "out", "1", overwrite=overwrite, workers=2)
            )
        paths = [entry.kept_path for entry in manifest.inputs]
        assert paths == ["kept/0-a.jsonl/x.jsonl", "kept/1-d/x.jsonl"]
    assert verify(tmp_path / "out").problems == ()


def test_an_input_named_like_a_reasons_file(source: Path, tmp_path: Path) -> None:
    (source / "a.jsonl.reasons.jsonl").write_bytes(b"{}\n{}\n")
    files = [("a.jsonl", "jsonl", 3), ("a.jsonl.reasons.jsonl", "jsonl", 2)]
    manifest = clean(source, tmp_path / "out", files, {0: [0], 1: [0]})
    assert manifest.inputs[0].reasons_path == "quarantine/a.jsonl.reasons-2.jsonl"
    assert verify(tmp_path / "out").problems == ()


def test_a_changed_input_stops_the_run(source: Path, tmp_path: Path) -> None:
    def touch(_: int) -> None:
        with (source / "d/b.jsonl").open("ab") as file:
            file.write(b"\n")

    with pytest.raises(InputChangedError):
        run(source, tmp_path / "out", progress=touch)
    assert not (tmp_path / "out").exists()
    found = inputs([(source / "a.jsonl", "a.jsonl", "jsonl", 3)])
    os.utime(source / "a.jsonl", ns=(1, 1))
    with Workspace(tmp_path / "w") as work, pytest.raises(InputChangedError):
        write_clean(CleanJob(found, (str(source),), store(work, {}), tmp_path / "out", "1"))


def test_a_full_disk_is_one_line_and_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataaudit.export import job

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(job.HashingFile, "write", full)
    with pytest.raises(IncompleteError, match="No space left on device") as caught:
        run(source, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_no_permission(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IncompleteError):
        run(source, tmp_path / "file" / "out")
    with pytest.raises(UsageError):
        run(source, tmp_path / "file")


def test_an_unfinished_directory_is_finished_by_the_next_run(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    held = OutputDir(out, ["kept/a.jsonl", "kept/old.jsonl"])
    held.__enter__()
    (out / "kept").mkdir()
    (out / "kept/old.jsonl").write_text("half")
    (out / "kept/.dataaudit-tmp-1").write_text("half")
    with pytest.raises(ManifestError, match="not finished"):
        verify(out)
    with pytest.raises(UsageError, match="another run"):
        run(source, out)
    assert held._lock is not None
    held._lock.close()  # As the end of the process would.
    run(source, out)
    assert verify(out).problems == ()
    assert not (out / "kept/old.jsonl").exists() and not (out / MARKER_NAME).exists()


def test_verify_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        verify(tmp_path)
    for text in ("", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 99}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ManifestError):
            verify(tmp_path)


def numbers(value: object, path: tuple = ()) -> list[tuple]:
    """Paths of all figures and hashes in a JSON value."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in numbers(v, (*path, k))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in numbers(v, (*path, i))]
    return [path] if isinstance(value, int | str) and not isinstance(value, bool) else []


def test_any_change_is_found(source: Path, tmp_path: Path) -> None:
    from dataaudit.export.manifest import digest_of

    out = tmp_path / "out"
    run(source, out)
    outputs = [p for p in out.rglob("*") if p.is_file() and p.name != "manifest.json"]
    assert len(outputs) == 6
    for path in outputs:
        data = path.read_bytes()
        for at in range(0, len(data), 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert verify(out).exit_code == 1, (path, at)
        for changed in (data[:-1], data + b"\n"):
            path.write_bytes(changed)
            assert verify(out).exit_code == 1
        path.unlink()
        assert "missing" in verify(out).problems[0]
        path.write_bytes(data)
    (out / "kept/extra.jsonl").write_text("{}")
    assert "extra" in verify(out).problems[0]
    (out / "kept/extra.jsonl").unlink()
    assert verify(out).ok

    manifest = out / "manifest.json"
    plain = json.loads(manifest.read_text())
    for path in numbers(plain):
        if path in (("schema_version",),):
            continue
        edited = json.loads(manifest.read_text())
        place = edited
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = place[path[-1]] + 1 if isinstance(place[path[-1]], int) else place[path[-1]] + "0"
        manifest_bytes = json.dumps(edited).encode()
        manifest.write_bytes(manifest_bytes)
        assert verify(out).exit_code == 1, path
        if path[0] in ("inputs", "outputs", "totals") and path[-1] not in ("argument", "note"):
            # Even where the digest was made to fit again, a figure is wrong.
            edited["digest"] = ""
            edited["digest"] = digest_of(decode(json.dumps(edited).encode()))
            manifest.write_bytes(json.dumps(edited).encode())
            gone = path[-1] == "path" and path[0] == "inputs"
            result = verify(out, require_input=gone)
            assert result.exit_code == 1, path
        manifest.write_bytes(json.dumps(plain).encode())
    assert verify(out).ok


def test_a_changed_input_is_a_mismatch(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "out")
    (source / "a.jsonl").write_bytes(b"other")
    assert "has changed" in verify(tmp_path / "out").problems[0]


DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from export_support import clean
source, out = Path({source!r}), Path({out!r})
files = [(p.name, "jsonl", 20_000) for p in sorted(source.iterdir())]
print("ready", flush=True)
clean(source, out, files, {{i: list(range(i, 20_000, 9)) for i in range(len(files))}})
"""


def test_kill_at_any_moment(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for i in range(6):
        (source / f"{i}.jsonl").write_bytes(
            b"".join(b'{"i":%d,"t":"%s"}\n' % (n, b"x" * 200) for n in range(20_000))
        )
    code = DRIVER.format(tests=str(Path(__file__).parent), source=str(source), out=str(out))

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    begin = time.monotonic()
    whole = start()
    assert whole.wait() == 0, whole.stderr
    assert verify(out).ok
    seconds = time.monotonic() - begin
    _empty(out)
    process = start()
    begin = time.monotonic()
    process.wait()
    seconds = time.monotonic() - begin
    _empty(out)
    unfinished = 0
    for k in range(20):
        process = start()
        time.sleep(seconds * (k + 0.5) / 20)
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            result = verify(out)
        except ManifestError:
            unfinished += 1
            continue
        assert result.ok, result.problems
        _empty(out)
    assert unfinished >= 5
    if not (out / "manifest.json").exists():
        assert start().wait() == 0
    assert verify(out).problems == ()
    names = {p.name for p in out.rglob("*") if p.is_file()}
    assert not any(name.startswith(".") for name in names)


def _empty(out: Path) -> None:
    import shutil

    shutil.rmtree(out)
