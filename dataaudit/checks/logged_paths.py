"""Paths of fields in logs of matches: a log holds numbers, so it holds hashes, and the state their texts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xxhash

from dataaudit.records.types import RoleStrings
from dataaudit.records.words import I64, U64


def remember(paths: dict[str, str], strings: RoleStrings) -> U64:
    """The hash of each path of a role, the same in every worker; its text is kept in `paths` by the hash as text."""
    hashes = [xxhash.xxh3_64_intdigest(path.encode("utf-8", "surrogatepass")) for path in strings.paths]
    paths.update({str(one): path for one, path in zip(hashes, strings.paths, strict=True)})
    return np.asarray(hashes, np.uint64)


def recall(paths: Mapping[str, str], hashes: U64) -> tuple[tuple[str, ...], I64]:
    """All paths in a fixed order, and which of them each hash stands for."""
    known = sorted(paths)
    lookup = np.asarray([int(one) for one in known], np.uint64)
    order = np.argsort(lookup)
    return tuple(paths[one] for one in known), order[np.searchsorted(lookup[order], hashes)]
