"""What others take for parts of the work: polars that only reads, and polars, DuckDB and a loop that count.

Run as a script inside an environment that has polars and DuckDB:

    rivals.py read  polars INPUT                    read both columns of all files and drop them
    rivals.py count polars|duckdb|loop PATTERNS INPUT OUTPUT   rows per rule, for the rules whose patterns it takes

The counting ones get the patterns of `peers.export`. What a library's own expressions do not take (look-around, say) is
left out for it, and the number of rules it counted is in its output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peers

REQUIREMENTS = ("polars==2.1.0", "duckdb", "regex", "pyyaml")


def setup(folder: Path) -> Path:
    """The interpreter of the rivals' environment, created on first use."""
    python = folder / "bin" / "python"
    stamp = folder / ".installed"
    wanted = "\n".join(REQUIREMENTS)
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)
        stamp.write_text(wanted)
    return python


def read(source: Path) -> None:
    """Read a file at a time, as a streaming reader would hold it, and drop it."""
    import polars as pl

    schema = dict.fromkeys(peers.ROLES, pl.String)
    rows = 0
    for path in sorted(source.iterdir()):
        if path.suffix == ".parquet":
            rows += pl.read_parquet(path, columns=list(schema)).height
        else:
            rows += pl.read_ndjson(path, schema=schema).height
    print(rows)


def _inline(pattern: dict[str, Any]) -> str:
    letters = "".join(
        {"ignorecase": "i", "multiline": "m", "dotall": "s"}.get(f, "?") for f in pattern["flags"]
    )
    return f"(?{letters}){pattern['pattern']}" if letters else str(pattern["pattern"])


def _portable(rules: peers.Rules, takes: Any) -> Iterator[tuple[str, list[str], list[str], list[str]]]:
    """(id, roles, patterns, exceptions) of the rules whose patterns a library takes."""
    for rule in rules:
        wanted, unless = ([_inline(one) for one in rule[key]] for key in ("patterns", "unless"))
        if all("(??" not in one and takes(one) for one in (*wanted, *unless)):
            yield rule["id"], rule["roles"], wanted, unless


def count_polars(rules: peers.Rules, source: Path) -> dict[str, int]:
    import polars as pl

    def takes(pattern: str) -> bool:
        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.PolarsError:
            return False
        return True

    def any_of(role: str, patterns: list[str]) -> pl.Expr:
        return pl.any_horizontal([pl.col(role).str.contains(one) for one in patterns])

    asked = []
    for name, roles, wanted, unless in _portable(rules, takes):
        hit = [
            any_of(role, wanted) & ~any_of(role, unless) if unless else any_of(role, wanted) for role in roles
        ]
        asked.append(pl.any_horizontal(hit).sum().alias(name))
    schema = dict.fromkeys(peers.ROLES, pl.String)
    counts = pl.concat(
        [pl.read_ndjson(path, schema=schema).select(asked) for path in sorted(source.glob("*.jsonl"))]
    )
    return {name: int(n) for name, n in counts.sum().row(0, named=True).items()}


def count_duckdb(rules: peers.Rules, source: Path) -> dict[str, int]:
    import duckdb

    base = duckdb.connect()

    def takes(pattern: str) -> bool:
        try:
            base.execute("select regexp_matches('', ?)", [pattern]).fetchall()
        except duckdb.Error:
            return False
        return True

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def any_of(role: str, patterns: list[str]) -> str:
        return "(" + " or ".join(f"regexp_matches({role}, {quoted(one)})" for one in patterns) + ")"

    names, asked = [], []
    for name, roles, wanted, unless in _portable(rules, takes):
        hit = [
            any_of(role, wanted) + (f" and not {any_of(role, unless)}" if unless else "") for role in roles
        ]
        names.append(name)
        asked.append(f"count(*) filter (where {' or '.join(f'({one})' for one in hit)})")
    columns = ", ".join(f"{role}: 'VARCHAR'" for role in peers.ROLES)
    table = f"read_json({quoted(str(source / '*.jsonl'))}, format='newline_delimited', columns={{{columns}}})"
    row = base.execute(f"select {', '.join(asked)} from {table}").fetchone()
    assert row is not None
    return dict(zip(names, map(int, row), strict=True))


def main() -> None:
    verb, library, *rest = sys.argv[1:]
    if verb == "read":
        read(Path(rest[0]))
        return
    patterns, source, target = map(Path, rest)
    if library == "loop":
        peers.run_count(patterns, source, target)
        return
    rules = json.loads(patterns.read_text(encoding="utf-8"))
    found = (count_polars if library == "polars" else count_duckdb)(rules, source)
    target.write_text(json.dumps({"rules": found}), encoding="utf-8")


if __name__ == "__main__":
    main()
