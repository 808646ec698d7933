"""Measure the shipped rules on the corpora of docs/evidence.md and write rules/evidence.json.

    python benchmarks/evidence.py PROSE [FLAGS of `dataaudit rules measure`]

PROSE is what `human_prose.py` wrote. The published data sets are read from the folder named by DATAAUDIT_REAL_DATA
(default `../shared/data`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dataaudit.api.corpora import Corpus
from dataaudit.cli.main import main as dataaudit

ROOT = Path(__file__).resolve().parents[1]
HUMAN = {
    "brown": "human_text/brown.jsonl",
    "dolly": "human_text/dolly_train.json",
    "lima": "human_text/lima_train.json",
    "gsm8k-train": "human_text/gsm8k_train.jsonl",
    "gsm8k-test": "human_text/gsm8k_test.jsonl",
    "sms": "labelled/sms.tsv",
}
MODEL = "model_text/alpaca_eval_17_models.jsonl"
NO_MODEL = "NullModel"
"""One of the seventeen: a fixed string that no model wrote."""


def data_folder() -> Path:
    """Where the published data sets are."""
    return Path(os.environ.get("DATAAUDIT_REAL_DATA") or ROOT.parent / "shared/data")


def human_corpora(prose: Path) -> list[Corpus]:
    """The text of people, the prose of packages included."""
    data = data_folder()
    named = [Corpus("human", name, str(data / path)) for name, path in HUMAN.items()]
    return named + [Corpus("human", path.stem, str(path)) for path in sorted(prose.glob("*.jsonl"))]


def main(prose: Path, flags: list[str]) -> int:
    corpora = [f"human:{one.name}={one.path}" for one in human_corpora(prose)]
    corpora.append(f"model:alpaca-eval={data_folder() / MODEL}")
    output = ["--group", "generator", "--without", NO_MODEL, "--output", str(ROOT / "rules/evidence.json")]
    return dataaudit(["rules", "measure", *corpora, *output, *flags])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
