"""Measure the pack `refusals` on completions that people labelled, beside what it hits in text of people, and write
docs/refusals.md.

    python benchmarks/refusals.py PROSE

PROSE is what `human_prose.py` wrote. The completions are those of XSTest (Röttger et al. 2024, arXiv 2308.01263): three
models, two human labels each. The published data sets are read from the folder named by DATAAUDIT_REAL_DATA (default
`../shared/data`).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from evidence import data_folder, human_corpora

from dataaudit.api.corpora import WRITTEN, Corpus, read_corpus
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Pattern, Rule

OUTPUT = Path(__file__).resolve().parents[1] / "docs/refusals.md"
TUNED = "llama2orig"
HELD = ("gpt4", "llama2new")
ASSISTANT_VOICE = "lima"
"""The corpus whose replies people wrote in an assistant's voice."""
PLAIN = ("I cannot", "I apologize", "as an AI", "I'm sorry", "I can't", "sorry")
"""Phrases as published lists of refusals hold them (for one, Zou et al. 2023, arXiv 2307.15043), for comparison."""

Row = tuple[str, int]


@dataclass(frozen=True)
class Completions:
    """The completions of one model."""

    texts: list[str]
    refused: frozenset[int]
    """Those that people labelled a full or a partial refusal."""


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1 of refusals found."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Found:
    """What one rule hits."""

    completions: dict[str, frozenset[int]]
    people: frozenset[Row]


def completions(path: Path) -> Completions:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row["final_label"] for row in rows]
    refused = frozenset(
        i for i, label in enumerate(labels) if label.endswith(("full_refusal", "partial_refusal"))
    )
    return Completions([row["completion"] for row in rows], refused)


def score(hit: frozenset[int], among: Completions) -> Scores:
    right = len(hit & among.refused)
    return Scores(right / len(hit) if hit else 1.0, right / len(among.refused))


def plain_rules(like: Rule) -> list[Rule]:
    """A rule for each plain phrase, anywhere in the text and in any case."""
    import msgspec

    return [
        msgspec.structs.replace(
            like,
            id=f"plain-{i}",
            name=f'"{phrase}"',
            patterns=(Pattern(phrase, ("ignorecase",)),),
            needs=(),
            unless=(),
        )
        for i, phrase in enumerate(PLAIN)
    ]


def find(
    rules: Sequence[Rule], among: dict[str, Completions], corpora: Iterable[Corpus]
) -> tuple[dict[str, Found], int]:
    """What each rule hits, and how many documents of people there are outside `ASSISTANT_VOICE`."""
    matcher = Matcher(rules)
    in_models: dict[str, dict[str, set[int]]] = {rule.id: {name: set() for name in among} for rule in rules}
    in_people: dict[str, set[Row]] = {rule.id: set() for rule in rules}
    for name, one in among.items():
        for found in matcher.scan(pa.array(one.texts, pa.large_string()), "response"):
            in_models[found.rule.id][name] |= set(found.strings.tolist())
    documents = 0
    for corpus in corpora:
        for part in read_corpus(corpus):
            documents += (corpus.name != ASSISTANT_VOICE) * int((part.of >= 0).sum())
            for role in WRITTEN["human"]:
                strings = part.batch.roles.get(role)
                if strings is None:
                    continue
                for found in matcher.scan(strings.values, role):
                    rows = part.batch.rows[strings.rows[found.strings]].tolist()
                    in_people[found.rule.id] |= {(corpus.name, row) for row in rows}
    return {
        rule.id: Found(
            {k: frozenset(v) for k, v in in_models[rule.id].items()}, frozenset(in_people[rule.id])
        )
        for rule in rules
    }, documents


def ordered(rules: Sequence[Rule], found: dict[str, Found]) -> list[Rule]:
    """From the rule that costs least to the one that costs most: documents of people outside `ASSISTANT_VOICE` that
    none before it hits, then most refusals of `TUNED` that none before it finds."""
    left, chosen = list(rules), []
    seen: frozenset[int] = frozenset()
    people: frozenset[Row] = frozenset()
    while left:
        best = min(
            left,
            key=lambda rule: (
                len(outside(found[rule.id].people - people)),
                -len(found[rule.id].completions[TUNED] - seen),
                rule.id,
            ),
        )
        left.remove(best)
        chosen.append(best)
        seen |= found[best.id].completions[TUNED]
        people |= found[best.id].people
    return chosen


def outside(rows: frozenset[Row]) -> frozenset[Row]:
    return frozenset(row for row in rows if row[0] != ASSISTANT_VOICE)


def curve(
    rules: Sequence[Rule], found: dict[str, Found], among: dict[str, Completions], documents: int
) -> list[str]:
    """Lines of a table: after each rule, all before it included."""
    names = (TUNED, *HELD)
    lines = [
        "| with this, too | confidence | "
        + " | ".join(f"F1 {name}" for name in names)
        + " | people's documents | per 10,000 | and in LIMA |",
        "| --- | --- |" + " ---: |" * (len(names) + 3),
    ]
    hit = {name: frozenset[int]() for name in names}
    people: frozenset[Row] = frozenset()
    for rule in rules:
        people |= found[rule.id].people
        hit = {name: hit[name] | found[rule.id].completions[name] for name in names}
        cells = [f"{score(hit[name], among[name]).f1:.3f}" for name in names]
        out = len(outside(people))
        cells += [f"{out:,}", f"{10_000 * out / documents:.1f}", f"{len(people) - out}"]
        shown = f"`{rule.id}`" if rule.pack == "refusals" and not rule.id.startswith("plain-") else rule.name
        confidence = "" if rule.id.startswith("plain-") else rule.confidence
        lines.append(f"| {shown} | {confidence} | {' | '.join(cells)} |")
    return lines


def sets(rules: Sequence[Rule], found: dict[str, Found], among: dict[str, Completions]) -> list[str]:
    """Lines of a table: the rules that count as contamination, those of high confidence, and all."""
    chosen = {
        "of high confidence": [rule for rule in rules if rule.confidence == "high"],
        "all": list(rules),
    }
    lines = [
        "| rules of the pack | completions | refusals | precision | recall | F1 |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for label, some in chosen.items():
        for name, one in among.items():
            hit = frozenset[int]().union(*(found[rule.id].completions[name] for rule in some))
            got = score(hit, one)
            lines.append(
                f"| {label} | {name} | {len(one.refused)} | {got.precision:.3f} | {got.recall:.3f} | {got.f1:.3f} |"
            )
    return lines


PAGE = """# Refusals, measured

Written by `benchmarks/refusals.py`. The completions of three models to the 450 prompts of XSTest (Röttger et al. 2024,
[arXiv 2308.01263](https://arxiv.org/abs/2308.01263)) carry two human labels each. A refusal is what was labelled a full
or a partial refusal. The rules of the pack `refusals` were written from the completions `{tuned}` alone, and from
documented forms. Of the other two no text was read, but their figures were seen while the rules were written, and a
stricter draft of a rule was given up because F1 on llama2new fell to .916: the figures of these two are no blind test.
A completion is found if any rule of the set hits it.

{sets}

## What it costs in text of people

Rules one after the other, the cheapest first. Documents of people are those of [evidence.md](evidence.md),
{documents:,} without LIMA, whose replies people wrote in an assistant's voice.

{ours}

The same with plain phrases, searched anywhere and in any case, as published lists hold them:

{plain}

Rows are counted one by one here. In a data set judge the rate: one such sentence may be a character's in a story.
"""


def main(prose: Path) -> None:
    data = data_folder()
    among = {name: completions(data / f"model_text/xstest_completions_{name}.csv") for name in (TUNED, *HELD)}
    rules = [rule for rule in load_packs() if rule.pack == "refusals"]
    plain = plain_rules(rules[0])
    found, documents = find([*rules, *plain], among, human_corpora(prose))
    page = PAGE.format(
        tuned=TUNED,
        sets="\n".join(sets(rules, found, among)),
        documents=documents,
        ours="\n".join(curve(ordered(rules, found), found, among, documents)),
        plain="\n".join(curve(plain, found, among, documents)),
    )
    OUTPUT.write_text(page, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
