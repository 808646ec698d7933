"""What `dataaudit clean` prints: where every row went, and why the others did not stay."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from dataaudit.report.escape import visible
from dataaudit.report.numbers import percent_of, plural
from dataaudit.report.words import allowed_hits, allowed_what, allowed_why

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dataaudit.export.manifest import Manifest
    from dataaudit.records.findings import Allowed


def summary(manifest: Manifest, out: str, allowed: Sequence[Allowed] = ()) -> str:
    """The accounting of a clean run as lines of text; `allowed` are the hits that were left alone."""
    return "\n".join(_lines(manifest, out, allowed)) + "\n"


def _lines(manifest: Manifest, out: str, allowed: Sequence[Allowed]) -> Iterator[str]:
    totals = manifest.totals
    word = "INCOMPLETE" if manifest.unreadable else "CLEANED"
    yield (
        f"{word}  {plural(totals.rows, 'row')} = {totals.kept:,} kept + {totals.redacted:,} redacted"
        f" + {totals.quarantined:,} quarantined"
    )
    yield ""
    yield from _table(
        ("File", "rows", "kept", "redacted", "quarantined"),
        [
            (visible(e.file), f"{e.rows:,}", f"{e.kept:,}", f"{e.redacted:,}", f"{e.quarantined:,}")
            for e in manifest.inputs
        ],
    )
    if totals.reasons:
        yield ""
        ranked = sorted(totals.reasons.items(), key=lambda one: (-one[1], one[0]))
        rows = [(visible(name), f"{count:,}", percent_of(count, totals.rows)) for name, count in ranked]
        yield from _table(("Reason (a row can have several)", "rows", "share"), rows)
    if allowed:
        yield ""
        yield "Left alone, as the configuration allows"
        for one in allowed:
            yield f"  {visible(allowed_what(one))}: {allowed_hits(one)} ({visible(allowed_why(one))})"
    for entry in manifest.inputs:
        if entry.note:
            yield f"\nnote: {visible(entry.file)}: {visible(entry.note)}"
    for bad in manifest.unreadable:
        yield f"\nnot read to its end, set aside whole: {visible(bad.file)}: {visible(bad.reason)}"
    yield ""
    where = shlex.quote(out)
    yield f"kept rows        {where}/kept"
    yield f"quarantine       {where}/quarantine, each file beside its .reasons.jsonl"
    yield f"prove it         dataaudit verify {where}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        yield "  ".join(cells).rstrip()
