"""Figures that are known to be true of the real data, and what a scan says of it."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import pytest
from cli_support import Report, RunCli, ScanJson, by_id, parsed, read_rows, run
from real_support import ALPACA, records, scanned

Rows = list[dict[str, Any]]

# White_Space of the Unicode Character Database, written out.
SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return SPACE.sub(" ", folded).strip(" ")


def _repeats(rows: Rows, key: Callable[[dict[str, Any]], Hashable]) -> dict[int, int]:
    """Row → the first row with the same key, for all rows but the first."""
    first: dict[Hashable, int] = {}
    twins = {}
    for i, row in enumerate(rows):
        if (at := first.setdefault(key(row), i)) != i:
            twins[i] = at
    return twins


@pytest.fixture(scope="module")
def alpaca(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Rows, Rows]:
    """Outputs of 17 models: the report, the row-level findings, the records."""
    folder = tmp_path_factory.mktemp("alpaca")
    path = folder / "rows.jsonl"
    done = run("scan", real_data / ALPACA, "--format", "json", "--output", f"rows={path}", cwd=folder)
    assert done.returncode == 0, done.stderr
    return parsed(done.stdout), read_rows(path), records(real_data / ALPACA)


def test_alpaca_is_read_whole(alpaca: tuple[Report, Rows, Rows]) -> None:
    report, _, _ = alpaca
    assert (report["rows"], report["malformed"]) == (13_685, 0)
    (source,) = report["sources"]
    assert source["layout"] == "instruction"
    assert source["roles"] == {"prompt": "instruction", "response": "output"}
    assert source["unread"] == ["dataset", "generator"]
    assert report["rates"]["contamination"]["of"] == 13_685


def test_the_seed_patterns_hit_as_often_as_counted(alpaca: tuple[Report, Rows, Rows]) -> None:
    report, rows, texts = alpaca
    evaluated = {one["id"]: one["rows"] for one in report["evaluated"]}
    assert evaluated["chat-inst-block"] == 0
    assert evaluated["refusal-cannot-and-will-not"] == 0
    finding = by_id(report)["self-as-an-ai-assistant"]
    assert finding["rows"] == 38
    assert finding["by_role"] == {"response": 38}
    hit = {one["row"] for one in rows if one["finding"] == "self-as-an-ai-assistant"}
    assert hit == {i for i, one in enumerate(texts) if "As an AI assistant" in one["output"]}


def test_every_span_is_where_the_pattern_matches(alpaca: tuple[Report, Rows, Rows]) -> None:
    _, rows, texts = alpaca
    spans = [one for one in rows if one["finding"] == "self-as-an-ai-assistant"]
    for one in spans:
        assert texts[one["row"]][one["path"]][one["start"] : one["end"]] == "As an AI assistant"
        assert one["line"] == one["row"] + 1
    assert len(spans) == sum(one["output"].count("As an AI assistant") for one in texts)


DUPLICATES = {
    "exact-duplicates": (79, lambda row: (row["instruction"], row["output"])),
    "exact-duplicates:normalised": (
        90,
        lambda row: (_normalised(row["instruction"]), _normalised(row["output"])),
    ),
    "exact-duplicates:response": (908, lambda row: row["output"]),
    "exact-duplicates:response:normalised": (919, lambda row: _normalised(row["output"])),
    "exact-duplicates:prompt": (12_880, lambda row: row["instruction"]),
    "exact-duplicates:record": (0, lambda row: tuple(sorted(row.items()))),
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_duplicates_are_these_rows_and_these_twins(alpaca: tuple[Report, Rows, Rows], name: str) -> None:
    report, rows, texts = alpaca
    count, key = DUPLICATES[name]
    twins = _repeats(texts, key)
    assert len(twins) == count
    evaluated = {one["id"]: one for one in report["evaluated"]}[name]
    assert (evaluated["rows"], evaluated["of"]) == (count, 13_685)
    assert {one["row"]: one["twin_row"] for one in rows if one["finding"] == name} == twins


def test_the_null_model_is_one_string(alpaca: tuple[Report, Rows, Rows]) -> None:
    report, rows, texts = alpaca
    finding = by_id(report)["exact-duplicates:response"]
    assert finding["details"]["groups"] == 46
    largest = finding["details"]["largest"][0]
    assert largest["size"] == 805
    assert texts[largest["row"]]["generator"] == "NullModel"
    repeated = {
        one["row"]
        for one in rows
        if one["finding"] == "exact-duplicates:response" and one["twin_row"] == largest["row"]
    }
    assert len(repeated) == 804
    assert {texts[row]["generator"] for row in repeated} == {"NullModel"}


def test_gates_on_real_rates(real_data: Path, scan_json: ScanJson) -> None:
    counts, rates = ["exact-duplicates=79", "exact-duplicates=78"], ["0.27%", "0.28%"]
    flags = [word for one in counts for word in ("--max-count", one)]
    flags += [word for one in rates for word in ("--max-rate", f"self-as-an-ai-assistant={one}")]
    gates = scan_json(real_data / ALPACA, *flags, expect=1)["gates"]
    outcomes = {(gate["kind"], gate["limit"]): gate["outcome"] for gate in gates}
    assert outcomes == {
        ("count", 79): "pass",
        ("count", 78): "fail",
        ("rate", 0.0027): "fail",
        ("rate", 0.0028): "pass",
    }


def test_cleaning_alpaca_removes_exactly_the_duplicates(
    real_data: Path, tmp_path: Path, call_cli: RunCli
) -> None:
    source = real_data / ALPACA
    done = call_cli("clean", source, "-o", "out", "--drop", "exact-duplicates")
    assert done.returncode == 0, done.stderr
    lines = source.read_bytes().splitlines(keepends=True)
    dropped = _repeats(records(source), DUPLICATES["exact-duplicates"][1])
    kept = (tmp_path / "out" / "kept" / source.name).read_bytes()
    assert kept == b"".join(line for i, line in enumerate(lines) if i not in dropped)
    aside = (tmp_path / "out" / "quarantine" / source.name).read_bytes()
    assert aside == b"".join(lines[i] for i in sorted(dropped))
    reasons = read_rows(tmp_path / "out" / "quarantine" / f"{source.name}.reasons.jsonl")
    assert [one["row"] for one in reasons] == sorted(dropped)
    assert call_cli("verify", "out").returncode == 0


@pytest.mark.parametrize(
    ("name", "rows", "layout"),
    [
        ("human_text/brown.jsonl", 500, "text"),
        ("human_text/gsm8k_train.jsonl", 7_473, "question-answer"),
        ("human_text/gsm8k_test.jsonl", 1_319, "question-answer"),
        ("leaks/wizardmath_gsm8k_test.jsonl", 1_319, "question-answer"),
        ("leaks/codealpaca_nearest_to_humaneval.jsonl", 164, "unknown-columns"),
        ("leaks/rephrase_gsm8k.jsonl", 1_319, "text"),
        ("leaks/humaneval_python.jsonl", 164, "text"),
        ("leaks/humaneval_js.jsonl", 164, "text"),
        ("generations/novelty_bench_gemini_1.5_pro.jsonl", 100, "prompt-response"),
        ("benchmarks/humaneval.jsonl.gz", 164, "prompt-response"),
        ("benchmarks/gsm8k_test-1.jsonl.gz", 1_319, "question-answer"),
        ("benchmarks/mmlu_validation-1.jsonl.gz", 6_124, "question-answer"),
        ("preference/hh_harmless_base_test.jsonl.gz", 2_312, "preference"),
    ],
)
def test_a_file_is_read_whole_and_its_layout_seen(real_data: Path, name: str, rows: int, layout: str) -> None:
    report = scanned(real_data / name)
    (source,) = report["sources"]
    assert (source["rows"], source["malformed"], source["error"]) == (rows, 0, None)
    assert source["layout"] == layout
    assert source["layouts"] == {}


@pytest.mark.parametrize(
    "name", ["human_text/brown.jsonl", "human_text/gsm8k_train.jsonl", "human_text/gsm8k_test.jsonl"]
)
def test_what_people_wrote_is_not_called_contaminated(real_data: Path, name: str) -> None:
    rates = scanned(real_data / name)["rates"]
    # Only the marks of an assistant's style are found in what people write, too: they are low in severity, and no
    # contamination.
    assert {rate["rows"] for name, rate in rates.items() if name != "assistant-style"} == {0}
    assert all(rate["of"] > 0 for rate in rates.values())


def test_mmlu_has_four_rows_a_question(real_data: Path, scan_json: ScanJson) -> None:
    report = scan_json(real_data / "benchmarks" / "mmlu_test-*.jsonl.gz")
    assert len(report["sources"]) == 6
    assert report["rows"] == 4 * 14_042
    assert {one["split"] for one in report["sources"]} == {"test"}


def test_a_saved_dataset_and_its_label(real_data: Path, scan_json: ScanJson) -> None:
    from datasets import load_from_disk

    path = real_data / "formats" / "hf_save_to_disk"
    report = scan_json(path)
    assert report["rows"] == 285
    (source,) = report["sources"]
    assert (source["format"], source["malformed"]) == ("arrow", 0)
    assert source["roles"] == {"prompt": "question, choices[*]", "label": "answer"}
    dataset = load_from_disk(str(path))
    names = dataset.features["answer"].names
    (labels,) = report["labels"]
    assert labels["path"] == "answer"
    assert labels["counts"] == Counter(names[answer] for answer in dataset["answer"])
    assert labels["classes"] == 4
    assert labels["rows"] == 285


def test_empty_rows_are_counted(real_data: Path) -> None:
    for name in ("humaneval_js", "humaneval_python", "rephrase_gsm8k"):
        path = real_data / "leaks" / f"{name}.jsonl"
        empty = {i for i, one in enumerate(records(path)) if not one["text"].strip()}
        finding = by_id(scanned(path)).get("structure:empty-text")
        assert (0 if finding is None else finding["rows"]) == len(empty)
        assert finding is None or {one["row"] for one in finding["examples"]} <= empty


def test_test_questions_in_training_data_are_leakage(real_data: Path, tmp_path: Path) -> None:
    shutil.copy(real_data / "leaks" / "wizardmath_gsm8k_test.jsonl", tmp_path / "train.jsonl")
    test = real_data / "human_text" / "gsm8k_test.jsonl"
    found = by_id(scanned([tmp_path / "train.jsonl", test]))
    assert found["split-leakage:prompt"]["rows"] == 1_319
    assert found["split-leakage:prompt"]["of"] == 2_638


def test_the_training_questions_are_not(real_data: Path) -> None:
    report = scanned(real_data / "human_text")
    assert {one["split"] for one in report["sources"]} == {None, "train", "test"}
    assert [name for name in by_id(report) if name.startswith("split-leakage")] == []


def test_generations_are_all_read(real_data: Path) -> None:
    path = real_data / "generations" / "novelty_bench_gemini_1.5_pro.jsonl"
    report = scanned(path)
    assert report["sources"][0]["roles"] == {"prompt": "prompt", "response": "generations[*]"}
    # One unmistakable sentence is looked for in all ten generations of a row, not in the first.
    finding = by_id(report)["self-as-a-language-model"]
    said = {
        i
        for i, one in enumerate(records(path))
        if any(re.search(r"as a (large )?language model", text, re.IGNORECASE) for text in one["generations"])
    }
    assert {one["row"] for one in finding["examples"]} <= said
    assert finding["rows"] == len(said)


def test_delimiters_of_a_rendered_preference_string_are_structure(real_data: Path, tmp_path: Path) -> None:
    """All 2,312 rows begin with "Human:", which is how the file is written and no contamination of it."""
    path = real_data / "preference" / "hh_harmless_base_test.jsonl.gz"
    output = tmp_path / "rows.jsonl"
    report = scanned(path, output=(f"rows={output}",))
    assert report["sources"][0]["roles"] == dict.fromkeys(("prompt", "response"), "chosen, rejected")
    assert report["rates"]["chat-marker"]["rows"] == 0
    assert report["rates"]["chat-marker"]["of"] == 2_312
    # Places are those of the field as it is written, delimiters included.
    texts = records(path)
    said = [one for one in read_rows(output) if one["finding"] == "self-i-am-an-ai"]
    assert said
    for one in said:
        place = texts[one["row"]][one["path"]][one["start"] : one["end"]]
        assert re.match(r"(?i)I(['’]| a)?m\b", place), place


READ = {
    "model_text/alpaca_eval_gpt4.json": 805,
    "model_text/xstest_completions_gpt4.csv": 450,
    "model_text/xstest_completions_llama2new.csv": 450,
    "model_text/xstest_completions_llama2orig.csv": 450,
    "human_text/dolly_train.json": 2_000,
    "human_text/lima_train.json": 1_029,
    "labelled/sms.tsv": 5_574,
    "preference/llmbar_natural.json": 100,
}


@pytest.mark.parametrize("name", READ)
def test_rows_of_documents_and_delimited_text(real_data: Path, call_cli: RunCli, name: str) -> None:
    done = call_cli("scan", real_data / name, "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["rows"] == READ[name]
