"""The loop of a rule's author: try a pattern, write a template, fill it in, test it, scan with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from cli_support import RunCli, ScanJson, rows_of, write_lines

from dataaudit.rules.model import Pattern
from dataaudit.rules.template import pack_template

ROWS = [{"prompt": "Well howdy", "response": f"Howdy there, number {i}. \x1b[31mred"} for i in range(12)] + [
    {"prompt": "howdydoo", "response": "How do you do"}
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "a.jsonl", ROWS)


def tried(call_cli: RunCli, *args: object, expect: int = 0) -> dict:
    done = call_cli("rules", "try", *args, "--json")
    assert done.returncode == expect, done.stderr
    found: dict = json.loads(done.stdout)
    return found


def test_try_counts_and_shows_ten(call_cli: RunCli, data: Path) -> None:
    found = tried(call_cli, r"\bHowdy\b", data)
    assert [found[key] for key in ("records", "of", "rows", "matches")] == [13, 13, 12, 12]
    assert found["rate"] == 12 / 13
    assert found["by_role"] == {"response": 12}
    assert len(found["examples"]) == 10
    for one in found["examples"]:
        assert (one["path"], one["line"]) == ("response", one["row"] + 1)
        assert one["text"][slice(*one["mark"])] == "Howdy"


@pytest.mark.parametrize(
    ("flags", "rows", "matches"),
    [
        (["-i"], 13, 25),
        (["--ignore-case", "--role", "response"], 12, 12),
        (["--role", "prompt"], 13, 13),
        (["-i", "--role", "prompt", "--where", "start"], 1, 1),
        (["--role", "any", "--flag", "ignorecase"], 13, 25),
        (["-i", "--limit", "3"], 3, 6),
        (["-i", "--columns", "text=prompt", "--role", "text"], 13, 13),
    ],
)
def test_try_takes_what_a_rule_says(
    call_cli: RunCli, data: Path, flags: list[str], rows: int, matches: int
) -> None:
    found = tried(call_cli, "howdy", data, *flags)
    assert (found["rows"], found["matches"]) == (rows, matches)


def test_try_agrees_with_a_rule(call_cli: RunCli, scan_json: ScanJson, data: Path, tmp_path: Path) -> None:
    pack = filled(tmp_path, Pattern("howdy", ("ignorecase",), "start"), ["response"])
    found = tried(call_cli, "howdy", data, "-i", "--where", "start", "--role", "response")
    assert (
        rows_of(scan_json(data, "-r", pack, "--select", "quality-howdy"))["quality-howdy"]
        == found["rows"]
        == 12
    )


def test_try_shows_places_and_no_escape_codes(call_cli: RunCli, data: Path) -> None:
    shown = call_cli("rules", "try", "Howdy", data, "-n", "2").stdout
    assert "12 of 13 rows hit (92.3 %), 12 matches" in shown
    assert shown.count("«Howdy» there") == 2
    assert "(line " in shown
    assert "response" in shown
    assert "\x1b" not in shown
    assert "looks for /Howdy/ first" in shown


def test_try_says_that_nothing_was_hit(call_cli: RunCli, data: Path) -> None:
    done = call_cli("rules", "try", "zebra", data)
    assert done.returncode == 0
    assert "0 of 13 rows hit (0 %)" in done.stdout
    assert tried(call_cli, "zebra", data)["examples"] == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["("], "does not compile"),
        (["a" * 9000], "the limit is 8000"),
        (["(?:(?:a{1000}){1000}){1000}"], "too many repetitions"),
        (["a", "--where", "middle"], "--where: 'middle' is not one of anywhere"),
        (["a", "--role", "answer"], "--role: 'answer' is not one of"),
        (["a", "--flag", "i"], "--flag: 'i' is not one of"),
    ],
)
def test_try_refuses_in_one_line(call_cli: RunCli, data: Path, args: list[str], words: str) -> None:
    done = call_cli("rules", "try", args[0], data, *args[1:])
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_try_of_a_pattern_that_hangs_is_incomplete(
    call_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataaudit.rules.matcher import Matcher

    monkeypatch.setitem(Matcher.__init__.__kwdefaults__, "timeout", 0.05)
    slow = write_lines(tmp_path / "slow.jsonl", [{"text": "a" * 60 + "!"}])
    done = call_cli("rules", "try", "(a|a)+$", slow)
    assert done.returncode == 3
    assert "timed out on 1 string" in done.stdout


def test_the_template_is_refused_until_it_is_filled_in(call_cli: RunCli, tmp_path: Path) -> None:
    pack = tmp_path / "p.yaml"
    assert call_cli("rules", "new", "quality-howdy", "-o", pack).returncode == 0
    text = pack.read_text()
    places = text.count("'FILL IN:")
    assert places == 8
    for left in range(places, 0, -1):
        done = call_cli("rules", "test", pack)
        assert done.returncode == 2
        assert "is still to be filled in" in done.stderr, left
        assert f"{pack}:" in done.stderr
        if left == places:
            assert call_cli("scan", pack, "-r", pack).returncode == 2
        at = text.index("'FILL IN:")
        value = {5: "howdy", 4: "howdy a", 3: "b howdy"}.get(left, f"text {left}")
        text = f"{text[:at]}'{value}'{text[text.index(chr(10), at) :]}"
        pack.write_text(text)
    done = call_cli("rules", "test", pack)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 rule, 4 examples, 0 failed" in done.stdout


def filled(folder: Path, pattern: Pattern, roles: list[str]) -> Path:
    (rule,) = yaml.safe_load(pack_template("quality-howdy", pattern, roles, pack="mine"))["rules"]
    rule |= {"name": "n", "message": "m", "why": "w", "hits": ["howdy", "Howdy b"], "misses": ["how", "dy"]}
    path = folder / "filled.yaml"
    path.write_text(yaml.safe_dump({"pack": "mine", "version": 1, "licence": "CC0-1.0", "rules": [rule]}))
    return path


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(r"it's \d+: \"x\" #"),
        Pattern("a\tb\n\\\\ \u202e\U000e0041é😀", ("dotall", "ignorecase"), "last-line"),
        Pattern("{a: b}", (), "start"),
        Pattern(" - x "),
    ],
)
def test_a_pattern_survives_the_template(pattern: Pattern) -> None:
    (rule,) = yaml.safe_load(pack_template("my-rule", pattern, ["response"], pack="mine"))["rules"]
    (found,) = rule["patterns"]
    found = {"pattern": found} if isinstance(found, str) else found
    assert found["pattern"] == pattern.pattern
    assert tuple(found.get("flags", ())) == pattern.flags
    assert found.get("where", "anywhere") == pattern.where
    assert rule["roles"] == ["response"]


def test_new_prints_and_never_overwrites(call_cli: RunCli, tmp_path: Path) -> None:
    printed = call_cli("rules", "new", "my-rule", "--pattern", "x", "-i").stdout
    assert yaml.safe_load(printed)["pack"] == "my-rule"
    bare = call_cli("rules", "new", "my-rule", "--bare").stdout
    assert printed.startswith("# dataaudit rules test")
    assert yaml.safe_load(bare)[0]["id"] == "my-rule"
    pack = tmp_path / "p.yaml"
    pack.write_text("mine")
    for args in (
        ["my-rule", "-o", pack],
        ["My Rule"],
        ["my-rule", "--pattern", "("],
        ["a", "--bare", "-o", "x"],
    ):
        done = call_cli("rules", "new", *args)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
    assert pack.read_text() == "mine"


def test_costs_put_the_dearest_rule_first(call_cli: RunCli, tmp_path: Path) -> None:
    def rule(id: str, pattern: str) -> dict[str, object]:
        made = yaml.safe_load(pack_template(id, Pattern(pattern), ["text"], pack="mine"))["rules"][0]
        return made | {"name": "n", "message": "m", "why": "w", "hits": ["zebra 1"] * 2, "misses": ["", "b"]}

    pack = tmp_path / "p.yaml"
    rules = [rule("rare", "zebra 1"), rule("every-string", r".*\d"), rule("common", "zeb")]
    pack.write_text(yaml.safe_dump({"pack": "p", "version": 1, "licence": "CC0-1.0", "rules": rules}))
    costs = {
        one["rule"]: one for one in json.loads(call_cli("rules", "test", pack, "--json").stdout)["costs"]
    }
    assert costs["every-string"]["per_row"]
    assert costs["every-string"]["candidates_per_mb"] is None
    assert costs["common"]["candidates_per_mb"] > costs["rare"]["candidates_per_mb"] > 0
    assert all(one["seconds_per_mb"] > 0 and one["confirm_seconds"] > 0 for one in costs.values())
    shown = call_cli("rules", "test", pack, "--costs").stdout
    assert shown.index("every-string ") < shown.index("common ") < shown.index("rare ")
    assert "note: every-string is matched on every string" in shown


def test_mutants_that_no_example_notices_are_shown(call_cli: RunCli, tmp_path: Path) -> None:
    pack = filled(tmp_path, Pattern(r"howdy\b", ("ignorecase",)), ["response"])
    shown = call_cli("rules", "test", pack, "--mutants")
    assert shown.returncode == 0
    assert r"not noticed: quality-howdy: patterns[0]: \b dropped" in shown.stdout
    assert re.search(r"a miss would: howdy\w\n", shown.stdout)
    assert "1 of 2 mutants noticed by the examples (50 %)" in shown.stdout
    found = json.loads(call_cli("rules", "test", pack, "--mutants", "--json").stdout)["mutants"]
    assert {one["kind"]: one["outcome"] for one in found} == {"anchor": "survived", "case": "caught"}
    assert not found[0]["witness"]["hit"]


def test_a_failed_example_is_shown(call_cli: RunCli, tmp_path: Path) -> None:
    pack = filled(tmp_path, Pattern("howdy b"), ["response"])
    done = call_cli("rules", "test", pack, "--mutants")
    assert done.returncode == 2
    assert "FAIL quality-howdy: hit 1 does not match\n  howdy\n" in done.stdout
    assert "0 of 0 mutants" in done.stdout
