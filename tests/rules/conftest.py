from __future__ import annotations

from collections.abc import Iterator

import pytest

from dataaudit.rules import grams, prefilter


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAAUDIT_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "hs-cache"))


@pytest.fixture
def eager_prefilter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Even the commonest piece is used, so that short patterns take the fast path as well."""
    monkeypatch.setattr(prefilter, "MIN_BITS", 0.1)
    monkeypatch.setattr(grams, "MIN_BITS", 0.1)
    prefilter.plan_pattern.cache_clear()
    yield
    prefilter.plan_pattern.cache_clear()
