"""What a configuration allows: hits that are meant to be there, by rule, source, field and text, with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from dataaudit.errors import ConfigError
from dataaudit.records.globbing import matches
from dataaudit.rules.compile import compile_pattern
from dataaudit.rules.model import FLAGS, Exemption, Rule
from dataaudit.rules.select import matches as selects

KEYS = ("rule", "source", "field", "text", "reason", "expires")
REQUIRED = ("rule", "reason")
TEXT_KEYS = ("pattern", "flags", "within")


class Allow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `allow`. A hit is allowed where everything that is given holds of it."""

    rule: str
    """A selector, as for `--select`: an id, the beginning of ids, a category, a pack, a tag."""
    reason: str
    """Why the hits are meant to be there; shown in every report."""
    source: str | None = None
    """A glob (`*`, `?`, `[…]`, `**` for folders) over the name of the file in the report; without `/` over its last
    part alone."""
    field: str | None = None
    """A field as the report writes it, such as `messages[*].content`, or one that it lies in (`messages`)."""
    text: Exemption | None = None
    """A pattern, a match of which touches the hit, or is at most `within` code points away from it."""
    expires: str | None = None
    """The last day (ISO 8601) on which the entry holds."""
    place: str = ""
    """Where the entry is written, for messages."""
    expired: bool = False
    """Is that day over? Then hits are counted, and allowed no longer."""

    def names(self, rule: Rule) -> bool:
        """Is the entry about this rule?"""
        return selects(self.rule, rule)

    def takes_source(self, uri: str) -> bool:
        """Is the entry about this file?"""
        if self.source is None:
            return True
        return matches(self.source, uri if "/" in self.source else uri.rpartition("/")[2])

    def takes_field(self, path: str) -> bool:
        """Is the entry about the field of this path template?"""
        field = self.field
        return field is None or path == field or path.startswith((f"{field}.", f"{field}[*]"))

    def as_dict(self) -> dict[str, object]:
        """The entry as it would be written, as JSON values."""
        given: dict[str, object] = {
            "rule": self.rule, "source": self.source, "field": self.field, "text": _text_dict(self.text),
            "reason": self.reason, "expires": self.expires,
        }  # fmt: skip
        return {key: value for key, value in given.items() if value is not None}


def read_allow(value: object, file: str = "") -> tuple[Allow, ...]:
    """The entries of a list of tables; `file` is where they are written.

    Raises:
        ConfigError: An entry is not one; the text says which, what is wrong, and what is expected.
    """
    prefix = f"{file}: " if file else ""
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{prefix}'allow' must be a list of tables: write each entry under [[allow]]")
    return tuple(
        entry if isinstance(entry, Allow) else _entry(entry, f"{prefix}allow entry {number}")
        for number, entry in enumerate(value, 1)
    )


def at_date(entries: Sequence[Allow], today: date) -> tuple[Allow, ...]:
    """The entries, with those marked that have expired by a day."""
    return tuple(
        msgspec.structs.replace(one, expired=one.expires is not None and one.expires < today.isoformat())
        for one in entries
    )


def _entry(value: object, place: str) -> Allow:
    fields = _table(value, place, KEYS, REQUIRED)
    source, field = (
        _string(fields[key], key, place) if key in fields else None for key in ("source", "field")
    )
    if field is not None and (one := re.search(r"\[\d+\]", field)):
        every = field.replace(one[0], "[*]")
        raise ConfigError(f"{place}: 'field' names one element of a list; write {every} for all of them")
    return Allow(
        rule=_string(fields["rule"], "rule", place),
        reason=_string(fields["reason"], "reason", place),
        source=source,
        field=field,
        text=_text(fields["text"], place) if "text" in fields else None,
        expires=_day(fields["expires"], place) if "expires" in fields else None,
        place=place,
    )


def _table(value: object, place: str, known: Sequence[str], required: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{place}: must be a table with the keys {', '.join(known)}")
    for key in value:
        if key not in known:
            raise ConfigError(f"{place}: unknown key {key!r}; known are {', '.join(known)}")
    for key in required:
        if key not in value:
            why = "; say why these hits are meant to be there" if key == "reason" else ""
            raise ConfigError(f"{place}: {key!r} is missing{why}")
    return value


def _string(value: object, key: str, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{place}: {key!r} must be a string that is not empty")
    return value


def _text(value: object, place: str) -> Exemption:
    fields: Mapping[str, Any] = {"pattern": value} if isinstance(value, str) else {}
    if not fields:
        fields = _table(value, f"{place}: text", TEXT_KEYS, ("pattern",))
    flags = fields.get("flags", [])
    if not isinstance(flags, list) or any(one not in FLAGS for one in flags):
        raise ConfigError(f"{place}: 'flags' must be a list of {', '.join(FLAGS)}")
    within = fields.get("within", 0)
    if isinstance(within, bool) or not isinstance(within, int) or within < 0:
        raise ConfigError(f"{place}: 'within' must be a whole number from 0")
    pattern = Exemption(_string(fields["pattern"], "text", place), tuple(flags), within=within)
    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise ConfigError(f"{place}: text: {error}") from None
    return pattern


def _text_dict(text: Exemption | None) -> object:
    if text is None:
        return None
    if not text.flags and not text.within:
        return text.pattern
    return {"pattern": text.pattern, "flags": list(text.flags), "within": text.within}


def _day(value: object, place: str) -> str:
    if type(value) is date:
        return value.isoformat()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise ConfigError(f"{place}: 'expires' must be a day, such as 2030-12-31")


def unknown_rules(entries: Sequence[Allow], rules: Sequence[Rule]) -> Iterator[str]:
    """A complaint about every entry that names no rule."""
    for one in entries:
        if not any(one.names(rule) for rule in rules):
            yield f"{one.place}: no rule is named {one.rule!r}; `dataaudit rules list` shows what there is"
