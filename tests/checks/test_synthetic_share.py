"""`synthetic-share`: what counts as a row with two kinds of marks, when a data set is said to read as model output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from check_support import scan, write

import dataaudit
from dataaudit.checks.families import OTHER, family
from dataaudit.checks.share_findings import LEAST_ROWS, LIMIT
from dataaudit.checks.share_model import Anchor, estimate, share_model
from dataaudit.checks.soft_marks import MOST_KINDS
from dataaudit.cli.main import main
from dataaudit.errors import RuleError, UsageError
from dataaudit.records.findings import Finding
from dataaudit.report.model import Report
from dataaudit.rules.load import load_packs

NAME = "synthetic-share"
OPENER, CLOSER = "Sure! Here is a list of rivers.", "I hope this helps!"
LIST, PROSE = "Here are three rivers:\n\n- Elbe", "The bridge is a testament to patience."
BOTH = f"{OPENER}\n\n- Elbe\n\n{CLOSER}"
PLAIN = "The Elbe rises in the mountains and ends in the sea."


def rows(marked: int, of: int, text: str = BOTH) -> list[dict[str, Any]]:
    return [
        {
            "instruction": f"Question {i}",
            "output": f"{text if i < marked else PLAIN} {i}\n" if i >= marked else text,
        }
        for i in range(of)
    ]


def found(report: Report, name: str = NAME) -> Finding | None:
    return next((one for one in report.findings if one.id == name), None)


def test_a_data_set_with_many_marked_answers_is_named_with_its_figures(tmp_path: Path) -> None:
    report = scan(tmp_path, {"a.jsonl": rows(20, 150), "b.jsonl": rows(0, 50)})
    finding = found(report)
    assert finding is not None
    assert (finding.rows, finding.of, finding.value, finding.limit) == (None, 200, 0.1, LIMIT)
    assert (finding.severity, finding.confidence, finding.category) == ("medium", "medium", "assistant-style")
    assert finding.by_source == {"a.jsonl": 20}
    rate = report.rates[NAME]
    assert (rate.rows, rate.of) == (20, 200)
    details = finding.details
    assert details["rows"] == 20
    assert details["kinds"] == {"closer": 20, "opener": 20}
    assert 0.06 < details["low"] < 0.1 < details["high"] < 0.16  # type: ignore[operator]
    assert details["human"]["corpus"] == share_model().highest_human().name  # type: ignore[index]
    assert "20 of 200 rows" in finding.message
    assert "written by" not in finding.message
    example = finding.examples[0]
    assert example.note is not None
    assert example.note.startswith("marks: closer, opener; rank score ")
    assert example.text is not None
    assert example.mark is not None
    assert OPENER.startswith(example.text[slice(*example.mark)])


@pytest.mark.parametrize(
    ("marked", "of", "flagged"),
    [(0, 300, False), (3, 300, False), (14, 300, False), (18, 300, True), (99, 99, False), (100, 100, True)],
)
def test_the_lower_bound_decides_and_small_data_is_not_judged(
    tmp_path: Path, marked: int, of: int, flagged: bool
) -> None:
    report = scan(tmp_path, {"a.jsonl": rows(marked, of)})
    assert (found(report) is not None) == flagged
    assert (report.rates[NAME].rows, report.rates[NAME].of) == (marked, of)
    assert NAME not in [one.id for one in report.not_evaluated]


def test_asked_for_by_name_it_says_why_there_is_no_verdict(tmp_path: Path) -> None:
    report = scan(tmp_path, {"a.jsonl": rows(9, 9)}, select=[NAME])
    assert [one.reason for one in report.not_evaluated if one.id == NAME] == [
        f"9 rows with an answer or a text are too few to judge; it takes {LEAST_ROWS}"
    ]
    assert not any(one.incomplete for one in report.not_evaluated)


@pytest.mark.parametrize(
    ("record", "counts"),
    [
        ({"text": BOTH}, True),
        ({"instruction": "q", "output": BOTH}, True),
        ({"instruction": BOTH, "output": PLAIN}, False),
        ({"instruction": "q", "output": OPENER}, False),
        ({"instruction": "q", "output": f"{PROSE} It is important to note that it fell."}, False),
        ({"prompt": "q", "chosen": PLAIN, "rejected": BOTH}, True),
        ({"prompt": "q", "chosen": OPENER, "rejected": f"{PLAIN} {CLOSER}"}, False),
    ],
)
def test_two_kinds_must_stand_in_one_answer(tmp_path: Path, record: dict[str, Any], counts: bool) -> None:
    rate = scan(tmp_path, {"a.jsonl": [record]}).rates[NAME]
    assert (rate.rows, rate.of) == (int(counts), 1)


def test_in_a_chat_only_answers_are_read_and_each_on_its_own(tmp_path: Path) -> None:
    def chat(*said: str) -> dict[str, Any]:
        return {
            "messages": [{"role": ("user", "assistant")[i % 2], "content": one} for i, one in enumerate(said)]
        }

    records = [chat("q", BOTH), chat(BOTH, PLAIN), chat("q", OPENER, "q", f"{PLAIN} {CLOSER}"), chat(BOTH)]
    rate = scan(tmp_path, {"a.jsonl": records}).rates[NAME]
    assert (rate.rows, rate.of) == (1, 3)


def test_the_selection_of_rules_does_not_change_the_figures(tmp_path: Path) -> None:
    data = write(
        tmp_path / "in",
        {"a.jsonl": [*rows(20, 120), {"instruction": "q", "output": "I'm Claude, an AI made by Anthropic."}]},
    )
    whole = dataaudit.scan(data, jobs=1)
    for options in (
        {"select": [NAME]},
        {"min_severity": "medium"},
        {"ignore": ["opener", "vocabulary"]},
        {"reference": True},
    ):
        other = dataaudit.scan(data, jobs=1, **options)  # type: ignore[arg-type]
        assert other.rates[NAME] == whole.rates[NAME], options
        assert found(other) == found(whole), options
    assert NAME not in dataaudit.scan(data, jobs=1, ignore=["assistant-style"]).rates
    assert NAME not in dataaudit.scan(data, jobs=1, select=["contamination"]).rates


def test_a_file_of_model_output_among_others_is_named(tmp_path: Path) -> None:
    files = {
        "a.jsonl": rows(1, 900),
        "b.jsonl": rows(20, 150),
        "c.jsonl": rows(0, 400),
        "few.jsonl": rows(9, 9),
    }
    report = scan(tmp_path, files)
    assert found(report) is None
    finding = found(report, f"{NAME}:source")
    assert finding is not None
    assert (finding.rows, finding.value, finding.of) == (None, 1.0, 1459)
    assert finding.details == {"files": 1, "judged": 3, "sources": {"b.jsonl": {"rows": 20, "of": 150}}}
    assert finding.message == "1 of 3 files read as model output by their own share: b.jsonl 13.3 %"
    assert report.findings == scan(tmp_path / "other", files, batch_rows=7).findings
    # Where every file reads so, the share of the whole says it.
    report = scan(tmp_path / "all", {name: rows(20, 150) for name in ("a.jsonl", "b.jsonl")})
    assert found(report) is not None
    assert found(report, f"{NAME}:source") is None


def test_among_many_files_one_has_to_be_surer(tmp_path: Path) -> None:
    alone = scan(tmp_path / "two", {"a.jsonl": rows(9, 110), "b.jsonl": rows(0, 3000)})
    assert found(alone, f"{NAME}:source") is not None
    many = {f"{i:03}.jsonl": rows(0, 110) for i in range(60)}
    report = scan(tmp_path / "many", {**many, "a.jsonl": rows(9, 110)}, select=[NAME])
    assert found(report, f"{NAME}:source") is None


def test_explain_says_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", NAME]) == 0
    said = capsys.readouterr().out
    assert f"above {100 * LIMIT:g} %" in said
    for group in share_model().groups:
        assert f"{group.name} " in said
    for kind in share_model().weights.kinds:
        assert f"  {kind} " in said
    assert max(map(len, said.splitlines()[8:])) <= 80


def test_no_row_is_contaminated_or_dropped_by_it(tmp_path: Path) -> None:
    data = write(tmp_path / "in", {"a.jsonl": rows(60, 120)})
    report = dataaudit.scan(data, jobs=1)
    assert found(report) is not None
    assert report.rates["contamination"].rows == 0
    dataaudit.clean(data, tmp_path / "out", jobs=1)
    kept = (tmp_path / "out" / "kept" / "a.jsonl").read_bytes()
    assert kept == (data / "a.jsonl").read_bytes()
    with pytest.raises(UsageError, match="whole dataset"):
        dataaudit.clean(data, tmp_path / "other", jobs=1, drop=[NAME])


def test_it_can_be_gated_as_a_rate_and_by_severity(tmp_path: Path) -> None:
    data = write(tmp_path / "in", {"a.jsonl": rows(20, 200)})
    report = dataaudit.scan(data, jobs=1, max_rate=[f"{NAME}=5%"], fail_on="high")
    assert next((gate.outcome, gate.rows, gate.of) for gate in report.gates) == ("fail", 20, 200)
    assert report.gates[1].outcome == "pass"
    assert dataaudit.scan(data, jobs=1, fail_on="medium").gates[0].outcome == "fail"
    sampled = dataaudit.scan(data, jobs=1, sample="50%", max_rate=[f"{NAME}=90%"])
    assert sampled.gates[0].outcome == "pass"
    with pytest.raises(UsageError, match="not a share of rows"):
        dataaudit.scan(data, jobs=1, max_rate=[f"{NAME}:family=5%"])


def test_examples_come_in_the_order_of_their_scores(tmp_path: Path) -> None:
    strong = f"Sure! Here is a list.\n\n1. **A**: b\n2. **C**: d\n\n{PROSE}\n\n{CLOSER}"
    weak = f"[Your Name]\n\nPlease consult a doctor. [Company Name] {CLOSER}"
    records = [*rows(20, 100), {"text": strong}, {"text": weak}, {"text": strong}]
    finding = found(scan(tmp_path, {"a.jsonl": records}))
    assert finding is not None
    assert [one.row for one in finding.examples[:2]] in ([100, 102], [102, 100])
    scores = [float((one.note or "").rpartition(" ")[2]) for one in finding.examples]
    assert scores == sorted(scores, reverse=True)


def test_makers_are_counted_where_texts_name_them(tmp_path: Path) -> None:
    named = [
        "I'm Claude, an AI assistant made by Anthropic.",
        "I am ChatGPT, a model by OpenAI.",
        "I was created by OpenAI to help.",
        "I was trained by OpenAI.",
    ]
    records = [{"instruction": "q", "output": text} for text in [*named, PLAIN]]
    finding = found(scan(tmp_path, {"a.jsonl": records}), f"{NAME}:family")
    assert finding is not None
    assert finding.details["makers"] == {"OpenAI": 3, "Anthropic": 1}
    assert finding.message.endswith("OpenAI 3, Anthropic 1")
    assert (finding.rows, finding.value, finding.of) == (None, 4.0, 5)
    assert found(scan(tmp_path / "few", {"a.jsonl": records[:2]}), f"{NAME}:family") is None


def test_every_maker_that_a_shipped_rule_can_name_is_known() -> None:
    names = [
        "OpenAI", "Anthropic", "Google DeepMind", "Meta AI", "Alibaba Cloud", "DeepSeek", "LMSYS", "LAION",
        "Mistral AI", "xAI", "Cohere", "Microsoft", "TII", "Allen Institute", "Large Model Systems",
    ]  # fmt: skip
    models = [
        "GPT-4",
        "Qwen2",
        "Vicuna",
        "Open Assistant",
        "Bard",
        "Gemma",
        "Mixtral",
        "Tülu",
        "Grok",
        "Koala",
        "Falcon",
    ]
    assert OTHER not in [family({"vendor": name, "model": None}) for name in names]
    assert OTHER not in [family({"vendor": None, "model": name}) for name in models]
    assert family({"vendor": "Anthropic", "model": "GPT-4"}) == "Anthropic"
    assert family({"vendor": "Acme"}) == OTHER
    assert family({"vendor": None}) is None


PACK = """
pack: mine
version: 1
licence: CC0-1.0
{head}
rules:
{rules}
"""
RULE = """
  - id: my-{name}
    version: 1
    name: x
    message: x
    why: x
    category: quality
    severity: info
    confidence: low
    patterns: ['zyx{name}']
    hits: ['zyx{name} a', 'b zyx{name}']
    misses: ['zyx', 'x']
"""


def test_rules_of_a_pack_of_ones_own_count_too(tmp_path: Path) -> None:
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK.format(head="soft: my-mark", rules=RULE.format(name="one")))
    assert load_packs([pack], shipped=False)[0].soft == "my-mark"
    records = [{"text": f"zyxone {CLOSER}"}] * 100
    report = scan(tmp_path, {"a.jsonl": records}, rules=[str(pack)], select=[NAME])
    finding = found(report)
    assert finding is not None
    assert finding.details["kinds"] == {"closer": 100, "my-mark": 100}


def test_more_kinds_than_are_counted_are_refused(tmp_path: Path) -> None:
    rules = "".join(RULE.format(name=f"n{i}") + f"    soft: kind-{i}\n" for i in range(MOST_KINDS))
    pack = tmp_path / "pack.yaml"
    pack.write_text(PACK.format(head="", rules=rules))
    with pytest.raises(RuleError, match=f"at most {MOST_KINDS}"):
        scan(tmp_path, {"a.jsonl": [{"text": "x"}]}, rules=[str(pack)])


def test_a_name_from_the_text_is_never_said(tmp_path: Path) -> None:
    pack = tmp_path / "pack.yaml"
    rule = (
        RULE.format(name="one").replace("'zyxone'", "'zyxone (?P<vendor>.+)'").replace("zyxone a", "zyxone a")
    )
    rule = rule.replace("'b zyxone'", "'b zyxone c'")
    pack.write_text(PACK.format(head="soft: my-mark", rules=rule))
    records = [{"text": "zyxone secret-value"}] * 5
    finding = found(scan(tmp_path, {"a.jsonl": records}, rules=[str(pack)]), f"{NAME}:family")
    assert finding is not None
    assert finding.details["makers"] == {OTHER: 5}


def test_the_estimate_runs_from_none_to_all_between_the_anchors() -> None:
    human, model = Anchor(0.1, 0.2, 0.3), Anchor(0.5, 0.6, 0.8)
    none = estimate({-10_000: 1000}, human, model)
    assert (none.share, none.low, none.high) == (0.0, 0.0, 0.0)
    every = estimate({10_000: 1000}, human, model)
    assert (every.share, every.low, every.high) == (1.0, 1.0, 1.0)
    half = estimate({-10_000: 600, 10_000: 400}, human, model)
    assert half.share == pytest.approx(0.5, abs=0.01)
    assert half.low < half.share < half.high
    fewer = estimate({-10_000: 6, 10_000: 4}, human, model)
    assert fewer.low < half.low
    assert fewer.high > half.high


def test_the_shipped_figures_are_of_the_kinds_that_rules_name() -> None:
    model = share_model()
    assert sorted(model.weights.kinds) == sorted({rule.soft for rule in load_packs(()) if rule.soft})
    assert all(weight > 0 for weight in model.weights.kinds.values())
    assert model.human.high < model.model.low
    assert max(one.hit / one.rows for one in model.groups if one.label == "human") < LIMIT / 2
    assert msgspec.json.decode(msgspec.json.encode(model), type=type(model)) == model
