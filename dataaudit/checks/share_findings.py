"""The findings of `synthetic-share`, from counts of rows by the marks they carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from dataaudit.checks.base import FindingKind
from dataaudit.checks.share_model import ShareModel, estimate, share_model
from dataaudit.records.findings import Finding
from dataaudit.records.types import FileRef
from dataaudit.sketches.counts import FindingCounts
from dataaudit.sketches.stats import CONFIDENCE, clopper_pearson, lower_bound

_CHECK = "synthetic-share"

LIMIT = 0.03
"""The share that people's text stays below: the lower bound of the 95 % interval must lie above it. More than twice the
highest share of any measured corpus of people's text, less than half of the lowest of the models that are found."""
LEAST_ROWS = 100
"""Rows from which a share is judged; below, one row more or less would decide."""
FILES_NAMED = 5
"""Files named in a message."""
FILES_LISTED = 50
"""Files listed in the details, those of the highest share."""
LEAST_NAMED = 3
"""Rows that name their maker from which makers are counted out; one or two may be quotations."""

SHARE = FindingKind(
    _CHECK,
    _CHECK,
    "assistant-style",
    "medium",
    "medium",
    "Reads as model output",
    "A model trained on another model's answers takes over its habits and errors; what is licensed or sold as text of"
    " people should not read so.",
    whole=True,
    rated=True,
)
SOURCE = FindingKind(
    f"{_CHECK}:source",
    _CHECK,
    "assistant-style",
    "medium",
    "medium",
    "Files read as model output",
    "Among files of people's text, one of a model's output is hidden by the share of the whole.",
    whole=True,
)
FAMILY = FindingKind(
    f"{_CHECK}:family",
    _CHECK,
    "assistant-style",
    "info",
    "medium",
    "Texts name their maker",
    "Terms of use of some makers restrict training on their models' output, and its habits are those of one family.",
    whole=True,
)


class Frame(msgspec.Struct):
    """What a state of the check holds: counts of rows."""

    cells: dict[str, int] = {}
    """Rows by what they carry: kinds joined by `+`, `@`, class of lengths; `@` for rows without a mark."""
    of: dict[str, int] = {}
    """Rows with a text that was read, by file id (as text)."""
    deep: FindingCounts = msgspec.field(default_factory=FindingCounts)
    """Rows with marks of two kinds or more; the sample holds those of the highest score."""
    makers: dict[str, int] = {}
    """Rows by the maker they name."""
    named: int = 0
    """Rows that name any."""
    timed_out: dict[str, int] = {}


def is_above(rows: int, of: int, least_rows: int, tries: int = 1) -> bool:
    """Is a share above the limit beyond doubt? `tries` is how many shares are asked about together: among many, one is
    high by chance, so each has to be surer (Bonferroni)."""
    return of >= least_rows and lower_bound(rows, of, 1 - (1 - CONFIDENCE) / tries) > LIMIT


def files_above(frame: Frame, least_rows: int) -> tuple[list[int], int]:
    """Ids of the files whose own share is above the limit, and how many files have rows enough."""
    judged = sorted(int(one) for one, of in frame.of.items() if of >= least_rows)
    hit = frame.deep.by_file
    above = [
        one for one in judged if is_above(hit.get(str(one), 0), frame.of[str(one)], least_rows, len(judged))
    ]
    return above, len(judged)


def source_finding(frame: Frame, files: Sequence[FileRef], above: Sequence[int], judged: int) -> Finding:
    """The files that read as model output, where others do not."""
    figures = {files[one].uri: (frame.deep.by_file[str(one)], frame.of[str(one)]) for one in above}
    ranked = sorted(figures.items(), key=lambda one: (-one[1][0] / one[1][1], one[0]))
    listed = ", ".join(f"{uri} {_percent(rows / of)}" for uri, (rows, of) in ranked[:FILES_NAMED])
    more = f" and {len(ranked) - FILES_NAMED:,} more" if len(ranked) > FILES_NAMED else ""
    message = f"{len(above):,} of {judged:,} files read as model output by their own share: {listed}{more}"
    sources: dict[str, object] = {uri: {"rows": rows, "of": of} for uri, (rows, of) in ranked[:FILES_LISTED]}
    details: dict[str, object] = {"files": len(above), "judged": judged, "sources": sources}
    of = sum(frame.of.values())
    return SOURCE.finding(message, None, of, value=float(len(above)), limit=0.0, details=details)


def share_finding(frame: Frame, of: int, files: Sequence[FileRef]) -> Finding:
    """The share, with what it is compared with."""
    model, deep = share_model(), frame.deep.rows
    low, high = clopper_pearson(deep, of)
    scores, kinds = _scores(frame, model)
    share = estimate(scores, model.human, model.model)
    human = model.highest_human()
    message = (
        f"{deep:,} of {of:,} rows carry marks of assistant style of two kinds or more in one answer"
        f" ({_percent(deep / of)}, 95 % interval {_percent(low)} to {_percent(high)}). The highest share in"
        f" {model.humans()} corpora of people's text is {_percent(human.hit / human.rows)} ({human.name})."
        f" Estimated share of model output: {_percent(share.share)} of rows"
        f" ({_percent(share.low)} to {_percent(share.high)})."
    )
    if frame.named >= LEAST_NAMED:
        message += f" {_named(frame)}."
    details: dict[str, object] = {
        "unit": "share",
        "rows": deep,
        "low": low,
        "high": high,
        "kinds": dict(sorted(kinds.items())),
        "human": {"corpus": human.name, "rows": human.hit, "of": human.rows, "corpora": model.humans()},
        "estimate": {"share": share.share, "low": share.low, "high": share.high},
        "makers": dict(sorted(frame.makers.items())),
    }
    return SHARE.finding(
        message,
        None,
        of,
        value=deep / of,
        limit=LIMIT,
        by_split=frame.deep.by_split(files),
        by_source=frame.deep.by_source(files),
        details=details,
        examples=tuple(example for *_, example in frame.deep.sample.items),
    )


def _scores(frame: Frame, model: ShareModel) -> tuple[Counter[int], Counter[str]]:
    """Rows by score, and rows by kind of mark."""
    scores: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    for cell, rows in frame.cells.items():
        names, _, length = cell.rpartition("@")
        carried = tuple(names.split("+")) if names else ()
        scores[model.weights.score(carried, int(length or 0))] += rows
        kinds.update(dict.fromkeys(carried, rows))
    return scores, kinds


def family_finding(frame: Frame, of: int) -> Finding:
    """The makers that rows name."""
    details: dict[str, object] = {"makers": dict(_ranked(frame)), "rows": frame.named}
    return FAMILY.finding(_named(frame), None, of, value=float(frame.named), details=details)


def _ranked(frame: Frame) -> list[tuple[str, int]]:
    return sorted(frame.makers.items(), key=lambda one: (-one[1], one[0]))


def _named(frame: Frame) -> str:
    counted = ", ".join(f"{maker} {rows:,}" for maker, rows in _ranked(frame))
    return f"{frame.named:,} rows name the maker of the model that speaks: {counted}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
