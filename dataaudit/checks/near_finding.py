"""The finding of near-duplicates: how many go, in clusters of which sizes, and what the largest of them differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from dataaudit.checks.base import FindingKind, Rows, Texts
from dataaudit.checks.differences import difference, first_difference
from dataaudit.checks.duplicate_groups import LARGEST, SHOWN, Extras, GroupTally
from dataaudit.checks.excerpts import excerpt
from dataaudit.checks.near_clusters import Members
from dataaudit.checks.near_settings import NearSettings
from dataaudit.records.findings import Example, Finding
from dataaudit.records.types import TEXT_ROLES, FileRef, unpack_row
from dataaudit.records.words import I64

SIZES = ((2, 2), (3, 3), (4, 5), (6, 10), (11, 100), (101, 1000), (1001, None))
"""Sizes of clusters that are counted together, both ends included."""


def finding(kind: FindingKind, of: int, members: Members, rows: Rows, settings: NearSettings) -> Finding:
    """The finding; there is at least one cluster.

    Details: `groups`, their `sizes` (number by size), `bytes` of text in the rows beyond the kept ones, `settings`,
    and the `largest` groups: `size`, the `file` and `row` that stays, the `least` similar of the others with its
    `similarity` to that one, and the `difference` of the two by words.
    """
    gone = ~members.head
    kept = members.rows[members.head]
    sizes = np.bincount(members.cluster)
    order = np.argsort(members.rows[gone])
    extra, twins = members.rows[gone][order], kept[members.cluster[gone]][order]
    tally = GroupTally(rows.files)
    tally.add(Extras(extra, twins, sizes, kept), members.similarity[gone][order])
    largest = np.lexsort((kept, -sizes))[:LARGEST].tolist()
    least = [_least(members, cluster) for cluster in largest]
    shown = [int(members.rows[at]) for at in least] + [int(kept[cluster]) for cluster in largest]
    sampled = tally.sampled()
    beside = twins[np.searchsorted(extra, np.asarray(sampled, np.uint64))].tolist()
    texts = rows.fetch(sorted({*shown, *sampled, *beside}))
    made = tally.finding(kind, of, rows, texts)
    role = kind.id.partition(":")[2] or None
    nbytes = int(members.nbytes[gone].sum())
    groups = []
    for cluster, at in zip(largest, least, strict=True):
        stays, goes = int(kept[cluster]), int(members.rows[at])
        told = difference(_text(texts, stays, role), _text(texts, goes, role))
        groups.append(
            {
                "size": int(sizes[cluster]),
                **_place(rows.files, stays),
                "least": {**_place(rows.files, goes), "similarity": float(members.similarity[at])},
                "difference": [{"in": piece.where, "text": piece.text} for piece in told],
            }
        )
    return replace(
        made,
        message=f"{made.message.removesuffix(').')}; {_size(nbytes)} of text beyond the kept rows).",
        examples=tuple(
            _marked(one, texts.get(row_id, {}), texts.get(twin, {}), role)
            for one, row_id, twin in zip(made.examples, sampled, beside, strict=True)
        ),
        details={
            "groups": len(kept),
            "sizes": _sizes(sizes),
            "bytes": nbytes,
            "largest": groups,
            "settings": {
                "words": settings.words,
                "threshold": settings.threshold,
                "bands": settings.bands,
                "rows": settings.rows,
                "keep": settings.keep,
            },
        },
    )


def _size(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.1f} MB" if nbytes >= 1e6 else f"{nbytes / 1e3:,.1f} kB"


def _least(members: Members, cluster: int) -> int:
    """The member of a cluster that is least like the one that stays; the smallest row id of several."""
    first, last = np.searchsorted(members.cluster, [cluster, cluster + 1])
    return int(first) + 1 + int(np.argmin(members.similarity[first + 1 : last]))


def _sizes(sizes: I64) -> dict[str, int]:
    counts: dict[str, int] = {}
    for low, high in SIZES:
        count = int(((sizes >= low) & (sizes <= (high or sizes.max()))).sum())
        if count:
            counts[f"{low}" if low == high else f"{low}-{high}" if high else f"{low}+"] = count
    return counts


def _place(files: tuple[FileRef, ...], row_id: int) -> dict[str, object]:
    file, row = unpack_row(row_id)
    return {"file": files[file].uri, "row": row}


def _text(texts: Mapping[int, Texts], row_id: int, role: str | None) -> str:
    found = texts.get(row_id, {})
    return "\n".join(text for one in TEXT_ROLES if role in (None, one) for _, text in found.get(one, ()))


def _marked(example: Example, removed: Texts, kept: Texts, only: str | None) -> Example:
    """The example with the first of its strings that the kept row has otherwise, cut around where they part."""
    for role in SHOWN if only is None else (only,):
        others = dict(kept.get(role, ()))
        for path, text in removed.get(role, ()):
            place = first_difference(others[path], text) if path in others else None
            if place is not None:
                shown, mark = excerpt(text, *place)
                return replace(example, role=role, path=path, text=shown, mark=mark)
    return example
