"""Paths into records: parse, render, walk, refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.errors import UsageError
from dataaudit.records.paths import EACH, parse, render, walk

KEYS = st.one_of(
    st.text(min_size=1, max_size=5), st.text(alphabet=".[]*\\ a", min_size=1, max_size=5)
).filter(lambda key: key != EACH)


@given(st.lists(KEYS, min_size=1, max_size=4), st.integers(-1, 3))
def test_every_path_survives_rendering(keys: list[str], each: int):
    steps = list(keys)
    if each >= 0:
        steps.insert(min(each + 1, len(steps)), EACH)
    assert parse(render(tuple(steps))) == tuple(steps)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("text", ("text",)),
        ("a.b.c", ("a", "b", "c")),
        ("messages[*].content", ("messages", EACH, "content")),
        (r"a\.b", ("a.b",)),
        (r"a\[0\]", ("a[0]",)),
        ("tags[*]", ("tags", EACH)),
        ("two words.größe", ("two words", "größe")),
    ],
)
def test_paths_as_people_write_them(path: str, steps: tuple[str, ...]):
    assert parse(path) == steps


@pytest.mark.parametrize(
    "path",
    ["", ".", "a.", ".a", "a..b", "[*]", "[*].a", "a[0]", "a[", "a]", "a[*]b", "a[*][*]", "a[*].b[*]", "a\\"],
)
def test_what_is_no_path_is_refused_in_one_line(path: str):
    with pytest.raises(UsageError) as refused:
        parse(path)
    assert "\n" not in str(refused.value)
    assert repr(path) in str(refused.value)


RECORD: dict[str, Any] = {
    "a": {"b": 1, "x.y": 2},
    "l": [{"c": "x"}, None, {"d": 1}, {"c": None}],
    "s": "text",
    "e": [],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("s", [("text", -1)]),
        ("a.b", [(1, -1)]),
        (r"a.x\.y", [(2, -1)]),
        ("l[*].c", [("x", 0), (None, 3)]),
        ("e[*]", []),
        ("missing", []),
        ("s.deeper", []),
        ("s[*]", []),
        ("a.b.c", []),
    ],
)
def test_walking(path: str, found: list[tuple[object, int]]):
    assert list(walk(RECORD, parse(path))) == found
