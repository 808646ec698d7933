"""The peer: datatrove with the patterns of our packs in a LambdaFilter, in an environment of its own.

    setup(folder)      create the environment (once)
    export(packs, …)   write the patterns of our packs as JSON, straight from the YAML

Run as a script inside that environment it does one of two things with the exported patterns:

    peers.py filter PATTERNS INPUT OUTPUT TASKS MODULE   the pipeline that is timed; keeps the rows that are hit
    peers.py count  PATTERNS INPUT OUTPUT                not timed: rows hit per rule, without datatrove

MODULE is `re`, what a script usually takes, or `regex`, for which the packs are written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

REQUIREMENT = (
    "datatrove[io,processing]==0.10.1"  # its filters import regex, nltk and tldextract: the second extra
)
ROLES = ("prompt", "response")
"""The string fields of the generated rows, named like the roles they play."""

Rules = list[dict[str, Any]]


def setup(folder: Path) -> Path:
    """The interpreter of the peer's environment, created on first use."""
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENT:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, REQUIREMENT], check=True)
        stamp.write_text(REQUIREMENT)
    return python


def export(packs: Path, out: Path) -> Rules:
    """Write the rules of all packs that read a prompt or a response: id, roles, patterns, exceptions.

    Rules that ask for more than a search (a place, a second marker, a checksum) are left to us.
    """
    import yaml

    rules: Rules = []
    for path in sorted(packs.glob("*.yaml")):
        pack = yaml.safe_load(path.read_text(encoding="utf-8"))
        for rule in pack["rules"]:
            rule.setdefault("default", pack.get("default", True))
            wanted = rule.get("roles", ["any"])
            roles = [role for role in ROLES if role in wanted or "any" in wanted]
            if roles and _is_plain(rule):
                rules.append(
                    {
                        "id": rule["id"],
                        "roles": roles,
                        "patterns": [_pattern(p) for p in rule["patterns"]],
                        "unless": [_pattern(p) for p in rule.get("unless", [])],
                    }
                )
    out.write_text(json.dumps(rules), encoding="utf-8")
    return rules


def _is_plain(rule: dict[str, Any]) -> bool:
    """Is the rule on by default, and is what it matches said by its patterns alone?"""
    parts = [p for p in (*rule["patterns"], *rule.get("unless", [])) if isinstance(p, dict)]
    return (
        not {"needs", "validate"} & rule.keys()
        and rule.get("default", True) not in (False, "off")
        and not any({"where", "within"} & part.keys() for part in parts)
    )


def _pattern(written: str | dict[str, Any]) -> dict[str, Any]:
    """A pattern may be written as a string or with flags."""
    if isinstance(written, str):
        return {"pattern": written, "flags": []}
    return {"pattern": written["pattern"], "flags": list(written.get("flags", []))}


def matcher(patterns: Path, module: str = "regex") -> Callable[[dict[str, str]], Iterable[str]]:
    """A function from a row to the ids of the rules it hits, lazily, so that a filter stops at the first.

    A pattern that `re` does not take is left to `regex`.
    """
    import re

    import regex

    def one_compiled(one: dict[str, Any]) -> Any:
        if module == "re":
            try:
                return re.compile(one["pattern"], sum(getattr(re, f.upper()) for f in one["flags"]))
            except (re.error, AttributeError):
                pass
        flags = sum((getattr(regex, f.upper()) for f in one["flags"]), regex.VERSION0)
        return regex.compile(one["pattern"], flags)

    def compiled(written: list[dict[str, Any]]) -> list[Any]:
        return [one_compiled(one) for one in written]

    rules = [
        (rule["id"], rule["roles"], compiled(rule["patterns"]), compiled(rule["unless"]))
        for rule in json.loads(patterns.read_text(encoding="utf-8"))
    ]

    def hits(row: dict[str, str]) -> Iterable[str]:
        for name, roles, any_of, unless in rules:
            for role in roles:
                text = row[role]
                if any(p.search(text) for p in any_of) and not any(p.search(text) for p in unless):
                    yield name
                    break

    return hits


def run_filter(patterns: Path, source: Path, target: Path, tasks: int, module: str) -> None:
    """The timed pipeline: JSONL reader, lambda over all patterns, JSONL writer; one task per core."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import LambdaFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    compiled: list[Callable[[dict[str, str]], Iterable[str]]] = []

    def is_hit(document: Any) -> bool:
        if not compiled:  # once per worker; compiled patterns do not travel
            compiled.append(matcher(patterns, module))
        row = {"prompt": document.metadata["prompt"], "response": document.text}
        return next(iter(compiled[0](row)), None) is not None

    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source), text_key="response", compression=None),
            LambdaFilter(is_hit),
            JsonlWriter(str(target), compression=None),
        ],
        tasks=tasks,
        workers=tasks,
        logging_dir=str(target / "logs"),
        start_method="fork",  # workers stay children of the measured process, so their cost is counted
    ).run()


def run_count(patterns: Path, source: Path, target: Path) -> None:
    """Rows hit per rule and in all, by the same matcher without stopping at the first hit."""
    hits = matcher(patterns)
    per_rule: Counter[str] = Counter()
    any_rule = 0
    for path in sorted(source.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                names = list(hits(json.loads(line)))
                per_rule.update(names)
                any_rule += bool(names)
    target.write_text(
        json.dumps({"rows": any_rule, "rules": dict(sorted(per_rule.items()))}), encoding="utf-8"
    )


if __name__ == "__main__":
    verb, *paths = sys.argv[1:]
    if verb == "filter":
        run_filter(Path(paths[0]), Path(paths[1]), Path(paths[2]), int(paths[3]), paths[4])
    else:
        run_count(*map(Path, paths))
