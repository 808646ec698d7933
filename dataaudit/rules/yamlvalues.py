"""The values of YAML text, each with its line."""

from __future__ import annotations

import yaml

from dataaudit.errors import RuleError
from dataaudit.rules.yamlfile import Place, Value

MAX_DEPTH = 32
"""Nesting below which composing a document cannot exhaust the stack."""

_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def values_of(text: str, name: str, lines: dict[Place, int]) -> Value:
    """Parse YAML text; `name` is what errors call it. Fills `lines`. Raises `RuleError` as `read_document` does."""
    try:
        _refuse_aliases(text, name)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        if "nesting depth" in problem:  # newer libyaml has a limit of its own, reached while it looks ahead
            raise RuleError(f"{where}: {_TOO_DEEP}") from error
        raise RuleError(f"{where}: not valid YAML: {problem}") from error
    if node is None:
        raise RuleError(f"{name}: empty file")
    return _value(node, (), lines, name)


def _refuse_aliases(text: str, name: str) -> None:
    """Refuse aliases (a few lines of them expand to gigabytes) and deep nesting, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        mark = event.start_mark
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        if isinstance(event, yaml.AliasEvent):
            raise RuleError(f"{where}: YAML aliases are not accepted")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise RuleError(f"{where}: {_TOO_DEEP}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _value(node: yaml.Node, place: Place, lines: dict[Place, int], name: str) -> Value:
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, name, line)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, i), lines, name) for i, item in enumerate(node.value)]
    mapping: dict[str, Value] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise RuleError(f"{name}:{key_line}: a key must be a plain name")
        key = key_node.value
        if key in mapping:
            raise RuleError(f"{name}:{key_line}: duplicate key '{key}'")
        lines[*place, key] = key_line
        mapping[key] = _value(value_node, (*place, key), lines, name)
    return mapping


def _scalar(node: yaml.ScalarNode, name: str, line: int) -> Value:
    text: str = node.value
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("yes", "true", "on")
    try:
        if kind == "int":
            return int(text.replace("_", ""))
        if kind == "float":
            return float(text.replace("_", ""))
    except ValueError:
        return text
    raise RuleError(
        f"{name}:{line}: the YAML tag '{node.tag}' is not accepted (quote the value to make it a string)"
    )
