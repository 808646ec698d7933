"""Figures as people read them: counts with separators, percentages with two telling digits, bytes, time."""

from __future__ import annotations

import math


def count(number: int) -> str:
    """An integer with thousands separators: `13,685`."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 row`, `13,685 rows`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def percent(share: float) -> str:
    """A share (0–1) in percent: `28.1 %`, `2.8 %`, `0.28 %`, `0.0021 %`, `< 0.0001 %`.

    Two significant digits, three from 10 %; `0 %` and `100 %` are said only of shares that are exactly that.
    """
    value = share * 100
    if value <= 0:
        return "0 %"
    if value >= 100:
        return "100 %"
    if value < 0.0001:
        return "< 0.0001 %"
    if value >= 99.95:
        return "> 99.9 %"
    return f"{_significant(value, 3 if value >= 10 else 2)} %"


def percent_of(rows: int, of: int) -> str:
    """`rows` of `of` in percent; a dash where nothing was evaluated."""
    return percent(rows / of) if of else "–"


def percent_beside(share: float, limit: float) -> str:
    """A share shown beside its limit: with as many digits as tell the two apart (0.1004 % beside 0.1 %)."""
    shown = percent(share)
    if share == limit or "<" in shown or ">" in shown:
        return shown
    digits = 2
    while float(shown.removesuffix(" %")) == float(f"{limit * 100:.12g}") and digits < 12:
        digits += 1
        shown = f"{_significant(share * 100, digits)} %"
    return shown


def limit_percent(share: float) -> str:
    """A limit in percent, as it was written: `0.1 %`, `5 %`."""
    return f"{_plain(share * 100, 12)} %"


def ratio(value: float) -> str:
    """A dataset-level value: `4`, `3.6`, `1,204`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(number: int) -> str:
    """Bytes in decimal units: `17.6 MB`."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{number} B" if unit == "B" else f"{value:.{0 if value >= 99.95 else 1}f} {unit}"


def seconds(value: float) -> str:
    """A duration: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _significant(value: float, digits: int) -> str:
    """Without exponent, keeping trailing zeros of the digits asked for, so that columns line up."""
    decimals = digits - 1 - math.floor(math.log10(value))
    return f"{value:.{max(decimals, 0)}f}"


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):.{digits}f}".rstrip("0").rstrip(".") if "e" in text else text
