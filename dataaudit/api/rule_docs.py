"""`rules docs`: the pages of packs, written to a folder or compared with what is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataaudit.report.rule_pages import MADE, NEIGHBOURS, pages
from dataaudit.rules.evidence import NONE, read_evidence
from dataaudit.rules.load import load_packs, pack_files, packs_dir
from dataaudit.rules.yamlfile import read_document


def wanted(packs: Sequence[str]) -> dict[str, str]:
    """File name → text of the pages of packs (default: those shipped), with the evidence beside them.

    Raises:
        RuleError: A pack or the evidence is not valid.
    """
    named = [Path(one) for one in packs] or [packs_dir()]
    descriptions: dict[str, str] = {}
    for file in (file for path in named for file in pack_files(path)):
        value = read_document(file).value
        if isinstance(value, dict) and isinstance(value.get("description"), str):
            descriptions[str(value["pack"])] = str(value["description"])
    folders = dict.fromkeys(path if path.is_dir() else path.parent for path in named)
    found = [one for one in map(read_evidence, folders) if one is not NONE]
    rules = load_packs(packs, shipped=not packs, verify=False)
    return pages(rules, descriptions, found[0] if found else NONE, "" if packs else NEIGHBOURS)


def write(folder: Path, packs: Sequence[str] = ()) -> list[str]:
    """Write the pages, remove those of packs that are gone, and return the names of what changed. Raises OSError."""
    text = wanted(packs)
    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name in text if _read(folder / name) != text[name]]
    for name in changed:
        (folder / name).write_text(text[name], "utf-8")
    gone = _gone(folder, text)
    for name in gone:
        (folder / name).unlink()
    return [*changed, *gone]


def outdated(folder: Path, packs: Sequence[str] = ()) -> list[str]:
    """The names of pages that are missing, differ, or belong to no pack."""
    text = wanted(packs)
    return [*(name for name in text if _read(folder / name) != text[name]), *_gone(folder, text)]


def _gone(folder: Path, text: dict[str, str]) -> list[str]:
    """Pages that this made and would not make again."""
    found = sorted(folder.glob("*.md")) if folder.is_dir() else []
    return [one.name for one in found if one.name not in text and MADE in (_read(one) or "")]


def _read(path: Path) -> str | None:
    return path.read_text("utf-8", errors="replace") if path.is_file() else None
