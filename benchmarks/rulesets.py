"""Packs of a wanted number of rules: patterns of the shipped packs first, then phrases nobody ships a rule for."""

from __future__ import annotations

import random
from pathlib import Path

from generate import SEED

TAG = "benchmark-set"
"""Every rule of a pack carries it, so that `--select` takes these and no others."""

_WORDS = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").split()


def write(packs: Path, count: int, out: Path) -> Path:
    """A pack of so many rules."""
    import yaml

    parsed = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(packs.glob("*.yaml"))]
    shipped = [
        rule
        for pack in parsed
        for rule in pack["rules"]
        if rule.get("default", pack.get("default", True)) not in (False, "off")
    ]
    random.Random(SEED).shuffle(shipped)
    rules = [_taken(rule, i) for i, rule in enumerate(shipped[:count])]
    rules += [_phrase(i) for i in range(len(rules), count)]
    pack = {"pack": "benchmark", "version": 1, "licence": "Apache-2.0", "rules": rules}
    out.write_text(yaml.safe_dump(pack, sort_keys=False), encoding="utf-8")
    return out


def _taken(rule: dict[str, object], number: int) -> dict[str, object]:
    kept = {key: value for key, value in rule.items() if key not in ("tags", "soft", "action", "default")}
    return {**kept, "id": f"benchmark-{number}", "category": "quality", "tags": [TAG]}


def _phrase(number: int) -> dict[str, object]:
    """A rule for three words in a row or either of two others around a fourth."""
    a, b, c, d = random.Random(number).sample(_WORDS, 4)
    return {
        "id": f"benchmark-{number}",
        "version": 1,
        "name": "Made-up phrase",
        "message": "A phrase of the benchmark stands in the text.",
        "why": "It costs what rules cost.",
        "category": "quality",
        "severity": "low",
        "confidence": "low",
        "patterns": [{"pattern": rf"\b{a}\s+(?:{b}|{c})\s+{d}\b", "flags": ["ignorecase"]}],
        "hits": [f"{a} {b} {d}", f"{a} {c} {d}"],
        "misses": [f"{a} {d}", f"{b} {c} {d}"],
        "tags": [TAG],
    }
