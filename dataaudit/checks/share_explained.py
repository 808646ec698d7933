"""What `explain synthetic-share` says: when there is a finding, what was measured, and the weights of the row score."""

from __future__ import annotations

from collections.abc import Iterator

from dataaudit.checks.share_model import LENGTHS, MILLI, ShareModel

BEHIND = {"human": "people", "model": "a model"}


def explained(model: ShareModel, limit: float, least_rows: int) -> Iterator[str]:
    """Lines for a terminal, at most 80 columns wide but for long names."""
    yield "A row counts where one answer (or text) of it has marks of two kinds or more."
    yield f"There is a finding where the lower 95 % bound of their share is above {100 * limit:g} %,"
    yield f"in at least {least_rows:,} rows. No row is judged, gated as contamination or dropped by it."
    yield ""
    yield f"measured {model.date}, rows with two kinds:"
    width = max(len(group.name) for group in model.groups)
    for group in sorted(model.groups, key=lambda one: (-one.hit / one.rows, one.name)):
        share = f"{100 * group.hit / group.rows:.2f} %"
        figures = f"{group.hit:>6,} of {group.rows:>7,}  {share:>8}"
        yield f"  {BEHIND[group.label]:<8} {group.name:<{width}}  {figures}"
    yield ""
    yield "row score, in logits: orders the examples, and its mean gives the estimate"
    yield f"  no mark            {_logits(model.weights.base)}"
    for kind, weight in sorted(model.weights.kinds.items(), key=lambda one: (-one[1], one[0])):
        yield f"  {kind:<18} {_logits(weight)}"
    yield "  and for each kind in a text of"
    starts = (0, *LENGTHS)
    for start, end, weight in zip(starts, (*LENGTHS, None), model.weights.lengths, strict=True):
        span = f"{start:,} bytes or more" if end is None else f"{start:,} to {end - 1:,} bytes"
        yield f"    {span:<20} {_logits(weight)}"


def _logits(weight: int) -> str:
    return f"{weight / MILLI:+.2f}"
