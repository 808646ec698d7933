"""Groups of equal keys in tables of integers, against the same by dictionaries."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.sketches.groups import repeated, starts

ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12)


@given(keys=ROWS, columns=st.integers(1, 2), order=st.randoms(use_true_random=False))
def test_rows_of_keys_that_come_several_times(keys: list[tuple[int, int]], columns: int, order: object):
    table = [(*key[:columns], row, 7 * row) for row, key in enumerate(keys)]
    groups = defaultdict(list)
    for row in table:
        groups[row[:columns]].append(row)
    expected = sorted(row for group in groups.values() if len(group) > 1 for row in group)
    order.shuffle(table)  # type: ignore[attr-defined]
    found = repeated(np.asarray(table, np.uint64).reshape(len(table), columns + 2), columns)
    assert list(map(tuple, found.tolist())) == expected
    begins = [at for at, row in enumerate(expected) if at == 0 or row[:columns] != expected[at - 1][:columns]]
    assert starts(found, columns).tolist() == begins
