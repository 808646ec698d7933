"""`allow` in the configuration: which hits it takes out, what it says of them, what is refused."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from check_support import scan, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dataaudit
from dataaudit.api import plan
from dataaudit.errors import ConfigError

CHAT = [
    {"prompt": "What is [INST]?", "response": "Llama 2 writes [INST] Hello [/INST] around a turn."},
    {"prompt": "Hi", "response": "[INST] a [/INST] and [INST] b [/INST]"},
    {"prompt": "[INST] c [/INST]", "response": "no"},
]
BLOCK = "chat-inst-block"


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "today", lambda: date(2030, 6, 15))


def allowing(tmp_path: Path, *entries: dict[str, Any], files: Any = None, **options: Any):
    return scan(
        tmp_path,
        {"docs.jsonl": CHAT} if files is None else files,
        allow=[{"reason": "it is meant", **one} for one in entries],
        **{"select": ["chat-inst-block", "self-identification"], **options},
    )


def test_allowed_hits_count_in_no_other_figure(tmp_path: Path):
    report = allowing(tmp_path, {"rule": BLOCK}, max_contamination="0%", max_count=[f"{BLOCK}=0"])
    assert report.status == "pass"
    assert report.finding(BLOCK) is None
    assert (report.rates["contamination"].rows, report.rates["contamination"].of) == (0, 3)
    (entry,) = report.allowed
    assert (entry.state, entry.hits, entry.rows, entry.by_rule) == ("used", 4, 3, {BLOCK: 4})
    assert entry.reason == "it is meant"


def test_without_entries_nothing_is_allowed(tmp_path: Path):
    report = allowing(tmp_path, max_contamination="0%")
    assert report.status == "fail"
    assert report.allowed == ()
    assert report.finding(BLOCK).matches == 4


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        ({"field": "response"}, 1),
        ({"field": "prompt"}, 3),
        ({"field": "resp"}, 4),
        ({"source": "docs.jsonl"}, 0),
        ({"source": "d?cs.*"}, 0),
        ({"source": "other.jsonl"}, 4),
        ({"source": "docs/**"}, 4),
        ({"text": "Hello"}, 3),
        ({"text": "hello"}, 4),
        ({"text": {"pattern": "hello", "flags": ["ignorecase"]}}, 3),
        ({"text": "Llama 2"}, 4),  # beside the hit, not touching it
        ({"text": {"pattern": "Llama 2", "within": 8}}, 3),
        ({"text": {"pattern": "Llama 2", "within": 7}}, 4),
        ({"text": "(?:)"}, 4),  # a match of nothing allows nothing
        ({"text": "[ab]", "field": "response"}, 2),
        ({"text": "c", "field": "response"}, 4),
    ],
)
def test_what_an_entry_is_about(tmp_path: Path, entry: dict[str, Any], left: int):
    report = allowing(tmp_path, {"rule": BLOCK, **entry})
    finding = report.finding(BLOCK)
    assert (finding.matches if finding else 0) == left
    assert report.allowed[0].hits == 4 - left


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("docs/**", {"docs/a.jsonl", "docs/deep/b.jsonl"}),
        ("docs/*.jsonl", {"docs/a.jsonl"}),
        ("*.jsonl", {"docs/a.jsonl", "docs/deep/b.jsonl", "c.jsonl"}),
        ("**/deep/*", {"docs/deep/b.jsonl"}),
        ("a.jsonl", {"docs/a.jsonl"}),
    ],
)
def test_sources_are_globs_over_reported_names(tmp_path: Path, source: str, files: set[str]):
    write(tmp_path / "in/docs", {"a.jsonl": CHAT})
    write(tmp_path / "in/docs/deep", {"b.jsonl": CHAT})
    report = allowing(tmp_path, {"rule": BLOCK, "source": source}, files={"c.jsonl": CHAT})
    finding = report.finding(BLOCK)
    left = set(finding.by_source) if finding else set()
    assert left == {"docs/a.jsonl", "docs/deep/b.jsonl", "c.jsonl"} - files


def test_fields_inside_lists(tmp_path: Path):
    chat = {"messages": [{"role": "user", "content": "[INST] x [/INST]"}], "text": "[INST] y [/INST]"}
    for field, hits in (("messages", 1), ("messages[*].content", 1), ("message", 0), ("messages[*]", 1)):
        report = allowing(tmp_path, {"rule": BLOCK, "field": field}, files={"a.jsonl": [chat]})
        assert report.allowed[0].hits == hits, field


def test_a_row_with_another_hit_still_counts(tmp_path: Path):
    report = allowing(tmp_path, {"rule": BLOCK, "text": "\\[INST\\] a"})
    finding = report.finding(BLOCK)
    assert (finding.rows, finding.matches) == (3, 3)
    assert (report.allowed[0].rows, report.allowed[0].hits) == (1, 1)


def test_rows_of_an_entry_about_several_rules_count_once(tmp_path: Path):
    both = {"prompt": "x", "response": "As an AI assistant I write [INST] x [/INST]"}
    report = allowing(tmp_path, {"rule": "contamination"}, files={"a.jsonl": [both]})
    (entry,) = report.allowed
    assert (entry.rows, entry.hits) == (1, 2)
    assert entry.by_rule == {BLOCK: 1, "self-as-an-ai-assistant": 1}


def test_every_entry_that_names_a_hit_is_used(tmp_path: Path):
    report = allowing(tmp_path, {"rule": BLOCK}, {"rule": "chat-templates"})
    assert [entry.state for entry in report.allowed] == ["used", "used"]


def test_an_entry_holds_through_its_last_day(tmp_path: Path):
    days = ["2030-06-15", date(2030, 6, 14)]
    report = allowing(tmp_path, *({"rule": BLOCK, "field": "response", "expires": day} for day in days))
    assert [entry.state for entry in report.allowed] == ["used", "expired"]
    assert [entry.hits for entry in report.allowed] == [3, 3]
    assert allowing(tmp_path, {"rule": BLOCK, "expires": days[1]}).finding(BLOCK).matches == 4


def test_entries_that_name_nothing_say_why(tmp_path: Path):
    report = allowing(
        tmp_path,
        {"rule": BLOCK, "text": "zebra"},
        {"rule": BLOCK, "source": "elsewhere.jsonl"},
        {"rule": "refusals"},
        {"rule": "self-as-an-ai", "expires": "2020-01-01"},
    )
    assert [(entry.state, entry.why) for entry in report.allowed] == [
        ("unused", "no hit matched it"),
        ("unused", "no file matches its source"),
        ("off", "its rule is not on"),
        ("expired", "no hit matched it"),
    ]


def test_allowed_marks_do_not_count_for_the_synthetic_share(tmp_path: Path):
    answer = (
        "Certainly! Here is a list of towns.\n\nI hope this helps! Let me know if you have any questions."
    )
    files = {"a.jsonl": [{"prompt": f"Towns {i}?", "response": f"{answer} {i}"} for i in range(120)]}
    options = {"files": files, "select": ["assistant-boilerplate", "synthetic-share"]}
    assert allowing(tmp_path, **options).finding("synthetic-share").value > 0.9
    report = allowing(tmp_path, {"rule": "assistant-boilerplate", "source": "a.jsonl"}, **options)
    assert report.allowed[0].rows == 120
    assert report.finding("synthetic-share") is None


def test_clean_leaves_allowed_rows_alone(tmp_path: Path):
    source = write(tmp_path / "in", {"docs.jsonl": CHAT})
    _, manifest = dataaudit.clean(
        source,
        tmp_path / "out",
        drop=[BLOCK],
        select=[BLOCK],
        allow=[{"rule": BLOCK, "field": "response", "reason": "documentation"}],
    )
    assert [(one.kept, one.quarantined) for one in manifest.inputs] == [(2, 1)]
    assert manifest.options["allow"] == [{"rule": BLOCK, "field": "response", "reason": "documentation"}]
    assert dataaudit.verify(tmp_path / "out").ok


def test_rows_that_are_allowed_are_not_written(tmp_path: Path):
    rows = tmp_path / "rows.jsonl"
    allowing(tmp_path, {"rule": BLOCK, "field": "response"}, output=[f"rows={rows}"])
    assert rows.read_text().count(BLOCK) == 1


@pytest.mark.parametrize("options", [{"jobs": 2}, {"reference": False}, {"batch_rows": 1}])
def test_workers_and_paths_change_nothing(tmp_path: Path, options: dict[str, Any]):
    entries = ({"rule": BLOCK, "text": "Hello"}, {"rule": "default", "source": "b.jsonl"})
    files = {"a.jsonl": CHAT * 5, "b.jsonl": CHAT}
    expected = allowing(tmp_path, *entries, files=files)
    report = allowing(tmp_path, *entries, files=files, **options)
    assert (report.allowed, report.findings, report.rates) == (
        expected.allowed,
        expected.findings,
        expected.rates,
    )


def test_a_text_that_takes_too_long_allows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dataaudit.checks.allowances.TIMEOUT", 0.05)
    slow = [{"prompt": "x", "response": "[INST] x [/INST]" + "a" * 40 + "!"}]
    report = allowing(tmp_path, {"rule": BLOCK, "text": "(a|a)+$"}, files={"a.jsonl": slow})
    assert report.status == "incomplete"
    assert report.finding(BLOCK).rows == 1
    assert ("allow entry 1", "timed out on 1 string") in [
        (one.id, one.reason) for one in report.not_evaluated
    ]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"rule": BLOCK}, "'reason' is missing"),
        ({"reason": "x"}, "'rule' is missing"),
        ({"rule": BLOCK, "reason": " "}, "'reason' must be a string that is not empty"),
        ({"rule": "no-such", "reason": "x"}, "no rule is named 'no-such'"),
        ({"rule": "exact-duplicates", "reason": "x"}, "no rule is named 'exact-duplicates'"),
        ({"rule": BLOCK, "reason": "x", "until": "2030"}, "unknown key 'until'"),
        ({"rule": BLOCK, "reason": "x", "expires": "soon"}, "'expires' must be a day"),
        ({"rule": BLOCK, "reason": "x", "expires": 2030}, "'expires' must be a day"),
        ({"rule": BLOCK, "reason": "x", "text": "("}, "text: the pattern does not compile"),
        ({"rule": BLOCK, "reason": "x", "text": ""}, "'text' must be a string"),
        ({"rule": BLOCK, "reason": "x", "text": {"pattern": "a", "within": -1}}, "'within' must be a whole"),
        ({"rule": BLOCK, "reason": "x", "text": {"pattern": "a", "flags": ["i"]}}, "'flags' must be a list"),
        ({"rule": BLOCK, "reason": "x", "text": {"where": "start"}}, "unknown key 'where'"),
        ({"rule": BLOCK, "reason": "x", "field": "messages[2].content"}, "write messages[*].content for all"),
        ({"rule": BLOCK, "reason": "x", "source": ["a"]}, "'source' must be a string"),
        ("x", "must be a table"),
    ],
)
def test_what_is_refused(tmp_path: Path, entry: Any, words: str):
    with pytest.raises(ConfigError) as refused:
        scan(tmp_path, {"a.jsonl": CHAT}, allow=[{"rule": BLOCK, "reason": "fine"}, entry])
    assert words in str(refused.value)
    assert "allow entry 2" in str(refused.value)
    assert "\n" not in str(refused.value)


TEXTS = st.sampled_from(["[INST] a [/INST]", "x [INST] b [/INST] [INST] a [/INST]", "[INST]", "a", ""])
ENTRIES = st.fixed_dictionaries(
    {
        "rule": st.sampled_from([BLOCK, "chat-marker", "chat-inst-stray", "contamination"]),
        "reason": st.just("x"),
    },
    optional={
        "source": st.sampled_from(["a*", "b.jsonl", "**", "none"]),
        "field": st.sampled_from(["prompt", "response", "text"]),
        "text": st.sampled_from(["a", "INST", {"pattern": "x", "within": 2}, "zebra"]),
        "expires": st.sampled_from(["2030-06-14", "2030-06-15"]),
    },
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.fixed_dictionaries(
        {f"{name}.jsonl": st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4) for name in "ab"}
    ),
    entry=ENTRIES,
)
def test_hits_are_allowed_or_counted_and_never_lost(files: dict[str, Any], entry: dict[str, Any]):
    rows = {
        name: [dict(zip(("prompt", "response"), one, strict=True)) for one in held]
        for name, held in files.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        options = {"files": rows, "select": ["chat-inst-block", "chat-inst-stray"]}
        before = allowing(Path(folder), **options)
        after = allowing(Path(folder), entry, **options)
    (said,) = after.allowed
    taken = {} if said.state == "expired" else said.by_rule
    for rule in options["select"]:
        counted, left = (one.finding(rule).matches if one.finding(rule) else 0 for one in (before, after))
        assert counted == left + taken.get(rule, 0)
    assert said.rows <= said.hits
    assert (said.state == "used") == (said.hits > 0 and said.expires != "2030-06-14")
