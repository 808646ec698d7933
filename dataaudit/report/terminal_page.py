"""Lines of a terminal page: indent, wrap, align to the right edge. All fits the width of the console."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from dataaudit.report.escape import visible

WIDEST = 110
"""Columns a page uses at most: figures further right than this lose the line they belong to."""


@dataclass(frozen=True)
class Glyphs:
    """The signs a page draws with; ASCII where the terminal's encoding has no others."""

    dot: str = "·"
    arrow: str = "←"
    ellipsis: str = "…"
    bar: str = "│"
    block: str = "█"
    most: str = "≤"
    open_mark: str = "«"
    close_mark: str = "»"

    def fit(self, text: str) -> str:
        """Our own words (not data) in these signs."""
        if self.dot == "·":
            return text
        pairs: dict[str, str | int | None] = {
            "·": self.dot,
            "←": self.arrow,
            "…": self.ellipsis,
            "≤": self.most,
            "–": "-",
        }
        return text.translate(str.maketrans(pairs))


ASCII = Glyphs("-", "<-", "...", "|", "#", "<=", ">>", "<<")


class Page:
    """Writes lines to a console. Text is shown as it is: no markup, no emoji codes, no highlighting."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = max(20, min(console.width, WIDEST))
        self.unicode = "utf" in console.encoding.lower()
        self.glyphs = Glyphs() if self.unicode else ASCII
        self.styled = console.is_terminal and console.color_system is not None and not console.no_color

    def say(self, text: str, style: str = "") -> Text:
        """Text of the tool's own, or of data: made visible either way."""
        return self.data(self.glyphs.fit(text), style)

    def data(self, text: str, style: str = "") -> Text:
        """Text from data, whose signs are never replaced."""
        # A span and no base style, which would spread to all that is appended.
        return Text().append(self.encodable(visible(text)), style or None)

    def encodable(self, text: str) -> str:
        """The text with escapes for what the console's encoding cannot hold."""
        return text if self.unicode else text.encode("ascii", "backslashreplace").decode("ascii")

    def blank(self) -> None:
        """An empty line."""
        self.console.print()

    def line(self, text: Text) -> None:
        """One line as it is; the caller has seen to its width."""
        text.rstrip()
        self.console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)

    def prose(self, text: Text, indent: int = 0, hang: int = 0) -> None:
        """Text wrapped at words (a longer one anywhere), indented by `hang` more from the second line on."""
        room = max(10, self.width - indent - hang)
        for place, part in enumerate(text.wrap(self.console, room)):
            self.line(Text(" " * (indent + (hang if place else 0))) + part)

    def spread(self, left: Text, right: Text, indent: int = 0) -> None:
        """`left` and, at the right edge, `right`; on lines of their own where they do not fit on one."""
        gap = self.width - indent - left.cell_len - right.cell_len
        if not right.plain:
            self.prose(left, indent)
        elif gap >= 2:
            self.line(Text.assemble(" " * indent, left, " " * gap, right))
        else:
            self.prose(left, indent)
            self.line(Text(" " * max(0, self.width - right.cell_len)) + right)

    def heading(self, title: str, aside: str = "", right: str = "") -> None:
        """A section title, a remark beside it, and the heads of the columns at the right edge."""
        self.blank()
        left = Text.assemble((title, "bold"), "  " if aside else "", self.say(aside, "dim"))
        if right and left.cell_len + 2 + cell_len(right) > self.width:
            right = ""
        self.spread(left, self.say(right, "dim"))


def first_cells(text: str, cells: int) -> str:
    """The longest beginning of `text` within so many columns."""
    kept = 0
    for place, char in enumerate(text):
        kept += cell_len(char)
        if kept > cells:
            return text[:place]
    return text


def last_cells(text: str, cells: int) -> str:
    """The longest end of `text` within so many columns."""
    if cells <= 0:
        return ""
    kept = 0
    for place in range(len(text) - 1, -1, -1):
        kept += cell_len(text[place])
        if kept > cells:
            return text[place + 1 :]
    return text
