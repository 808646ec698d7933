"""What an index says of itself, and the settings and hashes that it depends on."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from dataaudit.errors import BenchmarkError
from dataaudit.records.hashing import mix64, unmix64
from dataaudit.records.words import U64, plain_shingles, plain_words

VERSION = 1
"""Version of the format. An index of another version is refused: it is rebuilt from its source in seconds."""
SHINGLE = 5
"""Words of a shingle. With one word in twelve replaced 7 of 12 shingles of 5 words stay whole, of 8 words 4, of 13
none; shingles of 4 or 3 words are frequent in ordinary text."""
SALT = np.uint64(xxhash.xxh3_64_intdigest(b"dataaudit benchmark index 1"))
"""Stirred into every hash, so that they equal no hashes of the same words made elsewhere. It is no secret."""
COMMON = 30
"""A shingle in more items than this is boilerplate of the benchmark: it is left out."""

SAMPLE = "The cat's 3 naïve fiancées: ΑΒΓ, straße, 日本語 ภาษา ½ ﬁn."
"""Text whose words are hashed into the manifest: an index of other hashes would find nothing, and say so never."""

METADATA = b"dataaudit.benchmark"


NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""A name of a benchmark or of its split: findings and gates are called by it."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What an index says of itself."""

    version: int
    settings: dict[str, str | int]
    """What the hashes depend on."""
    name: str
    split: str
    licence: str
    source: str
    """Where the benchmark comes from: an address or the names of its files."""
    counts: dict[str, int]
    """items, shingles, short, public, unseen (too short or too common to be found), empty, duplicates; and known-train,
    the items with a floor."""
    tool_version: str
    known_train: str = ""
    """The files of the training split that the floors come from."""
    checksum: str = ""
    """xxh3-128 of all columns in order."""

    @property
    def label(self) -> str:
        """Name and split: what findings call the benchmark."""
        return f"{self.name}-{self.split}" if self.split else self.name


def settings() -> dict[str, str | int]:
    """The settings of this version of the tool."""
    return {"shingle": SHINGLE, "common": COMMON, "salt": f"{int(SALT):016x}", "words": _fingerprint()}


@cache
def _fingerprint() -> str:
    data = np.frombuffer(SAMPLE.encode(), np.uint8)
    words = plain_words(data, np.asarray([0, len(data)]), False)
    return (
        f"{int(salted(plain_shingles(words.hashes, words.starts, SHINGLE).hashes).sum(dtype=np.uint64)):016x}"
    )


def salted(hashes: U64) -> U64:
    """The salted form of hashes of shingles."""
    return mix64(hashes ^ SALT)


def sums_of(hashes: U64) -> U64:
    """The sums (see `records.words`) of which these are the salted hashes: mixing can be undone."""
    return unmix64(unmix64(hashes) ^ SALT)


def upper(hashes: U64) -> npt.NDArray[np.uint32]:
    """The 32 bits of salted hashes that an index keeps. A chance hit is of a single shingle, which is no finding."""
    return (hashes >> np.uint64(32)).astype(np.uint32)


class _Version(msgspec.Struct):
    version: int


def manifest_of(schema: pa.Schema, path: str) -> Manifest:
    """The manifest in the metadata of a schema. Raises BenchmarkError for one that does not fit this tool."""
    data = (schema.metadata or {}).get(METADATA)
    if data is None:
        raise BenchmarkError(f"{path}: an Arrow file, but no benchmark index")
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version != VERSION:
            raise BenchmarkError(
                f"{path}: the index has version {version}, this dataaudit reads version {VERSION}; build it again"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise BenchmarkError(f"{path}: the manifest of the index is damaged: {error}") from None
    if not NAME.fullmatch(manifest.name) or not NAME.fullmatch(manifest.split or "x"):
        raise BenchmarkError(f"{path}: the manifest of the index is damaged: its name is none")
    mine = settings()
    other = [
        name for name in sorted({*mine, *manifest.settings}) if mine.get(name) != manifest.settings.get(name)
    ]
    if other:
        raise BenchmarkError(
            f"{path}: the index was built with other settings ({', '.join(other)}); build it again"
        )
    return manifest


def described(manifest: Manifest) -> dict[str, Any]:
    """The manifest as plain values."""
    return msgspec.to_builtins(manifest)  # type: ignore[no-any-return]
