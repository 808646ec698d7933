"""Redaction in delimited text: only the fields that are touched are written anew, quoted as they were."""

from __future__ import annotations

from dataaudit.export.redact import CannotRedactError, Span, merge_spans, parse_path, redact_text
from dataaudit.sources.csvfields import record_fields
from dataaudit.sources.dialect import Dialect


def redact_fields(
    segment: bytes, dialect: Dialect, columns: tuple[str, ...], places: dict[str, list[Span]]
) -> bytes:
    """A segment with spans (code points) replaced in the columns at the given paths.

    Raises CannotRedactError where a place is not there; nothing is replaced then.
    """
    fields = record_fields(segment, dialect)
    if len(fields) != len(columns):
        raise CannotRedactError("the record does not have the fields it should have")
    edits: dict[int, list[Span]] = {}
    for path, spans in places.items():
        edits.setdefault(_column(path, columns), []).extend(spans)
    expected = {}
    redacted = segment
    for number, spans in sorted(edits.items(), reverse=True):
        start, stop, quoted = fields[number]
        expected[number] = redact_text(_text(segment[start:stop], quoted), merge_spans(spans))
        field = expected[number].encode("utf-8")
        if quoted:
            field = b'"' + field.replace(b'"', b'""') + b'"'
        redacted = redacted[:start] + field + redacted[stop:]
    again = record_fields(redacted, dialect)
    if len(again) != len(columns) or any(
        _text(redacted[start:stop], quoted) != expected[number]
        for number, (start, stop, quoted) in enumerate(again)
        if number in expected
    ):
        raise CannotRedactError("the record does not read as expected")
    return redacted


def _column(path: str, columns: tuple[str, ...]) -> int:
    steps = parse_path(path)
    if len(steps) != 1 or steps[0] not in columns:
        raise CannotRedactError(f"nothing at {path}")
    return columns.index(str(steps[0]))


def _text(field: bytes, quoted: bool) -> str:
    if quoted:
        field = field[1:-1].replace(b'""', b'"')
    try:
        return field.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CannotRedactError(f"the field does not decode: {error}") from error
