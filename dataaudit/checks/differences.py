"""What two nearly equal texts differ in, word by word, around the first place where they do."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from dataaudit.checks.excerpts import CONTEXT, LONGEST

WORDS = 200
"""Words of each text, from the first difference on, that are compared: bounds the work for texts made to be slow."""
_TOKEN = re.compile(r"\S+\s*|\s+")


class Piece(NamedTuple):
    """Some words, and which of the two texts has them: `both`, `kept` or `removed`."""

    where: str
    text: str


def difference(kept: str, removed: str) -> list[Piece]:
    """The words that differ, with some around them, in order; nothing where the texts are equal.

    At most `LONGEST` code points are shown; what is cut off is marked by `…`.
    """
    if kept == removed:
        return []
    same = _common(kept, removed)
    while same and not kept[same - 1].isspace():
        same -= 1
    before = kept[max(0, same - CONTEXT) : same]
    pieces = [Piece("both", ("…" if same > CONTEXT else "") + before)] if before else []
    one, one_cut = _words(kept, same)
    other, other_cut = _words(removed, same)
    steps = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    if (one_cut or other_cut) and len(steps) > 1:
        del steps[-1]  # where the comparison ends is no difference of the texts
    for step, a, b, c, d in steps:
        if step == "equal":
            pieces.append(Piece("both", "".join(one[a:b])))
            continue
        pieces += [Piece("kept", "".join(one[a:b]))] if a < b else []
        pieces += [Piece("removed", "".join(other[c:d]))] if c < d else []
    return _shortened(pieces)


def first_difference(kept: str, removed: str) -> tuple[int, int] | None:
    """Where `removed` has words that `kept` has not at that place, half-open in code points; None where it has none."""
    same = _common(kept, removed)
    while same and not kept[same - 1].isspace():
        same -= 1
    other, _ = _words(removed, same)
    steps = SequenceMatcher(None, _words(kept, same)[0], other, autojunk=False).get_opcodes()
    for step, _, _, c, d in steps:
        if step != "equal" and c < d:
            at = same + len("".join(other[:c]))
            return at, at + len("".join(other[c:d]).rstrip())
    return None


def _common(one: str, other: str) -> int:
    """How many code points two texts have in common at their beginning: halving, for comparing slices is quick."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _words(text: str, start: int) -> tuple[list[str], bool]:
    """The first words from `start` on with the space after each, none of them very long; and is there more?"""
    found: list[str] = []
    for match in _TOKEN.finditer(text, start, min(len(text), start + WORDS * LONGEST)):
        if len(found) == WORDS:
            return found, True
        found.append(match[0])
    return found, start + WORDS * LONGEST < len(text)


def _shortened(pieces: list[Piece]) -> list[Piece]:
    """Long stretches in common cut in their middle, and all of it cut at `LONGEST` code points."""
    shown: list[Piece] = []
    room = LONGEST
    for number, (where, text) in enumerate(pieces):
        if room <= 0:
            shown.append(Piece("both", "…"))
            break
        short = text
        if where == "both" and len(text) > CONTEXT:
            last = number == len(pieces) - 1
            half = CONTEXT // 2
            short = text[:CONTEXT] + "…" if last else f"{text[:half]} … {text[-half:]}"
            if number == 0:
                short = text
        short = short if len(short) <= room else short[:room] + "…"
        room -= len(short)
        shown.append(Piece(where, short))
    return shown
