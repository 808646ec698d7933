"""Small statistics: an exact binomial interval, entropy, distance between two distributions of counts.

Nothing here is a sketch with a state; these are the floats that `finalize` and the report compute from
integers. Sums run over sorted keys with `math.fsum`, and results are settled to 12 significant digits,
because the C library's `log` and `exp` may differ in the last bit between processors and a report must not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

_Function = Callable[[Any], Any]
"""Of a number, or of each of an array."""

DIGITS = 12
"""Significant digits of every result; all are accurate to at least 10."""

CONFIDENCE = 0.95
"""The two-sided confidence of every interval in a report."""

_PANELS = 8
_NEGLIGIBLE = 45.0
"""Natural logarithm of the height below the peak at which a tail is cut off: e^-45 is 3e-20."""
_REACHES = 2.0 ** (np.arange(9 * 8) / 8)
"""Deviations from the peak that are tried: up to 2 ** 9, where the slowest of tails, e^-v, is gone."""


def clopper_pearson(rows: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact (Clopper–Pearson 1934) two-sided interval of a share, as (low, high).

    `low` is the share at which `rows` or more of `of` has probability (1 - confidence) / 2, `high` the
    share at which `rows` or fewer has it. With no trials the interval is (0, 1). Accurate to 1e-10,
    relative, for `of` up to 1e12. Raises ValueError for counts or a confidence that cannot be.
    """
    low = lower_bound(rows, of, confidence)
    # The upper bound mirrors the lower bound of the misses. It is mirrored in the logit: 1 - low would
    # throw away the digits of a small share.
    return low, 1.0 if rows == of else _settle(_expit(-_lower_logit(of - rows, of, confidence)))


def lower_bound(rows: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The lower end of `clopper_pearson`, which raises as that does."""
    if of < 0 or not 0 <= rows <= of:
        raise ValueError(f"{rows} of {of} is not a share")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return 0.0 if rows == 0 else _settle(_expit(_lower_logit(rows, of, confidence)))


@lru_cache(maxsize=4096)
def _lower_logit(rows: int, of: int, confidence: float) -> float:
    """Logit of the lower end; above 0 rows."""
    return _beta_quantile_logit(rows, of - rows + 1, (1.0 - confidence) / 2.0)


def _expit(u: float) -> float:
    return 1.0 / (1.0 + math.exp(-u)) if u > 0 else math.exp(u) / (1.0 + math.exp(u))


def _beta_quantile_logit(a: int, b: int, tail: float) -> float:
    """Logit of the `tail` quantile of the Beta(a, b) distribution.

    In v = logit(x) - log(a / b) the density is log-concave with its peak at 0, free of singular ends for
    every a, b >= 1, and its logarithm needs no difference of huge log-gammas. So the lower tail is a short
    integral (Gauss–Legendre panels), and Newton's method on its logarithm, which is concave, finds the
    quantile.
    """
    n = a + b
    p = a / n
    peak = 0.5 * (math.log(a) + math.log(b) - math.log(n) - math.log(2 * math.pi))
    peak += _stirling(n) - _stirling(a) - _stirling(b)

    def log_density(v: Any) -> Any:
        # Two ways to write the same; in each the digits of the rarer outcome are kept.
        if a <= b:
            return peak + a * v - n * np.log1p(p * np.expm1(v))
        return peak - b * v - n * np.log1p(b / n * np.expm1(-v))

    deviation = math.sqrt(n / a / b)

    def left_tail(v: float) -> float:
        return _integrate_exp(log_density, v - _reach(log_density, peak, v, deviation), v)

    v = -2.0 * deviation if a > 1 else math.log(tail)
    for _ in range(60):
        mass = left_tail(v)
        # Newton on a concave rising function: one step lands left of the root, the next ones climb to it.
        step = math.log(mass / tail) * mass / math.exp(float(log_density(v)))
        v -= step
        if abs(step) <= 1e-13 * max(1.0, abs(v)):
            break
    return v + math.log(a) - math.log(b)


def _reach(log_density: _Function, peak: float, v: float, deviation: float) -> float:
    """How far left of `v` the density still counts, a little more; `deviation` is less than that."""
    floor = min(peak, float(log_density(v))) - _NEGLIGIBLE
    reaches = deviation * _REACHES
    return float(reaches[np.argmax(log_density(v - reaches) <= floor)])


def _integrate_exp(log_function: _Function, start: float, end: float) -> float:
    nodes, weights = _gauss_legendre()
    half = (end - start) / _PANELS / 2
    centres = start + half * (2 * np.arange(_PANELS) + 1)
    terms = weights * np.exp(log_function(centres[:, None] + half * nodes))
    return math.fsum(terms.ravel().tolist()) * half


@lru_cache(maxsize=1)
def _gauss_legendre() -> tuple[Any, Any]:
    """Nodes and weights, (16,) each, of the 16-point rule on [-1, 1], by Newton's method on the Legendre polynomial."""
    order = 16
    pairs = []
    for i in range(order):
        x = math.cos(math.pi * (i + 0.75) / (order + 0.5))
        for _ in range(10):
            previous, value = 1.0, x
            for k in range(2, order + 1):
                previous, value = value, ((2 * k - 1) * x * value - (k - 1) * previous) / k
            slope = order * (x * value - previous) / (x * x - 1.0)
            x -= value / slope
        pairs.append((x, 2.0 / ((1.0 - x * x) * slope * slope)))
    nodes, weights = np.asarray(pairs).T
    return nodes, weights


def _stirling(z: float) -> float:
    """log Γ(z) minus Stirling's formula (z - 1/2) log z - z + log(2π)/2; the series is DLMF 5.11.1."""
    if z < 16:
        return math.lgamma(z) - ((z - 0.5) * math.log(z) - z + 0.5 * math.log(2 * math.pi))
    s = 1.0 / (z * z)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * 691 / 360360))))) / z


def entropy(counts: Mapping[str, int]) -> float:
    """Shannon entropy of the shares of the counts, in nats. Zero counts add nothing; no counts give 0."""
    total = sum(counts.values())
    if total == 0:
        return 0.0
    shares = [counts[key] / total for key in sorted(counts) if counts[key] > 0]
    return _settle(max(0.0, -math.fsum(share * math.log(share) for share in shares)))


def jensen_shannon_distance(p_counts: Mapping[str, int], q_counts: Mapping[str, int]) -> float:
    """Root of the Jensen–Shannon divergence (base 2) of two distributions of counts: 0 equal, 1 disjoint.

    A metric (Endres & Schindelin 2003). Raises ValueError if either side has no counts.
    """
    p_total, q_total = sum(p_counts.values()), sum(q_counts.values())
    if p_total == 0 or q_total == 0:
        raise ValueError("a distribution without counts has no distance to another")
    terms = []
    for key in sorted(p_counts.keys() | q_counts.keys()):
        p, q = p_counts.get(key, 0), q_counts.get(key, 0)
        # Equal shares are compared as integers: a last-bit difference would not give exactly 0.
        if p * q_total == q * p_total:
            continue
        p_share, q_share = p / p_total, q / q_total
        middle = (p_share + q_share) / 2
        terms += [share / 2 * math.log2(share / middle) for share in (p_share, q_share) if share > 0]
    return _settle(math.sqrt(min(1.0, max(0.0, math.fsum(terms)))))


def _settle(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
