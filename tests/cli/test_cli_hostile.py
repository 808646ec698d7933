"""Text from data is shown, never obeyed: escape codes, markup, bidirectional characters, wherever they come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_support import Done, RunCli, parsed, run, write_lines

ESCAPES = (
    "\x1b[31mred\x1b[0m \x1b]0;owned\x07 \x1b]8;;http://x.invalid\x07here\x1b]8;;\x07 \x9b31m \x08\x08 \x7f"
)
BIDI = "\u202eback\u202c \u2066inside\u2069 \u200b\u200f"
MARKUP = "[bold red]loud[/bold red] [link=http://x.invalid]here[/link] [/] :smile:"
BREAKS = "line\rover \u2028 \u2029 \x0b \x0c \x85"
HOSTILE = f"{ESCAPES} {BIDI} {MARKUP} {BREAKS}"

# What a terminal would act on. Line feeds are ours.
DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]")
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def _harmless(done: Done) -> None:
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    for text in (done.stdout, done.stderr):
        assert DANGEROUS.findall(text) == []


def _name(text: str) -> str:
    """As much of it as a file name may hold."""
    return text.replace("/", "-")[:60]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where everything that can hold text holds hostile text."""
    root = tmp_path_factory.mktemp("hostile")
    folder = root / _name(f"{MARKUP}{ESCAPES}")
    rows: list[object] = [
        {
            "text": f"{HOSTILE} [INST] {i} {HOSTILE} [/INST] {HOSTILE}",
            "label": f"{HOSTILE} {i % 2}" if i % 12 else HOSTILE,
            f"{HOSTILE} column": HOSTILE,
        }
        for i in range(24)
    ]
    rows += [rows[0], b'{"' + HOSTILE.encode() + b'": ', {f"{HOSTILE} only": f"{HOSTILE} [INST] x [/INST]"}]
    write_lines(folder / (_name(BIDI + ESCAPES) + ".jsonl"), rows)
    (folder / _name(f"{ESCAPES} notes")).write_text("not data")
    (folder / f"{_name(MARKUP)}.parquet").write_bytes(b"PAR1")
    return root


@pytest.mark.parametrize("name", ["terminal", "markdown", "json"])
def test_a_report_of_hostile_data(hostile: Path, name: str) -> None:
    done = run("scan", ".", "--format", name, "-v", cwd=hostile)
    assert done.returncode == 3  # one file is no Parquet
    _harmless(done)
    if name == "terminal":
        assert "[bold red]loud[/bold red]" in done.stdout.replace("\n", "")
        assert ":smile:" in done.stdout
    if name == "json":
        report = parsed(done.stdout)
        # Escaped in the document, whole for a parser.
        examples = [one["text"] or "" for finding in report["findings"] for one in finding["examples"]]
        assert any("\x1b" in text for text in examples)


def test_hostile_data_in_colour(hostile: Path) -> None:
    done = run("scan", ".", "--color", "always", cwd=hostile)
    assert DANGEROUS.findall(STYLE.sub("", done.stdout)) == []
    # Only plain styles: nothing hidden, blinking, or a colour the data asked for by number.
    assert {"8", "5", "6"} & {
        part for code in STYLE.findall(done.stdout) for part in code[2:-1].split(";")
    } == set()


def test_cleaning_hostile_data(hostile: Path, tmp_path: Path) -> None:
    (name,) = hostile.rglob("*.jsonl")
    done = run(
        "clean",
        name,
        "-o",
        tmp_path / "out",
        "--drop",
        "exact-duplicates",
        "--format",
        "terminal",
        cwd=hostile,
    )
    assert done.returncode == 0, done.stderr
    _harmless(done)
    plain = run("clean", name, "-o", tmp_path / "again", cwd=hostile)
    _harmless(plain)
    kept = next((tmp_path / "out" / "kept").rglob("*.jsonl"))
    kept.write_bytes(b"")
    changed = run("verify", tmp_path / "out", cwd=hostile)
    assert changed.returncode == 1
    _harmless(changed)


@pytest.mark.parametrize(
    "args",
    [
        ["scan", f"absent {HOSTILE}"],
        ["scan", "a.jsonl", "--select", HOSTILE],
        ["scan", "a.jsonl", "--columns", f"text={HOSTILE}"],
        ["scan", "a.jsonl", "--columns", f"{HOSTILE}=text"],
        ["scan", "a.jsonl", "--max-rate", f"{HOSTILE}=1%"],
        ["scan", "a.jsonl", "--max-contamination", HOSTILE],
        ["scan", "a.jsonl", "--format", HOSTILE],
        ["scan", "a.jsonl", "--config", HOSTILE],
        ["scan", "a.jsonl", "--split", HOSTILE],
        ["scan", "a.jsonl", f"--{HOSTILE}"],
        ["scan", "a.jsonl", "--jobs", HOSTILE],
        ["scan", "a.jsonl", "--rules", HOSTILE],
        ["rules", "show", HOSTILE],
        [HOSTILE],
    ],
    ids=range(14),
)
def test_messages_quote_harmlessly(tmp_path: Path, run_cli: RunCli, args: list[str]) -> None:
    write_lines(tmp_path / "a.jsonl", [{"text": "a"}])
    done = run_cli(*args)
    assert done.returncode == 2
    _harmless(done)


def test_a_file_name_that_is_not_utf8(tmp_path: Path, run_cli: RunCli) -> None:
    path = Path(str(tmp_path)) / b"caf\xe9-\x1b[31m.jsonl".decode("utf-8", "surrogateescape")
    try:
        write_lines(path, [{"text": "[INST] a [/INST]"}])
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    for name in ("terminal", "json", "markdown"):
        done = run_cli("scan", tmp_path, "--format", name, "--output", "rows=rows.jsonl")
        assert done.returncode == 0, done.stderr
        _harmless(done)
    done = run_cli("clean", path, "-o", "out", "--drop", "contamination")
    assert done.returncode == 0, done.stderr
    _harmless(done)
    assert run_cli("verify", "out").returncode == 0


def test_a_rule_pack_with_hostile_words(tmp_path: Path, run_cli: RunCli) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text(f"rules:\n  - id: x\n    '{MARKUP} \u202e': 1\n", encoding="utf-8")
    write_lines(tmp_path / "a.jsonl", [{"text": "a"}])
    for args in (["scan", "a.jsonl", "-r", "pack.yaml"], ["rules", "test", "pack.yaml"]):
        done = run_cli(*args)
        assert done.returncode == 2
        _harmless(done)
