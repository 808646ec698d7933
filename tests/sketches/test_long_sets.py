"""Sets that are worked out from stretches are those that are held whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataaudit.records.words import SHINGLE_BASE, U64, WORD_BASE, sums
from dataaudit.sketches import long_sets, minhash_kernels
from dataaudit.sketches.long_sets import keys_of, shared_members, write_set
from dataaudit.sketches.minhash import Banding, plain_band_keys
from dataaudit.sketches.workspace import Workspace

BANDING = Banding(3, 4)
STRETCHES = st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=6), min_size=1, max_size=4)


def arrays(stretches: list[list[int]]) -> list[U64]:
    return [np.asarray(one, np.uint64) for one in stretches]


@pytest.mark.parametrize("compiled", [False, True])
@settings(max_examples=100, deadline=None)
@given(stretches=STRETCHES)
def test_keys_do_not_depend_on_stretches(compiled: bool, stretches: list[list[int]]):
    whole = np.concatenate(arrays(stretches))
    starts = np.asarray([0, len(whole)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_sets, "compiled", lambda _nbytes, _kernel: compiled)
        bands, hi, lo = keys_of(arrays(stretches), BANDING)
    assert bands.tolist() == plain_band_keys(whole, starts, BANDING).tolist()
    assert bands.tolist() == minhash_kernels.band_keys(whole, starts, BANDING).tolist()
    assert hi.tolist() == sums(whole, starts[:-1], WORD_BASE).tolist()
    assert lo.tolist() == sums(whole, starts[:-1], SHINGLE_BASE).tolist()


@settings(max_examples=60, deadline=None)
@given(STRETCHES, STRETCHES, st.integers(1, 5))
def test_members_are_written_once_in_order_and_compared_part_by_part(
    tmp_path_factory: pytest.TempPathFactory, one: list[list[int]], other: list[list[int]], part: int
):
    one.append(other[0])
    folder: Path = tmp_path_factory.mktemp("sets")
    written: list[U64] = []
    with Workspace(folder) as work, pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_sets, "PART", part)
        for stretches in (one, other):
            path = folder / "set"
            with path.open("wb") as out:
                count = write_set(arrays(stretches), out, work)
            written.append(np.fromfile(path, np.uint64))
            assert written[-1].tolist() == np.unique(np.concatenate(arrays(stretches))).tolist()
            assert count == len(written[-1])
        both = shared_members(*(lambda at, most, s=s: s[at : at + most] for s in written))
    assert both == len(np.intersect1d(*written))
