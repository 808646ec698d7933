"""Long texts are worked through in windows; that must not show in what is found."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from check_support import scan
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.api.benchmarks import Described, build
from dataaudit.benchmarks import probe
from dataaudit.checks import near_documents, near_sets
from dataaudit.engine import job
from dataaudit.records import normalise_long, record_words, strings
from dataaudit.sketches import long_sets
from dataaudit.sources import json_reasons

QUESTION = (
    "A ferry leaves the harbour with forty otters and returns with nineteen of them after the storm has passed over"
    " the outer islands. How many otters stayed behind on the rocks that evening?"
)
LOWERED = (
    (record_words, "LONG_BYTES", 0),
    (record_words, "WINDOW", 24),
    (record_words, "BLOCK", 4),
    (near_documents, "WINDOW", 8),
    (near_sets, "BLOCK_SHINGLES", 16),
    (long_sets, "PART", 4),
    (probe, "STRETCH", 6),
    (normalise_long, "LONG", 8),
    (normalise_long, "WINDOW", 8),
    (strings, "LONG", 8),
    (json_reasons, "LONG", 8),
    (job, "HEAVY", 0),
)
"""Every limit from which on a text is long, and every window, so low that short texts cross them several times."""

WORDS = ["otter", "Harbour", "naïve", "字", "的", "a", "b", "1", "é", "storm", "😀", "—", "ﬁn", "สวัสดี"]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("index")
    items = [
        {"id": "x1", "question": QUESTION, "answer": "Twenty-one otters."},
        {"id": "x2", "question": "Which river is longest?", "answer": "The Nile, by most accounts."},
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))
    out = str(folder / "otters.benchmark")
    build(str(folder / "items.jsonl"), out, Described("otters", "test"))
    return out


SHORT = "Which river is longest? The Nile, by most accounts."
PLAIN = st.lists(st.sampled_from([*WORDS, QUESTION, SHORT]), max_size=20)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=4), st.integers(0, 2**32))
def test_windows_change_nothing(tmp_path_factory: pytest.TempPathFactory, index: str, texts: Any, seed: int):
    rng = random.Random(seed)
    rows = [{"prompt": " ".join(a), "response": rng.choice(["", " ", "\n"]).join(b)} for a, b in texts]
    for row in rows[:2]:  # the same but for a word or two, and the case
        rows.append({"prompt": row["prompt"].upper(), "response": row["response"] + " otter"})
    folder = tmp_path_factory.mktemp("rows")
    options: dict[str, Any] = {
        "benchmarks": (index,),
        "select": ("near-duplicates", "leakage", "exact-duplicates"),
    }
    whole = scan(folder, {"a.jsonl": rows}, **options)
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in LOWERED:
            patch.setattr(module, name, value)
        parts = scan(folder, {"a.jsonl": rows}, **options)
    assert parts.findings == whole.findings
    assert parts.evaluated == whole.evaluated


def test_two_long_rows_that_differ_in_a_word_are_near_duplicates_in_windows(tmp_path: Path):
    words = random.Random(3).choices(WORDS[:9], k=400)
    rows = [
        {"text": " ".join(words)},
        {"text": " ".join([*words[:200], "other", *words[201:]])},
        {"text": "b"},
    ]
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in LOWERED:
            patch.setattr(module, name, value)
        report = scan(tmp_path, {"a.jsonl": rows}, select=("near-duplicates",))
    finding = report.finding("near-duplicates")
    assert (finding.rows, finding.of) == (1, 3)
