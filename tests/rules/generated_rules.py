"""Rules made from a text by a seeded generator: of every shape that a pack may hold, and most of them hit the text."""

from __future__ import annotations

from random import Random

import regex
from rules_support import make_rule

from dataaudit.rules.model import Exemption, Pattern, Rule

SEED = 20_260
WORD = regex.compile(r"\w+(?:['’]\w+)?")


class _Maker:
    """Patterns out of what stands in texts."""

    def __init__(self, texts: list[str], seed: int) -> None:
        self.texts = [text for text in texts if len(WORD.findall(text)) > 12]
        self.random = Random(seed)

    def words(self, count: int) -> list[str]:
        """Words that follow one another in one of the texts."""
        found = WORD.findall(self.random.choice(self.texts))
        at = self.random.randrange(len(found) - count + 1)
        return found[at : at + count]

    def literal(self) -> str:
        return regex.escape(" ".join(self.words(self.random.choice((1, 2, 2, 3)))), special_only=True)

    def alternatives(self) -> str:
        return "(?:" + "|".join(self.literal() for _ in range(self.random.randrange(2, 8))) + ")"

    def gap(self) -> str:
        first, last = self.words(1) + self.words(1)
        between = self.random.choice(
            (r"\W+", r"[^.\n]{0,40}?", r".{1,60}", r"(?:\s+\w+){0,3}\s+", r"[\s\S]{0,200}?")
        )
        return regex.escape(first) + between + regex.escape(last)

    def classes(self) -> str:
        word = self.words(1)[0]
        at = self.random.randrange(len(word))
        kind = self.random.choice(
            (r"\w", r"[a-zà-ÿ]", r"[^\s\d]", ".", r"\p{L}", f"[{regex.escape(word[at])}x-z]")
        )
        return r"\b" + regex.escape(word[:at]) + kind + regex.escape(word[at + 1 :]) + r"\b"

    def repeated(self) -> str:
        word = self.words(1)[0]
        return self.random.choice(
            (
                rf"(?:{regex.escape(word)}\W*)+",
                rf"\b{regex.escape(word)}s?\b",
                rf"(?:\d+[.,]?){{1,3}}\s*{regex.escape(word)}",
            )
        )

    def around(self) -> str:
        before, word, behind = map(regex.escape, self.words(3))
        return self.random.choice(
            (
                rf"(?<={before}\W){word}",
                rf"{word}(?=\W+{behind})",
                rf"\b{word}\b(?!\W+{behind})",
                rf"(?<!{before} ){word}\b",
            )
        )

    def twice(self) -> str:
        word = regex.escape(self.words(1)[0])
        return self.random.choice(
            (rf"\b({word})\W+\1\b", rf"(?P<w>{word})[\s\S]{{1,80}}?(?P=w)", r"\b(\w{5,})\s+\1\b")
        )

    def lines(self) -> str:
        word = regex.escape(self.words(1)[0])
        return self.random.choice((rf"^\W*{word}", rf"{word}\W*$", rf"\A\s*{word}", rf"{word}\W*\Z"))

    def pattern(self) -> str:
        shapes = (
            self.literal, self.literal, self.alternatives, self.gap, self.classes, self.repeated, self.around,
            self.twice, self.lines,
        )  # fmt: skip
        return self.random.choice(shapes)()

    def rule(self, number: int) -> Rule:
        some = self.random
        flags = tuple(one for one in ("ignorecase", "multiline", "dotall") if some.random() < 0.3)
        where = some.choice(("anywhere",) * 7 + ("start", "last-line", "last-paragraph"))
        patterns = [Pattern(self.pattern(), flags, where) for _ in range(some.choice((1, 1, 1, 2, 4)))]  # type: ignore[arg-type]
        needs = (Pattern(self.literal(), ("ignorecase",)),) if some.random() < 0.1 else ()
        within = some.choice((None, 0, 30))
        unless = (Exemption(self.literal(), within=within),) if some.random() < 0.15 else ()
        roles = some.choice((("any",), ("any",), ("response", "text"), ("prompt",)))
        return make_rule(*patterns, id=f"made-{number}", needs=needs, unless=unless, roles=roles)


def generated_rules(texts: list[str], count: int, seed: int = SEED) -> list[Rule]:
    """So many rules; the same for the same texts and seed."""
    maker = _Maker(texts, seed)
    return [maker.rule(number) for number in range(count)]
