"""Near-duplicates: against all pairs compared by brute force, and what is a duplicate of what."""

from __future__ import annotations

import json
import random
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from check_support import scan

import dataaudit

NEAR = ("near-duplicates",)
WORDS = [f"{a}{b}" for a in "bcdfghjklmnprst" for b in ("ar", "el", "in", "os", "un", "ate")]


def rows(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text} for text in texts]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def removable(texts: list[str], threshold: float = 0.8) -> set[int]:
    """All rows but the first of each component, every pair compared."""
    sets = [shingles(text) for text in texts]
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in combinations(range(len(texts)), 2):
        if sets[i] and sets[j] and jaccard(sets[i], sets[j]) >= threshold:
            a, b = sorted((root(i), root(j)))
            parent[b] = a
    return {i for i in range(len(texts)) if root(i) != i}


def removed(report: Any) -> int:
    found = [one for one in report.findings if one.id == "near-duplicates"]
    return found[0].rows if found else 0


def test_a_row_with_a_few_words_changed_is_found_and_names_the_row_that_stays(tmp_path: Path):
    words = random.Random(1).choices(WORDS, k=120)
    changed = [*words[:60], "other", *words[61:]]
    files = {
        "b.jsonl": rows(" ".join(changed).upper()),
        "a.jsonl": rows("nothing alike here at all", " ".join(words)),
    }
    finding = scan(tmp_path, files, select=NEAR).finding("near-duplicates")
    assert (finding.rows, finding.of) == (1, 3)
    (example,) = finding.examples
    assert (example.file, example.row, example.twin) == ("b.jsonl", 0, ("a.jsonl", 1))


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["Yes.", "yes. ", "No."], 1),
        (["C++", "C#", "C"], 0),
        (["", " ", "\n"], 0),
        (["😀😀", "😀😀", "🎉"], 1),
        (["4.2", "4,2", "-4.2"], 0),
        (["one two three four five", "One, two: three four FIVE!"], 1),
        (["one two three four", "one two three four five"], 0),
        (["今天天气很好我们去公园", "今天天气很好，我们去公园。"], 1),
        (["今天天气很好我们去公园", "明天下雨所以待在家里吧"], 0),
        (["สวัสดีชาวโลก", "ลาก่อนชาวโลก"], 0),
        (["a b c d e f g h"] * 50, 49),
    ],
)
def test_short_texts_are_compared_whole_and_others_by_their_words(
    texts: list[str], count: int, tmp_path: Path
):
    assert removed(scan(tmp_path, {"a.jsonl": rows(*texts)}, select=NEAR)) == count


def test_a_conversation_is_one_text_and_its_label_no_part_of_it(tmp_path: Path):
    said = "tell me about the long history of the small town by the river"
    chat = [{"role": "user", "content": said}, {"role": "assistant", "content": "gladly"}]
    other = [{"role": "user", "content": said}, {"role": "assistant", "content": "no " * 40}]
    files = {"a.jsonl": [{"messages": chat}, {"messages": chat}, {"messages": other}]}
    assert removed(scan(tmp_path, files, select=NEAR)) == 1


def edited(seed: int, families: int = 60) -> list[str]:
    """Texts and edited copies of them, from hardly to heavily."""
    made = random.Random(seed)
    texts = []
    for _ in range(families):
        words = made.choices(WORDS, k=made.randint(8, 160))
        texts.append(" ".join(words))
        for _ in range(made.randint(0, 3)):
            copy = list(words)
            for at in made.sample(range(len(copy)), made.randint(0, max(1, len(copy) // 20))):
                copy[at] = made.choice(WORDS)
            texts.append(" ".join(copy))
    made.shuffle(texts)
    return texts


def test_planted_edits_are_found_as_brute_force_finds_them(tmp_path: Path):
    texts = edited(7, families=90)
    truth = removable(texts)
    report = dataaudit.scan(
        _written(tmp_path, texts), jobs=1, select=NEAR, output=[f"rows={tmp_path / 'rows.jsonl'}"]
    )
    found = {json.loads(line)["row"] for line in (tmp_path / "rows.jsonl").read_text().splitlines()}
    assert removed(report) == len(found)
    assert len(truth) > 40
    assert len(found & truth) >= 0.98 * len(found)
    assert len(found & truth) >= 0.95 * len(truth)


def _written(folder: Path, texts: list[str]) -> Path:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def test_clean_drops_them_and_keeps_the_first(tmp_path: Path):
    texts = [
        "one two three four five six",
        "something else entirely, my friend, is here",
        "One two three four five six!",
    ]
    done = dataaudit.clean(_written(tmp_path, texts), tmp_path / "out", drop=NEAR)
    kept = next((tmp_path / "out" / "kept").rglob("*.jsonl")).read_text().splitlines()
    assert done is not None
    assert [json.loads(line)["text"] for line in kept] == texts[:2]


def test_real_answers_are_found_as_brute_force_finds_them(real_data: Path, tmp_path: Path):
    lines = (real_data / "model_text/alpaca_eval_17_models.jsonl").read_text("utf-8").splitlines()
    texts = [json.loads(line)["output"] for line in lines if line][::12]
    truth = removable(texts)
    dataaudit.scan(_written(tmp_path, texts), jobs=1, select=NEAR, output=[f"rows={tmp_path / 'rows.jsonl'}"])
    found = {json.loads(line)["row"] for line in (tmp_path / "rows.jsonl").read_text().splitlines()}
    judged = {row for row in found if shingles(texts[row])}
    assert len(judged & truth) >= 0.98 * len(judged)
    assert len(judged & truth) >= 0.98 * len(truth)


def test_documents_are_the_same_however_many_are_made_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng = random.Random(3)
    texts = [
        "!!!",
        "",
        *(" ".join(rng.choices(WORDS, k=rng.randint(1, 60))) for _ in range(200)),
        "?!",
        "one",
    ]
    files = {"a.jsonl": rows(*texts, *(f"{text} more" for text in texts), *texts[:20])}
    whole = [
        one for one in scan(tmp_path / "whole", files, select=NEAR).findings if one.id == "near-duplicates"
    ]
    monkeypatch.setattr("dataaudit.checks.near_documents.WINDOW", 30)
    parts = [
        one for one in scan(tmp_path / "parts", files, select=NEAR).findings if one.id == "near-duplicates"
    ]
    assert parts == whole
    assert whole[0].rows > 20


def test_small_blocks_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Fetching, reducing and comparing a few at a time is a matter of memory alone."""
    path = _written(tmp_path, edited(9, families=30))

    def found(name: str) -> str:
        out = tmp_path / name
        dataaudit.scan(path, jobs=1, select=NEAR, output=[f"rows={out}"])
        return out.read_text()

    whole = found("whole.jsonl")
    assert whole.count("\n") > 10
    monkeypatch.setattr("dataaudit.checks.near_sets.MOST_ROWS", 3)
    monkeypatch.setattr("dataaudit.checks.near_sets.BLOCK_SHINGLES", 100)
    monkeypatch.setattr("dataaudit.checks.near_clusters.KEPT_ROWS", 10)
    assert found("blocks.jsonl") == whole


def test_clusters_are_reduced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from dataaudit.checks import near_duplicates

    calls = []
    reduce = near_duplicates.clusters
    monkeypatch.setattr(near_duplicates, "clusters", lambda *given: calls.append(1) or reduce(*given))
    path = _written(tmp_path, ["one two three four five six", "One two three four five six!"])
    dataaudit.scan(path, jobs=1, select=NEAR, output=[f"rows={tmp_path / 'rows.jsonl'}"])
    assert (tmp_path / "rows.jsonl").read_text().count("\n") == 1
    assert calls == [1]


def test_candidates_that_cannot_be_read_again_make_the_scan_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dataaudit.engine.rows.RowsAgain.batches", lambda *_, **how: iter(()))
    words = " ".join(random.Random(1).choices(WORDS, k=200))
    report = dataaudit.scan(_written(tmp_path, [words, f"{words} end"]), jobs=1, select=NEAR)
    assert report.status == "incomplete"
    (unknown,) = [one for one in report.not_evaluated if one.id == "near-duplicates"]
    assert unknown.reason == "2 of 2 rows that may be near-duplicates could not be read again"
