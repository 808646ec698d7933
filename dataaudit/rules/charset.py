"""Sets of characters as byte-level expressions over UTF-8, and how rare they are in text.

Everything here errs on one side: a set may be widened, never narrowed, so that what is built from it finds at
least what `regex` finds.
"""

from __future__ import annotations

from math import log2
from typing import cast

import msgspec
import regex

ASCII = frozenset(range(128))
MAX_LISTED = 256
"""An expression for a set with more non-ASCII members than this takes all non-ASCII characters."""
MAX_KNOWN = 4_096
"""A set with more than this is widened to all of them."""
ANY_NON_ASCII = rb"[\xc2-\xf4][\x80-\xbf]{1,3}"
"""Every non-ASCII character in UTF-8, and some byte strings that are none: a superset."""


class CodeSet(msgspec.Struct, frozen=True):
    """A set of characters: which ASCII ones, and which others (None: possibly all of them)."""

    ascii: frozenset[int]
    others: frozenset[int] | None = frozenset()

    @property
    def listed(self) -> frozenset[int] | None:
        """The others where they are few enough to be written out; None: any character may stand for them."""
        return None if self.others is None or len(self.others) > MAX_LISTED else self.others

    def union(self, more: CodeSet) -> CodeSet:
        """Members of either set."""
        others = None if self.others is None or more.others is None else self.others | more.others
        return code_set(self.ascii | more.ascii, others)

    def bits(self) -> float:
        """How rare a member is at a random place of a text: minus log2 of the estimated probability, at least
        0."""
        share = sum(_share(c) for c in self.ascii)
        listed = self.listed
        share += 0.05 if listed is None else sum(_share(c) for c in listed)
        return max(0.0, -log2(share)) if share > 0 else 40.0

    def expression(self) -> tuple[bytes, int]:
        """The set as a Hyperscan expression over bytes, and the number of byte positions it takes."""
        parts: list[bytes] = []
        size = 0
        if self.ascii:
            parts.append(_byte_class(self.ascii))
            size += 1
        listed = self.listed
        if listed is None:
            parts.append(ANY_NON_ASCII)
            size += 4
        else:
            by_prefix: dict[bytes, set[int]] = {}
            for code in listed:
                encoded = chr(code).encode("utf-8", "surrogatepass")
                by_prefix.setdefault(encoded[:-1], set()).add(encoded[-1])
            for prefix in sorted(by_prefix):
                parts.append(
                    b"".join(b"\\x%02x" % b for b in prefix) + _byte_class(frozenset(by_prefix[prefix]))
                )
                size += len(prefix) + 1
        return (parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"), size


ANY = CodeSet(ASCII, None)
"""Any character at all."""


def code_set(ascii_members: frozenset[int], others: frozenset[int] | None) -> CodeSet:
    """A set, widened where it has too many members."""
    return CodeSet(ascii_members, None if others is not None and len(others) > MAX_KNOWN else others)


def from_codes(codes: frozenset[int]) -> CodeSet:
    """The set of these code points."""
    return code_set(codes & ASCII, codes - ASCII)


def from_range(lower: int, upper: int) -> CodeSet:
    """All code points from `lower` to `upper`, both included."""
    inside = frozenset(range(lower, min(upper, 127) + 1))
    first = max(lower, 128)
    if upper - first >= MAX_KNOWN:
        return CodeSet(inside, None)
    return CodeSet(inside, frozenset(range(first, upper + 1)))


def complement(inner: CodeSet) -> CodeSet:
    """All characters but those of a set whose ASCII part is exact; its non-ASCII part may be anything."""
    return CodeSet(ASCII - inner.ascii, None)


def all_cases(chars: CodeSet) -> CodeSet:
    """The set and every character that `regex` takes for equal to a member when case is ignored.

    `regex` answers for single characters; the answers are closed over, since its relation is not transitive
    (i ~ İ, I ~ ı, i ~ I) and which side of it a pattern uses depends on how the pattern was optimised.
    """
    if chars.others is None:
        # Any non-ASCII member may stand for the ASCII letters that it equals: i (İ, ı), k (the Kelvin sign),
        # s (ſ).
        return CodeSet(_closure(chars.ascii | _WITH_OTHER_CASES) & ASCII, None)
    return from_codes(_closure(chars.ascii | chars.others))


_WITH_OTHER_CASES = frozenset(map(ord, "iks"))


def _closure(codes: frozenset[int]) -> frozenset[int]:
    flags = int(regex.UNICODE | regex.IGNORECASE)
    done: set[int] = set()
    todo = set(codes)
    while todo:
        code = todo.pop()
        done.add(code)
        # The module that `regex` itself asks; a rename of it is caught by the caller and costs only speed.
        cases = cast(list[int], regex._regex.get_all_cases(flags, code))
        todo.update(c for c in cases if c not in done)
    return frozenset(done)


def _byte_class(members: frozenset[int]) -> bytes:
    ordered = sorted(members)
    if len(ordered) == 1:
        return b"\\x%02x" % ordered[0]
    parts: list[bytes] = []
    start = last = ordered[0]
    for code in [*ordered[1:], 1 << 10]:
        if code == last + 1:
            last = code
            continue
        parts.append(b"\\x%02x" % start if start == last else b"\\x%02x-\\x%02x" % (start, last))
        start = last = code
    return b"[" + b"".join(parts) + b"]"


# Estimated share of a character at a random place in text. Only the order of magnitude matters: it decides
# which part of a pattern is looked for first. Lower-case letters and the blank are set to what they say in
# context, about 2.3 bits each (Shannon 1951 and later measure 1 to 2.3 bits per letter of English), not to
# their plain frequency.
_IN_CONTEXT = 0.2
_COMMON_MARKS = frozenset(map(ord, ",.\n'\"-:;()!?*#`/"))
_COMMON_OTHER = frozenset(map(ord, "’‘“”–—…•\u00a0"))


def _share(code: int) -> float:
    if code < 128:
        char = chr(code)
        if char.islower() or char == " ":
            return _IN_CONTEXT
        if char.isupper() or char.isdigit():
            return 0.01
        return 0.01 if code in _COMMON_MARKS else 0.0005
    if code in _COMMON_OTHER:
        return 0.002
    # Letters of another script follow each other like our own; signs are rare.
    return 0.03 if chr(code).isalpha() else 0.0001
