"""What decides what a rule means, as one hash: what is kept for later runs stands under it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import regex


@lru_cache(maxsize=1)
def fingerprint() -> bytes:
    """A hash of the code of this folder and of the version of `regex`, whose trees are read."""
    digest = hashlib.sha256(regex.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
