"""What naming a source leads to before its format is known: files to look at, and what is passed over."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Skipped(msgspec.Struct, frozen=True):
    """Something below a named folder that is not data."""

    uri: str
    reason: str


class Candidate(msgspec.Struct, frozen=True):
    """A file that may be data."""

    path: Path
    """Where it is, or will be once it is fetched."""
    uri: str
    """What it is called in the report."""
    root: str
    """The argument that named it."""
    explicit: bool
    """Was it named itself? Then it is refused, not skipped, where it cannot be read."""
    split: str | None = None
    format: str | None = None
    """Its source module, where that is known."""
    origin: str = ""
    """What `path` is a copy of (`-`, an address), or nothing where it is the source itself."""
    name: str = ""
    """What it is called where files are written; the uri, where empty."""
    size: int | None = None
    """Its bytes, where it is not here yet."""
    notes: tuple[str, ...] = ()
    """What the report is to say of it."""

    @property
    def shown(self) -> str:
        """What it is called in an error."""
        return self.origin or str(self.path)
