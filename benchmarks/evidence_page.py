"""Write the tables of docs/evidence.md: each model, each corpus of people's text, and every document of theirs that a
rule of high confidence hits.

    python benchmarks/evidence_page.py PROSE FORMAL UNSEEN

PROSE is what `human_prose.py` wrote, FORMAL what `formal_prose.py` and UNSEEN what `unseen_prose.py` wrote: text that
no rule was written from and no confidence rests on. `make evidence` runs this after `evidence.py`. Counts are those of
rules/evidence.json. What stands at a place is explained in `human_hits.json`, by hand; a place without an explanation
is an error.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from evidence import MODEL, ROOT, data_folder, human_corpora

from dataaudit.api.corpora import Corpus, read_corpus
from dataaudit.api.measure import Place, measure
from dataaudit.rules.evidence import Group, read_evidence
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.rules.model import Rule

PAGE = ROOT / "docs/evidence.md"
EXPLAINED = Path(__file__).with_name("human_hits.json")
BEGIN, END = "<!-- written by benchmarks/evidence_page.py -->\n", "<!-- end -->\n"


def share(hits: int, of: int) -> str:
    return f"{100 * hits / of:.1f} %"


def per_myriad(hits: int, of: int) -> str:
    return f"{10_000 * hits / of:.1f}"


def models(groups: Sequence[Group]) -> list[str]:
    """A table of the models. The last column says what is left without the model, since one may carry the rest."""
    documents, hits = sum(one.documents for one in groups), sum(one.confident for one in groups)
    lines = [
        "| model | outputs | high confidence | contamination | two soft categories | all others, high confidence |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in sorted(groups, key=lambda one: -one.confident):
        rest = share(hits - one.confident, documents - one.documents)
        cells = [share(n, one.documents) for n in (one.confident, one.contamination, one.soft[1])]
        lines.append(f"| {one.name} | {one.documents:,} | {' | '.join(cells)} | {rest} |")
    total = [
        sum(values)
        for values in zip(*((g.confident, g.contamination, g.soft[1]) for g in groups), strict=True)
    ]
    lines.append(
        f"| all {len(groups)} | {documents:,} | {' | '.join(share(n, documents) for n in total)} | |"
    )
    return lines


def people(groups: Sequence[Group]) -> list[str]:
    """A table of the corpora of people's text; the translations of the handbook are one row."""
    merged: dict[str, list[Group]] = defaultdict(list)
    for one in groups:
        merged["handbook, all languages" if one.name.startswith("handbook-") else one.name].append(one)
    lines = [
        "| text of people | documents | high confidence | per 10,000 | contamination | two soft categories |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, some in sorted([*merged.items(), ("all", list(groups))], key=lambda item: item[0] == "all"):
        documents, hits = sum(one.documents for one in some), sum(one.confident for one in some)
        rest = f"{sum(one.contamination for one in some)} | {sum(one.soft[1] for one in some)}"
        lines.append(f"| {name} | {documents:,} | {hits} | {per_myriad(hits, documents)} | {rest} |")
    return lines


def confident() -> list[Rule]:
    return [rule for rule in load_packs() if rule.confidence == "high" and rule.default]


def judged(folder: Path, what: str) -> list[str]:
    """A sentence about text that took no part in the measurement."""
    matcher = Matcher(confident())
    documents = hits = 0
    for path in sorted(folder.glob("*.jsonl")):
        for part in read_corpus(Corpus("human", path.stem, str(path))):
            texts = part.batch.roles["text"]
            rows = {
                row
                for found in matcher.scan(texts.values, "text")
                for row in texts.rows[found.strings].tolist()
            }
            documents, hits = documents + len(part.batch), hits + len(rows)
    return [f"- {documents:,} documents of {what}: {hits}"]


def places(prose: Path) -> list[tuple[Place, set[str]]]:
    """Every document of people that a rule of high confidence hits, with the rules, by corpus and row."""
    found: dict[tuple[str, int], tuple[Place, set[str]]] = {}

    def watch(place: Place) -> None:
        if place.label == "human":
            found.setdefault((place.corpus, place.row), (place, set()))[1].add(place.rule)

    model = Corpus("model", "alpaca-eval", str(data_folder() / MODEL))
    measure(confident(), [*human_corpora(prose), model], watch=watch)
    return [found[key] for key in sorted(found)]


def explained(hits: Sequence[tuple[Place, set[str]]]) -> list[str]:
    """A list of them. Raises KeyError for a place that `human_hits.json` does not explain."""
    why = json.loads(EXPLAINED.read_text("utf-8"))
    missing = [f"{place.corpus} {place.row}" for place, _ in hits if f"{place.corpus} {place.row}" not in why]
    if missing:
        raise KeyError(f"{EXPLAINED.name} explains nothing at {', '.join(missing)}")
    lines = ["| file and row | rule | what stands there |", "| --- | --- | --- |"]
    for place, rules in hits:
        names = ", ".join(f"`{name}`" for name in sorted(rules))
        lines.append(
            f"| {Path(place.file).name}:{place.row} | {names} | {why[f'{place.corpus} {place.row}']} |"
        )
    return lines


def main(prose: Path, formal: Path, unseen: Path) -> None:
    evidence = read_evidence(ROOT / "rules")
    by_label = {label: [one for one in evidence.groups if one.label == label] for label in ("human", "model")}
    parts = [
        f"Measured {evidence.date}. *High confidence* is the share hit by any rule of high confidence that is on by",
        "default, *contamination* the rate of that name, and *two soft categories* what `synthetic-share` counts. The",
        "last column is the share among the other models: what is left of the figure without this one.",
        "",
        *models(by_label["model"]),
        "",
        *people(by_label["human"]),
        "",
        "Every document of people that a rule of high confidence hits:",
        "",
        *explained(places(prose)),
        "",
        "Documents of people that took no part in this, and how many of them rules of high confidence hit:",
        "",
        *judged(formal, "encyclopedia, news and licences (`benchmarks/formal_prose.py`)"),
        *judged(unseen, "manuals, fortunes in eight languages and plays (`benchmarks/unseen_prose.py`)"),
        '  (the documentation of Git, where it weighs four cases, opens a paragraph with "So, in summary")',
        "",
    ]
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(parts) + "\n" + END + tail, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
