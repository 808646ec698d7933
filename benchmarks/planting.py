"""Benchmark items planted into rows of real text, by kinds of edit. Everything is seeded by the item."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

LETTERS = "ABCDEFGHIJ"
TWELFTH = 12
SHORT = 8
"""Words from which a question must be found without its answer."""
SHORTEST = 3
"""Words of the shortest questions that are planted."""


@dataclass(frozen=True)
class Item:
    """An item of a benchmark, as its index knows it."""

    benchmark: str
    id: str
    question: str
    answer: str
    choices: tuple[str, ...] = ()

    @property
    def words(self) -> int:
        """Words between white space."""
        return len(self.question.split())


def lines(path: Path) -> Iterator[Any]:
    """The records of a JSON Lines file, `.gz` or not."""
    with (
        gzip.open(path, "rt", encoding="utf-8")
        if path.suffix == ".gz"
        else path.open(encoding="utf-8") as file
    ):
        yield from map(json.loads, file)


def items(data: Path) -> dict[str, list[Item]]:
    """The items of the benchmarks whose indexes ship, by the name of the index, each question and answer once."""
    folder = data / "benchmarks"
    gsm8k = [
        Item("gsm8k-test", str(row["eval_instance_index"]), row["question"], row["answer"])
        for path in sorted(folder.glob("gsm8k_test*"))
        for row in lines(path)
    ]
    humaneval = [
        Item("humaneval", row["task_id"], row["prompt"], row["canonical_solution"])
        for path in sorted(folder.glob("humaneval*"))
        for row in lines(path)
    ]
    choices = (row for path in sorted(folder.glob("mmlu_test*")) for row in lines(path))
    mmlu, seen = [], set()
    for (number, question), group in groupby(
        choices, lambda row: (row["eval_instance_index"], row["question"])
    ):
        rows = list(group)
        texts = tuple(row["answer"] for row in rows)
        right = "\n".join(row["answer"] for row in rows if row["is_correct"])
        key = (question.strip(), tuple(sorted(texts)), right.strip())
        if key not in seen:
            seen.add(key)
            mmlu.append(Item("mmlu-test", str(number), question, right, texts))
    return {"gsm8k-test": gsm8k, "humaneval": humaneval, "mmlu-test": mmlu}


@dataclass(frozen=True)
class Kind:
    """A kind of planted leak."""

    name: str
    edit: Callable[[Item, random.Random, Sequence[str]], str]
    """From an item, a source of chance and words to replace others with, to what is planted."""
    takes: Callable[[Item], bool] = lambda item: item.words >= SHORT
    """Which items it is planted of."""


def _recased(item: Item, rng: random.Random, words: Sequence[str]) -> str:
    """Another case, other punctuation, other white space. What stands between letters of a word stays."""
    text = rng.choice([str.upper, str.lower, str.title, str.swapcase])(item.question)
    text = re.sub(r"(?<!\w)[^\w\s]|[^\w\s](?!\w)", lambda _: rng.choice(["", "-", " – ", ";", "…"]), text)
    return re.sub(r"\s+", lambda _: rng.choice([" ", "  ", "\n"]), text)


def _replaced(text: str, which: Callable[[int], bool], rng: random.Random, words: Sequence[str]) -> str:
    """The text with some of its words, as white space parts them, replaced by others."""
    pieces = re.split(r"(\s+)", text)
    at = [i for i in range(0, len(pieces), 2) if pieces[i]]
    for number, i in enumerate(at):
        if which(number):
            pieces[i] = rng.choice(words)
    return "".join(pieces)


def _tenth(item: Item, rng: random.Random, words: Sequence[str]) -> str:
    chosen = set(rng.sample(range(item.words), max(1, round(item.words / 10))))
    return _replaced(item.question, chosen.__contains__, rng, words)


def _twelfth(item: Item, rng: random.Random, words: Sequence[str]) -> str:
    return _replaced(item.question, lambda i: i % TWELFTH == TWELFTH - 1, rng, words)


def _reordered(item: Item, rng: random.Random, words: Sequence[str]) -> str:
    order = list(item.choices)
    rng.shuffle(order)
    listed = [f"{LETTERS[i]}. {text}" for i, text in enumerate(order)]
    return "\n".join([item.question, *listed, f"Answer: {LETTERS[order.index(item.answer)]}"])


def _has_choices(item: Item) -> bool:
    return item.words >= SHORT and item.answer in item.choices and len(item.choices) <= len(LETTERS)


def _is_short(item: Item) -> bool:
    return SHORTEST <= item.words < SHORT


KINDS = (
    Kind("question in a page", lambda item, rng, words: item.question),
    Kind("question and answer in a page", lambda item, rng, words: f"{item.question}\n{item.answer}"),
    Kind("case, punctuation and spaces changed", _recased),
    Kind("choices in another order", _reordered, _has_choices),
    Kind("10 % of words replaced", _tenth),
    Kind("every twelfth word replaced", _twelfth, lambda item: item.words >= TWELFTH),
    Kind(
        "short question, answer after it",
        lambda item, rng, words: f"{item.question} {item.answer}",
        _is_short,
    ),
    Kind("short question alone", lambda item, rng, words: item.question, _is_short),
)


def hosts(data: Path) -> list[str]:
    """Real rows to plant in: outputs of models with at least 60 words, each once."""
    texts = {row["output"] for row in lines(data / "model_text" / "alpaca_eval_17_models.jsonl")}
    return sorted(text for text in texts if len(text.split()) >= 60)


def planted(item: Item, kind: Kind, pages: Sequence[str], words: Sequence[str]) -> str:
    """A page with the item, edited, in the middle of it."""
    seed = hashlib.blake2b(f"{kind.name}|{item.benchmark}|{item.id}".encode(), digest_size=8).digest()
    rng = random.Random(seed)
    page = re.split(r"(?<=\s)", rng.choice(pages))
    middle = len(page) // 2
    leak = kind.edit(item, rng, words)
    return f"{''.join(page[:middle])}\n{leak}\n{''.join(page[middle:])}"


def sampled(all_items: Sequence[Item], most: int) -> list[Item]:
    """Up to `most` of the items, those of smallest hash."""
    key = lambda item: hashlib.blake2b(f"{item.benchmark}|{item.id}".encode(), digest_size=8).digest()  # noqa: E731
    return sorted(sorted(all_items, key=key)[:most], key=lambda item: item.id)
