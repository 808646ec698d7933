"""Figures of label counts, computed in one pass over a counter that may be on disk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import msgspec

from dataaudit.records.findings import LabelInfo
from dataaudit.sketches.counter import SpillCounter

LISTED = 50
"""Most and least frequent labels listed each."""


class LabelStats(msgspec.Struct, frozen=True):
    """The figures of one label path."""

    info: LabelInfo
    most: tuple[str, int]
    least: tuple[str, int]
    absent: list[str]
    """Declared classes without a row."""
    missing: dict[str, int]
    """Split → classes that other splits have and it lacks."""


@dataclass
class _Path:
    """Running figures of one label path; sums go through math.fsum, so no order of keys changes them."""

    classes: int = 0
    total: int = 0
    logs: list[float] = field(default_factory=list)
    most: list[tuple[int, str]] = field(default_factory=list)
    least: list[tuple[int, str]] = field(default_factory=list)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)
    split_totals: dict[str, int] = field(default_factory=dict)
    split_classes: dict[str, int] = field(default_factory=dict)
    pair_sums: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)


def gather(
    counter: SpillCounter, rows: Mapping[str, int], declared: Mapping[str, list[str]]
) -> list[LabelStats]:
    """The figures of every label path, by path. Keys of the counter are path, split and label joined by \\x1f."""
    totals = _split_totals(counter)
    paths: dict[str, _Path] = {path: _Path(absent=set(declared.get(path, ()))) for path in sorted(totals)}
    for path, by_split in totals.items():
        paths[path].split_totals = by_split
    for counts in counter.ranges():
        for (path, label), by_split in _by_label(counts).items():
            _add(paths[path], label, by_split)
    return [_finish(path, running, rows[path]) for path, running in paths.items()]


def _parts(key: str) -> tuple[str, str, str]:
    path, split, label = key.split("\x1f", 2)
    return path, split, label


def _split_totals(counter: SpillCounter) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for counts in counter.ranges():
        for key, count in counts.items():
            path, split, _ = _parts(key)
            by_split = totals.setdefault(path, {})
            by_split[split] = by_split.get(split, 0) + count
    return totals


def _by_label(counts: Mapping[str, int]) -> dict[tuple[str, str], dict[str, int]]:
    labels: dict[tuple[str, str], dict[str, int]] = {}
    for key, count in counts.items():
        path, split, label = _parts(key)
        labels.setdefault((path, label), {})[split] = count
    return labels


def _add(running: _Path, label: str, by_split: dict[str, int]) -> None:
    count = sum(by_split.values())
    running.classes += 1
    running.total += count
    running.logs.append(count * math.log(count))
    running.absent.discard(label)
    running.most.append((-count, label))
    running.least.append((count, label))
    if len(running.most) > 4 * LISTED:
        running.most = sorted(running.most)[:LISTED]
        running.least = sorted(running.least)[:LISTED]
        running.logs = _folded(running.logs)
    for split, n in by_split.items():
        running.splits.setdefault(split, {})[label] = n
        running.split_classes[split] = running.split_classes.get(split, 0) + 1
        if len(running.splits[split]) > 4 * LISTED:
            kept = sorted(running.splits[split].items(), key=lambda item: (-item[1], item[0]))[: 2 * LISTED]
            running.splits[split] = dict(kept)
    for a, b in combinations(sorted(running.split_totals), 2):
        p, q = by_split.get(a, 0) / running.split_totals[a], by_split.get(b, 0) / running.split_totals[b]
        terms = running.pair_sums.setdefault((a, b), [])
        terms.append(_divergence(p, q))
        running.pair_sums[a, b] = _folded(terms)


def _folded(terms: list[float]) -> list[float]:
    """The terms, summed once they are many; keys come in one order, so the result is the same in every run."""
    return [math.fsum(terms)] if len(terms) > 1 << 16 else terms


def _divergence(p: float, q: float) -> float:
    """One label's part of the Jensen–Shannon divergence, in bits."""
    middle = (p + q) / 2
    return sum(x / 2 * math.log2(x / middle) for x in (p, q) if x > 0)


def _finish(path: str, running: _Path, rows: int) -> LabelStats:
    most = [(label, -count) for count, label in sorted(running.most)[:LISTED]]
    least = [(label, count) for count, label in sorted(running.least)[:LISTED]]
    ranked = sorted({*most, *least}, key=lambda item: (-item[1], item[0]))
    entropy = math.log(running.total) - math.fsum(running.logs) / running.total
    # Rounding must not carry it out of its range.
    entropy = min(max(0.0, entropy), math.log(running.classes))
    named = {split for split in running.split_totals if split}
    several = len(named) > 1
    info = LabelInfo(
        path=path,
        rows=rows,
        classes=running.classes,
        counts=dict(ranked),
        ratio=most[0][1] / least[0][1],
        entropy=entropy / math.log(running.classes) if running.classes > 1 else None,
        effective_classes=math.exp(entropy),
        by_split={split: dict(sorted(running.splits[split].items())) for split in sorted(named)}
        if several
        else {},
        split_distance={
            f"{a}|{b}": math.sqrt(max(0.0, math.fsum(sums)))
            for (a, b), sums in sorted(running.pair_sums.items())
            if a and b
        },
    )
    missing = {
        split: running.classes - running.split_classes[split]
        for split in sorted(named)
        if several and running.split_classes[split] < running.classes
    }
    return LabelStats(info, most[0], least[0], sorted(running.absent), missing)
