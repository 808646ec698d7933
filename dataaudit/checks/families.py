"""Which maker a text names when it says who made its author: the named groups `vendor` and `model` of rules."""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("OpenAI", ("openai", "chatgpt", "gpt")),
    ("Anthropic", ("anthropic", "claude")),
    ("Google", ("google", "bard", "gemini", "gemma")),
    ("Meta", ("meta", "llama")),
    ("Alibaba", ("alibaba", "qwen", "tongyi")),
    ("DeepSeek", ("deepseek",)),
    ("Mistral AI", ("mistral", "mixtral")),
    ("xAI", ("xai", "grok")),
    ("Cohere", ("cohere", "command r")),
    ("Microsoft", ("microsoft", "phi", "copilot")),
    ("Technology Innovation Institute", ("tii", "falcon")),
    ("Allen Institute for AI", ("allen institute", "tulu", "tülu", "olmo")),
    ("LMSYS", ("lmsys", "large model systems", "vicuna")),
    ("LAION", ("laion", "open assistant", "openassistant")),
    ("UC Berkeley", ("koala",)),
    ("IBM", ("ibm", "granite")),
    ("Moonshot AI", ("moonshot", "kimi")),
)
"""Makers, and how the names of makers and models begin that stand for them (case folded). From the makers' own
documentation of their models."""

OTHER = "another maker"
GROUPS = ("vendor", "model")
"""Named groups that hold a name; a maker that is named outright counts before one that follows from the model."""


def family(captures: Mapping[str, str | None]) -> str | None:
    """The maker that the named groups of a match point to; None where they name nothing. Never text from data."""
    named = [name for group in GROUPS if (name := captures.get(group))]
    for name in named:
        folded = name.casefold().strip()
        for maker, beginnings in FAMILIES:
            if folded.startswith(beginnings):
                return maker
    return OTHER if named else None
