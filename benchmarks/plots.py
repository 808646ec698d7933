"""Line plots as SVG: a few points, an axis each, nothing to install."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 40, 48
COLOURS = ("#1f5fa8", "#b3541e", "#3b7d3b", "#7a3b8f")


@dataclass(frozen=True)
class Line:
    """A named series of (x, y); x grows by factors, y from 0."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> str:
    """The picture. The x axis is logarithmic, with a tick at every x that has a point; the y axis begins at 0."""
    xs = sorted({x for line in lines for x, _ in line.points})
    top = max(y for line in lines for _, y in line.points) * 1.1
    low, high = log10(xs[0]), log10(xs[-1])

    def across(x: float) -> float:
        share = 0.5 if high == low else (log10(x) - low) / (high - low)
        return LEFT + 16 + share * (WIDTH - LEFT - RIGHT - 32)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    base = HEIGHT - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 20, title, size=14),
        f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - RIGHT}" fill="none" stroke="#555555"/>',
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_name, anchor="middle"),
        _text(8, TOP - 6, y_name),
    ]
    for x in xs:
        parts.append(_text(across(x), base + 18, f"{x:,.4g}", anchor="middle"))
    for quarter in range(5):
        y = top * quarter / 4
        parts.append(_text(LEFT - 6, down(y) + 4, f"{y:,.0f}" if top >= 10 else f"{y:.1f}", anchor="end"))
        parts.append(f'<path d="M{LEFT} {down(y):.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{colour}"/>' for x, y in line.points
        ]
        parts.append(_text(WIDTH - RIGHT, TOP + 14 * number, line.name, anchor="end", colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = "#222222"
) -> str:
    look = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(text)}</text>'
