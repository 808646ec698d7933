"""Measure and fit `synthetic-share`: write rules/synthetic-share.json and the tables of docs/synthetic-share.md.

    python benchmarks/synthetic_share.py PROSE [FORMAL]

PROSE is what `human_prose.py` wrote, FORMAL what `formal_prose.py` wrote (not fitted on, only judged). The published
data sets are read from the folder named by DATAAUDIT_REAL_DATA (default `../shared/data`).

A row is a record of a corpus; what it carries comes from the same code as in a scan. The row score is a logistic
regression, fitted by Newton's method, on the kinds of marks in the text that decides the row, and on their number per
class of lengths. Every corpus weighs the same within its label, and both labels weigh the same.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from evidence import HUMAN, MODEL, NO_MODEL, ROOT

from dataaudit.api.corpora import parse_corpora, read_corpus
from dataaudit.checks.share_findings import LIMIT
from dataaudit.checks.share_model import (
    FILE_NAME,
    LENGTHS,
    MILLI,
    Anchor,
    Estimate,
    Group,
    ShareModel,
    Weights,
    estimate,
    mean_score,
)
from dataaudit.checks.soft_marks import DEEP, cells_of, kinds_of, unpack, wanted
from dataaudit.rules.load import load_packs
from dataaudit.rules.matcher import Matcher
from dataaudit.sketches.stats import clopper_pearson

RIDGE = 1e-4
"""Penalty on squared weights, per unit of total weight 1: it only keeps kinds that one label never shows finite."""
REFERENCE = 1
"""The class of lengths whose weight is 0; the others are relative to it."""
SPREAD = 0.1
"""Models are listed by mean score; the anchors are those a tenth of the way in from either end."""
MIXED = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
MIX_ROWS = 1000

Cell = tuple[tuple[str, ...], int]
Cells = Counter[Cell]
Key = tuple[str, str]
"""(label, name)"""

RULES = tuple(rule for rule in load_packs(()) if rule.soft is not None)
KINDS = kinds_of(RULES)


def measured(prose: Path | None, formal: Path | None) -> dict[Key, Cells]:
    """Rows of every corpus and model by what they carry."""
    data = Path(os.environ.get("DATAAUDIT_REAL_DATA") or ROOT.parent / "shared/data")
    named = [f"human:{name}={data / path}" for name, path in HUMAN.items()]
    named += [f"human:{path.stem}={path}" for path in sorted(prose.glob("*.jsonl"))] if prose else []
    named += [f"model:alpaca-eval={data / MODEL}"]
    found = dict(counted(named))
    for (_, name), cells in (
        counted([f"human:{p.stem}={p}" for p in sorted(formal.glob("*.jsonl"))]) if formal else ()
    ):
        found["formal", name] = cells
    return found


def counted(named: list[str]) -> Iterator[tuple[Key, Cells]]:
    matcher = Matcher(RULES)
    found: dict[Key, Cells] = {}
    for corpus in parse_corpora(named, (), ["generator"]):
        for part in read_corpus(corpus, [NO_MODEL]):
            matches: dict[str, list] = {}
            for role, _ in wanted(part.batch):
                for one in matcher.scan(part.batch.roles[role].values, role):
                    matches.setdefault(one.rule.id, []).append((role, one))
            cells = cells_of(part.batch, RULES, matches)
            for at, name in enumerate(part.groups):
                # The translations of one book are one corpus.
                key = (corpus.label, "handbook" if name.startswith("handbook-") else name)
                mine = cells.keys[cells.read & (part.of == at)].tolist()
                found.setdefault(key, Counter()).update(_cell(value) for value in mine)
    yield from sorted(found.items())


def _cell(key: int) -> Cell:
    kinds, length = unpack(key, KINDS)
    return kinds, length if kinds else 0


def fit(groups: Mapping[Key, Cells]) -> Weights:
    """The weights of the row score."""
    cells = sorted({cell for counts in groups.values() for cell in counts})
    features = np.zeros((len(cells), 1 + len(KINDS) + len(LENGTHS) + 1))
    features[:, 0] = 1
    for i, (kinds, length) in enumerate(cells):
        for kind in kinds:
            features[i, 1 + KINDS.index(kind)] = 1
        if length != REFERENCE:
            features[i, 1 + len(KINDS) + length] = len(kinds)
    weight = {
        label: np.mean(
            [
                np.array([counts[cell] for cell in cells]) / counts.total()
                for (one, _), counts in groups.items()
                if one == label
            ],
            axis=0,
        )
        for label in ("human", "model")
    }
    x = np.concatenate([features, features])
    y = np.repeat([0.0, 1.0], len(cells))
    w = np.concatenate([weight["human"], weight["model"]]) / 2
    beta = np.zeros(x.shape[1])
    penalty = np.full(len(beta), RIDGE)
    penalty[0] = 0
    penalty[1 + len(KINDS) + REFERENCE] = 1  # has no feature
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        step = np.linalg.solve(
            (x * (w * p * (1 - p))[:, None]).T @ x + np.diag(penalty), x.T @ (w * (y - p)) - penalty * beta
        )
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    milli = [round(MILLI * one) for one in beta.tolist()]
    return Weights(milli[0], dict(zip(KINDS, milli[1:], strict=False)), tuple(milli[1 + len(KINDS) :]))


def scores_of(weights: Weights, cells: Mapping[Cell, int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for (kinds, length), rows in cells.items():
        found[weights.score(kinds, length)] += rows
    return found


def anchors(weights: Weights, groups: Mapping[Key, Cells]) -> tuple[Anchor, Anchor]:
    """Where people's corpora and models score: all corpora, and the models but the outermost tenths."""
    human, model = (
        sorted(mean_score(scores_of(weights, cells))[0] for (one, _), cells in groups.items() if one == label)
        for label in ("human", "model")
    )
    cut = round(SPREAD * len(model))
    return (
        Anchor(_round(human[0]), _round(float(np.mean(human))), _round(human[-1])),
        Anchor(_round(model[cut]), _round(float(np.mean(model))), _round(model[-1 - cut])),
    )


def _round(value: float) -> float:
    return round(value, 6)


def hit(cells: Mapping[Cell, int]) -> int:
    return sum(rows for (kinds, _), rows in cells.items() if len(kinds) >= DEEP)


def judged(weights: Weights, groups: Mapping[Key, Cells], cells: Cells) -> tuple[bool, Estimate]:
    """Is it flagged, and what is estimated, by a fit on the groups?"""
    human, model = anchors(weights, groups)
    flagged = clopper_pearson(hit(cells), cells.total())[0] > LIMIT
    return flagged, estimate(scores_of(weights, cells), human, model)


def mixed(people: Cells, model: Cells, share: float) -> Cells:
    """A data set of `MIX_ROWS` rows, of which a share is a model's, each side as it is on average."""
    exact = {
        cell: MIX_ROWS * ((1 - share) * people[cell] / people.total() + share * model[cell] / model.total())
        for cell in sorted({*people, *model})
    }
    rows = Counter({cell: int(value) for cell, value in exact.items()})
    rest = sorted(exact, key=lambda cell: (rows[cell] - exact[cell], cell))
    rows.update(rest[: MIX_ROWS - rows.total()])
    return rows


def without(groups: Mapping[Key, Cells], *keys: Key) -> dict[Key, Cells]:
    return {key: cells for key, cells in groups.items() if key not in keys}


def fitted_on(groups: Mapping[Key, Cells]) -> dict[Key, Cells]:
    return {key: cells for key, cells in groups.items() if key[0] != "formal"}


def table_of_groups(groups: dict[Key, Cells]) -> Iterator[str]:
    yield "| text of | corpus | rows | two kinds | share | 95 % interval | flagged | estimate, fitted without it |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for key, cells in sorted(
        groups.items(), key=lambda one: (one[0][0], -hit(one[1]) / one[1].total(), one[0])
    ):
        rest = without(fitted_on(groups), key)
        flagged, share = judged(fit(rest), rest, cells)
        of = cells.total()
        low, high = clopper_pearson(hit(cells), of)
        label = {"human": "people", "model": "a model", "formal": "people, not fitted on"}[key[0]]
        yield (
            f"| {label} | {key[1]} | {of:,} | {hit(cells):,} | {_percent(hit(cells) / of)}"
            f" | {_percent(low)}–{_percent(high)} | {'yes' if flagged else 'no'}"
            f" | {_percent(share.share)} ({_percent(share.low)}–{_percent(share.high)}) |"
        )


def table_of_mixtures(groups: dict[Key, Cells]) -> Iterator[str]:
    yield "| share of model output | pairs | flagged | truth within the bounds | middle estimate, median |"
    yield "| --- | --- | --- | --- | --- |"
    known = fitted_on(groups)
    people = [("human", "lima"), ("human", "dolly")]
    models = [key for key in known if key[0] == "model"]
    fits = {}
    for one in people:
        for other in models:
            rest = without(known, one, other)
            fits[one, other] = (fit(rest), rest)
    for share in MIXED:
        said = [
            judged(*fits[one, other], mixed(known[one], known[other], share))
            for one in people
            for other in models
        ]
        flagged = sum(flag for flag, _ in said)
        inside = sum(one.low - 1e-9 <= share <= one.high + 1e-9 for _, one in said)
        middle = float(np.median([one.share for _, one in said]))
        yield f"| {_percent(share)} | {len(said)} | {flagged} | {inside} | {_percent(middle)} |"


def ranking(weights: Weights, groups: dict[Key, Cells]) -> Iterator[str]:
    """Area under the ROC curve of the row score, every model weighing the same."""
    models = [scores_of(weights, cells) for (label, _), cells in groups.items() if label == "model"]
    yield "| models' outputs against | AUC of the row score |"
    yield "| --- | --- |"
    for name in ("lima", "dolly", "documentation", "brown"):
        if ("human", name) in groups:
            people = scores_of(weights, groups["human", name])
            value = float(np.mean([_auc(people, one) for one in models]))
            yield f"| {name} | {value:.2f} |"


def _auc(low: Counter[int], high: Counter[int]) -> float:
    wins = sum(
        n * m * (1.0 if b > a else 0.5 if a == b else 0.0) for a, n in low.items() for b, m in high.items()
    )
    return wins / low.total() / high.total()


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def save(path: Path, model: ShareModel) -> None:
    """One group a line, so that a change is seen."""
    parts = {field: msgspec.json.encode(getattr(model, field)) for field in model.__struct_fields__}
    groups = b",\n".join(b"    " + msgspec.json.encode(one) for one in model.groups)
    parts["groups"] = b"[\n" + groups + b"\n  ]"
    weights = msgspec.json.format(parts["weights"], indent=2).replace(b"\n", b"\n  ")
    parts["weights"] = weights
    body = b",\n".join(b'  "%s": %s' % (name.encode(), value) for name, value in parts.items())
    path.write_bytes(b"{\n" + body + b"\n}\n")


def write_tables(path: Path, tables: Mapping[str, list[str]]) -> None:
    """Replace what stands between `<!-- NAME -->` and `<!-- /NAME -->`."""
    text = path.read_text("utf-8")
    for name, lines in tables.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{path}: no place marked {start.strip()}")
        text = before + start + "\n".join(lines) + "\n" + end + after
    path.write_text(text, "utf-8")


def main(prose: Path, formal: Path | None) -> None:
    groups = measured(prose, formal)
    known = fitted_on(groups)
    weights = fit(known)
    human, model = anchors(weights, known)
    listed = tuple(
        Group(name, label, cells.total(), hit(cells), _round(mean_score(scores_of(weights, cells))[0]))
        for (label, name), cells in sorted(known.items())
    )
    date = datetime.now(UTC).date().isoformat()
    save(ROOT / "rules" / FILE_NAME, ShareModel(1, date, weights, human, model, listed))
    tables = {
        "groups": list(table_of_groups(groups)),
        "mixtures": list(table_of_mixtures(groups)),
        "ranking": list(ranking(weights, known)),
    }
    for lines in tables.values():
        print("\n".join(lines), end="\n\n")
    write_tables(ROOT / "docs/synthetic-share.md", tables)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
