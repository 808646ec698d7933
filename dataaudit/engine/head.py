"""The first records of a batch of a table, for `--limit`; readers of lines stop there by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from dataaudit.records.hashing import Keys
from dataaudit.records.types import Batch, RoleStrings, Turns


def head(batch: Batch, records: int) -> Batch:
    """The batch cut to its first `records` records, malformed ones counted."""
    if len(batch) + len(batch.malformed) <= records:
        return batch
    rows = np.sort(np.concatenate([batch.rows, np.asarray([one.row for one in batch.malformed], np.int64)]))
    end = int(rows[records])
    n = int(np.searchsorted(batch.rows, end))
    rest = batch.rest
    turns = batch.turns
    if turns is not None:
        keep = turns.rows < n
        turns = Turns(turns.rows[keep], turns.roles[keep], turns.chats[keep], turns.laden[keep])

    def first(normalised: bool) -> Keys:
        assert rest is not None
        keys = rest(normalised)
        return Keys(keys.hi[:n], keys.lo[:n])

    return replace(
        batch,
        rows=batch.rows[:n],
        lines=None if batch.lines is None else batch.lines[:n],
        roles={role: cut for role, strings in batch.roles.items() if len(cut := _cut(strings, n))},
        turns=turns,
        expects_response=batch.expects_response[:n],
        readable=batch.readable[:n],
        malformed=tuple(one for one in batch.malformed if one.row < end),
        remarks=tuple((name, at[at < n]) for name, at in batch.remarks),
        span=(records, batch.span[1]),
        rest=None if rest is None else first,
        layouts=_scaled(batch, n),
    )


def _cut(strings: RoleStrings, n: int) -> RoleStrings:
    keep = strings.rows < n
    return RoleStrings(
        strings.values.filter(pa.array(keep)),
        strings.rows[keep],
        strings.ordinals[keep],
        strings.path_ids[keep],
        strings.paths,
        strings.index[keep],
        strings.starts[keep],
    )


def _scaled(batch: Batch, n: int) -> tuple[tuple[str, int], ...]:
    """Layout counts of the first records: exact for one layout; a mixed batch keeps its largest ones up to n."""
    left, counts = n, []
    for name, count in sorted(batch.layouts, key=lambda one: (-one[1], one[0])):
        taken = min(count, left)
        if taken:
            counts.append((name, taken))
        left -= taken
    return tuple(sorted(counts))
