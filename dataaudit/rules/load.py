"""Find rule packs, read them, and refuse what is not valid with the file, the line and the reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataaudit.errors import RuleError
from dataaudit.rules.examples import check_examples
from dataaudit.rules.known import KnownPack, recall, remember
from dataaudit.rules.model import Rule
from dataaudit.rules.reader import PACK_KEYS, PACK_REQUIRED, Reader
from dataaudit.rules.yamlfile import Document, document_of, read_raw

PACK_SUFFIXES = (".yaml", ".yml")


def packs_dir() -> Path:
    """Where the shipped packs are: inside the installed package, or beside it in a checkout.

    Raises:
        RuleError: Neither place exists, so the installation is damaged.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_rules", package.parent / "rules"):
        if any(folder.glob("*.yaml")):
            return folder
    raise RuleError(f"the shipped rule packs are missing beside {package}: reinstall dataaudit")


def load_packs(
    extra: Iterable[str | Path] = (),
    *,
    shipped: bool = True,
    verify: bool = True,
    verify_shipped: bool = False,
) -> tuple[Rule, ...]:
    """All rules: those shipped, then those of `extra` (pack files, or folders of them), in file order.

    The examples of extra packs are verified unless `verify` is false; those of shipped packs only with
    `verify_shipped` (the test suite and `rules test` verify them). What was found valid before is not tried again.

    Raises:
        RuleError: A pack is not valid; the text is `file:line: rule 'id': reason`.
    """
    rules: list[Rule] = []
    seen: dict[str, str] = {}
    files = [(path, verify_shipped) for path in pack_files(packs_dir())] if shipped else []
    files += [(path, verify) for named in extra for path in pack_files(Path(named))]
    for path, verified in dict(files).items():
        rules.extend(_load_file(path, verified, seen))
    return tuple(rules)


def _load_file(path: Path, verify: bool, seen: dict[str, str]) -> tuple[Rule, ...]:
    raw = read_raw(path)
    pack = recall(raw, verified=verify)
    if pack is not None and not any(rule.id in seen for rule in pack.rules):
        lines = zip(pack.rules, pack.lines, strict=True)
        seen.update({rule.id: f"{path}:{line}" for rule, line in lines})
        return pack.rules
    document = document_of(raw, path)
    rules = load_pack(document, verify=verify, seen=seen)
    lines_of = tuple(document.line(("rules", i, "id")) for i in range(len(rules)))
    remember(raw, KnownPack(rules, lines_of), verified=verify)
    return rules


def pack_files(path: Path) -> list[Path]:
    """The packs of a folder, or the one file. Raises RuleError where there is none."""
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix in PACK_SUFFIXES and p.is_file())
        if not found:
            raise RuleError(f"{path}: no rule pack (*.yaml) in this folder")
        return found
    if not path.exists():
        raise RuleError(f"{path}: no such file or folder")
    return [path]


def load_pack(
    document: Document, *, verify: bool = True, seen: dict[str, str] | None = None
) -> tuple[Rule, ...]:
    """The rules of one parsed pack. `seen` maps rule ids of packs loaded before to their `file:line`, and is
    added to.

    Raises:
        RuleError: As for `load_packs`.
    """
    seen = {} if seen is None else seen
    top = Reader(document, (), "")
    fields = top.mapping(document.value, (), PACK_KEYS, PACK_REQUIRED)
    pack = top.pack(fields)
    rules = []
    for i, item in enumerate(top.list_of(fields["rules"], ("rules",), at_least=1)):
        name = item.get("id") if isinstance(item, dict) else None
        reader = Reader(document, ("rules", i), name if isinstance(name, str) else f"#{i + 1}")
        rule = reader.rule(item, pack)
        if rule.id in seen:
            raise reader.error(("id",), f"duplicate id, first defined at {seen[rule.id]}")
        seen[rule.id] = f"{document.name}:{document.line(('rules', i, 'id'))}"
        if verify:
            for result in check_examples(rule):
                if not result.ok:
                    raise reader.error(
                        (f"{'hits' if result.kind == 'hit' else 'misses'}", result.index), result.why
                    )
        rules.append(rule)
    return tuple(rules)
