"""The measurements of near-duplicates as Markdown."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from typing import Any

import measure
from near_curve import Point

Row = Sequence[str]


def table(head: Row, body: Sequence[Row]) -> list[str]:
    def line(cells: Row) -> str:
        return "| " + " | ".join(cells) + " |"

    return [line(head), line(["---"] + ["---:"] * (len(head) - 1)), *map(line, body), ""]


def _accuracy(found: Sequence[Any]) -> list[str]:
    rows = []
    for one in found:
        judged = one.judged
        figures = [f"{judged.rows:,}", f"{judged.truth:,}", f"{judged.removed:,}"]
        rows.append([one.name, *figures, f"{judged.precision:.4f}", f"{judged.recall:.4f}"])
    pairs = []
    for one in found:
        pairs.append(
            [
                one.name,
                *(
                    f"{link.found:,} of {link.pairs:,} ({link.found / link.pairs:.4f})"
                    if link.pairs
                    else "no pairs"
                    for link in one.linked
                ),
            ]
        )
    return [
        "## Against all pairs",
        "",
        "To be removed by brute force: all rows but one of each component of pairs of similarity 0.8 or more.",
        "",
        *table(["texts", "rows", "to be removed", "removed", "precision", "recall"], rows),
        "Pairs of texts that are not equal, and how many of them ended in one cluster, by their similarity:",
        "",
        *table(["texts", *(f"≥ {link.similarity:g}" for link in found[0].linked)], pairs),
    ]


def _curve(points: tuple[Sequence[Point], Sequence[Point]]) -> list[str]:
    body = []
    for name, found in zip(("random words", "real texts"), points, strict=True):
        for point in found:
            low, high = point.interval
            body.append(
                [
                    name,
                    f"{point.similarity:.3f}",
                    f"{point.pairs:,}",
                    f"{point.recall:.3f}",
                    f"{low:.3f}–{high:.3f}",
                    f"{point.expected:.3f}",
                ]
            )
    return [
        "## Recall of candidates",
        "",
        "![Measured recall beside the formula](near-duplicates-recall.svg)",
        "",
        "Pairs by similarity, in bins of 0.05; pairs of equal sets are left out. Pairs of random words are made by",
        "replacing single words; those of real texts are the ones found in them and further ones made the same way.",
        "The last column is the formula, 1 - (1 - s^8)^14, averaged over the pairs of the bin.",
        "",
        *table(["pairs", "mean similarity", "number", "candidates", "95 % interval", "formula"], body),
    ]


def _peers(ran: Sequence[Any]) -> list[str]:
    if not ran:
        return []
    body = []
    for one in ran:
        cost = measure.median(one.costs)
        mine = next(other for other in ran if other.name == "dataaudit" and other.rows == one.rows)
        base = measure.median(mine.costs)
        judged = one.judged
        body.append(
            [
                one.name,
                f"{one.rows:,}",
                f"{cost.wall:.1f}",
                f"{cost.cpu:.1f}",
                f"{cost.peak_mb:.0f}",
                f"{cost.wall / base.wall:.1f} ×",
                f"{cost.cpu / base.cpu:.1f} ×",
                f"{judged.removed:,} of {judged.truth:,}",
                f"{judged.precision:.3f}",
                f"{judged.recall:.3f}",
                f"{judged.f1:.4f}",
            ]
        )
    heads = [
        "tool",
        "rows",
        "wall s",
        "CPU s",
        "peak MB",
        "wall",
        "CPU",
        "removed",
        "precision",
        "recall",
        "F1",
    ]
    return [
        "## Beside other tools",
        "",
        "The same rows for all: the real texts as they are, then rows drawn from their sentences, 1.5 % of them",
        "repeated and 3 % edited copies of an earlier one, at similarities from 0.5 to 1. `wall` and `CPU` are",
        "multiples of ours on the same rows; whole processes, start-up included. What was run is in",
        "`benchmarks/near_peers.py`. Whichever row of a cluster a tool keeps, the others count as right.",
        "",
        *table(heads, body),
    ]


def render(
    args: argparse.Namespace,
    found: Sequence[Any],
    points: tuple[Sequence[Point], Sequence[Point]],
    ran: Sequence[Any],
) -> str:
    """The page."""
    options = f"--rows {args.rows}"
    if ran:
        options += f" --repeat {args.repeat} --peers {' '.join(args.peers)}"
        options += f" --tenth {' '.join(args.tenth)}" if args.tenth else ""
    about = measure.machine()
    lines = [
        "# Near-duplicates, measured",
        "",
        f"Written by `python benchmarks/near_duplicates.py {args.texts.name} {options}` on "
        f"{datetime.date.today().isoformat()}.",
        f"Machine: {about['processor']}; {about['memory']}; {about['system']}.",
        "What a near-duplicate is and what is not found is in [near-duplicates.md](near-duplicates.md).",
        "",
        *_accuracy(found),
        *_curve(points),
        *_peers(ran),
    ]
    return "\n".join(lines).rstrip() + "\n"
