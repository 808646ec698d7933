"""YAML read strictly, every value with its line: no aliases, no duplicate keys, no tags, no surprises."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dataaudit.errors import RuleError

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]
Place = tuple[str | int, ...]
"""Keys and list positions from the top of a document down to a value."""

MAX_BYTES = 2 << 20
"""Size of the largest pack that is read: some ten times the largest that ships. The worst YAML of that size takes 2 s
and 250 MB to read."""


class Document(msgspec.Struct, frozen=True):
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
    # YAML is loaded where there is something to parse: what is known of the shipped packs is kept.
    from dataaudit.rules.yamlvalues import values_of

    lines: dict[Place, int] = {}
    return Document(name, values_of(text, name, lines), lines)
