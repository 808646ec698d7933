"""Exit codes and which of them wins: 2 over 3 over 4 over 1 over 0."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_support import RunCli, ScanJson, pairs, parsed, tainted, write_lines

GATE = ("--max-contamination", "1%")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with one file of each kind."""
    write_lines(tmp_path / "good.jsonl", pairs(60))
    write_lines(tmp_path / "bad.jsonl", [*pairs(60), *tainted(20)])
    write_lines(tmp_path / "scratched.jsonl", [*pairs(60), b'{"prompt": "cut', b"[1, 2]"])
    write_lines(tmp_path / "garbage.jsonl", [b"{", b"nothing here parses", b"[]"])
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "blank.jsonl").write_bytes(b"\n  \n\r\n")
    whole = gzip.compress((tmp_path / "bad.jsonl").read_bytes(), mtime=0)
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing that follows from it PAR1")
    table = pa.table({"prompt": pa.array([], pa.string()), "response": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "empty.parquet")
    return tmp_path


CASES = [
    # nothing wrong
    (0, ["good.jsonl"]),
    (0, ["bad.jsonl"]),
    (0, ["good.jsonl", *GATE]),
    (0, ["bad.jsonl", "--max-contamination", "100%"]),
    # malformed lines alone are a finding
    (0, ["scratched.jsonl"]),
    (0, ["scratched.jsonl", *GATE]),
    # each kind of gate
    (1, ["bad.jsonl", *GATE]),
    (1, ["bad.jsonl", "--max-rate", "chat-inst-block=1%"]),
    (1, ["bad.jsonl", "--max-rate", "chat-marker=0.01"]),
    (1, ["bad.jsonl", "--max-count", "chat-inst-block=19"]),
    (0, ["bad.jsonl", "--max-count", "chat-inst-block=20"]),
    (1, ["bad.jsonl", "--fail-on", "high"]),
    (0, ["good.jsonl", "--fail-on", "high"]),
    (1, ["scratched.jsonl", "--max-count", "malformed-record=1"]),
    (1, ["bad.jsonl", *GATE, "--max-count", "chat-inst-block=20"]),
    # nothing evaluated
    (4, ["empty.jsonl"]),
    (4, ["empty.jsonl", *GATE]),
    (4, ["blank.jsonl", *GATE]),
    (4, ["empty.parquet", *GATE]),
    (4, ["empty.jsonl", "blank.jsonl", "empty.parquet", "--max-count", "exact-duplicates=0"]),
    (4, ["empty.jsonl", "--fail-on", "info"]),
    (0, ["empty.jsonl", "good.jsonl", *GATE]),
    (1, ["empty.jsonl", "bad.jsonl", *GATE]),
    # incomplete
    (3, ["garbage.jsonl"]),
    (3, ["garbage.jsonl", "good.jsonl", *GATE]),
    (3, ["garbage.jsonl", "--max-count", "malformed-record=0"]),
    (3, ["cut.jsonl.gz"]),
    (3, ["broken.parquet"]),
    (3, ["cut.jsonl.gz", "good.jsonl", "--max-contamination", "100%"]),
    (3, ["broken.parquet", "bad.jsonl", *GATE]),
    (3, ["broken.parquet", "bad.jsonl", "--fail-on", "info"]),
    (3, ["broken.parquet", "empty.jsonl", *GATE]),
    # usage wins over all of them
    (2, ["good.jsonl", "--max-rate", "no-such-name=1%"]),
    (2, ["good.jsonl", "--max-rate", "chat-inst-block=1%", "--ignore", "chat-inst-block"]),
    (2, ["good.jsonl", "--max-rate", "chat-inst-block=1%", "--select", "exact-duplicates"]),
    (2, ["good.jsonl", *GATE, "--select", "structure"]),
    (2, ["good.jsonl", "--max-count", "structure:empty-text=0", "--min-severity", "high"]),
    (2, ["broken.parquet", "--max-rate", "no-such-name=1%"]),
    (2, ["empty.jsonl", "--max-rate", "no-such-name=1%"]),
    (2, ["bad.jsonl", *GATE, "--no-such-flag"]),
    (2, ["bad.jsonl", "absent.jsonl", *GATE]),
    # --exit-zero forgives a failed gate, nothing else
    (0, ["bad.jsonl", *GATE, "--exit-zero"]),
    (0, ["bad.jsonl", "--fail-on", "info", "--exit-zero"]),
    (2, ["bad.jsonl", "--max-rate", "no-such-name=1%", "--exit-zero"]),
    (3, ["garbage.jsonl", "bad.jsonl", *GATE, "--exit-zero"]),
    (4, ["empty.jsonl", *GATE, "--exit-zero"]),
]


@pytest.mark.parametrize(
    ("code", "args"), CASES, ids=lambda value: str(value) if isinstance(value, int) else None
)
def test_the_exit_code(inputs: Path, call_cli: RunCli, code: int, args: list[str]) -> None:
    done = call_cli("scan", *args, "--format", "json")
    assert done.returncode == code, done.stderr
    if code == 2:
        assert done.stdout == ""
        assert done.stderr
        return
    status = parsed(done.stdout)["status"]
    expected = {0: {"pass", "no-gate"}, 1: {"fail"}, 3: {"incomplete"}, 4: {"not-evaluated"}}[code]
    assert status in ({"fail"} if "--exit-zero" in args and code == 0 else expected)


@pytest.mark.parametrize(
    ("code", "args"),
    [
        (0, ["good.jsonl", *GATE]),
        (1, ["bad.jsonl", *GATE]),
        (2, ["good.jsonl", "--no-such-flag"]),
        (3, ["cut.jsonl.gz", "bad.jsonl", *GATE]),
        (4, ["empty.jsonl", *GATE]),
    ],
)
def test_the_exit_code_of_the_process(inputs: Path, run_cli: RunCli, code: int, args: list[str]) -> None:
    assert run_cli("scan", *args).returncode == code


def test_a_usage_error_is_one_line_about_the_name(inputs: Path, call_cli: RunCli) -> None:
    done = call_cli("scan", "good.jsonl", "--max-rate", "chat-inst-blok=1%")
    assert done.stderr.count("\n") == 1
    assert "chat-inst-blok" in done.stderr
    assert "chat-inst-block" in done.stderr


def test_a_gate_on_an_empty_file_is_not_evaluated(inputs: Path, scan_json: ScanJson) -> None:
    report = scan_json("empty.jsonl", *GATE, "--max-count", "exact-duplicates=0", expect=4)
    assert [gate["outcome"] for gate in report["gates"]] == ["not-evaluated", "not-evaluated"]
    assert all(gate["reason"] for gate in report["gates"])
    assert report["rates"]["contamination"] == {"rows": 0, "of": 0, "rate": None, "low": None, "high": None}


def test_a_gate_nothing_was_evaluated_for_never_passes(tmp_path: Path, scan_json: ScanJson) -> None:
    """Rows were read, but none has the role these rules read."""
    write_lines(tmp_path / "prompts.jsonl", [{"prompt": f"Question {i}?"} for i in range(9)])
    report = scan_json("prompts.jsonl", "--max-rate", "self-as-an-ai-assistant=1%", expect=4)
    (gate,) = report["gates"]
    assert (gate["outcome"], gate["of"]) == ("not-evaluated", 0)
    assert report["rates"]["contamination"]["of"] == 9


def test_an_unreadable_file_is_named_with_the_reason(
    inputs: Path, scan_json: ScanJson, call_cli: RunCli
) -> None:
    report = scan_json("cut.jsonl.gz", "good.jsonl", "broken.parquet", *GATE, expect=3)
    errors = {one["uri"]: one["error"] for one in report["sources"]}
    assert "cut short" in errors["cut.jsonl.gz"]
    assert "Parquet" in errors["broken.parquet"]
    assert errors["good.jsonl"] is None
    unread = {one["id"] for one in report["not_evaluated"] if one["incomplete"]}
    assert unread == {"cut.jsonl.gz", "broken.parquet"}
    shown = call_cli("scan", "cut.jsonl.gz", "good.jsonl", *GATE).stdout
    assert "cut.jsonl.gz" in shown
    assert "cut short" in shown


def test_a_file_without_permission_is_incomplete(tmp_path: Path, call_cli: RunCli) -> None:
    path = write_lines(tmp_path / "locked.jsonl", pairs(3))
    path.chmod(0)
    try:
        path.open("rb").close()
    except PermissionError:
        assert call_cli("scan", path).returncode == 3
    else:
        pytest.skip("this user may read everything")
    finally:
        path.chmod(0o600)


def test_a_dangling_link_is_not_passed_over(tmp_path: Path, call_cli: RunCli) -> None:
    write_lines(tmp_path / "data" / "a.jsonl", pairs(3))
    (tmp_path / "data" / "b.jsonl").symlink_to(tmp_path / "gone.jsonl")
    done = call_cli("scan", "data")
    assert done.returncode == 3
    assert "b.jsonl" in done.stdout


@pytest.mark.parametrize(
    "gate",
    [
        ["--max-rate", "exact-duplicates=1%"],
        ["--max-rate", "exact-duplicates:response=1%"],
        ["--max-count", "exact-duplicates=5"],
        ["--max-rate", "split-leakage=1%"],
        ["--max-count", "class-imbalance=10"],
        ["--max-count", "chat-inst-block=5"],
        ["--fail-on", "high"],
    ],
)
def test_a_sample_cannot_answer_for_the_whole(inputs: Path, call_cli: RunCli, gate: list[str]) -> None:
    done = call_cli("scan", "good.jsonl", "--sample", "50%", *gate)
    assert done.returncode == 2
    assert "--sample" in done.stderr


@pytest.mark.parametrize(
    "gate",
    [
        ["--max-contamination", "1%"],
        ["--max-rate", "chat-marker=1%"],
        ["--max-count", "exact-duplicates=5"],
        ["--fail-on", "high"],
    ],
)
def test_the_first_rows_cannot_answer_for_the_rest(inputs: Path, call_cli: RunCli, gate: list[str]) -> None:
    done = call_cli("scan", "good.jsonl", "--limit", "10", *gate)
    assert done.returncode == 2
    assert "--limit" in done.stderr


def _binomial_tail(k: int, n: int, p: float) -> float:
    """P(at most k of n), from the definition."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_a_sampled_gate_uses_the_upper_bound(tmp_path: Path, scan_json: ScanJson) -> None:
    rows = [*pairs(560), *tainted(40)]
    write_lines(tmp_path / "rows.jsonl", rows[::7] + [row for i, row in enumerate(rows) if i % 7])
    report = scan_json("rows.jsonl", "--sample", "40%", "--max-contamination", "50%")
    (gate,) = report["gates"]
    rate = report["rates"]["contamination"]
    k, n, upper = gate["rows"], gate["of"], gate["upper"]
    assert 150 < n < 330
    assert 0 < k < n
    assert gate["value"] == k / n < upper
    # By definition of the two-sided 95 % Clopper–Pearson interval.
    assert _binomial_tail(k, n, upper) == pytest.approx(0.025, rel=1e-6)
    assert rate["high"] == upper
    assert 1 - _binomial_tail(k - 1, n, rate["low"]) == pytest.approx(0.025, rel=1e-6)
    # Between the share seen and the bound the gate fails; above the bound it passes.
    between = (gate["value"] + upper) / 2
    scan_json("rows.jsonl", "--sample", "40%", "--max-contamination", between, expect=1)
    scan_json("rows.jsonl", "--sample", "40%", "--max-contamination", upper + 1e-6)


def test_a_clean_sample_is_no_proof_of_a_clean_file(inputs: Path, scan_json: ScanJson) -> None:
    report = scan_json("good.jsonl", "--sample", "50%", *GATE, expect=1)
    (gate,) = report["gates"]
    assert gate["rows"] == 0
    assert gate["upper"] == pytest.approx(1 - 0.025 ** (1 / gate["of"]), rel=1e-9)


def test_a_sample_is_the_same_for_the_same_seed_only(inputs: Path, scan_json: ScanJson) -> None:
    def chosen(*flags: object) -> int:
        return int(scan_json("good.jsonl", "--sample", "50%", *flags)["rates"]["contamination"]["of"])

    assert chosen() == chosen("--seed", 0) == chosen("--batch-rows", 7)
    assert len({chosen("--seed", seed) for seed in range(1, 6)}) > 1


def test_clean_gates_and_verify(inputs: Path, call_cli: RunCli) -> None:
    assert call_cli("clean", "bad.jsonl", "-o", "out", *GATE).returncode == 1
    assert call_cli("verify", "out").returncode == 0
    assert call_cli("clean", "bad.jsonl", "-o", "forgiven", *GATE, "--exit-zero").returncode == 0
    kept = inputs / "out" / "kept" / "bad.jsonl"
    kept.write_bytes(kept.read_bytes().replace(b"Egg 3 ", b"Egg 4 "))
    changed = call_cli("verify", "out")
    assert changed.returncode == 1
    assert "kept/bad.jsonl" in changed.stdout
    (inputs / "out" / "manifest.json").unlink()
    assert call_cli("verify", "out").returncode == 3
    assert call_cli("verify", "nowhere").returncode == 3


def test_verify_without_the_input(inputs: Path, call_cli: RunCli) -> None:
    assert call_cli("clean", "good.jsonl", "-o", "out").returncode == 0
    (inputs / "good.jsonl").unlink()
    done = call_cli("verify", "out")
    assert done.returncode == 0
    assert "good.jsonl" in done.stderr
    assert call_cli("verify", "out", "--require-input").returncode == 1


def test_clean_of_an_unreadable_file_is_incomplete(inputs: Path, call_cli: RunCli) -> None:
    done = call_cli("clean", "cut.jsonl.gz", "good.jsonl", "-o", "out")
    assert done.returncode == 3
    assert "cut.jsonl.gz" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["class-imbalance", "exact-duplicates:system", "split-leakage"])
def test_a_gate_on_what_the_data_lacks_never_passes(inputs: Path, scan_json: ScanJson, name: str) -> None:
    """There are no labels, no system prompts, no splits in it."""
    report = scan_json("good.jsonl", "--max-count", f"{name}=10", expect=4)
    assert report["gates"][0]["outcome"] == "not-evaluated"
