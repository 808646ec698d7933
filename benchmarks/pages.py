"""Tables that scripts write into pages of docs/, between two comments that name the script."""

from __future__ import annotations

from pathlib import Path


def fill(page: Path, script: str, made: str) -> None:
    """Put text where a script's is, in place of what it wrote before."""
    begin, end = f"<!-- benchmarks/{script} -->", f"<!-- end of benchmarks/{script} -->"
    head, found, rest = page.read_text("utf-8").partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"{page}: no place for the tables: {begin} … {end}")
    page.write_text(f"{head}{begin}\n\n{made}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")
