"""From an address of the Hub to files: what is read of a repository, and how each file comes here."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from dataaudit.errors import UsageError
from dataaudit.records.globbing import matches
from dataaudit.records.types import FileRef
from dataaudit.sources.candidates import Candidate, Skipped
from dataaudit.sources.compression import strip_suffix
from dataaudit.sources.discover import FORMATS, is_data
from dataaudit.sources.fetched import Supply
from dataaudit.sources.hub import Address, Hub, Listing, parse_address
from dataaudit.sources.hubpieces import in_pieces
from dataaudit.sources.repository import CARD, Chosen, choose, passed_over, select, subsets_of

RANGED = 16 << 20
"""Bytes of a Parquet file beyond which the parts that a limit needs are read where they lie."""


class Wanted(msgspec.Struct, frozen=True):
    """What flags say about a repository."""

    revision: str | None
    subset: str | None
    split: str | None
    limit: int | None = None
    """So many records are read, and no more."""


def hub_files(argument: str, wanted: Wanted, folder: Path, supply: Supply) -> list[Candidate | Skipped]:
    """The files that an address leads to. Those whose names do not tell what they are, are fetched at once.

    Raises UsageError for what is not there, SourceError for what cannot be reached.
    """
    address = parse_address(argument, wanted.revision)
    hub = Hub()
    listing = hub.listing(address, argument)
    paths = sorted(listing.files, key=os.fsencode)
    if address.path:
        chosen, explicit = _below(address, paths, argument, wanted), address.path in listing.files
    else:
        chosen, explicit = _by_card(hub, listing, paths, argument, wanted), False
    found: list[Candidate | Skipped] = []
    fetching: list[FileRef] = []
    for path in paths:
        if path not in chosen.files:
            if is_data(path) and not address.path:
                found.append(Skipped(path, passed_over(chosen.subset)))
            continue
        split = chosen.files[path] or None
        if (
            wanted.split is not None
            and split is not None
            and split != wanted.split
            and not _may_hold_splits(path)
        ):
            found.append(_elsewhere(path, split, listing, argument))
            continue
        here = listing.cached.get(path)
        local = here or folder / path
        kind = FORMATS.get(Path(strip_suffix(path).lower()).suffix)
        if here is None and kind == "parquet" and wanted.limit is not None and listing.files[path] > RANGED:
            supply.lend(local, partial(in_pieces, hub, listing, path))
        elif here is None:
            supply.add(local, partial(_fetch, hub, listing, path), listing.files[path])
            if kind in (None, "json"):
                fetching.append(FileRef(0, str(local), path, ""))
        found.append(
            Candidate(
                local,
                listing.uri(path),
                argument,
                explicit=explicit,
                split=split,
                format=None if kind == "json" else kind,
                origin=listing.uri(path),
                name=path,
                size=listing.files[path],
                notes=chosen.notes,
            )
        )
    supply.fetch_all(fetching)
    if listing.offline:
        found.append(Skipped(argument, "HF_HUB_OFFLINE is set: files that are not in the cache"))
    return found


def _may_hold_splits(path: str) -> bool:
    return Path(strip_suffix(path).lower()).suffix == ".json"


def _elsewhere(path: str, split: str, listing: Listing, argument: str) -> Candidate:
    """A file of another split: it is known, so that an unknown split can be answered with those there are."""
    uri = listing.uri(path)
    return Candidate(
        Path(uri), uri, argument, explicit=False, split=split, format="jsonl", origin=uri, size=0
    )


def _fetch(hub: Hub, listing: Listing, path: str, file: IO[bytes]) -> None:
    hub.fetch(listing, path, file)


def _below(address: Address, paths: Sequence[str], argument: str, wanted: Wanted) -> Chosen:
    """The files that a path, a folder or a pattern names; which subset they belong to does not matter then."""
    if wanted.subset is not None:
        raise UsageError(f"{argument}: names files; --subset is for a whole repository")
    at = address.path
    found = [path for path in paths if path == at or path.startswith(f"{at}/") or matches(at, path)]
    if not found:
        raise UsageError(f"{argument}: no such file or folder in {address.repo}")
    if found != [at]:
        found = [path for path in found if is_data(path)]
    if not found:
        raise UsageError(f"{argument}: no data files")
    return Chosen(dict.fromkeys(found, ""), None)


def _by_card(hub: Hub, listing: Listing, paths: Sequence[str], argument: str, wanted: Wanted) -> Chosen:
    """What the README of a repository, or else the names of its files, say is data."""
    card = ""
    if CARD in listing.files:
        if CARD in listing.cached:
            card = listing.cached[CARD].read_text("utf-8-sig", "replace")
        else:
            buffer = io.BytesIO()
            hub.fetch(listing, CARD, buffer)
            card = buffer.getvalue().decode("utf-8-sig", "replace")
    where = f"{argument}/{CARD}"
    subset = choose(subsets_of(card, where), wanted.subset, argument)
    data = [path for path in paths if is_data(path)]
    if not data and subset is None:
        name = listing.repo.partition("/")[2]
        if f"{name}.py" in listing.files:
            raise UsageError(
                f"{argument}: only a loading script is there, and code of the Hub is never run; its data may be at "
                f"hf://datasets/{listing.repo}@refs/convert/parquet"
            )
        raise UsageError(f"{argument}: no data files")
    return select(subset, paths, data, where)
