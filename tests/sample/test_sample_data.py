"""The sample data: the command line finds what the tables behind it list, row by row, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from cli_support import (
    Report,
    ScanJson,
    by_id,
    call,
    compressed,
    parsed,
    read_rows,
    what_it_found,
    write_lines,
)

HERE = Path(__file__).resolve().parents[2] / "sample_data"
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
FILES: dict[str, Any] = EXPECTED["files"]
SAVED = "assistant_dataset"
DUPLICATES = ("exact-duplicates", "exact-duplicates:normalised")
COUNTED_ONLY = "class-imbalance"
"""A finding about the whole dataset: it has no rows of its own."""

Make = Callable[[str, Path], Path]
"""From the name of a source and a folder, a copy of it there."""
Scanned = tuple[Report, list[dict[str, Any]]]


def _scan(source: Path, folder: Path, *flags: str) -> Scanned:
    rows = folder / f"{source.name}.rows.jsonl"
    done = call("scan", source, "--format", "json", "--output", f"rows={rows}", *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    return parsed(done.stdout), read_rows(rows)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """A scan of the whole folder."""
    return _scan(HERE, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module", params=["chat.jsonl", "instruct.parquet", "labelled.jsonl", SAVED])
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Scanned]:
    """A source by its name, and a scan of it alone."""
    name: str = request.param
    return name, _scan(HERE / name, tmp_path_factory.mktemp("alone"))


def _reported(file: str) -> str:
    """The name under which a scan of its own source reports a file."""
    return file.removeprefix(f"{SAVED}/")


def _expected(source: str) -> dict[str, Any]:
    """What is expected of the files of a source, under the names a scan of it alone reports."""
    return {
        _reported(file): table
        for file, table in FILES.items()
        if file == source or file.startswith(f"{source}/")
    }


def _found_rows(rows: list[dict[str, Any]], file: str) -> dict[str, list[int]]:
    """Finding → the rows of a file behind it; duplicates by role are counted elsewhere."""
    found: dict[str, set[int]] = {}
    for one in rows:
        if one["file"] == file and (one["finding"] in DUPLICATES or not one["finding"].startswith("exact-")):
            found.setdefault(one["finding"], set()).add(one["row"])
    return {finding: sorted(at) for finding, at in sorted(found.items())}


def _tolerated(finding: str) -> bool:
    """Findings that describe the shape of the text and are no part of the tables."""
    return finding == "structure:length-outlier"


def _as_planted(rows: list[dict[str, Any]], file: str) -> dict[str, list[int]]:
    return {name: at for name, at in _found_rows(rows, file).items() if not _tolerated(name)}


def _check_source(report: Report, uri: str, table: dict[str, Any]) -> None:
    source = next(one for one in report["sources"] if one["uri"] == uri)
    assert source["rows"] == table["rows"]
    assert source["malformed"] == len(table["malformed"])
    assert source["layout"] == table["layout"]
    assert source["layouts"] == {}
    assert source["roles"] == table["roles"]
    assert source["error"] is None


def _check_counts(report: Report, tables: dict[str, Any]) -> None:
    """Counts of findings, overall and by file."""
    findings = by_id(report)
    for name, finding in findings.items():
        planted = {
            uri: len(table["findings"][name]) for uri, table in tables.items() if name in table["findings"]
        }
        if name.startswith("exact-duplicates:") and name not in DUPLICATES:
            continue
        if name == COUNTED_ONLY or _tolerated(name):
            continue
        assert finding["rows"] == sum(planted.values()), name
        assert finding["by_source"] == planted, name
    planted_ids = {name for table in tables.values() for name in table["findings"]}
    assert planted_ids <= set(findings)


def _check_malformed(report: Report, tables: dict[str, Any]) -> None:
    planted = {
        (uri, one["row"], one["line"]): one["reason"]
        for uri, table in tables.items()
        for one in table["malformed"]
    }
    finding = by_id(report).get("malformed-record")
    examples = [] if finding is None else finding["examples"]
    # The report shows a sample of them: each must be right, and there must be one if there is any.
    assert bool(examples) == bool(planted)
    for example in examples:
        assert example["note"].startswith(planted[example["file"], example["row"], example["line"]])
    reasons: dict[str, int] = {}
    for reason in planted.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    assert ({} if finding is None else finding["details"]["reasons"]) == reasons


def _check_rates(report: Report, tables: dict[str, Any]) -> None:
    rate = report["rates"]["contamination"]
    rows = sum(table["contamination"]["rows"] for table in tables.values())
    of = sum(table["contamination"]["of"] for table in tables.values())
    assert (rate["rows"], rate["of"], rate["rate"]) == (rows, of, rows / of)


def test_a_source_alone_is_read_as_the_tables_say(alone: tuple[str, Scanned]) -> None:
    name, (report, _) = alone
    tables = _expected(name)
    assert [one["uri"] for one in report["sources"]] == list(tables)
    assert report["status"] == "no-gate"
    assert report["rows"] == sum(table["rows"] for table in tables.values())
    assert report["malformed"] == sum(len(table["malformed"]) for table in tables.values())
    for uri, table in tables.items():
        _check_source(report, uri, table)
    _check_counts(report, tables)
    _check_malformed(report, tables)
    _check_rates(report, tables)


def test_a_source_alone_names_the_planted_rows(alone: tuple[str, Scanned]) -> None:
    name, (_, rows) = alone
    for uri, table in _expected(name).items():
        assert _as_planted(rows, uri) == table["findings"]


def test_a_source_alone_names_the_twins(alone: tuple[str, Scanned]) -> None:
    name, (_, rows) = alone
    for uri, table in _expected(name).items():
        twins = {row: [_reported(twin), at] for row, (twin, at) in table["twins"].items()}
        assert _twins(rows, uri) == twins


def _twins(rows: list[dict[str, Any]], file: str) -> dict[str, list[Any]]:
    found = {}
    for one in rows:
        if one["finding"] == "exact-duplicates:normalised" and one["file"] == file:
            found[str(one["row"])] = [one["twin_file"], one["twin_row"]]
    return found


def test_the_folder_is_read_as_the_tables_say(whole: Scanned) -> None:
    report, _ = whole
    overall = EXPECTED["overall"]
    assert [one["uri"] for one in report["sources"]] == list(FILES)
    assert (report["rows"], report["malformed"]) == (overall["rows"], overall["malformed"])
    for uri, table in FILES.items():
        _check_source(report, uri, table)
    _check_counts(report, FILES)
    _check_malformed(report, FILES)
    _check_rates(report, FILES)
    found = {name: one["rows"] for name, one in by_id(report).items()}
    assert {name: found[name] for name in overall["findings"]} == overall["findings"]
    assert report["rates"]["contamination"]["rows"] == overall["contamination"]["rows"]
    assert report["rates"]["contamination"]["of"] == overall["contamination"]["of"]


def test_the_folder_names_the_planted_rows_and_no_others(whole: Scanned) -> None:
    _, rows = whole
    for uri, table in FILES.items():
        assert _as_planted(rows, uri) == table["findings"]
        assert _twins(rows, uri) == table["twins"]
    assert {one["file"] for one in rows} == set(FILES)


def test_each_malformed_row_has_its_line(whole: Scanned) -> None:
    _, rows = whole
    found = [(one["row"], one["line"]) for one in rows if one["finding"] == "malformed-record"]
    assert found == [(one["row"], one["line"]) for one in FILES["chat.jsonl"]["malformed"]]


def test_near_misses_are_left_alone(whole: Scanned) -> None:
    _, rows = whole
    for uri, table in FILES.items():
        hit = {
            one["row"]
            for one in rows
            if one["file"] == uri and not one["finding"].startswith(("exact-duplicates:", "structure:length"))
        }
        assert not hit & set(table["near_misses"])


def test_the_labels_are_counted(whole: Scanned) -> None:
    report, _ = whole
    values = EXPECTED["values"]
    (labels,) = report["labels"]
    assert labels["counts"] == values["labels"]
    assert labels["ratio"] == values[COUNTED_ONLY]
    finding = by_id(report)[COUNTED_ONLY]
    assert (finding["value"], finding["rows"], finding["of"]) == (values[COUNTED_ONLY], None, 700)


@pytest.mark.parametrize("path", ["", "--reference"])
def test_the_spans_point_at_the_marker(path: str, tmp_path: Path) -> None:
    """The place of a match cuts the match out of the field, and both ways of matching name the same places."""
    flags = ("--jobs", "1", *([path] if path else []))
    _, rows = _scan(HERE / "labelled.jsonl", tmp_path, *flags)
    lines = (HERE / "labelled.jsonl").read_text(encoding="utf-8").split("\n")
    found = {}
    for one in rows:
        if one["finding"] in ("chat-inst-block", "self-as-an-ai-assistant"):
            text = json.loads(lines[one["line"] - 1])[one["path"]]
            found[one["finding"]] = text[one["start"] : one["end"]]
    assert found["self-as-an-ai-assistant"] == "As an AI assistant"
    assert found["chat-inst-block"].startswith("[INST]")
    assert found["chat-inst-block"].endswith("[/INST]")


# --- the same rows in other clothes ---------------------------------------------------------------------------


def _records(name: str) -> list[dict[str, Any]]:
    if name == SAVED:
        from datasets import load_from_disk

        return [dict(row) for row in load_from_disk(str(HERE / SAVED))]
    if name.endswith(".parquet"):
        rows: list[dict[str, Any]] = pq.read_table(HERE / name).to_pylist()
        return rows
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def _as_parquet(name: str, folder: Path) -> Path:
    import pyarrow as pa

    path = folder / "copy.parquet"
    pq.write_table(pa.Table.from_pylist(_records(name)), path, row_group_size=97)
    return path


def _as_saved(name: str, folder: Path) -> Path:
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    path = folder / "copy"
    Dataset.from_list(_records(name)).save_to_disk(str(path))
    return path


def _compressed(suffix: str) -> Make:
    return lambda name, folder: compressed(HERE / name, folder / f"{name}{suffix}")


def _renamed(name: str, folder: Path) -> Path:
    return Path(shutil.copy(HERE / name, folder / "renamed.ndjson"))


def _as_lines(name: str, folder: Path) -> Path:
    return write_lines(folder / "copy.jsonl", _records(name))


@pytest.mark.parametrize(
    ("source", "make"),
    [
        ("chat.jsonl", _compressed(".gz")),
        ("chat.jsonl", _compressed(".zst")),
        ("chat.jsonl", _renamed),
        ("labelled.jsonl", _compressed(".gz")),
        ("labelled.jsonl", _compressed(".zst")),
        ("labelled.jsonl", _as_parquet),
        ("labelled.jsonl", _as_saved),
        ("instruct.parquet", _as_lines),
        ("instruct.parquet", _as_saved),
    ],
)
def test_a_copy_in_another_format_gives_the_same_report(source: str, make: Make, tmp_path: Path) -> None:
    original, rows = _scan(HERE / source, tmp_path)
    copy, copied = _scan(make(source, tmp_path), tmp_path)
    lines = make in (_as_parquet, _as_saved, _as_lines)
    assert what_it_found(copy, lines=not lines) == what_it_found(original, lines=not lines)
    assert _placeless(copied) == _placeless(rows)


def _placeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "file": None, "twin_file": None, "line": None} for one in rows]


def test_shards_as_one_file_keep_their_counts(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "assistant.jsonl", _records(SAVED))
    one, _ = _scan(path, tmp_path)
    many, _ = _scan(HERE / SAVED, tmp_path)
    counts = {name: finding["rows"] for name, finding in by_id(many).items()}
    assert {name: finding["rows"] for name, finding in by_id(one).items()} == counts
    assert one["rates"] == many["rates"]


def test_the_malformed_lines_keep_their_places_when_compressed(tmp_path: Path) -> None:
    _, rows = _scan(compressed(HERE / "chat.jsonl", tmp_path / "chat.jsonl.gz"), tmp_path)
    found = [(one["row"], one["line"]) for one in rows if one["finding"] == "malformed-record"]
    assert found == [(one["row"], one["line"]) for one in FILES["chat.jsonl"]["malformed"]]


def test_the_gate_of_the_demo_fails(scan_json: ScanJson) -> None:
    report = scan_json(HERE, "--max-contamination", "1%", expect=1)
    (gate,) = report["gates"]
    assert (gate["outcome"], gate["rows"], gate["of"]) == ("fail", 31, 2047)
