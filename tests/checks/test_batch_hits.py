"""The table of a batch's matches says what counting them one by one says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dataaudit.checks.batch_hits import hits_in
from dataaudit.rules.hits import Matches

ROLE_ROWS = {"prompt": [2, 0, 1, 1], "response": [0, 0, 3]}
"""The records of the strings of each role, in no order."""

MATCH = st.tuples(st.integers(0, 3), st.sampled_from(sorted(ROLE_ROWS)), st.integers(0, 2), st.integers(0, 9))


def _strings(rows: list[int], first: int) -> Any:
    n = len(rows)
    return SimpleNamespace(
        rows=np.asarray(rows), ordinals=np.arange(first, first + n)[::-1], starts=np.arange(n) * 7
    )


@given(st.sets(MATCH, min_size=1))
def test_records_and_roles_are_counted_once_and_matches_in_order(matches: set[tuple[int, str, int, int]]):
    roles = {"prompt": _strings(ROLE_ROWS["prompt"], 0), "response": _strings(ROLE_ROWS["response"], 4)}
    parts = []
    for rule, role in sorted({one[:2] for one in matches}):
        mine = sorted(one[2:] for one in matches if one[:2] == (rule, role))
        spans = np.asarray([(start, start + 1) for _, start in mine])
        parts.append((rule, role, Matches(cast("Any", None), np.asarray([at for at, _ in mine]), spans)))
    hits = hits_in(cast("Any", SimpleNamespace(roles=roles)), parts[::-1])
    keys = sorted(
        (rule, ROLE_ROWS[role][at], int(roles[role].ordinals[at]), start, at * 7)
        for rule, role, at, start in matches
    )
    found = zip(hits.rules, hits.records, hits.spans[:, 0], hits.starts, strict=True)
    assert [tuple(map(int, one)) for one in found] == [(a, b, d, e) for a, b, _, d, e in keys]
    first = hits.at(hits.firsts())
    assert list(zip(first.rules.tolist(), first.records.tolist(), strict=True)) == sorted(
        {(a, b) for a, b, *_ in keys}
    )
    for role, counts in hits.records_by_role(4):
        pairs = {(rule, ROLE_ROWS[role][at]) for rule, name, at, _ in matches if name == role}
        assert counts.tolist() == [sum(rule == one for one, _ in pairs) for rule in range(4)]
