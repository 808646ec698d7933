"""docs/layouts.md names what the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataaudit.records import fieldnames
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS, TURN_ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")

NAMES = {
    "turn columns": fieldnames.TURN_COLUMNS,
    "system": fieldnames.SYSTEM,
    "texts": fieldnames.TEXTS,
    "prompts": fieldnames.PROMPTS,
    "contexts": fieldnames.CONTEXTS,
    "responses": fieldnames.RESPONSES,
    "labels": fieldnames.LABELS,
    "turn roles": tuple(TURN_ROLES),
    "turn keys": (*ROLE_KEYS, *CONTENT_KEYS),
    "translations": fieldnames.TRANSLATIONS,
    "answers": fieldnames.ANSWERS,
    "summaries": fieldnames.SUMMARIES,
}


@pytest.mark.parametrize("group", NAMES)
def test_every_name_is_documented(group: str) -> None:
    missing = [name for name in NAMES[group] if f"`{name}`" not in PAGE]
    assert not missing
