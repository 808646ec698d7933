"""The names that fields go by: what datasets call their texts, prompts, responses, turns and labels."""

from __future__ import annotations

import re

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
HISTORY = ("history",)
"""Earlier turns beside a prompt and its response."""
TRANSLATIONS = ("translation", "translations")
SYSTEM = ("system", "system_prompt", "system_message")
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
)
PROMPTS = (
    *("prompt", "instruction", "question", "query", "input", "problem", "user"),
    *("inputs", "inputs_pretokenized"),
)
CONTEXTS = ("input", "context", "choices", "options")
RESPONSES = (
    *("completion", "response", "output", "answer", "solution", "assistant"),
    *("responses", "completions", "outputs", "answers", "generations", "generation", "target_text"),
    *("targets", "targets_pretokenized"),
)
ANSWERS = (*RESPONSES, "candidates")
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
