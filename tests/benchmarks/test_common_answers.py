"""Answers that many items have tell of none of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.benchmarks.index import FEW, Index

ITEMS = st.lists(st.lists(st.integers(0, 5) | st.sampled_from([0, 2**32 - 1]), max_size=4), max_size=12)


@given(ITEMS, st.data())
def test_a_hash_tells_something_if_few_items_have_it(items: list[list[int]], data: st.DataObject):
    hashes = [one for item in items for one in item]
    columns: dict[str, Any] = {
        "words": np.zeros(len(items), np.uint32),
        "answer_hashes": np.asarray(hashes, np.uint32),
        "answer_starts": np.cumsum([0, *map(len, items)]).astype(np.uint32),
    }
    index = Index(cast("Any", None), columns)
    places = data.draw(st.lists(st.integers(0, len(hashes) - 1), max_size=6)) if hashes else []
    expected = [sum(hashes[at] in item for item in items) <= FEW for at in places]
    assert index.telling(np.asarray(places, np.int64)).tolist() == expected
