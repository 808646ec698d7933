"""What the formats say, that they fit, and that no text of the data can act on who reads them."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_sample import REPORT, example, finding
from rich.cells import cell_len
from rich.console import Console

from dataaudit.errors import UsageError
from dataaudit.records.findings import NotEvaluated
from dataaudit.report.escape import code, markdown, visible, visible_span
from dataaudit.report.formats import FORMATS, render_format
from dataaudit.report.json_format import hide_text, schema, to_dict, to_json
from dataaudit.report.markdown import to_markdown
from dataaudit.report.model import Rate, Report, SourceInfo, Timing
from dataaudit.report.rank import rank
from dataaudit.report.terminal import render
from dataaudit.report.words import fold

HOSTILE = (
    "\x1b[31m\x1b]0;title\x07[bold]loud[/bold][link=http://evil]x[/link]</script><!--<img src=x onerror=a()>"
    "\u202eevil\u2066\u200f\x9b2J\x00\x7f\r\n\u2028# h\n| a |\n```\n@octocat https://evil.com www.evil.com"
    " :smile: \U000e0041\U000e0142\ufeff\u200b\ud800 {{7*7}} **b** ~~s~~ $x$ &amp; \\"
)

EMPTY = Report(
    "not-evaluated", 0, 0, (), {}, (), (), (), (), (), (), {}, Timing("2026-01-01T00:00:00Z", 0.0, 0, 1)
)

KEPT = {
    "status",
    "state",
    "kind",
    "outcome",
    "severity",
    "confidence",
    "action",
    "started",
    "schema_version",
    "check",
}
"""Fields with a fixed set of values."""


def poison(value: Any, name: str = "") -> Any:
    """The value with hostile text in every string that the data, a path or a rule pack could hold."""
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: poison(getattr(value, f.name), f.name) for f in fields(value)}
        if changed.get("mark") is not None:
            changed["mark"] = (3, 3 + len(HOSTILE))
        return replace(value, **changed)
    if isinstance(value, str):
        return value if name in KEPT else value + HOSTILE
    if isinstance(value, tuple):
        return tuple(poison(item, name) for item in value)
    if isinstance(value, list):
        return [poison(item, name) for item in value]
    if isinstance(value, dict):
        return {key + HOSTILE: poison(item, name) for key, item in value.items()}
    return value


POISONED: Report = poison(REPORT)


def terminal(report: Report, width: int = 80, color: bool = False, verbose: int = 0) -> str:
    return render_format("terminal", report, width=width, color=color, verbose=verbose).decode()


def hidden(text: str) -> set[str]:
    """Characters a reader would not see, or that would move what is seen."""
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    kept = "\n\u200c\u200d"
    return {
        c for c in text if c not in kept and (unicodedata.category(c) in bad or 0xE0100 <= ord(c) <= 0xE01EF)
    }


def test_visible() -> None:
    assert visible("plain [bold] :smile:") == "plain [bold] :smile:"
    assert visible("a\x1b[1m\nb\tc\r\x00\x7f") == "a␛[1m⏎b␉c␍␀␡"
    assert visible("\u202e\u2066\u200f\x9b\ufeff\U000e0041\ud800") == (
        r"\u202e\u2066\u200f\x9b\ufeff\U000e0041\ud800"
    )
    assert visible("naïve 漢字 👩\u200d🚀 می\u200cروم") == "naïve 漢字 👩\u200d🚀 می\u200cروم"
    assert visible_span("a\nbc", (1, 3)) == ("a", "⏎b", "c")
    assert visible_span("abc", (2, 99)) == ("ab", "c", "")
    assert visible_span("abc", None) == ("abc", "", "")


@settings(deadline=None)
@given(st.text(st.characters()))
def test_nothing_hides_in_any_text(text: str) -> None:
    assert not hidden(visible(text))
    assert "\n" not in visible(text)
    for escaped in (markdown(text), code(text).removeprefix("<code>").removesuffix("</code>")):
        assert not hidden(escaped)
        assert not re.search(r"[<>\[\]`|*@\\~$\n]|&(?!#\d+;)", escaped)
        assert "://" not in escaped
        assert not re.search(r"www\.", escaped, re.IGNORECASE)


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("verbose", [0, 2])
@pytest.mark.parametrize("report", [REPORT, POISONED, EMPTY], ids=["plain", "hostile", "empty"])
def test_terminal_fits_and_holds_no_control_characters(report: Report, width: int, verbose: int) -> None:
    shown = terminal(report, width, verbose=verbose)
    assert not hidden(shown)
    assert max(cell_len(line) for line in shown.split("\n")) <= width
    assert all(line == line.rstrip() for line in shown.split("\n"))


def test_terminal_colour_comes_from_the_tool_alone() -> None:
    shown = terminal(POISONED, color=True)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "\x1b[" in shown
    assert not hidden(bare)
    assert "␛[31m" in bare
    assert "[bold]loud[/bold]" in re.sub(r"\s*\n[\s│]*", "", bare)
    assert "\x1b[" not in terminal(REPORT)


def test_what_is_allowed_is_shown_whole() -> None:
    for shown in (terminal(REPORT), render_format("markdown", REPORT).decode()):
        for part in (
            "12 hits in 10 rows",
            "2 hits in 2 rows, not allowed any more",
            "unused",
            "no hit matched",
        ):
            assert part in shown.replace("&#45;", "-").replace("&#46;", "."), part
    assert "Pages about [red]templates[/]␛[31m" in terminal(REPORT)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    render(POISONED, Console(file=file, width=80))
    file.flush()
    lines = raw.getvalue().decode("ascii").split("\n")
    assert max(map(len, lines)) <= 80
    assert ">>" in "\n".join(lines)


def test_terminal_says_the_verdict_first_and_shows_figures() -> None:
    lines = terminal(REPORT).split("\n")
    assert lines[0] == "FAIL  2 of 4 gates failed · contamination 38 of 13,685 rows (0.28 %)"
    shown = "\n".join(lines)
    for part in (
        "3 files · 13,688 rows · 3 malformed · 17.6 MB",
        "prompt ← instruction, input · response ← output",
        "not searched: id",
        "0.28 % > 0.1 %",
        "79 ≤ 100",
        "train.jsonl row 1203 (line 1204) · response in output",
        "«[INST]»",
        "same as train.jsonl row 8812",
        "36.2 (limit 10)",
        "no row has a system prompt",
        "dataaudit rules show llama-inst-tag",
        "--drop llama-inst-tag",
    ):
        assert part in shown
    assert lines.index("Gates") < lines.index("Rates  rows hit by at least one rule of the category")
    ids = [f.id for f in REPORT.findings if ":" not in f.id]
    places = [shown.index(f"  {name}") for name in ids if name != "exact-duplicates"]
    assert len(places) > 5


def test_terminal_folds_variants_under_their_base() -> None:
    groups = fold(REPORT.findings)
    group = next(g for g in groups if g.head.id == "exact-duplicates")
    assert [v.id for v in group.variants] == [
        "exact-duplicates:prompt",
        "exact-duplicates:response",
        "exact-duplicates:response:normalised",
    ]
    assert len(groups) == len(REPORT.findings) - 3
    assert re.search(r"\n {12}:response:normalised +919 of 13,685 +6\.7 %\n", terminal(REPORT))


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        (
            {"status": "pass", "gates": REPORT.gates[1:2]},
            "PASS  the gate passed · contamination 38 of 13,685 rows",
        ),
        ({"status": "no-gate", "gates": ()}, "NO GATE  no gate was set · contamination 38"),
        (
            {"status": "incomplete", "not_evaluated": (NotEvaluated("slow-rule", "timed out", True),)},
            "INCOMPLETE  1 name could not be fully evaluated · 2 of 4 gates failed",
        ),
        ({"status": "interrupted", "gates": ()}, "INTERRUPTED  stopped before the end"),
        (
            {"status": "not-evaluated", "gates": REPORT.gates[2:3]},
            "NOT EVALUATED  1 of 1 gate had no row to judge",
        ),
        (
            {"status": "no-gate", "gates": (), "rates": {"contamination": Rate(0, 9, 0.0)}},
            "NO GATE  no gate was set · no contamination in 9 rows",
        ),
        (
            {"status": "no-gate", "gates": (), "rates": {}, "findings": (), "rows": 1},
            "NO GATE  no gate was set · 0 findings in 1 row",
        ),
    ],
)
def test_every_verdict_has_its_words(changes: dict[str, Any], first: str) -> None:
    report = replace(REPORT, **changes)
    assert terminal(report, 140).startswith(first)
    assert first.partition("  ")[0] in to_markdown(report).split("\n")[0]


def test_nothing_read_says_so() -> None:
    shown = terminal(EMPTY)
    assert shown.startswith("NOT EVALUATED  no row was evaluated\n")
    assert "Findings  none" in shown


def test_errors_and_samples_are_told() -> None:
    broken = SourceInfo(
        "b.parquet", 10, 0, "plain text", {"text": "text"}, error="row group 3 does not decompress"
    )
    report = replace(
        REPORT,
        status="incomplete",
        sources=(broken,),
        sample={"fraction": 0.1, "seed": 7, "rows_seen": 1_369},
        rates={"contamination": Rate(4, 1_369, 4 / 1_369, 0.0008, 0.0075)},
    )
    shown = terminal(report)
    assert "1 file could not be read to the end" in shown
    assert "error: row group 3 does not decompress" in shown
    assert "Sample of 1,369 rows (10.0 %, seed 7)" in shown
    assert "(0.080 % to 0.75 %)" in shown
    limited = replace(REPORT, sample={"limit": 50, "rows_seen": 50})
    assert "Only the first 50 rows were read" in terminal(limited)


def test_many_files_are_folded_and_troubled_ones_named() -> None:
    base = REPORT.sources[1]
    sources = tuple(replace(base, uri=f"part-{i:03}.jsonl", malformed=int(i == 7)) for i in range(40))
    shown = terminal(replace(REPORT, sources=sources))
    assert "40 files  part-000.jsonl … part-039.jsonl · split dev · 1 malformed" in shown
    assert "malformed: part-007.jsonl 1\n" in shown
    assert "part-008.jsonl" not in shown
    assert "part-008.jsonl" in terminal(replace(REPORT, sources=sources), verbose=1)


def test_a_note_of_many_files_is_said_once() -> None:
    base = replace(REPORT.sources[1], split=None, notes=("nobody knows these columns",))
    for count in (3, 60):
        sources = tuple(replace(base, uri=f"part-{i:03}.jsonl") for i in range(count))
        shown = terminal(replace(REPORT, sources=sources))
        assert shown.count("nobody knows these columns") == 1
    some = tuple(replace(one, notes=one.notes if i in (4, 9) else ()) for i, one in enumerate(sources))
    shown = terminal(replace(REPORT, sources=some))
    assert "note: nobody knows these columns · part-004.jsonl, part-009.jsonl\n" in shown
    counted = tuple(replace(one, notes=(f"whole chats in {i} rows",)) for i, one in enumerate(sources))
    shown = terminal(replace(REPORT, sources=counted))
    assert "whole chats in 0 rows · part-000.jsonl; alike in part-001.jsonl" in " ".join(shown.split())
    assert shown.count("whole chats") == 1


def test_unreadable_files_are_named_under_one_reason() -> None:
    base = REPORT.sources[1]
    good = tuple(replace(base, uri=f"good-{i}.jsonl") for i in range(9))
    bad = tuple(
        replace(base, uri=f"bad-{i}.parquet", rows=0, layout="none", roles={}, error="no magic bytes")
        for i in range(3)
    )
    shown = " ".join(terminal(replace(REPORT, sources=(*bad, *good))).split())
    assert shown.count("error: no magic bytes") == 1
    assert "no magic bytes · bad-0.parquet, bad-1.parquet, bad-2.parquet" in shown


@pytest.mark.parametrize("width", [60, 80, 110])
def test_long_names_are_cut_in_the_middle_and_fit(width: int) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    uri = f"hf://datasets/some-organisation/some-long-dataset-name@{commit}/data/en/train-00000-of-00002.parquet"
    source = replace(REPORT.sources[1], uri=uri, split="train", rows=10)
    shown = terminal(replace(REPORT, sources=(source,)), width=width)
    section = shown[shown.index("\nRead  ") : shown.index("\nGates")].splitlines()
    assert max(map(len, section)) <= width
    (line,) = [one for one in section if ".parquet" in one]
    assert line.endswith("10 rows")
    assert commit not in line
    assert "of-00002.parquet" in line
    whole = terminal(replace(REPORT, sources=(source,)), width=width, verbose=1)
    assert uri in whole.replace("\n  ", "").replace(" ", "") or uri in whole


def test_long_reports_fold_and_verbose_shows_all() -> None:
    many = rank([finding(f"rule-{i:03}", rows=i + 1) for i in range(60)])
    report = replace(REPORT, findings=many)
    assert "… and 20 more (-v shows all)" in terminal(report)
    full = terminal(report, verbose=1)
    assert all(f.id in full for f in many)
    assert "Why it matters for training." in full


@settings(deadline=None)
@given(st.text(st.characters(), max_size=400), st.integers(0, 400), st.integers(0, 60), st.integers(30, 100))
def test_any_excerpt_fits_in_two_lines(text: str, start: int, length: int, width: int) -> None:
    shown = example(text, mark=(start, start + length))
    report = replace(EMPTY, findings=(finding("a", examples=(shown,)),))
    page = terminal(report, width)
    assert not hidden(page)
    assert sum(line.lstrip().startswith("│") for line in page.split("\n")) <= 2
    assert max(cell_len(line) for line in page.split("\n")) <= width


def test_json_validates_and_has_the_published_shape() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    for report in (REPORT, POISONED, EMPTY, hide_text(REPORT)):
        validator.validate(json.loads(to_json(report)))
    first = json.loads(to_json(REPORT))
    assert {"schema_version", "status", "rows", "sources", "rates", "gates", "findings"} <= first.keys()
    assert {"uri", "rows", "malformed", "layout", "roles", "split"} <= first["sources"][0].keys()
    assert {"name", "kind", "limit", "value", "rows", "of", "upper", "outcome"} == first["gates"][
        0
    ].keys() - {"reason"}
    shown = first["findings"][0]
    assert {
        "id",
        "check",
        "category",
        "severity",
        "confidence",
        "rows",
        "of",
        "value",
        "limit",
    } <= shown.keys()
    assert {"file", "row", "line", "span"} <= shown["examples"][0].keys()
    first["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(first)


def test_json_keeps_text_and_escapes_what_acts() -> None:
    raw = to_json(POISONED).decode()
    assert not hidden(raw)
    assert "</" not in raw
    assert "<!--" not in raw
    # UTF-8 has no unpaired surrogates; all else comes back as it was.
    text = json.loads(raw)["findings"][0]["examples"][0]["text"]
    assert text == (POISONED.findings[0].examples[0].text or "").replace("\ud800", "\\ud800")


def test_json_is_stable_and_differs_in_timing_alone() -> None:
    assert to_json(REPORT) == to_json(REPORT)
    shuffled = replace(
        REPORT,
        rates=dict(reversed(REPORT.rates.items())),
        timing=Timing("2027-01-01T00:00:00Z", 9.0, 17_600_000, 8),
    )
    first, second = to_dict(REPORT), to_dict(shuffled)
    assert first.pop("timing") != second.pop("timing")
    assert json.dumps(first) == json.dumps(second)
    assert to_json(REPORT).endswith(b"}\n")


def test_json_floats_are_finite() -> None:
    odd = finding("odd", rows=None, value=float("inf"), limit=float("nan"))
    shown = json.loads(to_json(replace(REPORT, findings=(odd,))))["findings"][0]
    assert (shown["value"], shown["limit"]) == (None, None)


def test_hidden_text_is_in_no_format() -> None:
    secret = "correct horse battery staple"
    found = finding(
        "a",
        examples=(example(f"x {secret} y", secret),),
        details={"text": secret, "groups": [{"texts": [secret], "rows": 3}]},
    )
    report = replace(REPORT, findings=(found,))
    assert secret in terminal(report)
    bare = hide_text(report)
    for name in FORMATS:
        assert secret not in render_format(name, bare, verbose=2).decode()
    kept = to_dict(bare)["findings"][0]
    assert kept["details"] == {"groups": [{"rows": 3}]}
    assert kept["examples"][0]["span"] == [2, 2 + len(secret)]
    assert "ham" in to_dict(bare)["labels"][0]["counts"]


def test_markdown_is_inert_and_its_tables_hold() -> None:
    shown = to_markdown(POISONED)
    assert not hidden(shown)
    bare = re.sub(r"</?(details|summary|code|b)>|^\*\*[\w ]+\*\*$", "", shown, flags=re.MULTILINE)
    assert not re.search(r"[<\[\]`*@~]", bare)
    assert "://" not in bare
    table = [line for line in shown.split("\n") if line.startswith("|")]
    assert {line.count("|") for line in table} == {5, 6}
    assert re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), shown).startswith(
        "### ❌ dataaudit: FAIL – 2 of 4 gates"
    )


def test_markdown_fits_a_comment() -> None:
    text = HOSTILE * 40
    shown = example(text, mark=(500, 900), note=text, path=text)
    many = tuple(finding(f"rule-{i}" * 30, message=text, why=text, examples=(shown,) * 5) for i in range(200))
    report = replace(POISONED, findings=many, sources=POISONED.sources * 100, notes=(text,) * 100)
    assert len(to_markdown(report)) < 262_144
    plain = replace(
        REPORT,
        findings=tuple(finding(f"rule-number-{i}", examples=(example("x" * 999),) * 5) for i in range(200)),
    )
    assert len(to_markdown(plain)) < 65_536


def test_formats_by_name() -> None:
    assert FORMATS == ("terminal", "json", "markdown")
    for name in FORMATS:
        assert render_format(name, REPORT).decode().endswith("\n")
    with pytest.raises(UsageError, match="terminal, json, markdown"):
        render_format("xml", REPORT)
