"""YAML read strictly, every value with its line: no aliases, no duplicate keys, no tags, no surprises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from dataaudit.errors import RuleError

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
Place = tuple[str | int, ...]
"""Keys and list positions from the top of a document down to a value."""

MAX_BYTES = 2 << 20
"""Size of the largest pack that is read: some ten times the largest that ships. The worst YAML of that size takes 2 s
and 250 MB to read."""
MAX_DEPTH = 32
"""Nesting below which composing a document cannot exhaust the stack."""

_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """A parsed file: its value, and the 1-based line of every value and key in it."""

    name: str
    """The file as it is shown in errors."""
    value: Value
    lines: dict[Place, int]

    def line(self, place: Place) -> int:
        """Line of a value, or of the nearest value around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, place: Place, reason: str) -> RuleError:
        """The error `file:line: reason`."""
        return RuleError(f"{self.name}:{self.line(place)}: {reason}")


def read_document(path: Path) -> Document:
    """Parse one YAML file.

    Raises:
        RuleError: As for `read_raw` and `document_of`; the text is `file: reason` or `file:line: reason`.
    """
    return document_of(read_raw(path), path)


def read_raw(path: Path) -> bytes:
    """The bytes of a file. Raises RuleError where it is missing, unreadable, or too large."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RuleError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise RuleError(f"{path}: larger than {MAX_BYTES >> 20} MiB, the limit for a rule pack")
    return raw


def document_of(raw: bytes, path: Path) -> Document:
    """Parse the bytes of a file. Raises RuleError where they are not UTF-8, empty, or not YAML of the accepted kind."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RuleError(
            f"{path}:{line}: not UTF-8 (byte {raw[error.start]:#04x} at offset {error.start})"
        ) from error
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Document:
    """Parse YAML text; `name` is what errors call it. Raises `RuleError` as `read_document` does."""
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
    lines: dict[Place, int] = {}
    value = _value(node, (), lines, name)
    return Document(name, value, lines)


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
