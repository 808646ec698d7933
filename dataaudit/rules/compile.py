"""Compile patterns with the `regex` module, once per process, and say plainly why one cannot be."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import regex

from dataaudit.rules.model import Pattern
from dataaudit.rules.tree import repeats

MAX_PATTERN_LENGTH = 8_000
"""Characters. A longer pattern is a word list, which belongs in several rules or elsewhere."""

MAX_REPETITIONS = 10_000
"""Product of the minimum counts of nested repeats. `regex` takes 0.6 s and much memory at a million."""
MAX_NESTED_REPEATS = 10
"""Repeats inside repeats. With a minimum of 2 each, `regex` takes 0.06 s for 10 and all memory for 20."""

FLAG_BITS: dict[str, int] = {
    "ignorecase": int(regex.IGNORECASE),
    "multiline": int(regex.MULTILINE),
    "dotall": int(regex.DOTALL),
    "verbose": int(regex.VERBOSE),
    "fullcase": int(regex.FULLCASE),
}

Compiled = Any
"""`regex.Pattern`; the module ships no types."""


def flag_bits(pattern: Pattern) -> int:
    """The flags of a pattern as `regex` takes them; always version 0 behaviour, whatever the process default
    is."""
    bits = int(regex.VERSION0)
    for flag in pattern.flags:
        bits |= FLAG_BITS[flag]
    return bits


@lru_cache(maxsize=4096)
def compile_pattern(pattern: Pattern) -> Compiled:
    """Compile one pattern.

    Raises:
        ValueError: It is too long or not a pattern that `regex` accepts.
    """
    if len(pattern.pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(
            f"the pattern is {len(pattern.pattern)} characters long; the limit is {MAX_PATTERN_LENGTH}"
        )
    if _costly(pattern):
        raise ValueError("the pattern nests repeats too deeply or asks for too many repetitions")
    try:
        return regex.compile(pattern.pattern, flag_bits(pattern), cache_pattern=False)
    except regex.error as error:
        raise ValueError(f"the pattern does not compile: {error}") from error
    except Exception as error:  # on odd input `regex` raises more than its own error
        raise ValueError(f"the pattern does not compile: {type(error).__name__}: {error}") from error


def _costly(pattern: Pattern) -> bool:
    """Would compiling it take the process down? What cannot be parsed here is left to `regex` to refuse."""
    if "{" not in pattern.pattern:
        return False
    try:
        product, depth = repeats(pattern.pattern, flag_bits(pattern))
    except Exception:
        return False
    return product > MAX_REPETITIONS or depth > MAX_NESTED_REPEATS
