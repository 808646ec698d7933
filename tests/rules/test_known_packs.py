"""Packs that were valid before are not parsed again, and nothing else about loading them changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataaudit.errors import RuleError
from dataaudit.rules import load
from dataaudit.rules.load import load_packs
from dataaudit.rules.model import Rule

PACK = """pack: mine
version: 1
licence: MIT
rules:
  - id: mine-one
    version: 1
    name: One
    message: It says one.
    why: A reason.
    category: quality
    severity: low
    confidence: low
    patterns: ['\\bone\\b']
    hits: [one, 'one two']
    misses: [MISS, none]
"""
GOOD, FAILS = PACK.replace("MISS", "two"), PACK.replace("MISS", "one more")


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "pack.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def own(path: Path, **options: bool) -> tuple[Rule, ...]:
    return load_packs([path], shipped=False, **options)


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "document_of", lambda *_: pytest.fail("it was parsed again"))


def test_a_valid_pack_is_not_parsed_again(pack: Path, monkeypatch: pytest.MonkeyPatch):
    first = own(pack)
    other = pack.with_name("copy.yaml")
    other.write_bytes(pack.read_bytes())
    forbid(monkeypatch)
    assert own(pack) == own(pack, verify=False) == own(other) == first


def test_examples_that_were_not_tried_are_tried_when_asked_for(pack: Path):
    pack.write_text(FAILS, encoding="utf-8")
    assert len(own(pack, verify=False)) == 1
    for _ in range(2):
        with pytest.raises(RuleError, match=r"pack\.yaml:15: rule 'mine-one'"):
            own(pack)


@pytest.mark.parametrize("change", ["changed", "damaged", "unreadable"])
def test_what_is_not_as_it_was_is_read(pack: Path, change: str):
    own(pack)
    (kept,) = (pack.parent / "cache").iterdir()
    if change == "changed":
        pack.write_text(GOOD.replace("It says one.", "It says it."), encoding="utf-8")
    elif change == "damaged":
        kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    else:
        kept.chmod(0o622)  # others could have written it
    assert own(pack)[0].message == ("It says it." if change == "changed" else "It says one.")


def test_ids_of_known_packs_still_meet(pack: Path):
    other = pack.with_name("other.yaml")
    other.write_text(GOOD + "# another file\n", encoding="utf-8")
    own(pack)
    own(other)
    with pytest.raises(RuleError, match=r"other\.yaml:5: .*first defined at .*pack\.yaml:5"):
        load_packs([pack, other], shipped=False)


def test_no_cache_is_no_error(pack: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(pack / "below a file"))
    assert own(pack) == own(pack)
