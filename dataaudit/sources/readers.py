"""The source module of each format, imported when it is first used."""

from __future__ import annotations

import importlib
from typing import cast

from dataaudit.sources.base import Reader


def reader_for(kind: str) -> Reader:
    """The module that reads files of this format (`FileRef.format`)."""
    return cast("Reader", importlib.import_module(f"dataaudit.sources.{kind}"))
