"""`verify`: recomputes everything a manifest claims, and proves that kept + quarantined = input."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from dataaudit.errors import EXIT_GATE_FAILED, EXIT_OK, ManifestError
from dataaudit.export.manifest import (
    MANIFEST_NAME,
    InputEntry,
    Manifest,
    OutputEntry,
    digest_of,
    load,
    sum_up,
)
from dataaudit.export.outdir import MARKER_NAME, files_below, is_safe
from dataaudit.export.proof import Mismatch, prove, recount


@dataclass(frozen=True)
class VerifyResult:
    """What verification found. `exit_code` is 0 or 1; no finished manifest is a ManifestError (exit 3)."""

    ok: bool
    problems: tuple[str, ...]
    """Everything that is not as the manifest says, one line each. File names in it are untrusted text."""
    notes: tuple[str, ...]
    """What could not be checked, and why."""

    @property
    def exit_code(self) -> int:
        """0 where all is intact, else 1."""
        return EXIT_OK if self.ok else EXIT_GATE_FAILED


@dataclass
class _Findings:
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    """Outputs that are not what was written; nothing more is concluded from them."""


def verify(directory: Path, *, require_input: bool = False) -> VerifyResult:
    """Recompute hashes, row counts and sums, and put the input together again from what was kept and removed.

    Raises ManifestError where there is no manifest, or the run that wrote it did not finish. An input that is
    gone is a note, with `require_input` a problem; an input that is not what was cleaned is a problem.
    """
    if (directory / MARKER_NAME).exists():
        raise ManifestError(f"{directory}: the run that writes it has not finished; run clean again")
    manifest = load(directory)
    found = _Findings()
    if manifest.digest != digest_of(manifest):
        found.problems.append(f"{MANIFEST_NAME}: was edited: its digest does not fit its content")
    outputs = {output.path: output for output in manifest.outputs}
    for output in manifest.outputs:
        _check_output(directory, output, found)
    _check_extra(directory, outputs, found)
    _check_sums(manifest, outputs, found)
    for entry in manifest.inputs:
        _check_input(directory, entry, found, require_input)
    for bad in manifest.unreadable:
        found.notes.append(f"{bad.file}: could not be read ({bad.reason}); its rows are not accounted for")
    return VerifyResult(not found.problems, tuple(found.problems), tuple(found.notes))


def _check_output(directory: Path, output: OutputEntry, found: _Findings) -> None:
    path = directory / output.path
    try:
        if not is_safe(output.path):
            raise Mismatch("its name leaves the directory")
        if path.is_symlink() or not path.is_file():
            raise Mismatch("is missing")
        size = path.stat().st_size
        if size != output.bytes:
            raise Mismatch(f"has {size} bytes; {output.bytes} were written")
        if _sha256(path) != output.sha256:
            raise Mismatch("was changed: its SHA-256 is not the one recorded")
    except OSError as error:
        found.problems.append(f"{output.path}: cannot be read: {error.strerror or error}")
        found.bad.add(output.path)
    except Mismatch as problem:
        found.problems.append(f"{output.path}: {problem}")
        found.bad.add(output.path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_extra(directory: Path, outputs: dict[str, OutputEntry], found: _Findings) -> None:
    for top in ("kept", "quarantine"):
        if (directory / top).is_symlink():
            found.problems.append(f"{top}: is a link")
            continue
        for name in files_below(directory / top):
            if f"{top}/{name}" not in outputs:
                found.problems.append(f"{top}/{name}: is not in the manifest")


def _check_sums(manifest: Manifest, outputs: dict[str, OutputEntry], found: _Findings) -> None:
    """Do the figures of the manifest fit each other?"""
    problems = found.problems
    if len(outputs) != len(manifest.outputs):
        problems.append(f"{MANIFEST_NAME}: lists an output twice")
    if manifest.totals != sum_up(manifest.inputs, len(manifest.unreadable)):
        problems.append(f"{MANIFEST_NAME}: the totals are not the sums of the files")
    named: set[str] = set()
    for entry in manifest.inputs:
        if entry.rows != entry.kept + entry.redacted + entry.quarantined:
            problems.append(f"{entry.file}: rows {entry.rows} are not kept + redacted + quarantined")
        removed = entry.redacted + entry.quarantined
        expected = {
            "kept": (entry.kept_path, entry.kept + entry.redacted),
            "quarantine": (entry.quarantine_path, removed),
            "reasons": (entry.reasons_path, removed),
        }
        for role, (path, rows) in expected.items():
            if path is None:
                if rows:
                    problems.append(f"{entry.file}: {rows} rows, and no file of role {role}")
                continue
            named.add(path)
            output = outputs.get(path)
            if output is None or output.role != role or output.rows != rows:
                problems.append(f"{path}: the manifest does not list it as {role} with {rows} rows")
    named |= _check_copies(manifest, outputs, found)
    for output in manifest.outputs:
        if output.role != "metadata" and output.path not in named:
            problems.append(f"{output.path}: belongs to no input")


def _check_copies(manifest: Manifest, outputs: dict[str, OutputEntry], found: _Findings) -> set[str]:
    """Are the files that were set aside listed as such? Returns their names."""
    named = set()
    for bad in manifest.unreadable:
        if bad.quarantine_path is not None:
            named.add(bad.quarantine_path)
            copy = outputs.get(bad.quarantine_path)
            if copy is None or (copy.role, copy.sha256, copy.bytes) != ("unreadable", bad.sha256, bad.bytes):
                found.problems.append(f"{bad.quarantine_path}: the manifest does not list it as set aside")
    return named


def _check_input(directory: Path, entry: InputEntry, found: _Findings, require_input: bool) -> None:
    source = _source(entry, found, require_input)
    paths = (entry.kept_path, entry.quarantine_path, entry.reasons_path)
    if any(path in found.bad or (path is not None and not is_safe(path)) for path in paths):
        return
    try:
        recount(directory, entry)
        note = prove(directory, entry, source)
        if note is not None:
            found.notes.append(f"{entry.file}: {note}")
    except Mismatch as problem:
        found.problems.append(f"{entry.file}: {problem}")
    except Exception as error:  # Whatever a reader makes of bytes that are not what they should be.
        found.problems.append(f"{entry.file}: cannot be checked: {error}")


def _source(entry: InputEntry, found: _Findings, require_input: bool) -> Path | None:
    """The input, where it is still there and the same."""
    path = Path(entry.path)
    if entry.path == "-" or "://" in entry.path:
        text = f"{entry.file}: the input was a stream or an address, and is not compared"
        (found.problems if require_input else found.notes).append(text)
        return None
    try:
        if _sha256(path) == entry.sha256 and path.stat().st_size == entry.bytes:
            return path
        found.problems.append(f"{entry.file}: the input {entry.path} has changed since it was cleaned")
    except OSError as error:
        text = f"{entry.file}: the input {entry.path} cannot be compared: {error.strerror or error}"
        (found.problems if require_input else found.notes).append(text)
    return None
