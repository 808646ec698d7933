"""The names that fields go by: what datasets call their texts, prompts, responses, turns and labels."""

from __future__ import annotations

import re
from functools import lru_cache

TURN_COLUMNS = (
    "messages",
    "conversations",
    "conversation",
    "dialogue",
    "dialog",
    "chat",
    "turns",
    "contents",
)
PREFERENCES = ("chosen", "rejected")
"""The better and the worse of two answers: each a string, a whole chat or its last turn."""
TWO_SPEAKERS = tuple(name for name in TURN_COLUMNS if name != "turns")
"""Of these, a list of strings is a talk of two: the first one asks. (`turns` may be the prompts of one.)"""
HISTORY = ("history",)
"""Earlier turns beside a prompt and its response."""
INSTANCES = ("instances",)
"""Lists of pairs of input and output beside an instruction."""
TRANSLATIONS = ("translation", "translations")
SYSTEM = ("system", "system_prompt", "system_message", "system_instruction", "systeminstruction")
TEXTS = (
    "text",
    "content",
    "document",
    "sentence",
    "passage",
    "article",
    "body",
    "markdown",
    "raw_content",
    "code",
    "dialogue",
    "dialog",
    "conversation",
    "chat",
    "transcript",
    "utterance",
    "premise",
    "hypothesis",
    "anchor",
    "positive",
    "negative",
)
COMPARED = (
    "positive",
    "pos",
    "positives",
    "negative",
    "neg",
    "negatives",
    "positive_passages",
    "negative_passages",
)
"""What stands beside an anchor or a query to be told apart by an embedding: all are texts."""
PROMPTS = (
    *("prompt", "instruction", "question", "query", "input", "problem", "user"),
    *("inputs", "inputs_pretokenized"),
)
CONTEXTS = (
    *("input", "context", "contexts", "choices", "options", "passage", "passages", "article", "document"),
    *("documents", "paragraph", "evidence", "definition"),
)
"""What a prompt goes with."""
CHOICES = ("choice", "option", "ending")
"""Names of columns that hold one of several choices each, with a number or a letter after them."""
RESPONSES = (
    *("completion", "response", "output", "answer", "solution", "assistant"),
    *("responses", "completions", "outputs", "answers", "generations", "generation", "target_text"),
    *("targets", "targets_pretokenized"),
)
ANSWERS = (*RESPONSES, "candidates", "summaries")
"""Names under which a list of objects holds responses, one in each."""
SEVERAL = re.compile(
    r"(?:(?:model_)?(?:response|output|completion|answer|generation|reply|candidate)|human_ref)s?[_-]?(?:\d{1,3}|[a-z])",
    re.IGNORECASE,
)
"""Names of columns that hold one of several responses each, such as `response_a` and `output_1`."""
SUMMARIES = ("summary", "highlights", "abstract")
"""Names of what is written about a text beside it."""
TOKENS = ("input_ids", "token_ids", "tokens", "ids", "attention_mask", "labels")
"""Names of columns that hold texts as numbers of tokens, where they are lists of integers."""
LABELS = ("label", "labels", "class", "category", "intent", "target", "sentiment", "topic", "final_label")
"""Names a label column goes by; a ClassLabel feature is one under any name."""
TOOLS = ("tools", "functions", "available_tools", "function_definitions", "tool_schemas")
"""What a model may call, as it is told."""

_ANSWERED = (
    *("completion", "response", "output", "answer", "solution", "generation", "reply", "attempt", "truth"),
    *("patch", "sql", "ideal"),
)
_THOUGHT = (
    *("reasoning", "thinking", "thought", "thoughts", "trajectory", "trajectories", "cot", "rationale"),
    *("explanation", "critique", "feedback", "judgement", "judgment"),
)
_ASKED = ("prompt", "instruction", "question", "query", "problem")
NOUNS: dict[str, str] = {
    **dict.fromkeys(_ASKED, "prompt"),
    **dict.fromkeys(_ANSWERED, "response"),
    **dict.fromkeys(_THOUGHT, "thought"),
}
"""What the last word of a name says of the column, as in `generated_solution`: `thought` is what a model says on its
way to a response, or about one."""
_FORMS = ("text", "string", "str", "content", "contents", "body", "raw", "statement")
"""Last words that say how something is written down, as in `question_text`; the word before them counts."""
_COUNTS = ("num ", "n ", "is ", "has ", "no ", "max ", "min ")
"""First words of names of counts, limits and yes or no."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@lru_cache(maxsize=4096)
def noun(name: str) -> str | None:
    """What a name of several words says of its column by the last of them (see `NOUNS`), or None.

    Numbers and single letters at the end do not count (`answer_0`, `response_b`), nor does a plural. Names of ids,
    types and the like end in other words (`question_id`).
    """
    lower = re.sub(r"[\W_]+", " ", name).strip().lower()
    if lower.startswith(_COUNTS):
        return None
    for words in ([one.lower() for one in _WORD.findall(name)], lower.split()):
        while len(words) > 1 and (words[-1].isdigit() or len(words[-1]) == 1):
            words.pop()
        if len(words) > 1 and words[-1] in _FORMS and (found := _meaning(words[-2])) is not None:
            return found
        if words and (found := _meaning(words[-1])) is not None:
            return found
    return None


def _meaning(word: str) -> str | None:
    return NOUNS.get(word) or (NOUNS.get(word[:-1]) if word.endswith("s") else None)


def stem(name: str) -> str | None:
    """The name of a column that is one of several, without its number or letter (`question1`, `text_a`), or None."""
    found = _NUMBERED.fullmatch(name.lower())
    return found[1] if found else None


_NUMBERED = re.compile(r"([a-z]+(?:_[a-z]+)*?)s?(?:[_-]?\d{1,2}|[_-][a-z])")
