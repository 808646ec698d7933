"""How much of what could go wrong with a rule its own examples would notice.

    python benchmarks/mutate_rules.py [NAME ...]            the shipped rules, or those of packs or ids
    python benchmarks/mutate_rules.py NAME --list           the mutants that survive, each with a text that tells
    python benchmarks/mutate_rules.py NAME --add            write such texts into the packs as examples
    python benchmarks/mutate_rules.py --floor 90            exit 1 where a smaller share of them is caught

`dataaudit/rules/mutants.py` says what a mutant is. Those that no text was found to tell from their rule count as equal
to it and are left out of the share.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from dataaudit.report.escape import visible
from dataaudit.rules.confirm import Confirmer
from dataaudit.rules.load import load_pack, load_packs, pack_files, packs_dir
from dataaudit.rules.model import Rule
from dataaudit.rules.mutants import Judged, judge
from dataaudit.rules.select import matches
from dataaudit.rules.template import yaml_string
from dataaudit.rules.witness import TIMEOUT, texts
from dataaudit.rules.yamlfile import read_document

MADE = 60
"""Texts looked at per survivor in search of examples."""
LONGEST = 160
"""Characters of a text that may become an example."""
KINDS = ("anchor", "alternative", "quantifier", "case", "condition")


def main() -> int:
    """Judge the mutants, and say or do what was asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="ids, packs, categories or tags of rules")
    parser.add_argument("--list", action="store_true", help="show survivors")
    parser.add_argument("--add", action="store_true", help="add examples to the packs")
    parser.add_argument("--floor", type=float, default=0.0, help="least share in percent")
    asked = parser.parse_args()
    rules = [r for r in load_packs() if not asked.names or any(matches(n, r) for n in asked.names)]
    counted: Counter[tuple[str, str]] = Counter()
    for rule in rules:
        judged = list(judge(rule))
        survivors = [one for one in judged if one.outcome == "survived"]
        if asked.add and survivors:
            add(rule, list(cover(rule, survivors)))
            rule = next(one for one in load_packs(verify=False) if one.id == rule.id)  # noqa: PLW2901
            judged = list(judge(rule))
        for one in judged:
            counted[rule.pack, one.outcome] += 1
            counted[one.mutant.kind, one.outcome] += 1
            counted["all", one.outcome] += 1
            if asked.list and one.witness is not None:
                told = "hit" if one.witness.hit else "miss"
                print(f"{rule.id}: {one.mutant.what}\n  {told}: {visible(one.witness.text[:200])}")
    table(counted, [*sorted({rule.pack for rule in rules}), *KINDS, "all"])
    return int(share(counted, "all") < asked.floor)


def share(counted: Counter[tuple[str, str]], name: str) -> float:
    """Caught mutants, in percent of those that are not equal to their rule."""
    caught, survived = counted[name, "caught"], counted[name, "survived"]
    return 100.0 * caught / max(1, caught + survived)


def table(counted: Counter[tuple[str, str]], names: Sequence[str]) -> None:
    """Print the counts."""
    print(f"{'':<24} {'mutants':>8} {'equal':>6} {'survived':>9} {'caught':>7} {'share':>8}")
    for name in names:
        cells = [counted[name, outcome] for outcome in ("equal", "survived", "caught")]
        print(
            f"{name:<24} {sum(cells):>8,} {cells[0]:>6,} {cells[1]:>9,} {cells[2]:>7,} {share(counted, name):>6.1f} %"
        )


def cover(rule: Rule, survivors: Sequence[Judged]) -> Iterator[tuple[str, bool]]:
    """Few texts, each with whether it must be hit, that tell the survivors from the rule: greedily the one that tells
    most, edits of examples and short ones first."""
    ours = Confirmer(rule, TIMEOUT)
    others = [Confirmer(one.mutant.rule, TIMEOUT) for one in survivors]
    found: dict[str, None] = {}
    for one in survivors:
        if one.witness is not None:
            found[one.witness.text] = None
        found.update(dict.fromkeys(islice(texts(rule, one.mutant.rule, one.mutant.place), MADE)))
    tells: dict[str, tuple[bool, frozenset[int]]] = {}
    for text in found:
        if len(text) <= LONGEST and (hit := _hit(ours, text)) is not None:
            told = (i for i, other in enumerate(others) if _hit(other, text) not in (hit, None))
            tells[text] = hit, frozenset(told)
    left = set(range(len(survivors)))
    while left:
        text = max(tells, key=lambda t: (_plain(t) * len(tells[t][1] & left), -len(t)), default="")
        if not text or not tells[text][1] & left:
            return
        hit, told = tells.pop(text)
        left -= told
        yield text, hit


def _plain(text: str) -> float:
    """How much a text looks like one that somebody would write."""
    odd = re.search(r"^[^\w<\[({#*|\"'“]|\s\s|[a-z][A-Z]|[A-Z]{4}.*[a-z]|[<_]$|^[_1]", text) is not None
    return 0.4 if odd or not text.isprintable() or text != text.strip() or text.isupper() else 1.0


def _hit(confirmer: Confirmer, text: str) -> bool | None:
    try:
        return bool(confirmer.spans(text))
    except TimeoutError:
        return None


def add(rule: Rule, examples: Sequence[tuple[str, bool]]) -> None:
    """Write examples into the pack of a rule, above the last ones. Lists in one line are left alone."""
    for path in pack_files(packs_dir()):
        document = read_document(path)
        for i, one in enumerate(load_pack(document, verify=False)):
            if one.id == rule.id:
                lines = path.read_text("utf-8").splitlines(keepends=True)
                for key, hit in (("misses", False), ("hits", True)):
                    at = document.line(("rules", i, key, len(getattr(one, key)) - 1)) - 1
                    indent = re.match(r"\s*(?=- )", lines[at])
                    if indent is None:
                        print(f"{path}:{at + 1}: a list in one line", file=sys.stderr)
                        continue
                    lines[at:at] = [
                        f"{indent[0]}- {yaml_string(text)}\n" for text, wanted in examples if wanted == hit
                    ]
                path.write_text("".join(lines), "utf-8")
                return


if __name__ == "__main__":
    sys.exit(main())
