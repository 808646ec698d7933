"""Groups of equal keys in tables of integers, against the same by dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.sketches import groups
from dataaudit.sketches.groups import repeated, starts
from dataaudit.sketches.row_set import RowSet

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12)


@pytest.mark.parametrize("compiled", [False, True])
@given(
    keys=ROWS,
    columns=st.integers(1, 2),
    order=st.randoms(use_true_random=False),
    without=st.one_of(st.none(), st.sets(st.integers(0, 11))),
)
def test_rows_of_keys_that_come_several_times(
    compiled: bool, keys: list[tuple[int, int]], columns: int, order: object, without: set[int] | None
):
    table = [(*key[:columns], row, 7 * row) for row, key in enumerate(keys)]
    by_key = defaultdict(list)
    for row in table:
        if row[columns] not in (without or ()):
            by_key[row[:columns]].append(row)
    expected = sorted(row for group in by_key.values() if len(group) > 1 for row in group)
    order.shuffle(table)  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "compiled", lambda _nbytes, _kernel: compiled)
        left_out = None if without is None else RowSet(np.asarray(sorted(without), np.uint64))
        found = repeated(np.asarray(table, np.uint64).reshape(len(table), columns + 2), columns, left_out)
    assert list(map(tuple, found.tolist())) == expected
    begins = [at for at, row in enumerate(expected) if at == 0 or row[:columns] != expected[at - 1][:columns]]
    assert starts(found, columns).tolist() == begins


@pytest.mark.parametrize("compiled", [False, True])
def test_many_keys_of_which_few_come_several_times(compiled: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(groups, "compiled", lambda _nbytes, _kernel: compiled)
    keys = np.random.default_rng(1).integers(0, 1 << 64, 100_000, np.uint64)
    keys[[70_000, 99_999]] = keys[[5, 70_000]]
    keys[50_000] = keys[7]
    keys[50_001] = keys[8] ^ np.uint64(1 << 63)  # the same lower bits
    table = np.stack([keys, np.arange(len(keys), dtype=np.uint64)], axis=1)
    expected = sorted((int(keys[row]), row) for row in (5, 70_000, 7, 50_000))
    assert list(map(tuple, repeated(table, 1).tolist())) == expected
