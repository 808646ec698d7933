"""Delimited text is cut as the common loaders cut it, in blocks of any size, and no quote leads it astray."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataaudit.sources import csvsplit
from dataaudit.sources.csvfields import fields_of, invalid_utf8, record_fields
from dataaudit.sources.csvsplit import pieces, split
from dataaudit.sources.dialect import Dialect

CELL = st.one_of(
    st.text(st.sampled_from("ab ,;\t|\"\n\r'é漢😀"), max_size=8),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12),
)


@st.composite
def tables(draw: st.DrawFn, columns: int = 1) -> list[list[str]]:
    width = draw(st.integers(columns, 4))
    return draw(st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12))


DIALECTS = st.tuples(
    st.sampled_from(",\t;|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


def written(table: list[list[str]], style: tuple[str, str, int]) -> bytes:
    out = io.StringIO(newline="")
    delimiter, end, quoting = style
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(table)
    return out.getvalue().encode()


Row = tuple[str, ...] | None


def rows_of(data: bytes, dialect: Dialect, columns: int, size: int = 1 << 20) -> list[Row]:
    """The records as texts; None for one that is malformed."""
    found: list[Row] = []
    seen = b""
    for piece in pieces(io.BytesIO(data), dialect, size=size):
        assert piece.offset == len(seen)
        seen += piece.data
        fields = fields_of(piece, dialect, columns)
        bad = set(invalid_utf8(piece).tolist())
        good = [i for i in fields.good.tolist() if i not in bad]
        take = np.searchsorted(fields.good, good)
        texts = zip(*(fields.column(c, take).to_pylist() for c in range(columns)), strict=True)
        by_record = dict(zip(good, texts, strict=True))
        found += [by_record.get(i) for i in range(len(piece.starts))]
    assert seen == data
    return found


def places_of(data: bytes, dialect: Dialect, size: int) -> list[tuple[int, int, int, bool]]:
    return [
        (piece.offset + int(start), piece.offset + int(end), int(line), i in piece.damaged)
        for piece in pieces(io.BytesIO(data), dialect, size=size)
        for i, (start, end, line) in enumerate(zip(piece.starts, piece.ends, piece.lines, strict=True))
    ]


@settings(max_examples=300, deadline=None)
@given(tables(), DIALECTS, st.integers(1, 40))
def test_what_csv_writes_is_read_back(table: list[list[str]], style: Any, size: int) -> None:
    delimiter, end, quoting = style
    if end == "\n" and quoting == csv.QUOTE_MINIMAL:
        # Some versions of the writer leave a carriage return unquoted, and then it belongs to the line end.
        table = [[cell.replace("\r", "") for cell in row] for row in table]
    dialect = Dialect(delimiter=delimiter, quoted=True)
    # A line of white space alone is blank, for loaders too; an empty field alone is written as "".
    blanks = dialect.blanks.decode()
    blank = [
        len(row) == 1
        and quoting == csv.QUOTE_MINIMAL
        and row[0] != ""
        and not row[0].strip(blanks)
        and "\r" not in row[0]  # the writer quotes it, and a quoted field is no blank line
        for row in table
    ]
    expected = [tuple(row) for row, skipped in zip(table, blank, strict=True) if not skipped]
    assert rows_of(written(table, style), dialect, len(table[0]), size) == expected


SOUP = st.lists(
    st.sampled_from([b"a", b",", b'"', b'"', b'""', b"\n", b"\r\n", b"\r", b" ", b"\xff", b"\n\n"]),
    max_size=40,
)


@settings(max_examples=500, deadline=None)
@given(SOUP.map(b"".join), st.integers(1, 9), st.booleans())
@example(b'a,"\n\n"",\r \n', 1, True)
@example(b'"a\n', 1, True)
@example(b'"x\ny",b', 1, True)
def test_the_size_of_blocks_changes_nothing(data: bytes, size: int, quoted: bool) -> None:
    dialect = Dialect(delimiter=",", quoted=quoted)
    assert places_of(data, dialect, size) == places_of(data, dialect, 1 << 20)


def by_the_letter(data: bytes) -> list[tuple[int, int, bool]]:
    """(start, end, damaged?) of the records of comma-separated text, read one character after the other."""
    found, at = [], 0
    while at < len(data):
        end, damaged = _record_end(data, at), False
        if end is None:
            damaged, line = True, data.find(b"\n", at)
            end = line + 1 if line >= 0 else len(data)
        if data[at:end].strip(b" \t\r\n"):
            found.append((at, end, damaged))
        at = end
    return found


def _record_end(data: bytes, at: int) -> int | None:
    while True:
        if data[at : at + 1] == b'"':
            at = data.find(b'"', at + 1)
            while at >= 0 and data[at + 1 : at + 2] == b'"':
                at = data.find(b'"', at + 2)
            if at < 0:
                return None
            at += 1
            if data[at : at + 2] == b"\r\n":
                return at + 2
            if data[at:] in (b"", b"\r"):
                return len(data)
            if data[at : at + 1] not in (b",", b"\n"):
                return None
        while at < len(data) and data[at : at + 1] not in (b",", b"\n"):
            at += 1
        if data[at : at + 1] != b",":
            return min(at + 1, len(data))
        at += 1


@settings(max_examples=500, deadline=None)
@given(SOUP.map(b"".join), st.sampled_from([1, 8, 1 << 16]))
def test_records_end_where_reading_by_the_letter_ends_them(data: bytes, slow: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvsplit, "_SLOW", slow)
        found = places_of(data, Dialect(delimiter=",", quoted=True), 1 << 20)
    assert [(start, end, damaged) for start, end, _, damaged in found] == by_the_letter(data)
    for start, _, line, _ in found:
        assert line == data[:start].count(b"\n") + 1


@settings(max_examples=400, deadline=None)
@given(tables(columns=2), DIALECTS, st.data())
def test_one_changed_byte_loses_no_row_elsewhere_in_silence(
    table: list[list[str]], style: Any, choose: Any
) -> None:
    data = written(table, style)
    dialect = Dialect(delimiter=style[0], quoted=True)
    places = places_of(data, dialect, 1 << 20)
    at = choose.draw(st.integers(0, len(data) - 1))
    value = choose.draw(st.one_of(st.integers(0, 255), st.sampled_from(list(b'",\n\r\t;|a'))))
    changed = data[:at] + bytes([value]) + data[at + 1 :]
    found = rows_of(changed, dialect, len(table[0]), 16)
    if None in found or strays_of(changed, dialect, len(table[0]), 16):
        return  # it is said that something is wrong
    # The terminator before a record belongs to its neighbour, but a change of it may join the two.
    before = rows_of(data, dialect, len(table[0]))
    elsewhere = [
        row for row, (start, end, *_) in zip(before, places, strict=True) if not start - 2 <= at < end
    ]
    rest = iter(found)
    assert all(any(one == row for one in rest) for row in elsewhere)


def strays_of(data: bytes, dialect: Dialect, columns: int, size: int = 1 << 20) -> list[int]:
    """Offsets of the records with an odd number of quotes."""
    return [
        piece.offset + int(piece.starts[i])
        for piece in pieces(io.BytesIO(data), dialect, size=size)
        for i in fields_of(piece, dialect, columns).stray.tolist()
    ]


def test_a_quote_that_takes_the_place_of_a_lost_one_leaves_a_stray_one() -> None:
    """What is left can be well formed, and says something else; then a record has an odd number of quotes."""
    whole = b'a,b,"c"\nd,e,f\ng,h,"\ni,j,k"\nl,"m",n\n'
    lost = whole.replace(b'c"', b"c,", 1)
    dialect = Dialect(delimiter=",", quoted=True)
    assert strays_of(whole, dialect, 3) == []
    assert rows_of(lost, dialect, 3)[0] == tuple(next(csv.reader(io.StringIO(lost.decode(), newline=""))))
    assert None not in rows_of(lost, dialect, 3)
    assert strays_of(lost, dialect, 3) == strays_of(lost, dialect, 3, size=4) == [lost.index(b"i,j")]


def test_an_unbalanced_quote_costs_its_line_and_no_more() -> None:
    good = b'%d,"some, text",x\n'
    lines = [good % i for i in range(20_000)]
    lines[5] = b'5,"never closed,x\n'
    lines[9_000] = b'9000,"a "word" in it",x\n'
    lines[-1] = b'19999,"open to the end,x\n'
    found = rows_of(b"".join(lines), Dialect(delimiter=",", quoted=True), 3, size=1 << 14)
    assert [i for i, row in enumerate(found) if row is None] == [5, 9_000, 19_999]
    assert found[4] == ("4", "some, text", "x") and found[6] == ("6", "some, text", "x")
    assert len(found) == 20_000


def test_a_quote_that_opens_a_very_long_record_is_not_followed_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csvsplit, "MAX_LINES_BYTES", 1000)
    data = b'1,"open\n' + b"2,plain\n" * 400 + b'3,"two\nlines"\n' + b'4,"' + b"long" * 500 + b'"\n'
    for size in (64, 1 << 20):
        found = rows_of(data, Dialect(delimiter=",", quoted=True), 2, size)
        assert found[0] is None and found.count(None) == 1
        assert found[401:] == [("3", "two\nlines"), ("4", "long" * 500)]


def test_quotes_inside_a_field_are_text() -> None:
    dialect = Dialect(delimiter=",", quoted=True)
    data = b'5" pipe,a "b" c\n"x ""y"" z","\n"\n'
    assert rows_of(data, dialect, 2) == [('5" pipe', 'a "b" c'), ('x "y" z', "\n")]
    assert record_fields(b'5" pipe,"a"\r\n', dialect) == [(0, 7, False), (8, 11, True)]
    assert record_fields(b'"a"b,c\n', dialect) == []


def test_blank_lines_and_carriage_returns() -> None:
    assert rows_of(b"\n \n1,2\r\n\r\n3,4\r\n\n", Dialect(delimiter=",", quoted=True), 2) == [
        ("1", "2"),
        ("3", "4"),
    ]
    assert rows_of(b"\t\n \n", Dialect(delimiter="\t", quoted=False), 2) == [("", "")]
    old = Dialect(delimiter=",", quoted=True, newline="\r")
    assert rows_of(b'1,"a\rb"\r2,c\r', old, 2) == [("1", "a\rb"), ("2", "c")]
    piece = split(b"\n\na\nb", Dialect(delimiter="", quoted=False), ended=True, offset=7, line=3)
    assert (piece.starts.tolist(), piece.ends.tolist(), piece.lines.tolist()) == ([2, 4], [4, 5], [5, 6])
