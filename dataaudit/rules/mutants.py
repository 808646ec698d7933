"""Rules with one small thing wrong: what a rule's own examples should notice.

A mutant drops an anchor, drops an alternative, loosens a quantifier, flips the case flag of a pattern, or drops one of
the rule's conditions (`where`, `needs`, `unless`, `validate`). It is caught when an example is judged otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import regex
from regex import _regex_core as rc

from dataaudit.rules.compile import compile_pattern, flag_bits
from dataaudit.rules.edits import Place
from dataaudit.rules.examples import check_examples
from dataaudit.rules.model import Exemption, Pattern, Rule
from dataaudit.rules.tree import parsed
from dataaudit.rules.unparse import ANCHORS, Writer, members, round_trips, written
from dataaudit.rules.witness import Witness, tell_apart

Kind = Literal["anchor", "alternative", "quantifier", "case", "condition"]
Part = Literal["patterns", "needs", "unless"]
Outcome = Literal["caught", "survived", "equal"]

SMALL_SET = 4
"""Sets of at most so many characters are alternatives; larger ones are classes."""


class Mutant(msgspec.Struct, frozen=True):
    """A rule with one thing changed."""

    kind: Kind
    what: str
    """What was changed, in words."""
    rule: Rule
    place: Place | None = None
    """Where, as far as a place in a pattern can be named."""


class Judged(msgspec.Struct, frozen=True):
    """A mutant, and whether the examples of its rule notice."""

    mutant: Mutant
    outcome: Outcome
    """`equal`: the examples do not, and neither did any of the texts that were made to tell the two apart."""
    witness: Witness | None = None
    """Of a survivor: a text that the two judge differently, which would make an example."""


def mutants(rule: Rule) -> Iterator[Mutant]:
    """The mutants of a rule that compile and differ in their text."""
    for part in ("patterns", "needs", "unless"):
        for at, pattern in enumerate(getattr(rule, part)):
            for kind, what, changed, place in _changes(pattern):
                if _compiles(changed):
                    told = place if part == "patterns" else None
                    yield Mutant(kind, f"{part}[{at}]: {what}", _with(rule, part, at, changed), told)
    yield from _conditions(rule)


def unwritable(rule: Rule) -> list[Pattern]:
    """The patterns of a rule that cannot be mutated, since they cannot be written from their tree."""
    return [one for one in (*rule.patterns, *rule.needs, *rule.unless) if not round_trips(one)]


def judge(rule: Rule, *, seek: bool = True) -> Iterator[Judged]:
    """Every mutant of a rule. `seek`: look for a text that tells a survivor from the rule; else none is `equal`."""
    for one in mutants(rule):
        if any(not result.ok for result in check_examples(one.rule)):
            yield Judged(one, "caught")
        elif not seek:
            yield Judged(one, "survived")
        else:
            witness = tell_apart(rule, one.rule, one.place)
            yield Judged(one, "survived" if witness else "equal", witness)


def _with(rule: Rule, part: str, at: int, pattern: Pattern | None) -> Rule:
    held = list(getattr(rule, part))
    held[at : at + 1] = [] if pattern is None else [pattern]
    return msgspec.structs.replace(rule, **{part: tuple(held)})


def _compiles(pattern: Pattern) -> bool:
    try:
        compile_pattern(pattern)
    except ValueError:
        return False
    return True


def _conditions(rule: Rule) -> Iterator[Mutant]:
    """Without one of the conditions, or one of the patterns."""
    if len(rule.patterns) > 1:
        for at in range(len(rule.patterns)):
            yield Mutant("alternative", f"patterns[{at}] dropped", _with(rule, "patterns", at, None))
    for at, pattern in enumerate(rule.patterns):
        if pattern.where != "anywhere":
            anywhere = msgspec.structs.replace(pattern, where="anywhere")
            yield Mutant(
                "anchor",
                f"patterns[{at}]: where {pattern.where} dropped",
                _with(rule, "patterns", at, anywhere),
            )
    if rule.needs:
        yield Mutant("condition", "needs dropped", msgspec.structs.replace(rule, needs=()))
    if len(rule.needs) > 1:
        for at in range(len(rule.needs)):
            yield Mutant("alternative", f"needs[{at}] dropped", _with(rule, "needs", at, None))
    for at, exemption in enumerate(rule.unless):
        yield Mutant("condition", f"unless[{at}] dropped", _with(rule, "unless", at, None))
        if isinstance(exemption, Exemption) and exemption.within is not None:
            wide = msgspec.structs.replace(exemption, within=None)
            yield Mutant("quantifier", f"unless[{at}]: within dropped", _with(rule, "unless", at, wide))
    if rule.validate is not None:
        yield Mutant(
            "condition", f"validate {rule.validate} dropped", msgspec.structs.replace(rule, validate=None)
        )


def _changes(pattern: Pattern) -> Iterator[tuple[Kind, str, Pattern, Place]]:
    """A pattern with one change each."""
    if not round_trips(pattern):
        return
    tree, info = parsed(pattern.pattern, flag_bits(pattern))
    writer = Writer(info)
    for node in _nodes(tree):
        for kind, what, text, other in _replacements(node, writer):
            yield kind, what, written(pattern, {id(node): text}), Place(pattern, node, other)
    if regex.search(r"\p{Lu}|\p{Ll}", regex.sub(r"\\.", "", pattern.pattern)) is not None:
        on = "ignorecase" in pattern.flags
        flags = tuple(f for f in pattern.flags if f != "ignorecase") if on else (*pattern.flags, "ignorecase")
        flipped = msgspec.structs.replace(pattern, flags=flags)
        yield "case", f"ignorecase {'dropped' if on else 'added'}", flipped, Place(pattern)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    if type(node).__name__ == "SetUnion":
        return
    for value in vars(node).values():
        for child in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(child, rc.RegexBase):
                yield from _nodes(child)


def _replacements(node: Any, writer: Writer) -> Iterator[tuple[Kind, str, str, Any]]:
    """(kind, what, the text instead of the node, the part that was dropped)."""
    kind = type(node).__name__
    if kind == "Boundary" or kind in ANCHORS or kind == "LookAround":
        yield "anchor", f"{_short(writer.write(node))} dropped", "", None
    elif kind == "Branch":
        for at, branch in enumerate(node.branches):
            rest = [one for i, one in enumerate(node.branches) if i != at]
            text = "(?:" + "|".join(map(writer.write, rest)) + ")"
            yield "alternative", f"alternative {_short(writer.write(branch))} dropped", text, branch
    elif kind == "SetUnion" and node.positive and 1 < len(members(node)) <= SMALL_SET:
        held = members(node)
        for at in range(len(held)):
            rest = [one for i, one in enumerate(held) if i != at]
            gone = writer.members(node, [held[at]])
            yield "alternative", f"{_short(gone)} dropped from a set", writer.members(node, rest), held[at]
    elif kind in ("GreedyRepeat", "LazyRepeat", "PossessiveRepeat"):
        shown = _short(writer.write(node))
        if node.min_count > 0:
            yield "quantifier", f"{shown} may be absent", writer.repeated(node, 0, node.max_count), None
        if node.max_count is not None and node.max_count > 1:
            yield "quantifier", f"{shown} without limit", writer.repeated(node, node.min_count, None), None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
