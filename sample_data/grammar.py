"""Draws sentences from `topics.py` and refuses any text that comes too close to one already drawn."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

from topics import COMMON, FOLLOW_UPS, SYSTEMS, TASKS, TICKET_WORDS, TICKETS, TOPICS, Topic

CLOSEST = 0.6
"""Largest word 5-gram Jaccard similarity of two texts; well below any near-duplicate threshold."""

Message = dict[str, str]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


class Grammar:
    """A seeded source of texts, distinct in every role taken alone as well as in whole records."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._drawn: dict[str, list[set[tuple[str, ...]]]] = {}
        self._having: dict[str, dict[tuple[str, ...], list[int]]] = {}

    def _fill(self, template: str, words: dict[str, tuple[str, ...]]) -> str:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        filled = template.format(**{name: self._random.choice(words[name]) for name in sorted(names)})
        return filled[0].upper() + filled[1:]

    def _is_new(self, pool: str, text: str) -> bool:
        """Record `text` in the pool unless it is closer than `CLOSEST` to a text already there."""
        drawn = self._drawn.setdefault(pool, [])
        having = self._having.setdefault(pool, {})
        mine = _shingles(text)
        shared: dict[int, int] = {}
        for shingle in mine:
            for i in having.get(shingle, ()):
                shared[i] = shared.get(i, 0) + 1
        if any(n / (len(mine) + len(drawn[i]) - n) > CLOSEST for i, n in shared.items()):
            return False
        for shingle in mine:
            having.setdefault(shingle, []).append(len(drawn))
        drawn.append(mine)
        return True

    def _ask(self, topic: Topic, pool: str) -> str:
        words = COMMON | topic.words
        return self._until_new(pool, lambda: self._two(topic.asks, topic.facts, words))

    def _two(self, first: tuple[str, ...], second: tuple[str, ...], words: dict[str, tuple[str, ...]]) -> str:
        """A question, in two of three cases after a remark of what is known already."""
        question = self._fill(self._random.choice(first), words)
        if self._random.random() < 1 / 3:
            return question
        return f"I read this: {self._fill(self._random.choice(second), words)} {question}"

    def _answer(self, topic: Topic, pool: str) -> str:
        words = COMMON | topic.words

        def draw() -> str:
            facts = self._random.sample(topic.facts, self._random.randint(3, 5))
            return " ".join(self._fill(fact, words) for fact in facts)

        return self._until_new(pool, draw)

    def _until_new(self, pool: str, draw: Callable[[], str]) -> str:
        for _ in range(10_000):
            text = draw()
            if self._is_new(pool, text):
                return text
        raise RuntimeError(f"the grammar has too few words left for {pool}")

    def chat(self) -> list[Message]:
        """One chat: sometimes with a system message, sometimes with a second exchange."""
        topic = self._random.choice(TOPICS)
        chat: list[Message] = []
        if self._random.random() < 0.25:
            chat.append({"role": "system", "content": self._random.choice(SYSTEMS)})
        chat.append({"role": "user", "content": self._ask(topic, "prompt")})
        chat.append({"role": "assistant", "content": self._answer(topic, "response")})
        if self._random.random() < 0.2:
            follow_up = self._fill(self._random.choice(FOLLOW_UPS), COMMON)
            chat.append({"role": "user", "content": follow_up})
            chat.append({"role": "assistant", "content": self._answer(topic, "response")})
        return chat

    def pair(self) -> tuple[str, str]:
        """A prompt and a response."""
        topic = self._random.choice(TOPICS)
        return self._ask(topic, "prompt"), self._answer(topic, "response")

    def task(self) -> tuple[str, str, str]:
        """Instruction, input (empty where the instruction stands alone, as such data has it) and output."""
        topic = self._random.choice(TOPICS)
        words = COMMON | topic.words | {"topic": (topic.name,)}
        template, needs = self._random.choice(TASKS)

        def draw() -> str:
            task = self._fill(template, words)
            if not needs:
                return f"{task} {self._fill(self._random.choice(topic.asks), words)}"
            note = " ".join(self._fill(fact, words) for fact in self._random.sample(topic.facts, 2))
            return f"{task}\n{note}"

        task, _, note = self._until_new("prompt", draw).partition("\n")
        return task, note, self._answer(topic, "response")

    def ticket(self, label: str) -> str:
        """A customer's message of a given label."""
        starts, ends = TICKETS[label]
        words = COMMON | TICKET_WORDS

        def draw() -> str:
            n_ends = min(len(ends), self._random.randint(1, 3))
            parts = [self._random.choice(starts), *self._random.sample(ends, n_ends)]
            return " ".join(self._fill(part, words) for part in parts)

        return self._until_new("ticket", draw)

    def labels(self, counts: dict[str, int]) -> list[str]:
        """That many of each label, in random order."""
        drawn = [label for label, n in counts.items() for _ in range(n)]
        self._random.shuffle(drawn)
        return drawn
