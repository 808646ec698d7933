"""Wrong answers that users of such tools have been given; each test is one that this tool does not give."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from cli_support import RunCli, ScanJson, by_id, pairs, read_rows, tainted, write_lines

SYSTEM = "You are a helpful assistant."


def _chats(count: int) -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"How long do I boil egg number {i}?"},
                {
                    "role": "assistant",
                    "content": f"Egg {i} takes {i % 7 + 4} minutes; cool it under tap {i * i}.",
                },
            ],
            "meta": {"n": i, "tags": ["é", None, 1.50]},
        }
        for i in range(count)
    ]


def test_one_undecodable_byte_hides_nothing(tmp_path: Path, scan_json: ScanJson) -> None:
    """Said elsewhere: "0 lines, no contamination", exit 0."""
    lines = [json.dumps(one).encode() for one in [*pairs(30), *tainted(3)]]
    lines.insert(1, b'{"prompt": "caf\xe9", "response": "x"}')
    write_lines(tmp_path / "a.jsonl", lines)
    report = scan_json("a.jsonl", "--max-contamination", "1%", expect=1)
    assert (report["rows"], report["malformed"]) == (34, 1)
    assert report["rates"]["contamination"] == {
        "rows": 3,
        "of": 33,
        "rate": 3 / 33,
        "low": None,
        "high": None,
    }
    (example,) = by_id(report)["malformed-record"]["examples"]
    assert (example["row"], example["line"]) == (1, 2)


def test_unreadable_shards_are_an_error(tmp_path: Path, scan_json: ScanJson, call_cli: RunCli) -> None:
    """Said elsewhere: nothing, exit 0, rate 0.0."""
    for i in range(3):
        path = write_lines(tmp_path / "shards" / f"{i}.jsonl", tainted(50, start=50 * i))
        whole = gzip.compress(path.read_bytes(), mtime=0)
        path.unlink()
        (tmp_path / "shards" / f"{i}.jsonl.gz").write_bytes(b"\x1f\x8b" + whole[2:200])
    report = scan_json("shards", "--max-contamination", "1%", expect=3)
    assert report["status"] == "incomplete"
    assert len({one["id"] for one in report["not_evaluated"]}) == 3
    assert report["rates"]["contamination"]["rate"] != 0.0
    shown = call_cli("scan", "shards").stdout
    for i in range(3):
        assert f"{i}.jsonl.gz" in shown


def test_an_empty_file_does_not_pass(tmp_path: Path, scan_json: ScanJson) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    report = scan_json("a.jsonl", "--max-contamination", "1%", expect=4)
    assert report["gates"][0]["outcome"] == "not-evaluated"


def test_chats_are_understood(tmp_path: Path, scan_json: ScanJson) -> None:
    """Said elsewhere: 2,000 of 2,000 rows "empty" or "duplicates"."""
    write_lines(tmp_path / "a.jsonl", _chats(2000))
    report = scan_json("a.jsonl")
    (source,) = report["sources"]
    assert (source["layout"], source["rows"]) == ("messages", 2000)
    found = by_id(report)
    assert set(found) <= {"exact-duplicates:system", "exact-duplicates:system:normalised"}
    assert report["rates"]["contamination"] == {"rows": 0, "of": 2000, "rate": 0.0, "low": None, "high": None}


def test_a_common_system_prompt_deletes_nothing(tmp_path: Path, call_cli: RunCli) -> None:
    """Elsewhere every row with it was deleted as an injection."""
    path = write_lines(tmp_path / "a.jsonl", _chats(500))
    done = call_cli("clean", path, "-o", "out", "--drop", "contamination", "--drop", "exact-duplicates")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/kept/a.jsonl").read_bytes() == path.read_bytes()


def test_all_rows_are_compared(tmp_path: Path, scan_json: ScanJson) -> None:
    """Elsewhere only the first 2,000 were, in silence."""
    rows = pairs(12_000)
    rows[11_990] = rows[7]
    rows[9_000] = rows[2_500]
    write_lines(tmp_path / "a.jsonl", rows)
    output = tmp_path / "rows.jsonl"
    report = scan_json("a.jsonl", "--output", f"rows={output}")
    finding = by_id(report)["exact-duplicates"]
    assert (finding["rows"], finding["of"]) == (2, 12_000)
    twins = {one["row"]: one["twin_row"] for one in read_rows(output) if one["finding"] == "exact-duplicates"}
    assert twins == {11_990: 7, 9_000: 2_500}


def test_conversations_keep_their_shape(tmp_path: Path, call_cli: RunCli) -> None:
    """Elsewhere they were exported in another format."""
    chats = _chats(40)
    chats[5]["messages"][2]["content"] = "[INST] x [/INST]"
    lines = [json.dumps(one, ensure_ascii=i % 2 == 0, indent=None).encode() for i, one in enumerate(chats)]
    lines[7] = lines[7].replace(b": ", b" :\t ")
    path = write_lines(tmp_path / "a.jsonl", lines)
    assert call_cli("clean", path, "-o", "out", "--drop", "contamination").returncode == 0
    kept = (tmp_path / "out/kept/a.jsonl").read_bytes()
    assert kept == b"".join(line + b"\n" for i, line in enumerate(lines) if i != 5)
    assert (tmp_path / "out/quarantine/a.jsonl").read_bytes() == lines[5] + b"\n"


def test_reasons_name_row_twin_and_rule(tmp_path: Path, call_cli: RunCli) -> None:
    """Elsewhere nothing said which rows, which twin, which rule."""
    rows: list[object] = [*pairs(20), tainted(1)[0], b"{", *pairs(3)]
    path = write_lines(tmp_path / "a.jsonl", rows)
    done = call_cli(
        "clean",
        path,
        "-o",
        "out",
        "--drop",
        "contamination",
        "--drop",
        "exact-duplicates",
        "--format",
        "json",
    )
    assert done.returncode == 0, done.stderr
    reasons = {one["row"]: one for one in read_rows(tmp_path / "out/quarantine/a.jsonl.reasons.jsonl")}
    assert sorted(reasons) == [20, 21, 22, 23, 24]
    (rule,) = reasons[20]["reasons"]
    assert (rule["id"], rule["path"], rule["span"][0]) == ("chat-inst-block", "response", 0)
    assert reasons[20]["line"] == 21
    (malformed,) = reasons[21]["reasons"]
    assert malformed["id"] == "malformed-record"
    assert "invalid-json" in json.dumps(malformed)
    for row in (22, 23, 24):
        (twin,) = reasons[row]["reasons"]
        assert twin["id"] == "exact-duplicates"
        assert twin["twin"] == {"file": "a.jsonl", "row": row - 22} or twin["twin"] == ["a.jsonl", row - 22]
    shown = call_cli("scan", path).stdout
    assert "chat-inst-block" in shown
    assert "a.jsonl row 20 (line 21)" in shown
    assert "same as a.jsonl row" in shown
