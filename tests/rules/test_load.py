"""Packs that are not valid are refused with the file, the line and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataaudit.errors import RuleError
from dataaudit.rules import load
from dataaudit.rules.examples import test_rules as run_examples
from dataaudit.rules.load import load_pack, load_packs
from dataaudit.rules.model import RowExample
from dataaudit.rules.yamlfile import parse_document

HEAD = "pack: mine\nversion: 1\nlicence: MIT\nrules:\n"
RULE = """\
  - id: my-rule
    version: 1
    name: Mine
    message: A needle.
    why: It pricks.
    category: quality
    severity: low
    confidence: low
    patterns: ['needle']
    hits: ['a needle', 'needles']
    misses: ['a pin', 'a nail']
"""
PACK = HEAD + RULE


def _load(text: str) -> tuple:
    return load_pack(parse_document(text, "p.yaml"))


def test_a_small_pack_loads() -> None:
    (rule,) = _load(PACK)
    assert rule.id == "my-rule"
    assert rule.reads == ("system", "prompt", "response", "text", "tool")
    assert (rule.pack, rule.pack_version, rule.licence, rule.action) == ("mine", 1, "MIT", "flag")


def test_row_examples_and_flags() -> None:
    text = PACK.replace("['needle']", "[{pattern: NEEDLE, flags: [ignorecase]}]\n    roles: [response]")
    text = text.replace("'needles']", "{prompt: pin, response: [hay, needle]}]")
    text = text.replace("'a nail']", "{prompt: needle, response: hay}]")
    (rule,) = _load(text)
    assert rule.reads == ("response",)
    assert rule.hits[1] == RowExample((("prompt", "pin"), ("response", "hay"), ("response", "needle")))


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("    name: Mine\n", "    nam: Mine\n", 7, "rule 'my-rule': unknown key 'nam'"),
        ("    name: Mine\n", "", 5, "rule 'my-rule': missing key 'name'"),
        ("licence: MIT\n", "", 1, "missing key 'licence'"),
        ("licence: MIT\n", "licence: MIT\nlicense: MIT\n", 4, "unknown key 'license'"),
        ("name: Mine", "name: 7", 7, "rule 'my-rule': 'name' must be a string, found the number 7"),
        ("name: Mine", "name: no", 7, "found the truth value false"),
        ("name: Mine", "name: ''", 7, "'name' is empty"),
        ("name: Mine", "name: Mine\n    name: Again", 8, "duplicate key 'name'"),
        ("id: my-rule", "id: My_Rule", 5, "must be in kebab-case"),
        ("    version: 1\n", "    version: '1'\n", 6, "must be a whole number from 1"),
        ("    version: 1\n", "    version: 0\n", 6, "must be a whole number from 1"),
        ("severity: low", "severity: lowish", 11, "'lowish' is not one of info, low"),
        ("confidence: low", "confidence: certain", 12, "'certain' is not one of low"),
        ("patterns: ['needle']", "patterns: needle", 13, "'patterns' must be a list"),
        ("patterns: ['needle']", "patterns: []", 13, "'patterns' needs at least 1, found 0"),
        ("patterns: ['needle']", "patterns: ['nee(dle']", 13, "the pattern does not compile"),
        ("patterns: ['needle']", "patterns: ['(?V1)needle']", 13, "the pattern does not compile"),
        (
            "patterns: ['needle']",
            f"patterns: ['{'(?:' * 30}n{'){2,9}' * 30}']",
            13,
            "nests repeats too deeply",
        ),
        ("patterns: ['needle']", "patterns: ['(?:(?:n){900}e){900}']", 13, "too many repetitions"),
        (
            "patterns: ['needle']",
            f"patterns: ['{'n' * 9000}']",
            13,
            "9000 characters long; the limit is 8000",
        ),
        (
            "patterns: ['needle']",
            "patterns:\n      - needle\n      - {pattern: x, flags: [global]}",
            15,
            "'global' is not one of",
        ),
        ("patterns: ['needle']", "patterns: [{patern: x}]", 13, "unknown key 'patern'"),
        ("message: A needle.", "message: 'A {size} needle.'", 8, "names {size}, a group that no pattern has"),
        ("message: A needle.", "message: 'A {0} needle.'", 8, "not the plain name of a group"),
        ("message: A needle.", "message: 'A {size needle.'", 8, "rule 'my-rule': "),
        ("hits: ['a needle', 'needles']", "hits: ['a needle']", 14, "'hits' needs at least 2, found 1"),
        (
            "hits: ['a needle', 'needles']",
            "hits:\n      - a needle\n      - a pin",
            16,
            "rule 'my-rule': hit 2 does not match",
        ),
        ("misses: ['a pin', 'a nail']", "misses: ['a pin', 'no needle']", 15, "miss 2 matches: 'needle'"),
        ("misses: ['a pin', 'a nail']", "misses: ['a pin', {outpt: x}]", 15, "'outpt' is not a role"),
        ("misses: ['a pin', 'a nail']", "misses: ['a pin', {text: 5}]", 15, "must hold strings"),
        ("misses: ['a pin', 'a nail']", "misses: ['a pin', 5]", 15, "an example is a string or a mapping"),
        (
            "patterns: ['needle']",
            "patterns: ['needle']\n    unless: ['a']",
            15,
            "hit 1 is exempted by an `unless` pattern",
        ),
        (
            "'needles']",
            "{label: needle}]",
            14,
            "hit 2 has no string in a role the rule reads",
        ),
        ("name: Mine", "name: !!python/name:os.system x", 7, "is not accepted"),
        ("name: Mine", "name: &a Mine\n    tags: [*a]", 8, "YAML aliases are not accepted"),
        ("name: Mine", "name: [Mine", 8, "not valid YAML"),
        ("rules:\n", "rules: []\nx-rules:\n", 5, "unknown key 'x-rules'"),
    ],
)
def test_errors_name_file_line_and_reason(old: str, new: str, line: int, reason: str) -> None:
    assert old in PACK
    with pytest.raises(RuleError) as caught:
        _load(PACK.replace(old, new, 1))
    assert str(caught.value).startswith(f"p.yaml:{line}: "), str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_duplicate_ids_within_a_pack_and_across() -> None:
    with pytest.raises(
        RuleError, match=r"p\.yaml:16: rule 'my-rule': duplicate id, first defined at p\.yaml:5"
    ):
        _load(PACK + RULE)
    seen: dict[str, str] = {}
    load_pack(parse_document(PACK, "one.yaml"), seen=seen)
    with pytest.raises(RuleError, match=r"two\.yaml:5: .*first defined at one\.yaml:5"):
        load_pack(parse_document(PACK, "two.yaml"), seen=seen)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"# only a comment\n", "empty file"),
        (b"- a\n- b\n", ":1: expected a mapping"),
        (b"just text\n", ":1: expected a mapping"),
        (b"pack: x\nname: \xff\xfe\n", ":2: not UTF-8"),
        (b"pack: x\x07\n", "not valid YAML"),
        (b"[" * 10_000, "nested deeper than"),
        (b"a: &a [x]\nb: [*a, *a]\n", ":2: YAML aliases"),
        (b"? [a]\n: b\n", ":1: a key must be a plain name"),
    ],
)
def test_files_that_are_no_packs(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "pack.yaml"
    path.write_bytes(content)
    with pytest.raises(RuleError) as caught:
        load_packs([path], shipped=False)
    assert str(caught.value).startswith(str(path))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no such file"):
        load_packs([tmp_path / "absent.yaml"])
    with pytest.raises(RuleError, match="no rule pack"):
        load_packs([tmp_path])
    (tmp_path / "a.yaml").write_text(PACK, "utf-8")
    (tmp_path / "b.yml").write_text(PACK.replace("my-rule", "your-rule"), "utf-8")
    (tmp_path / "notes.txt").write_text("not a pack", "utf-8")
    mine = load_packs([tmp_path], shipped=False)
    assert [rule.id for rule in mine] == ["my-rule", "your-rule"]
    assert load_packs([tmp_path / "a.yaml", str(tmp_path)], shipped=False) == mine
    assert load_packs([tmp_path])[-2:] == mine


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + PACK.encode())
    assert len(load_packs([path], shipped=False)) == 1


def test_shipped_packs_are_found_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "dataaudit"
    (package / "rules").mkdir(parents=True)
    monkeypatch.setattr(load, "__file__", str(package / "rules" / "load.py"))
    with pytest.raises(RuleError, match="shipped rule packs are missing"):
        load.packs_dir()
    for folder in (tmp_path / "site" / "rules", package / "_rules"):
        folder.mkdir()
        (folder / "a.yaml").write_text(PACK, "utf-8")
        assert load.packs_dir() == folder
        assert [rule.id for rule in load_packs()] == ["my-rule"]


def test_verification_can_be_put_off() -> None:
    wrong = PACK.replace("'needles'", "'a pin'")
    (rule,) = load_pack(parse_document(wrong, "p.yaml"), verify=False)
    results = run_examples([rule])
    assert [(r.kind, r.index, r.ok, r.stage) for r in results if not r.ok] == [("hit", 1, False, "pattern")]
    assert results[1].as_dict()["why"] == "hit 2 does not match"
