"""Whole chats in one string, as chat templates render them: ChatML, Llama, Gemma, Zephyr, Vicuna, Alpaca.

A string is such a chat only if all of it is, from the first character to the last. What a template writes between turns
is then structure; the same tokens anywhere else, a header without the end of the turn before it for one, are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec
import numpy as np
import pyarrow.compute as pc

from dataaudit.records.dialogue import Said, split_dialogue
from dataaudit.records.turns import turn_role
from dataaudit.records.types import RoleStrings

HEAD = 48
"""Code points of a string that are looked at before all of it is."""


class Dialect(msgspec.Struct, frozen=True):
    """One template: how it heads a turn, and how it ends one."""

    name: str
    """As people call it."""
    header: re.Pattern[str]
    """Its first group says who speaks."""
    opening: str
    """A regular expression (RE2) for how such a string begins, after white space."""
    ends: tuple[str, ...] = ()
    """What ends a turn; before each header that is not free there must be one."""
    free: tuple[str, ...] = ()
    """Who may speak without an end of the turn before."""
    starts: tuple[str, ...] = ()
    """Tokens that may stand at the very beginning, and before a header."""
    preambles: tuple[str, ...] = ()
    """How a system text without a header begins."""
    names: tuple[tuple[str, str], ...] = ()
    """(as written, as turns are called) where the template has names of its own."""

    def split(self, text: str) -> list[Said]:
        """The turns of a string that is a chat of this dialect from end to end; else nothing."""
        turns: list[Said] = []
        who, begin = "", -1
        at = self._past_starts(text)
        for match in self.header.finditer(text):
            if begin < 0:
                if match.start() != at:
                    if not text.startswith(self.preambles or "\0", at):
                        return []
                    turns.append(Said("system", at, _back(text, match.start(), at)))
            else:
                end = self._end(text, match.start(), begin)
                if end is None and match[1] not in self.free:
                    continue  # not where a turn can begin: it is part of what is said
                turns.append(Said(who, begin, _back(text, match.start(), begin) if end is None else end))
            who, begin = dict(self.names).get(match[1], match[1]), match.end()
        if begin < 0:
            return []
        last = self._end(text, len(text), begin)
        turns.append(Said(who, begin, _back(text, len(text), begin) if last is None else last))
        return turns if _is_chat(turns) else []

    def _past_starts(self, text: str) -> int:
        at = _forth(text, 0)
        for token in self.starts:
            if text.startswith(token, at):
                at = _forth(text, at + len(token))
        return at

    def _end(self, text: str, at: int, least: int) -> int | None:
        """Where the turn that is over before `at` ends, tokens and white space taken away; None without an end."""
        found = None
        at = _back(text, at, least)
        while True:
            token = next((one for one in (*self.ends, *self.starts) if text.endswith(one, least, at)), None)
            if token is None:
                return found
            at -= len(token)
            if token in self.ends:
                found = at
                if not text.endswith(tuple(self.ends), least, _back(text, at, least)):
                    return found
            at = _back(text, at, least)


def _forth(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _back(text: str, at: int, least: int) -> int:
    while at > least and text[at - 1].isspace():
        at -= 1
    return at


def _is_chat(turns: list[Said]) -> bool:
    """Do prompts and responses take turns, after the system text, with at least one of each?"""
    roles = [turn_role(one.name) for one in turns]
    spoken = [role for role in roles if role not in ("system", "tool")]
    if not {"prompt", "response"} <= set(spoken) or "text" in spoken or spoken[0] != "prompt":
        return False
    return all(one != "response" or other != "response" for one, other in pairwise(spoken))


_HASHED = (("Instruction", "instruction"), ("Input", "user"), ("Response", "assistant"), ("Human", "human"))

DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "ChatML",
        re.compile(r"<\|im_start\|>(\w{1,20})\n"),
        r"(<s>|<\|begin_of_text\|>|<\|endoftext\|>)?\s*<\|im_start\|>",
        ends=("<|im_end|>", "<|endoftext|>", "</s>"),
        starts=("<s>", "<|begin_of_text|>", "<|endoftext|>"),
    ),
    Dialect(
        "the Llama 3 template",
        re.compile(r"<\|start_header_id\|>(\w{1,20})<\|end_header_id\|>\n{0,2}"),
        r"(<\|begin_of_text\|>)?\s*<\|start_header_id\|>",
        ends=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
        starts=("<|begin_of_text|>",),
    ),
    Dialect(
        "the Gemma template",
        re.compile(r"<start_of_turn>(\w{1,20})\n"),
        r"(<bos>)?\s*<start_of_turn>",
        ends=("<end_of_turn>", "<eos>"),
        starts=("<bos>",),
    ),
    Dialect(
        "the Zephyr template",
        re.compile(r"<\|(system|user|assistant)\|>\n"),
        r"(<s>)?\s*<\|(system|user|assistant)\|>",
        ends=("</s>", "<|end|>", "<|endoftext|>"),
        starts=("<s>",),
    ),
    Dialect(
        "the Llama 2 template ([INST])",
        re.compile(r"(\[/?INST\]) ?"),
        r"(<s>)?\s*\[INST\]",
        ends=(" </s>", "</s>"),
        free=("[/INST]",),
        starts=("<s>",),
        names=(("[INST]", "user"), ("[/INST]", "assistant")),
    ),
    Dialect(
        "the Vicuna template (USER: ASSISTANT:)",
        re.compile(r"(?<![^\s>])(USER|ASSISTANT):[ \n]?"),
        r"(<s>)?\s*(USER:|A chat between)",
        ends=("</s>",),
        free=("USER", "ASSISTANT"),
        starts=("<s>",),
        preambles=("A chat between",),
    ),
    Dialect(
        "the Alpaca template (### Instruction:)",
        re.compile(r"### (Instruction|Input|Response|System|User|Human|Assistant):[ \n]?"),
        r"(<s>)?\s*(### \w{1,20}:|Below is an instruction)",
        ends=("</s>", "<|endoftext|>"),
        free=("Instruction", "Input", "Response", "System", "User", "Human", "Assistant"),
        starts=("<s>",),
        preambles=("Below is an instruction",),
        names=_HASHED,
    ),
)
PYTHON = "Python literals"
"""Named like a dialect: chats as `str()` prints them, in single quotes. They are recognised and not parsed."""
_PYTHON = re.compile(r"\[\{'(role|from|content|value)': ")
_SYSTEM = re.compile(r"<<SYS>>\s?")
_SYSTEM_END = "<</SYS>>"

_OPENS = r"^\s*(" + "|".join(one.opening for one in DIALECTS) + r"|Human:|\[\{'(role|from|content|value)')"


def split_rendered(text: str) -> tuple[str, list[Said]]:
    """The dialect and the turns of a string that is a whole rendered chat; without turns where it is none."""
    for dialect in DIALECTS:
        said = dialect.split(text)
        if said:
            return dialect.name, list(_system_apart(text, said))
    said = split_dialogue(text)
    return ("Human: and Assistant: turns", said) if said and _is_chat(said) else ("", [])


def _system_apart(text: str, said: list[Said]) -> Iterator[Said]:
    """Turns in which a system text at the beginning of the first prompt (Llama 2) stands alone."""
    first = said[0]
    match = _SYSTEM.match(text, first.start, first.end)
    stop = text.find(_SYSTEM_END, first.start, first.end) if match else -1
    if match is not None and stop >= 0:
        yield Said("system", match.end(), _back(text, stop, match.end()))
        first = Said(first.name, min(_forth(text, stop + len(_SYSTEM_END)), first.end), first.end)
    yield first
    yield from said[1:]


def count_rendered(strings: RoleStrings) -> dict[tuple[str, str], int]:
    """(path, dialect) → how many of these strings are whole rendered chats. Strings of lists are not looked at."""
    whole = np.flatnonzero((strings.index < 0) & (strings.starts == 0))
    if len(whole) == 0:
        return {}
    heads = pc.utf8_slice_codeunits(strings.values, 0, HEAD)
    maybe = pc.match_substring_regex(heads, pattern=_OPENS).to_numpy(zero_copy_only=False)
    found: dict[tuple[str, str], int] = {}
    for i in whole[maybe[whole]].tolist():
        text = strings.values[i].as_py()
        name = PYTHON if _PYTHON.match(text) else split_rendered(text)[0]
        if name:
            at = (strings.path_of(i), name)
            found[at] = found.get(at, 0) + 1
    return found


def rendered_notes(counts: Iterable[tuple[tuple[str, str], int]], of: int) -> tuple[str, ...]:
    """One note per (path, dialect) of which half of `of` records or more have a whole chat."""
    return tuple(
        rendered_note(path, dialect, count, of)
        for (path, dialect), count in sorted(counts)
        if 2 * count >= of
    )


def rendered_note(path: str, dialect: str, rows: int, of: int) -> str:
    """What the report says where texts are whole rendered chats and nobody has said that they are meant to be."""
    if dialect == PYTHON:
        return (
            f"{path} holds chats as Python prints them in {rows:,} of {of:,} rows; they are searched as text. "
            "Write them as JSON to have their turns read"
        )
    return (
        f"{path} reads as whole chats in {dialect} in {rows:,} of {of:,} rows; their markers are searched as text. "
        f"If they are meant to be there: --columns chat={path}"
    )
