"""The manifest: what was read, what was written, which row went where. The record `verify` checks against."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from dataaudit.errors import ManifestError
from dataaudit.sources.dialect import Dialect

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
SCHEMA_FILE = Path(__file__).with_name("manifest.schema.json")
"""The published JSON Schema of a manifest."""


class _Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all parts: frozen, no unknown fields."""


class RuleRef(_Model, frozen=True):
    """A rule or check that was active, and its version."""

    id: str
    version: str


class PartEntry(_Model, frozen=True):
    """A part of a JSON document: one array or object of records, or the records that follow one another."""

    file: str
    """The reported name: that of the document, and the key of the part."""
    rows: int
    start: int
    """Byte of the (decompressed) document at which its elements may start."""
    separated: bool
    """Are they the elements of an array, or the values of an object?"""
    keyed: bool = False
    """Are they the values of an object, each under a key of its own?"""


class InputEntry(_Model, frozen=True):
    """One input file and what became of its rows: rows = kept + redacted + quarantined."""

    file: str
    """The path relative to the argument that named it."""
    path: str
    """The path as it was opened; `-` for standard input, an `hf://` address for a file of the Hub."""
    argument: str
    """The argument that named it."""
    format: str
    """`jsonl`, `csv`, `text`, `json`, `parquet`, `arrow` or `webdataset`."""
    codec: str | None
    """Compression of the whole file: `gzip`, `zstd`, `bz2`, `xz`, or null."""
    bytes: int
    sha256: str
    """Of the file as it lies on disk."""
    plain_bytes: int | None
    """Bytes after decompression and as UTF-8; null where both are what lies on disk."""
    plain_sha256: str | None
    rows: int
    """Malformed records included."""
    kept: int
    """Rows in `kept/` that are as they were."""
    redacted: int
    """Rows in `kept/` with something replaced; their originals are in `quarantine/`."""
    quarantined: int
    """Rows that are only in `quarantine/`."""
    malformed: int
    """Records that could not be parsed; part of `quarantined`."""
    reasons: dict[str, int]
    """Finding id → rows dropped or redacted for it. A row with two reasons counts in both."""
    kept_path: str | None
    """Where the kept rows are, relative to the directory; null where none is kept."""
    quarantine_path: str | None
    """Where removed rows and originals of redacted ones are; null where there are none."""
    reasons_path: str | None
    """One JSON line per row of `quarantine_path`."""
    note: str | None = None
    """What is unusual about this file, e.g. why it has no file in `kept/`."""
    dialect: Dialect | None = None
    """How delimited and plain text, and JSON that is not UTF-8, is written and cut into records; null for all else."""
    parts: tuple[PartEntry, ...] = ()
    """The parts of a JSON document, in its order; rows are numbered in each."""


class UnreadableEntry(_Model, frozen=True):
    """A file that could not be read to its end, and so was set aside whole."""

    file: str
    path: str
    argument: str
    reason: str
    quarantine_path: str | None
    """The copy, byte for byte; null where not even copying worked."""
    bytes: int | None
    sha256: str | None


class OutputEntry(_Model, frozen=True):
    """One file that was written."""

    path: str
    """Relative to the directory, with `/`."""
    role: str
    """`kept`, `quarantine`, `reasons`, `unreadable` or `metadata`."""
    sha256: str
    bytes: int
    rows: int | None
    """Records (lines of a reasons file); null for metadata and unreadable files."""


class Totals(_Model, frozen=True):
    """Sums over all inputs that could be read."""

    files: int
    unreadable: int
    rows: int
    kept: int
    redacted: int
    quarantined: int
    malformed: int
    reasons: dict[str, int]


class Manifest(_Model, frozen=True):
    """The record of one `clean` run."""

    schema_version: int
    tool: str
    tool_version: str
    created: str
    """UTC, RFC 3339."""
    options: dict[str, Any]
    """The options of the run, JSON values."""
    rules: tuple[RuleRef, ...]
    inputs: tuple[InputEntry, ...]
    unreadable: tuple[UnreadableEntry, ...]
    outputs: tuple[OutputEntry, ...]
    totals: Totals
    complete: bool
    digest: str = ""
    """SHA-256 of this manifest in canonical JSON (sorted keys, no spaces, ASCII) with an empty digest."""


def sum_up(inputs: tuple[InputEntry, ...], unreadable: int) -> Totals:
    """Totals over input entries."""
    reasons: dict[str, int] = {}
    for entry in inputs:
        for name, count in entry.reasons.items():
            reasons[name] = reasons.get(name, 0) + count
    return Totals(
        files=len(inputs),
        unreadable=unreadable,
        rows=sum(e.rows for e in inputs),
        kept=sum(e.kept for e in inputs),
        redacted=sum(e.redacted for e in inputs),
        quarantined=sum(e.quarantined for e in inputs),
        malformed=sum(e.malformed for e in inputs),
        reasons=dict(sorted(reasons.items())),
    )


def digest_of(manifest: Manifest) -> str:
    """The digest the manifest should carry."""
    plain = msgspec.to_builtins(msgspec.structs.replace(manifest, digest=""))
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def encode(manifest: Manifest) -> bytes:
    """The manifest as indented JSON. ASCII: file names that are not UTF-8 survive as lone surrogates."""
    return json.dumps(msgspec.to_builtins(manifest), indent=1).encode() + b"\n"


def decode(data: bytes) -> Manifest:
    """Read a manifest. Raises ManifestError where it is not one, is unfinished, or is of another version."""
    try:
        plain = json.loads(data)
    except ValueError as error:
        raise ManifestError(f"the manifest is not JSON: {error}") from error
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ManifestError(f"the manifest has schema version {version!r}; this tool reads {SCHEMA_VERSION}")
    try:
        manifest = msgspec.convert(plain, Manifest)
    except msgspec.ValidationError as error:
        raise ManifestError(f"the manifest is not valid: {error}") from error
    if not manifest.complete:
        raise ManifestError("the manifest says that it is not complete")
    return manifest


def load(directory: Path) -> Manifest:
    """The manifest of a cleaned directory. Raises ManifestError where there is no finished one."""
    path = directory / MANIFEST_NAME
    try:
        return decode(path.read_bytes())
    except FileNotFoundError as error:
        raise ManifestError(f"{directory}: no {MANIFEST_NAME}") from error
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror or error}") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `Manifest`, as published in `SCHEMA_FILE`."""
    schema = json.loads(json.dumps(msgspec.json.schema(Manifest)))  # defaults that are tuples become lists
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dataaudit manifest",
        **schema,
    }
