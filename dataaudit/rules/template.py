"""The rule that `rules new` writes: whole in shape, with places to fill in that no pack may keep."""

from __future__ import annotations

from collections.abc import Sequence

from dataaudit.rules.model import Pattern
from dataaudit.rules.placeholder import PLACEHOLDER

_HEAD = """\
# dataaudit rules test FILE       checks every example
# dataaudit scan DATA -r FILE     uses the pack
pack: {pack}
version: 1
licence: Apache-2.0               # of this pack
rules:
"""

_RULE = """\
  - id: {id}
    version: 1                    # raise it whenever what the rule matches changes
    name: '{fill} a short name'
    message: '{fill} what the text reads as, in one sentence'
    why: '{fill} why such a row matters for training'
    category: {category:<20}# chat-marker, model-output, quality, secret, or another
    severity: medium              # info, low, medium, high, critical
    confidence: low               # low, medium, high: what `rules measure` shows
    roles: [{roles}]
    patterns:                     # hit where any matches
      - {pattern}
    # needs: ['...']              # a match counts only if one of these matches elsewhere in the text
    # unless: ['...']             # no hit where one of these matches; {{pattern: '...', within: 40}} only near it
    # ignore_when: ...            # for the documentation: when a hit is fine
    hits:                         # at least two that must match
      - '{fill} a text that must be hit'
      - '{fill} another one'
    misses:                       # at least two that must not: near misses, ordinary sentences
      - '{fill} a text that almost matches'
      - '{fill} another one'
"""


def pack_template(
    rule_id: str, pattern: Pattern | None = None, roles: Sequence[str] = (), *, pack: str | None = None
) -> str:
    """A pack of one rule as YAML text; with `pack` None only the rule, to be added to a pack that is there."""
    shown = f"'{PLACEHOLDER} a regular expression'" if pattern is None else _pattern(pattern)
    rule = _RULE.format(
        id=rule_id,
        fill=PLACEHOLDER,
        category="quality",
        roles=", ".join(roles or ("response", "text")),
        pattern=shown,
    )
    return rule if pack is None else _HEAD.format(pack=pack) + rule


def _pattern(pattern: Pattern) -> str:
    text = yaml_string(pattern.pattern)
    more = [f"flags: [{', '.join(pattern.flags)}]"] if pattern.flags else []
    more += [f"where: {pattern.where}"] if pattern.where != "anywhere" else []
    return f"{{pattern: {', '.join([text, *more])}}}" if more else text


def yaml_string(text: str) -> str:
    """A text as YAML on one line: in single quotes, which keep backslashes as they are, where all of it is seen."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    return char if char.isprintable() else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\U{ord(char):08x}"


_SHORT = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
