"""The instructions of `program`: what `match_kernel` runs. Each has an opcode and four numbers, `a` to `d`.

A match is tried at one place. Where two ways are open the first is taken and the second kept for later, as in any
backtracking matcher. So that few are kept, instructions name tables of the bytes with which a way can go on (below 0:
with any, or none).
"""

from __future__ import annotations

MATCH = 0
"""The end: it matches up to here."""
SET = 1
"""One character of set `a`; it begins a row of `b` such instructions."""
SPLIT = 2
"""Go on at `a`, and at `b` if that fails. Tables `c` and `d` are of these two ways."""
JUMP = 3
"""Go on at `a`."""
GREEDY = 4
"""`b` to `c` characters of set `a` (`c` below 0: without limit), as many as possible first. Table `d` is of what
follows."""
LAZY = 5
"""The same, as few as possible first."""
POSSESSIVE = 6
"""The same, as many as possible and no fewer later."""
LOOK = 7
"""What follows, up to `LOOK_END`, must match from here; then go on here, at `a`."""
LOOK_NOT = 8
"""What follows, up to `LOOK_NOT_END`, must not match from here; then go on here, at `a`."""
ATOMIC = 9
"""What follows, up to `ATOMIC_END`, is not tried in another way once it has matched."""
LOOK_END = 10
LOOK_NOT_END = 11
ATOMIC_END = 12
SET_BACK = 13
"""The character before here is of set `a`; go on before it."""
GREEDY_BACK = 14
"""`GREEDY`, against the direction of reading."""
BOUNDARY = 15
"""Does a word (characters of set `a`) begin or end here? With `b` 0: does none?"""
WORD_START = 16
WORD_END = 17
LINE_START = 18
LINE_END = 19
STRING_START = 20
STRING_END = 21
STRING_LINE_END = 22
"""At the end, or before a line feed that is the last character."""

# A set of characters is a table of bytes: 1 a member, 0 none, 2 not known, by `slot` of the character.
LATIN = 0x250
"""Code points below this have a slot each."""
SIGNS, SIGNS_END = 0x2000, 0x2150
"""So have those in this range: punctuation, currency, letterlike signs."""
IDEOGRAPHIC, IDEOGRAPHIC_END = 0x3000, 0x3040
"""And those in this one: punctuation of Chinese and Japanese."""
ODD = LATIN + (SIGNS_END - SIGNS) + (IDEOGRAPHIC_END - IDEOGRAPHIC)
"""The slot of U+1680 and U+180E, which are, or were, white space."""
REST = ODD + 1
"""The slot of all others."""
SLOTS = REST + 1
UNKNOWN = 2

ANYWHERE, AT_START, LAST_LINE, LAST_PARAGRAPH = range(4)
"""Places in a string at which a match must begin (`places`)."""
