"""JSON in UTF-16 and UTF-32, read through UTF-8: a byte-order mark says so, or where the null bytes stand.

JSON opens with a character of ASCII, so the place of the first null bytes tells both the width and the byte order
(RFC 4627, section 3).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

from dataaudit.sources.compression import codec_of, open_plain
from dataaudit.sources.dialect import Dialect, from_encoding, mark_of

UTF8 = "utf-8"
BOM = b"\xef\xbb\xbf"
_NULLS = {
    (True, True, True, False): "utf-32-be",
    (False, True, True, True): "utf-32-le",
    (True, False, True, False): "utf-16-be",
    (False, True, False, True): "utf-16-le",
}
"""Which of the first four bytes are null."""
_OPENING = re.compile(r'[\[{][ \t\r\n\[{"\]}]')
"""How JSON with records begins; other bytes among nulls are no text."""
HEAD = 8
"""Bytes that two characters take in UTF-32."""


def encoding_in(head: bytes) -> str:
    """What JSON that begins with these bytes, decompressed, is written in; UTF-8 where nothing says otherwise."""
    marked = mark_of(head)
    if marked is not None:
        # A line of UTF-8 may begin with the bytes of a mark by damage: then no character of ASCII follows.
        follows = head[:HEAD].decode(marked, "replace")[1:2]
        return marked if follows and follows.isascii() else UTF8
    found = _NULLS.get(tuple(byte == 0 for byte in head[:4]))  # type: ignore[arg-type]
    if found is None:
        return UTF8
    return found if _OPENING.match(head[:HEAD].decode(found, "replace")) else UTF8


def encoding_of_json(path: Path) -> str:
    """The same of a file, plain or compressed. Raises OSError, and what the library of a codec raises."""
    with open_plain(path) as file:
        return encoding_in(file.read(HEAD))


def open_json(path: Path) -> IO[bytes]:
    """Open a file for reading what it holds, decompressed, as UTF-8. Raises OSError, on reading too."""
    return from_encoding(open_plain(path), encoding_of_json(path))


def is_plain_json(path: Path) -> bool:
    """Are the bytes on disk those that are read, so that reading can begin in the middle? Raises OSError."""
    return codec_of(path) is None and encoding_of_json(path) == UTF8


def written_as(path: Path) -> Dialect | None:
    """How JSON that is not UTF-8 is cut into lines and written; None for UTF-8. Raises OSError.

    The byte-order mark belongs to no record: what is kept and what is removed both begin with it.
    """
    with open_plain(path) as file:
        head = file.read(HEAD)
    encoding = encoding_in(head)
    if encoding == UTF8:
        return None
    mark = len(BOM) if mark_of(head) == encoding else 0
    return Dialect(delimiter="", quoted=False, encoding=encoding, head=mark)


def encoding_note(encoding: str) -> tuple[str, ...]:
    """What the report says of it."""
    return () if encoding == UTF8 else (f"the text is {encoding.upper()}, read through UTF-8",)
