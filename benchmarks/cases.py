"""What is timed: commands in groups, each a section of docs/benchmarks.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import measure
import near_peers
import peers
import rivals
import rulesets
from generate import Made, make

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENVS = HERE / ".venvs"

GROUPS = ("reading", "checks", "peers", "size", "rules", "rows")

PLAIN = ("--ignore", "near-duplicates", "--ignore", "leakage")
"""Leaves rules, exact duplicates, imbalance and structure: no check that cuts texts into words."""
RULES_ONLY = (
    tuple(
        part
        for check in ("exact-duplicates", "split-leakage", "structure", "class-imbalance", "synthetic-share")
        for part in ("--ignore", check)
    )
    + PLAIN
)
DROPPED = ("--drop", "contamination", "--drop", "exact-duplicates")
"""Rows that the timed `clean` drops: those with planted markers, and those that repeat another."""
RULE_COUNTS = (6, 60, 600)


@dataclass(frozen=True)
class Case:
    """One command to be timed, and the data it reads."""

    name: str
    group: str
    title: str
    command: list[str]
    made: Made
    clears: Path | None = None
    """A folder the command writes and that must be gone before it runs."""
    note: dict[str, float] = field(default_factory=dict)
    """Numbers that go with it, such as how many rules were on."""


@dataclass(frozen=True)
class Inputs:
    """The data and the environments the cases are made of."""

    args: argparse.Namespace
    patterns: Path

    def made(self, megabytes: float, shape: str = "usual") -> Made:
        """Data of a size, one file per core."""
        return make(self.args.work, megabytes, measure.cores(), self.args.texts, shape)

    def scan(self, source: Path, name: str, *more: str) -> list[str]:
        """Our command."""
        out = self.args.work / f"{name}.json"
        return [
            self.args.tool,
            "scan",
            str(source),
            "--quiet",
            "--isolated",
            "--output",
            f"json={out}",
            *more,
        ]


def cases(inputs: Inputs) -> list[Case]:
    """All cases of the groups asked for, in the order in which a round runs them."""
    makers = {
        "reading": _reading, "checks": _checks, "peers": _peers, "size": _size, "rules": _rules, "rows": _rows,
    }  # fmt: skip
    return [case for group in GROUPS if group in inputs.args.groups for case in makers[group](inputs)]


def _reading(inputs: Inputs) -> Iterator[Case]:
    large = inputs.made(inputs.args.mb)
    python = str(rivals.setup(VENVS / "rivals"))
    for kind, source in (("jsonl", large.jsonl), ("parquet", large.parquet)):
        name = {"jsonl": "JSONL", "parquet": "Parquet"}[kind]
        command = [python, str(HERE / "rivals.py"), "read", "polars", str(source)]
        yield Case(
            f"read-{kind}", "reading", f"polars reads both columns and drops them, {name}", command, large
        )
        command = inputs.scan(source, f"rules-{kind}", *RULES_ONLY)
        yield Case(f"rules-{kind}", "reading", f"dataaudit scan, rules only, {name}", command, large)


def _checks(inputs: Inputs) -> Iterator[Case]:
    large, group = inputs.made(inputs.args.mb), "checks"
    for name, title, source, more in (
        ("scan-jsonl", "scan, JSONL", large.jsonl, ()),
        ("scan-parquet", "scan, Parquet", large.parquet, ()),
        ("scan-jsonl-plain", "scan without near-duplicates and leakage, JSONL", large.jsonl, PLAIN),
        ("scan-jsonl-one", "scan in one process, JSONL", large.jsonl, ("--jobs", "1")),
    ):
        yield Case(name, group, f"dataaudit {title}", inputs.scan(source, name, *more), large)
    out = inputs.args.work / "clean-out"
    command = [inputs.args.tool, "clean", str(large.jsonl), "--quiet", "--isolated", "-o", str(out), *DROPPED]
    yield Case("clean-jsonl", group, "dataaudit clean, JSONL", command, large, out)


def _peers(inputs: Inputs) -> Iterator[Case]:
    small, group, patterns = inputs.made(inputs.args.peer_mb), "peers", str(inputs.patterns)
    yield Case("scan-small", group, "dataaudit scan", inputs.scan(small.jsonl, "scan-small"), small)
    command = inputs.scan(small.jsonl, "rules-small", *RULES_ONLY)
    yield Case("rules-small", group, "dataaudit scan, rules only", command, small)
    datatrove = str(peers.setup(VENVS / "datatrove"))
    for name, module in (("datatrove", "re"), ("datatrove-regex", "regex")):
        kept = inputs.args.work / f"{name}-out"
        script = [datatrove, str(HERE / "peers.py"), "filter", patterns, str(small.jsonl), str(kept)]
        command = [*script, str(measure.cores()), module]
        yield Case(name, group, f"datatrove, patterns under `{module}`", command, small, kept)
    kept = inputs.args.work / "datatrove-minhash-out"
    python = str(near_peers.setup("datatrove", VENVS / "near"))
    command = [python, near_peers.__file__, "datatrove", str(small.jsonl), str(kept), str(measure.cores())]
    yield Case(
        "datatrove-minhash", group, "datatrove, MinHash of the responses", [*command, "response"], small, kept
    )
    python = str(rivals.setup(VENVS / "rivals"))
    for library, title in (
        ("loop", "a loop over rows and patterns under `regex`"),
        ("polars", "polars, `str.contains`"),
        ("duckdb", "DuckDB, `regexp_matches`"),
    ):
        found = inputs.args.work / f"count-{library}.json"
        command = [python, str(HERE / "rivals.py"), "count", library, patterns, str(small.jsonl), str(found)]
        yield Case(f"count-{library}", group, title, command, small)


def _size(inputs: Inputs) -> Iterator[Case]:
    for share in (100, 10, 1):
        made = inputs.made(inputs.args.mb / share)
        for name, title, more in (("rules", "rules only", RULES_ONLY), ("scan", "everything", ())):
            case = f"{name}-size-{100 // share}"
            yield Case(case, "size", title, inputs.scan(made.jsonl, case, *more), made)


def _rules(inputs: Inputs) -> Iterator[Case]:
    large = inputs.made(inputs.args.mb)
    for count in RULE_COUNTS:
        pack = rulesets.write(ROOT / "rules", count, inputs.args.work / f"pack-{count}.yaml")
        name = f"rules-{count}"
        command = inputs.scan(large.parquet, name, "--rules", str(pack), "--select", rulesets.TAG)
        yield Case(name, "rules", f"{count} rules, Parquet", command, large, note={"rules": count})


def _rows(inputs: Inputs) -> Iterator[Case]:
    for shape in ("short", "long"):
        made = inputs.made(inputs.args.rows_mb, shape)
        size = f"{shape} rows, some {made.nbytes // made.rows:,} bytes"
        for name, title, more in (("rules", "rules only", RULES_ONLY), ("scan", "everything", ())):
            case = f"{name}-{shape}"
            yield Case(case, "rows", f"{size}: {title}", inputs.scan(made.parquet, case, *more), made)
