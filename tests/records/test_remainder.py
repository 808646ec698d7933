"""What of a record is no text counts by its value alone."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dataaudit.records.remainder import Shape, rest_of_objects

numbers = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.sampled_from([1, 1.0, -0.0, 2.0**53]),
)


@given(st.lists(numbers, max_size=12))
def test_what_a_number_counts_as_does_not_depend_on_its_neighbours(values: list[float | None]) -> None:
    def keys(column: list[Any], normalised: bool) -> list[tuple[int, int]]:
        shape = Shape(list(range(len(column))), (("value", "i"),), frozenset())
        made = rest_of_objects([{"value": one} for one in column], [shape])
        made(False)
        found = made(normalised)
        return list(zip(found.hi.tolist(), found.lo.tolist(), strict=True))

    for normalised in (False, True):
        # A string among them has each value written by itself.
        assert keys(values, normalised) == keys([*values, "x"], normalised)[:-1]
        assert keys([1, 1.0], normalised) == [keys([1], normalised)[0]] * 2
