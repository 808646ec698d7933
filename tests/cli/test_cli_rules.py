"""`dataaudit rules`, and rule packs of the user."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from cli_support import RunCli, ScanJson, by_id, write_lines
from jsonschema import Draft202012Validator


@pytest.fixture
def pack(tmp_path: Path, sample_data: Path) -> Path:
    """A pack with one rule, made from a shipped one."""
    shipped = yaml.safe_load((sample_data.parent / "rules" / "refusals.yaml").read_text(encoding="utf-8"))
    rule = dict(shipped["rules"][0])
    rule |= {"id": "quality-howdy", "name": "Howdy", "category": "quality", "severity": "low"}
    for name in ("patterns", "pattern"):
        if name in rule:
            rule[name] = [r"\bhowdy\b"] if name == "patterns" else r"\bhowdy\b"
    rule["hits"], rule["misses"] = ["well howdy there", "howdy"], ["how do you do", "howdydoo"]
    path = tmp_path / "packs" / "greetings.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({**shipped, "rules": [rule]}), encoding="utf-8")
    return path


def test_list_names_every_rule_and_finding(call_cli: RunCli) -> None:
    listed = json.loads(call_cli("rules", "list", "--json").stdout)
    ids = [one["id"] for one in listed]
    assert len(ids) == len(set(ids))
    for name in ("chat-inst-block", "self-as-an-ai-assistant", "exact-duplicates", "structure:empty-text"):
        assert name in ids
    table = call_cli("rules", "list").stdout
    assert all(f"{name} " in table for name in ids)


def test_list_follows_the_selection(call_cli: RunCli) -> None:
    def ids(*flags: str) -> set[str]:
        return {one["id"] for one in json.loads(call_cli("rules", "list", "--json", *flags).stdout)}

    assert ids("--select", "chat-inst-block") == {"chat-inst-block"}
    assert ids() - ids("--ignore", "chat-marker") == ids("--select", "chat-marker")
    unknown = call_cli("rules", "list", "--select", "no-such-name")
    assert unknown.returncode == 2
    assert "no-such-name" in unknown.stderr


def test_every_listed_name_can_be_shown(call_cli: RunCli) -> None:
    listed = json.loads(call_cli("rules", "list", "--json").stdout)
    for one in (listed[0], listed[-1], next(one for one in listed if one["id"] == "class-imbalance")):
        shown = json.loads(call_cli("rules", "show", one["id"], "--json").stdout)
        assert {name: shown[name] for name in ("id", "category", "severity")} == {
            name: one[name] for name in ("id", "category", "severity")
        }
        assert shown["why"]
    plain = call_cli("rules", "show", "chat-inst-block")
    assert plain.returncode == 0
    assert "[INST]" in plain.stdout


def test_a_misspelt_name_gets_a_hint(call_cli: RunCli) -> None:
    done = call_cli("rules", "show", "chat-inst-blok")
    assert done.returncode == 2
    assert "chat-inst-block" in done.stderr


def test_the_shipped_packs_pass_their_own_examples(call_cli: RunCli) -> None:
    done = call_cli("rules", "test", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examples"]
    assert {one["rule"] for one in found["costs"]} >= {"chat-inst-block"}


def test_the_schema_holds_for_the_shipped_packs(call_cli: RunCli, sample_data: Path) -> None:
    schema = json.loads(call_cli("rules", "schema").stdout)
    Draft202012Validator.check_schema(schema)
    packs = sorted((sample_data.parent / "rules").glob("*.yaml"))
    assert packs
    for path in packs:
        Draft202012Validator(schema).validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    broken = yaml.safe_load(packs[0].read_text(encoding="utf-8"))
    broken["rules"][0]["severty"] = "low"
    assert list(Draft202012Validator(schema).iter_errors(broken))


def test_a_pack_of_the_user(tmp_path: Path, pack: Path, call_cli: RunCli, scan_json: ScanJson) -> None:
    write_lines(
        tmp_path / "a.jsonl", [{"prompt": "Hi.", "response": text} for text in ("well howdy", "good day")]
    )
    assert call_cli("rules", "test", pack).returncode == 0
    assert call_cli("rules", "show", "quality-howdy", "-r", pack).returncode == 0
    for named in (pack, pack.parent):
        report = scan_json("a.jsonl", "--rules", named)
        assert by_id(report)["quality-howdy"]["rows"] == 1
        assert report["rates"]["quality"]["rows"] == 1
        # Another category: not part of the contamination rate.
        assert report["rates"]["contamination"]["rows"] == 0
    scan_json("a.jsonl", "-r", pack, "--max-rate", "quality=10%", expect=1)
    assert "quality-howdy" not in by_id(scan_json("a.jsonl"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hits": ["howdy", "nothing of the kind"]}, "quality-howdy"),
        ({"misses": ["how do you do", "well howdy"]}, "quality-howdy"),
        ({"severity": "awful"}, "awful"),
        ({"severty": "low"}, "severty"),
        ({"id": "chat-inst-block"}, "chat-inst-block"),
    ],
    ids=["hit", "miss", "severity", "key", "id"],
)
def test_a_wrong_pack_is_refused(
    tmp_path: Path, pack: Path, call_cli: RunCli, change: dict[str, object], named: str
) -> None:
    write_lines(tmp_path / "a.jsonl", [{"text": "a"}])
    content = yaml.safe_load(pack.read_text(encoding="utf-8"))
    content["rules"][0] |= change
    pack.write_text(yaml.safe_dump(content), encoding="utf-8")
    done = call_cli("scan", "a.jsonl", "--rules", pack)
    assert done.returncode == 2
    assert named in done.stderr
    assert "greetings.yaml" in done.stderr
    if "id" not in change:  # alone, the id is free
        tested = call_cli("rules", "test", pack)
        assert tested.returncode == 2
        assert named in tested.stdout + tested.stderr
