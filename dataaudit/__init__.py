"""dataaudit: the linter, gate and cleaner for training data.

import dataaudit

report = dataaudit.scan("data/", max_contamination="0.1%")
report.status, report.rates["contamination"].rate

report, manifest = dataaudit.clean("data/", "clean/", drop=["contamination", "exact-duplicates"])
dataaudit.verify("clean/").ok
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataaudit.errors import DataauditError

if TYPE_CHECKING:
    from dataaudit.api.clean import clean, verify
    from dataaudit.api.scan import scan
    from dataaudit.config import Config
    from dataaudit.report.model import Report

__version__ = "0.1.0"
__all__ = ["Config", "DataauditError", "Report", "__version__", "clean", "scan", "verify"]

_HOMES = {
    "scan": "dataaudit.api.scan",
    "clean": "dataaudit.api.clean",
    "verify": "dataaudit.api.clean",
    "Config": "dataaudit.config",
    "Report": "dataaudit.report.model",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that `dataaudit --help` need not."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dataaudit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
