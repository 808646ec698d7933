"""docs/layouts.md names what the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataaudit.records import layouts
from dataaudit.records.turns import CONTENT_KEYS, ROLE_KEYS, TURN_ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")

NAMES = {
    "turn columns": layouts.TURN_COLUMNS,
    "system": layouts.SYSTEM,
    "texts": layouts.TEXTS,
    "prompts": layouts.PROMPTS,
    "contexts": layouts.CONTEXTS,
    "responses": layouts.RESPONSES,
    "labels": layouts.LABELS,
    "turn roles": tuple(TURN_ROLES),
    "turn keys": (*ROLE_KEYS, *CONTENT_KEYS),
    "translations": layouts.TRANSLATIONS,
}


@pytest.mark.parametrize("group", NAMES)
def test_every_name_is_documented(group: str) -> None:
    missing = [name for name in NAMES[group] if f"`{name}`" not in PAGE]
    assert not missing
