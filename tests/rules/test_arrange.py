"""Events in order: what the compiled loop gives is what sorting gives."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.rules.arrange_kernel import Patterns, arranged
from dataaudit.rules.events import Spots, text_of

PLAIN = np.asarray([byte < 0x80 and chr(byte).isalnum() for byte in range(256)]).astype(np.uint8)
OF_KIND = np.asarray([1, 0, 2, 1, 0, 3])
LIMITS = np.asarray([1 << 62, 1 << 62, 3, 5])


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12)), max_size=40), max_size=6), st.data()
)
def test_events_are_in_order_and_those_too_far_in_are_gone(
    of_strings: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    begins = [data.draw(st.sampled_from("a(é")) for _ in of_strings]
    text = text_of(pa.array([first + 11 * "x" for first in begins], pa.large_string()))
    found = [
        (i, kind, int(text.offsets[i]) + end) for i, events in enumerate(of_strings) for kind, end in events
    ]
    if data.draw(st.booleans()):  # of two searches, one behind the other
        found = found[::2] + found[1::2]
    spots = Spots(*np.asarray(found, np.int64).reshape(-1, 3).T.copy())
    events, starts = arranged(text, spots, Patterns(OF_KIND, LIMITS, PLAIN))
    # Sorting is stable: equal events of a string stay in the order in which they were found.
    expected = sorted(
        (
            (i, int(OF_KIND[kind]), end, kind)
            for i, kind, end in sorted(found, key=lambda one: one[0])
            if begins[i] != "a" or end - int(text.offsets[i]) <= LIMITS[OF_KIND[kind]]
        ),
        key=lambda one: one[:3],
    )
    assert list(zip(*(column.tolist() for column in events), strict=True)) == expected
    groups = [one[:2] for one in expected]
    assert starts.tolist() == [i for i, one in enumerate(groups) if i == 0 or groups[i - 1] != one] + [
        len(groups)
    ]
