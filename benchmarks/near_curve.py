"""How many pairs of a similarity become candidates, measured beside 1 - (1 - s^rows)^bands, and drawn as SVG."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import near_rows
import near_truth
import numpy as np
import numpy.typing as npt

BIN = 0.05
BINS = tuple(round(0.5 + BIN * i, 2) for i in range(10))
"""Lower ends; the last one takes in 1."""
PLANTED = 6000
"""Pairs."""
WORDS = 300
"""Of a text of random words."""
SHORTEST = 50
"""Words of a real text, so that similarities come in small steps."""

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """The pairs of one bin."""

    similarity: float
    """Their mean."""
    pairs: int
    met: int
    expected: float
    """What of them the formula says, each at its own similarity."""

    @property
    def recall(self) -> float:
        return self.met / self.pairs

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Clopper–Pearson interval of the recall."""
        from scipy.stats import beta

        low = float(beta.ppf(0.025, self.met, self.pairs - self.met + 1)) if self.met else 0.0
        high = float(beta.ppf(0.975, self.met + 1, self.pairs - self.met)) if self.met < self.pairs else 1.0
        return low, high


def theory(similarity: F64) -> F64:
    """The formula for 14 bands of 8."""
    return np.asarray(1 - (1 - similarity**8) ** 14, np.float64)


def planted(texts: Sequence[str] | None = None, seed: int = 5) -> tuple[list[str], F64]:
    """Pairs, one text after the other, the second with single words of the first replaced, and their similarities.

    The first ones are random words, or are drawn from `texts`.
    """
    rng = random.Random(seed)
    vocabulary = [f"w{i}" for i in range(20_000)]
    long = [text for text in texts or () if text.count(" ") >= SHORTEST]
    made, similar = [], []
    for _ in range(PLANTED):
        text = rng.choice(long) if long else " ".join(rng.choices(vocabulary, k=WORDS))
        copy = near_rows.edited(rng, text, rng.uniform(0.5, 1))
        one, two = near_truth.shingles(text), near_truth.shingles(copy)
        made += [text, copy]
        similar.append(len(one & two) / len(one | two))
    return made, np.asarray(similar)


def met(
    texts: Sequence[str], left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which pairs of texts share a band of the tool's signatures. Texts of fewer than five words are in no pair."""
    import pyarrow as pa

    from dataaudit.records.words import shingles_of, words_of
    from dataaudit.sketches.minhash import Banding, band_keys

    words = words_of(pa.array(texts, pa.large_string()))
    found = shingles_of(words.hashes, words.starts, 5)
    sizes = np.diff(found.starts)
    there = np.flatnonzero(sizes)
    keys = band_keys(found.hashes, np.concatenate([[0], np.cumsum(sizes[there])]), Banding(14, 8))
    at = np.full(len(texts), -1)
    at[there] = np.arange(len(there))
    return np.asarray((keys[at[left]] == keys[at[right]]).any(axis=1))


def points(similarity: F64, together: npt.NDArray[np.bool_]) -> list[Point]:
    """One point per bin that has pairs; pairs of similarity 1 are left out, for they meet by definition."""
    made = []
    for low in BINS:
        mine = (similarity >= low) & (similarity < low + BIN) & (similarity < 1)
        if mine.any():
            made.append(
                Point(
                    float(similarity[mine].mean()),
                    int(mine.sum()),
                    int(together[mine].sum()),
                    float(theory(similarity[mine]).mean()),
                )
            )
    return made


WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 680, 400, 64, 24, 24, 56


def _x(similarity: float) -> float:
    return LEFT + (similarity - 0.5) / 0.5 * (WIDTH - LEFT - RIGHT)


def _y(recall: float) -> float:
    return TOP + (1 - recall) * (HEIGHT - TOP - BOTTOM)


def _marks(found: Sequence[Point], shape: str, colour: str, shift: float) -> list[str]:
    drawn = []
    for point in found:
        x, y = _x(point.similarity) + shift, _y(point.recall)
        low, high = point.interval
        drawn.append(
            f'<path d="M{x:.1f} {_y(low):.1f}V{_y(high):.1f}" stroke="{colour}" stroke-width="1.5"/>'
        )
        drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
            if shape == "circle"
            else f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
        )
    return drawn


def svg(synthetic: Sequence[Point], real: Sequence[Point], threshold: float = 0.8) -> str:
    """The picture: the formula as a line, the measured bins as marks with their 95 % intervals."""
    line = "L".join(f"{_x(s):.1f} {_y(float(theory(np.asarray(s)))):.1f}" for s in np.linspace(0.5, 1, 101))
    grid = []
    for i in range(6):
        s, r = 0.5 + i / 10, i / 5
        grid.append(
            f'<path d="M{_x(s):.1f} {_y(0)}V{_y(1)}M{_x(0.5)} {_y(r):.1f}H{_x(1)}" stroke="#e3e3e3"/>'
        )
        grid.append(f'<text x="{_x(s):.1f}" y="{_y(0) + 20}" text-anchor="middle">{s:.1f}</text>')
        grid.append(f'<text x="{LEFT - 8}" y="{_y(r) + 4:.1f}" text-anchor="end">{r:.0%}</text>')
    legend = [
        f'<path d="M{LEFT + 20} {TOP + 22}h24" stroke="#555" stroke-width="2"/>',
        f'<text x="{LEFT + 54}" y="{TOP + 26}">1 − (1 − s⁸)¹⁴</text>',
        f'<circle cx="{LEFT + 32}" cy="{TOP + 44}" r="4" fill="#1f6fb4"/>',
        f'<text x="{LEFT + 54}" y="{TOP + 48}">pairs of random words ({sum(p.pairs for p in synthetic):,})</text>',
        f'<rect x="{LEFT + 28}" y="{TOP + 62}" width="8" height="8" fill="#c8501e"/>',
        f'<text x="{LEFT + 54}" y="{TOP + 70}">pairs of real texts ({sum(p.pairs for p in real):,})</text>',
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *grid,
        f'<path d="M{_x(threshold):.1f} {_y(0)}V{_y(1)}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<text x="{_x(threshold) + 6:.1f}" y="{_y(0.04):.1f}" fill="#777">threshold</text>',
        f'<path d="M{line}" fill="none" stroke="#555" stroke-width="2"/>',
        *_marks(synthetic, "circle", "#1f6fb4", -3),
        *_marks(real, "square", "#c8501e", 3),
        *legend,
        f'<text x="{_x(0.75)}" y="{HEIGHT - 14}" text-anchor="middle">Jaccard similarity of the two texts</text>',
        f'<text transform="translate(16 {_y(0.5)}) rotate(-90)" text-anchor="middle">share of pairs found</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def write(path: Path, synthetic: Sequence[Point], real: Sequence[Point]) -> None:
    path.write_text(svg(synthetic, real), encoding="utf-8")
