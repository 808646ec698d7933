"""Packs that were found valid before: their rules are kept, so that later runs need neither parse nor try them again.

What is kept is data, checked against the types of a rule when it is read. It stands under a hash of the bytes of the
pack and of everything that decides what they mean: the code of this folder and the version of `regex`. Whether the
examples were tried is part of it. Only what is valid is kept, so complaints are always made afresh.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from dataaudit.records import cache
from dataaudit.rules import code
from dataaudit.rules.model import Rule

CACHE_FORMAT = b"dataaudit-pack-1\n"
"""First line of a cache file; raised when its layout changes."""


class KnownPack(msgspec.Struct, frozen=True, array_like=True):
    """The rules of a valid pack."""

    rules: tuple[Rule, ...]
    lines: tuple[int, ...]
    """Of each rule the line of its id."""


def recall(raw: bytes, *, verified: bool) -> KnownPack | None:
    """The pack of these bytes, if it is known to be valid, its examples too where they are to be verified."""
    for tried in (True,) if verified else (False, True):
        body = cache.read_kept(_path(raw, tried), CACHE_FORMAT)
        try:
            pack = None if body is None else msgspec.msgpack.decode(body, type=KnownPack)
        except msgspec.MsgspecError:
            continue
        if pack is not None and len(pack.rules) == len(pack.lines):
            return pack
    return None


def remember(raw: bytes, pack: KnownPack, *, verified: bool) -> None:
    """Keep a valid pack, if anything can be kept."""
    cache.keep(_path(raw, verified), CACHE_FORMAT, msgspec.msgpack.encode(pack))


def _path(raw: bytes, verified: bool) -> Path | None:
    folder = cache.cache_dir()
    if folder is None:
        return None
    digest = hashlib.sha256(code.fingerprint() + (b"verified" if verified else b"read") + raw)
    return folder / f"pack-{digest.hexdigest()[:40]}.bin"
