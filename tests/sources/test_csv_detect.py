"""What is concluded from the first bytes of delimited text, and what the report says of it."""

from __future__ import annotations

import csv
import io

import pytest

from dataaudit.errors import UsageError
from dataaudit.sources.sheets import Sheet, examine


def seen(text: str | bytes, *, tabs: bool = False, **more: object) -> Sheet:
    data = text.encode() if isinstance(text, str) else text
    return examine(data, True, tabs=tabs, **more)  # type: ignore[arg-type]


MESSAGES = [f"message number {i} is long enough to be a text, and not a name" for i in range(40)]


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(mark: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(["id", "text", "label"])
    writer.writerows([i, f"one, two; three | four\t{i}", "a"] for i in range(50))
    sheet = seen(out.getvalue())
    assert (sheet.dialect.delimiter, sheet.columns) == (mark, ("id", "text", "label"))
    assert bool(sheet.notes) == (mark != ",")
    assert not seen(out.getvalue().replace(mark, "\t"), tabs=True).notes


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("text,label\nhello,a\n", ("text", "label")),
        ("\ufefftext,label\nhello,a\n", ("text", "label")),
        (",text\n0,hello\n1,you\n", ("0", "text")),
        ("text,text\nhello,a\n", ("text", "text.1")),
        ('"prompt","completion"\r\n"a","b"\r\n', ("prompt", "completion")),
        ("alpha,beta\n1,2\n3,4\n", ("alpha", "beta")),
        ('"","alpha","beta"\n"1","x",2\n"2","x",3\n', ("0", "alpha", "beta")),
        ("alpha,beta\nalpha,3\nalpha,NA\n", ("alpha", "beta")),
        ("alpha,beta gamma: delta epsilon\nx,3\n", ("alpha", "beta gamma: delta epsilon")),
        ('"","alpha"\n"1","x"\n"2","y"\n', ("0", "alpha")),
        ("text\n", ("text",)),
        ("\n\ntext,label\na,b\n", ("text", "label")),
    ],
)
def test_a_header_is_found(text: str, columns: tuple[str, ...]) -> None:
    sheet = seen(text)
    assert sheet.columns == columns
    head = text.encode()[: sheet.dialect.head].decode()
    assert head.endswith("\n") and head.count("\n") == sheet.head_lines


@pytest.mark.parametrize(
    "text",
    [
        "alpha,beta\nalpha,gamma\nalpha,delta\n",  # comes again in its column
        "1,beta\n2,gamma\n",
        "alpha,Where is it? There it is.\nbeta,no\n",
        "alpha,beta\n",  # alone, it could be anything
        "alpha,\nbeta,gamma\n",
        "alpha,\nbeta,3\n",
        "alpha,NA\nalpha,3\n",
        ",alpha\n,beta\n",
        "",
    ],
)
def test_a_first_record_is_not_taken_for_a_header(text: str) -> None:
    sheet = seen(text)
    assert sheet.dialect.head == 0
    assert all(name.isdecimal() for name in sheet.columns)


def test_named_columns_decide_about_the_header() -> None:
    text = "text,label\nhello,a\n"
    assert seen(text, overrides=(("text", "1"),)).columns == ("0", "1")
    assert seen("a,b\n", overrides=(("text", "b"),)).columns == ("a", "b")
    with pytest.raises(UsageError, match="columns are: text, label"):
        seen(text, overrides=(("text", "body"),)).layout((("text", "body"),))


def test_label_and_text_are_found_without_names() -> None:
    sheet = seen("".join(f"{'ham' if i % 3 else 'spam'}\t{m}\n" for i, m in enumerate(MESSAGES)), tabs=True)
    layout = sheet.layout(())
    assert layout.name == "labelled"
    assert [(b.role, b.path) for b in layout.bindings] == [("label", "0"), ("text", "1")]
    assert any("column 0 is read as the label (2 different values" in note for note in layout.notes)
    other = seen("".join(f"{m}|{'ham' if i % 3 else 'spam'}\n" for i, m in enumerate(MESSAGES)))
    assert other.roles == (("label", "1"), ("text", "0"))
    # Nothing stands out: every column is read.
    assert seen("".join(f"{m}|{m[::-1]}\n" for m in MESSAGES)).roles == ()


def test_quotes_that_are_text() -> None:
    lines = [f"ham\t{m}\n" for m in MESSAGES]
    lines[3] = 'ham\t"Gimme a few" was minutes ago\n'
    lines[7] = 'ham\t"Are you coming down later?"\n'
    lines[9] = 'ham\t"open to the end\n'
    assert not seen("".join(lines), tabs=True).dialect.quoted
    assert not seen("".join(lines).replace("\t", "|")).dialect.quoted
    # Quoted for a reason, or throughout: quotes are quotes, and what breaks the rule is damaged.
    lines[11] = 'ham\t"a\tb"\n'
    assert seen("".join(lines[10:] + lines[3:4]), tabs=True).dialect.quoted
    every = [f'"ham","{m}"\n' for m in MESSAGES]
    every[5] = '"ham","broken" here"\n'
    assert seen("".join(every)).dialect.quoted


def test_a_damaged_first_record_is_no_header() -> None:
    sheet = seen('"text,label\n' + "".join(f'"{m}","a, b"\n' for m in MESSAGES))
    assert (sheet.dialect.head, sheet.columns) == (0, ("0", "1"))


def test_encodings() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        # The reader hands over UTF-8; the sheet says what the bytes of the file are.
        sheet = seen("\ufefftext,label\nhello,a\n", encoding=encoding)
        assert sheet.dialect.encoding == encoding and sheet.dialect.head == 14
        assert any("UTF-16" in note for note in sheet.notes)
    assert seen("text,label\rhello,a\r").dialect.newline == "\r"
