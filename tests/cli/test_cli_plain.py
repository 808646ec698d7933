"""What is read without typer is what typer reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from cli_support import run_program
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.cli.options import SCAN, Flags, Sources, with_flags
from dataaudit.cli.plain import _known, plain_scan

Read = tuple[list[str], dict[str, object], dict[str, object]]


def _read_by_typer(words: list[str]) -> Read | None:
    seen: list[Read] = []
    app = typer.Typer()

    @app.command("scan")
    @with_flags(*SCAN)
    def scan(sources: Sources, *, flags: Flags) -> int:
        """Note what was asked for."""
        seen.append(_told(sources, flags))
        return 0

    app.command("other")(lambda: None)
    try:
        app(args=words, standalone_mode=False)
    except Exception:  # a mistake: what kind is not asked here
        return None
    return seen[0] if seen else None


def _told(sources: list[str], flags: Flags) -> Read:
    apart = ("config", "isolated", "verbose", "quiet", "color", "format")
    return sources, flags.options(), {name: getattr(flags, name) for name in apart}


VALUES = ("a", "a=b", "3", "007", "", "-", "-3", "x y", "--", "-q", "é", "1.5", "\udcff", "scan")
WORDS = st.one_of(
    st.sampled_from(sorted(_known())),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(sorted(_known())), st.sampled_from(VALUES)),
    st.sampled_from(("-vv", "-qv", "-rx", "--help", "--no-such", "--out", "-o")),
)


@given(st.lists(WORDS, max_size=5).map(lambda words: ["scan", "data", *words]))
def test_what_is_plain_is_read_as_typer_reads_it(words: list[str]):
    found = plain_scan(words)
    if found is not None:
        assert _told(found.sources, found.flags) == _read_by_typer(words)


PLAIN = [
    ["data"],
    ["data", "more", "-"],
    ["--quiet", "--isolated", "--output", "json=o.json", "--jobs", "2", "data"],
    ["data", "--ignore", "a", "--ignore=b", "-r", "pack.yaml", "-v", "-v", "-q", "--limit=10"],
    ["data", "--max-contamination", "0.1%", "--max-rate=secret=0", "--columns", "response=a[*].b"],
]


@pytest.mark.parametrize("words", PLAIN)
def test_ordinary_scans_are_plain(words: list[str]):
    found = plain_scan(["scan", *words])
    assert found is not None
    assert _told(found.sources, found.flags) == _read_by_typer(["scan", *words])


def test_what_is_not_plain_is_left_to_typer(monkeypatch: pytest.MonkeyPatch):
    for words in (
        ["clean", "a"],
        [],
        ["scan"],
        ["scan", "--help"],
        ["scan", "a", "-vv"],
        ["scan", "a", "--limit", "x"],
    ):
        assert plain_scan(words) is None
    monkeypatch.setenv("_DATAAUDIT_COMPLETE", "complete_bash")
    assert plain_scan(["scan", "a"]) is None


def test_a_plain_scan_does_without_typer(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    program = (
        "import sys\n"
        "from dataaudit.cli.main import main\n"
        "code = main(['scan', 'a.jsonl', '--format', 'json'])\n"
        "print(code, 'typer' in sys.modules, file=sys.stderr)\n"
    )
    done = run_program(program, tmp_path)
    assert done.stderr == "0 False\n"
