"""Configuration files: where they are found, what wins, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import RunCli, pairs, tainted, write_lines


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose data no strict gate lets pass."""
    write_lines(tmp_path / "a.jsonl", [*pairs(10), *tainted(10)])
    return tmp_path


STRICT = 'max-contamination = "1%"\n'


def test_a_file_in_the_current_folder_is_used(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text(STRICT)
    assert call_cli("scan", "a.jsonl").returncode == 1
    assert call_cli("scan", "a.jsonl", "--isolated").returncode == 0


def test_underscores_do_too(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text('max_rate = ["chat-marker=1%"]\n')
    assert call_cli("scan", "a.jsonl").returncode == 1


def test_a_table_of_pyproject_is_used(folder: Path, call_cli: RunCli) -> None:
    (folder / "pyproject.toml").write_text(f"[project]\nname = 'x'\n[tool.dataaudit]\n{STRICT}")
    assert call_cli("scan", "a.jsonl").returncode == 1
    assert call_cli("scan", "a.jsonl", "--isolated").returncode == 0


def test_the_own_file_wins_over_pyproject(folder: Path, call_cli: RunCli) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.dataaudit]\n{STRICT}")
    (folder / "dataaudit.toml").write_text('max-contamination = "100%"\n')
    assert call_cli("scan", "a.jsonl").returncode == 0


def test_a_pyproject_of_others_is_left_alone(folder: Path, call_cli: RunCli) -> None:
    (folder / "pyproject.toml").write_text("this is not TOML\n")
    assert call_cli("scan", "a.jsonl").returncode == 0


def test_a_flag_wins_over_the_file(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text(STRICT)
    assert call_cli("scan", "a.jsonl", "--max-contamination", "100%").returncode == 0


def test_a_flag_of_zero_wins_over_the_file(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text('sample = "50%"\nseed = 7\n')
    first = call_cli("scan", "a.jsonl", "--seed", "0").stdout
    assert "seed 0" in first
    assert "seed 7" in call_cli("scan", "a.jsonl").stdout


def test_a_file_by_name(folder: Path, call_cli: RunCli) -> None:
    (folder / "strict.toml").write_text(STRICT)
    (folder / "dataaudit.toml").write_text('max-contamination = "100%"\n')
    assert call_cli("scan", "a.jsonl", "--config", "strict.toml").returncode == 1


def test_lists_and_numbers(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text(
        'ignore = ["contamination", "structure"]\njobs = 1\nbatch-rows = 3\nhide-text = true\n'
    )
    done = call_cli("scan", "a.jsonl", "--max-rate", "chat-inst-block=1%")
    assert done.returncode == 2  # the file has turned the rule off


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('max-contaminaton = "1%"\n', "max-contaminaton"),
        ("colour = true\n", "colour"),
        ('output = ["json=x.json"]\n', "output"),
        ("jobs = 'two'\n", "jobs"),
        ("jobs = true\n", "jobs"),
        ("jobs = 0\n", "jobs"),
        ("exit-zero = 1\n", "exit-zero"),
        ("select = [1]\n", "select"),
        ("min-severity = 'awful'\n", "min-severity"),
        ("= 3\n", "dataaudit.toml"),
        ("[scan]\njobs = 1\n", "scan"),
    ],
)
def test_what_a_file_must_not_hold(folder: Path, call_cli: RunCli, text: str, named: str) -> None:
    (folder / "dataaudit.toml").write_text(text)
    done = call_cli("scan", "a.jsonl")
    assert done.returncode == 2
    assert named in done.stderr
    assert "dataaudit.toml" in done.stderr
    assert done.stderr.count("\n") == 1
    assert call_cli("scan", "a.jsonl", "--isolated").returncode == 0


ALLOW = """
[[allow]]
rule = "contamination"
source = "a.jsonl"
text = { pattern = ".", within = 0 }
reason = "a test"
expires = 9999-12-31
"""


def test_hits_are_allowed_with_a_reason(folder: Path, call_cli: RunCli) -> None:
    (folder / "dataaudit.toml").write_text(STRICT + ALLOW)
    done = call_cli("scan", "a.jsonl")
    assert done.returncode == 0
    assert "a test; until 9999-12-31" in done.stdout
    cleaned = call_cli("clean", "a.jsonl", "-o", "out", "--drop", "contamination")
    assert "10 hits in 10 rows (a test; until 9999-12-31)" in cleaned.stdout
    assert "20 kept" in cleaned.stdout
    project = ALLOW.replace("[[allow]]", "[[tool.dataaudit.allow]]")
    (folder / "dataaudit.toml").unlink()
    (folder / "pyproject.toml").write_text(f"[tool.dataaudit]\n{STRICT}{project}")
    assert call_cli("scan", "a.jsonl").returncode == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ALLOW.replace("reason", "because"), "allow entry 1: unknown key 'because'"),
        (ALLOW.replace("contamination", "no-such-rule"), "allow entry 1: no rule is named 'no-such-rule'"),
        (ALLOW + ALLOW.replace('"."', '"("'), "allow entry 2: text: the pattern does not compile"),
        ("allow = 3\n", "'allow' must be a list of tables"),
        ("allow = ['chat-inst-block']\n", "allow entry 1: must be a table"),
        ("[allow]\nrule = 'x'\n", "'allow' must be a list of tables"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_one_line(
    folder: Path, call_cli: RunCli, text: str, named: str
) -> None:
    (folder / "dataaudit.toml").write_text(text)
    done = call_cli("scan", "a.jsonl")
    assert done.returncode == 2
    assert f"dataaudit.toml: {named}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_key_of_pyproject_is_refused(folder: Path, call_cli: RunCli) -> None:
    (folder / "pyproject.toml").write_text("[tool.dataaudit]\nspeed = 'high'\n")
    done = call_cli("scan", "a.jsonl")
    assert done.returncode == 2
    assert "speed" in done.stderr
