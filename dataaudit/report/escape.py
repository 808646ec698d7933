"""Text from data is untrusted: characters that hide, move or command are made visible before it is shown.

Three writers use this module. The terminal shows `visible` text as plain characters, never as markup;
Markdown wraps it further with `markdown` or `code`; JSON keeps the text and escapes in its own syntax
(`json_format`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421", 0x0A: "\u23ce"}
"""Unicode control pictures (U+2400 block): ESC as ␛. The line feed is shown as ⏎, the usual return sign."""

_KEPT_FORMAT = frozenset("\u200c\u200d")
"""Joiners that Persian, Indic scripts and emoji need; other format characters are invisible or reorder."""

_PLAIN = re.compile(r"[ -~]*\Z")
_ANY_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_MEANS_SOMETHING = re.compile(
    r"""[!"#$&*+:<=>?@\[\\\]^`{|}~]"""  # always
    r"|(?<![A-Za-z0-9])[-_.]|[-_](?![A-Za-z0-9])|(?<![A-Za-z])\.(?![A-Za-z0-9])"  # at the edge of a word
)
_LINK = re.compile(r"www|://|@", re.IGNORECASE)


def visible(text: str) -> str:
    """The text on one line with control, format, bidirectional, tag and unpaired surrogate characters shown.

    C0 controls become control pictures (␛), line feeds ⏎, the others an escape such as `\\u202e`. Only
    characters that a terminal, a browser or a log viewer draws remain. The result may be longer than the
    text.
    """
    if _PLAIN.match(text):
        return text
    return "".join(map(_shown, text))


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    code = ord(char)
    if code in _PICTURES:
        return _PICTURES[code]
    if char in _KEPT_FORMAT:
        return char
    category = unicodedata.category(char)
    hidden = category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    # Variation selectors 17–256 draw nothing and can carry a message of any length.
    hidden = hidden or 0xE0100 <= code <= 0xE01EF
    if not hidden:
        return " " if category == "Zs" else char
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible_span(text: str, mark: tuple[int, int] | None) -> tuple[str, str, str]:
    """`visible` text cut at a mark (half-open, code points): before, marked, after. No mark: all before."""
    if mark is None:
        return visible(text), "", ""
    start = min(max(mark[0], 0), len(text))
    end = min(max(mark[1], start), len(text))
    return visible(text[:start]), visible(text[start:end]), visible(text[end:])


def markdown(text: str) -> str:
    """`visible` text that Markdown (GFM) and HTML read as text: punctuation with a meaning becomes an entity.

    Entities rather than backslashes: they hold inside table cells and raw HTML too. An `@` is kept from
    notifying a person by a zero-width space.
    """
    return _entities(text).replace("&#64;", "&#64;&#8203;")


def code(text: str) -> str:
    """`visible` text as inline code. `<code>` with entities: no run of backticks or pipes can end it."""
    return f"<code>{_entities(text)}</code>" if text else ""


def _entities(text: str) -> str:
    shown = visible(text)
    # A dot is harmless in `data/part-1.jsonl` and makes a link of `www.example.org`.
    pattern = _ANY_PUNCTUATION if _LINK.search(shown) else _MEANS_SOMETHING
    return pattern.sub(lambda found: f"&#{ord(found[0])};", shown)
