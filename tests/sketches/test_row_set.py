"""Sets of row ids, against Python's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.records.types import pack_row
from dataaudit.sketches import row_set
from dataaudit.sketches.row_set import RowSet

ROW = st.one_of(st.integers(0, 3), st.sampled_from([62, 63, 64, 65, 127, 128, 1000, 100_000]))
IDS = st.lists(st.builds(pack_row, st.integers(0, 5), ROW), max_size=20)


@pytest.mark.parametrize("compiled", [False, True])
@given(held=IDS, asked=st.lists(IDS, max_size=3), column=st.booleans())
def test_which_rows_are_not_in_a_set(
    compiled: bool, held: list[int], asked: list[list[int]], column: bool
) -> None:
    rows = RowSet(np.asarray(sorted(set(held)), np.uint64))
    assert len(rows) == len(set(held))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_set, "compiled", lambda _nbytes, _kernel: compiled)
        for ids in (*asked, held):
            given_ids = np.asarray(ids, np.uint64)
            if column:
                given_ids = np.stack([given_ids, given_ids], axis=1)[:, 1]
            assert rows.others(given_ids).tolist() == [i for i, one in enumerate(ids) if one not in set(held)]
