"""What a check looks for and, where it may miss something, how much."""

from __future__ import annotations

import msgspec

from dataaudit.checks import costs_of_candidates, finding_kinds, modules, spilled_per_row
from dataaudit.checks.base import CheckOptions, Costs, FindingKind, Selection
from dataaudit.checks.near_settings import NearSettings
from dataaudit.config import Config
from dataaudit.errors import UsageError

CURVE = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
NEAR = "near-duplicates"


class Explained(msgspec.Struct, frozen=True):
    """The findings of a name; of near-duplicates also the settings and what they find."""

    kinds: tuple[FindingKind, ...]
    settings: NearSettings | None = None
    recall: tuple[tuple[float, float], ...] = ()
    """(similarity of a pair, probability that it becomes a candidate)."""
    per_row: int = 0
    """Bytes written to the work directory per row."""
    candidates: Costs | None = None
    """What a row takes that may be a near-duplicate."""
    about: tuple[str, ...] = ()
    """What the check itself says of its figures, line by line."""


def explain(name: str, config: Config | None = None) -> Explained:
    """What is behind the name of a check or a finding. Raises UsageError for another."""
    kinds = tuple(kind for kind in finding_kinds() if name in (kind.check, kind.id))
    if not kinds:
        known = ", ".join(sorted({kind.check for kind in finding_kinds()}))
        raise UsageError(f"no check is named {name!r}; there are {known} (of rules: dataaudit rules show)")
    if kinds[0].check != NEAR:
        about = getattr(modules()[kinds[0].check], "explanation", tuple)
        return Explained(kinds, about=about())
    settings = (config or Config()).near
    points = sorted({*CURVE, settings.threshold})
    alone = CheckOptions(selection=Selection((NEAR,)), near=settings)
    recall = tuple((one, settings.banding.recall(one)) for one in points)
    return Explained(kinds, settings, recall, spilled_per_row(alone), costs_of_candidates(alone))
