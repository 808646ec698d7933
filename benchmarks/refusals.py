"""Measure the pack `refusals` on completions that people labelled, beside what it hits in text of people, and write
docs/refusals.md.

    python benchmarks/refusals.py PROSE

PROSE is what `human_prose.py` wrote. The completions are those of `labelled_refusals.py`. The published data sets are
read from the folder named by DATAAUDIT_REAL_DATA (default `../shared/data`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from evidence import MODEL, NO_MODEL, data_folder, human_corpora
from labelled_refusals import PYRIT, Completions, pyrit, xstest
from refusal_forms import struck

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


def sets(rules: Sequence[Rule], narrow: Sequence[Rule], among: dict[str, Completions]) -> list[str]:
    """Lines of a table: the rules that count as contamination, all, and what development text supports of all."""
    chosen = {
        "of high confidence": [rule for rule in rules if rule.confidence == "high"],
        "all": list(rules),
        "all, struck out": list(narrow),
    }
    lines = [
        "| rules of the pack | completions | of | refusals | precision | recall | F1 |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for label, some in chosen.items():
        found, _ = find(some, among, [])
        for name, one in among.items():
            hit = frozenset[int]().union(*(each.completions[name] for each in found.values()))
            got = score(hit, one)
            lines.append(
                f"| {label} | {name} | {len(one.texts)} | {len(one.refused)} "
                f"| {got.precision:.3f} | {got.recall:.3f} | {got.f1:.3f} |"
            )
    return lines


def supporting(tuned: Completions, outputs: Path) -> list[str]:
    """Text that may support a form: the refusals of `TUNED`, and the outputs of the models of AlpacaEval."""
    rows = [json.loads(line) for line in outputs.read_text("utf-8").splitlines()]
    written = [row["output"] for row in rows if row["generator"] != NO_MODEL]
    return [tuned.texts[i] for i in sorted(tuned.refused)] + written


PAGE = """# Refusals, measured

Written by `benchmarks/refusals.py`. A completion is found if any rule of the set hits it.

- `{tuned}`, `gpt4`, `llama2new`: the completions of three models to the 450 prompts of XSTest (Röttger et al. 2024,
  [arXiv 2308.01263](https://arxiv.org/abs/2308.01263)), with two human labels each. A refusal is what was labelled a
  full or a partial refusal.
- `pyrit`: responses that people labelled refusal or not, which Microsoft's PyRIT judges its scorer by (MIT; in the
  wheel of {pyrit} on PyPI). They are answers of later models, to attacks of many kinds.

{sets}

By *high confidence* alone much of `llama2new` is missed: what `refusal-not-appropriate` and
`refusal-opens-not-appropriate` find. People write such sentences, too, so these rules stay of medium confidence.

The label of `pyrit` is wider than the word: it counts what does not serve the attack. When the 49 that are not found
were read after the first measurement, 43 of them turned out to answer something else (recipes, facts, party games);
of the 50 that decline in words 44 are found. No hit is false.

## How the forms were chosen

An earlier version of the pack was written from the completions `{tuned}` and from documented forms, but while it was
written the figures of the other two were seen, and a stricter draft of `refusal-opens-not-appropriate` was given up
because of them. So the forms were chosen again, by rules that were written down first:

1. Text that may be read: `{tuned}` with its labels, the outputs of the 16 models of AlpacaEval, the responses of
   HH-RLHF, PyRIT's answers that carry no label of refusal, published lists of phrases of refusal (such as those of
   Zou et al. 2023, [arXiv 2307.15043](https://arxiv.org/abs/2307.15043)), and text of people. Of `gpt4`, `llama2new`
   and `pyrit` neither texts nor figures, but for those of the earlier pack, which were known. What `pyrit` shares with
   the answers read is left out of it.
2. A word stands in "it is not … to" if it does so in two refusals of `{tuned}` or more, in at least 90 % of the
   completions of `{tuned}` that hold it there, and in more of its refusals than documents of people. It may stand
   there alone if people write it there in at most two documents, else beside another word. By this rule *accurate*
   fell out of the list, *responsible* and *okay* came in, *fair* and *legal* may stand alone, and *safe* may not.
3. A new form comes from the text that may be read, and hits at most two documents of people outside LIMA.
4. What people plausibly write where no corpus shows it (a question in a forum that opens with "Sorry, but I can't
   find") is of medium confidence at most, whatever was measured.
5. A program strikes out every alternative of every rule without which the rule still hits the same refusals of
   `{tuned}` and the same outputs of the 16 models (`benchmarks/refusal_forms.py`). What is left was chosen by nobody:
   *all, struck out* in the table says how much of the score does not depend on words that an author thought of.

After that the three were measured once, and no form was changed since. F1 of the earlier pack had been .947 on `gpt4`
and .946 on `llama2new`; on `pyrit` it is .642, too.

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
    among = {name: xstest(data / f"model_text/xstest_completions_{name}.csv") for name in (TUNED, *HELD)}
    rules = [rule for rule in load_packs() if rule.pack == "refusals"]
    narrow = list(struck(rules, supporting(among[TUNED], data / MODEL)))
    plain = plain_rules(rules[0])
    found, documents = find([*rules, *plain], among, human_corpora(prose))
    labelled = pyrit()
    if labelled is None:
        print(f"{PYRIT} cannot be had and is left out", file=sys.stderr)
    page = PAGE.format(
        tuned=TUNED,
        pyrit=PYRIT,
        sets="\n".join(sets(rules, narrow, among | ({} if labelled is None else {"pyrit": labelled}))),
        documents=documents,
        ours="\n".join(curve(ordered(rules, found), found, among, documents)),
        plain="\n".join(curve(plain, found, among, documents)),
    )
    OUTPUT.write_text(page, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
