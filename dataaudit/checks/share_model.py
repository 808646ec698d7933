"""What `synthetic-share` compares with: measured rates, and the weights of the row score. Read from a file beside the
rules, which `benchmarks/synthetic_share.py` measures and fits.

docs/synthetic-share.md explains the terms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from dataaudit.errors import RuleError
from dataaudit.rules.load import packs_dir
from dataaudit.sketches.stats import DIGITS

FILE_NAME = "synthetic-share.json"

LENGTHS = (500, 2_000, 8_000)
"""Bytes of UTF-8 from which a text belongs to the next class of lengths. A long text has more chances of a mark; the
fit weighs marks per class. Roughly: a paragraph, an answer, an article."""

MILLI = 1_000
"""Weights are whole thousandths of a logit, so that scores are the same integers on every processor."""

NORMAL_95 = 1.959964
"""Standard deviations of the two-sided 95 % interval of a mean."""


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One corpus, or the outputs of one model, as measured."""

    name: str
    label: str
    """`human` or `model`."""
    rows: int
    hit: int
    """Rows with marks of two kinds or more in one text."""
    score: float
    """Mean row score, 0–1."""


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the mean row score of a label lies: in the middle of its groups, and how far they spread."""

    low: float
    mean: float
    high: float


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The row score in thousandths of a logit: `base`, plus per kind of mark its weight, plus per kind that of the
    text's class of lengths."""

    base: int
    kinds: dict[str, int]
    lengths: tuple[int, ...]
    """One per class, the shortest first: `len(LENGTHS) + 1`."""

    def score(self, kinds: tuple[str, ...], length: int) -> int:
        """The score of a text with marks of these kinds, in thousandths of a logit. A kind that was not measured adds
        nothing."""
        known = [self.kinds[kind] for kind in kinds if kind in self.kinds]
        return self.base + sum(known) + len(known) * self.lengths[length]


class ShareModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file."""

    schema_version: int
    date: str
    weights: Weights
    human: Anchor
    model: Anchor
    groups: tuple[Group, ...]

    def highest_human(self) -> Group:
        """The human corpus with the largest share of rows hit."""
        return max((g for g in self.groups if g.label == "human"), key=lambda g: (g.hit / g.rows, g.name))

    def humans(self) -> int:
        """How many human corpora were measured."""
        return sum(group.label == "human" for group in self.groups)


@dataclass(frozen=True)
class Estimate:
    """An estimated share of rows, with the bounds of its error. All lie in 0–1."""

    share: float
    low: float
    high: float


@cache
def share_model() -> ShareModel:
    """The shipped model.

    Raises:
        RuleError: The file is missing or of another shape.
    """
    return read_model(packs_dir() / FILE_NAME)


def read_model(path: Path) -> ShareModel:
    """A model from a file. Raises RuleError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ShareModel)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: not readable as figures of synthetic-share: {error}") from error


def probability(score: int) -> float:
    """A score as the probability that a model wrote the text, if models and people wrote equally many like it."""
    x = score / MILLI
    value = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
    return float(f"{value:.{DIGITS}g}")


def mean_score(scores: Mapping[int, int]) -> tuple[float, float]:
    """Mean of the probabilities of scores → rows, and the standard error of that mean. At least one row."""
    rows = sum(scores.values())
    values = [(probability(score), count) for score, count in sorted(scores.items())]
    mean = math.fsum(value * count for value, count in values) / rows
    spread = math.fsum((value - mean) ** 2 * count for value, count in values) / rows
    return mean, math.sqrt(spread / rows)


def estimate(scores: Mapping[int, int], human: Anchor, model: Anchor) -> Estimate:
    """The share of rows that models wrote, from scores → rows: where the mean score lies between what people's text and
    models' text score.

    The bounds hold the sampling error of the mean (95 %) and the spread of the anchors: the lower one supposes people
    who write as the most mark-like corpus and models that leave many marks, the upper one the opposite.
    """
    mean, error = mean_score(scores)

    def between(value: float, start: float, end: float) -> float:
        if end <= start:
            return 1.0
        return float(f"{min(1.0, max(0.0, (value - start) / (end - start))):.{DIGITS}g}")

    share = between(mean, human.mean, model.mean)
    low = between(mean - NORMAL_95 * error, human.high, model.high)
    high = between(mean + NORMAL_95 * error, human.low, model.low)
    return Estimate(share, min(low, share), max(high, share))
