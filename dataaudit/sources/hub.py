"""Datasets of the Hugging Face Hub: `hf://datasets/ORG/NAME[@REVISION][/PATH]`, listed and fetched file by file.

Nothing of a repository is run. `huggingface_hub` speaks to the Hub, so that HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE and
its other settings hold; a file that its cache has is read from there.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote, unquote

import msgspec

from dataaudit.errors import DataauditError, SourceError, UsageError

SCHEME = "hf://"
WAITS = (0.5, 1.0, 2.0)
"""Seconds before a request that failed on the way, or with an error of the server, is made again."""

_SPECIAL = re.compile(r"(refs/(?:convert/[^/]+|pr/\d+))(?:/(.*))?", re.DOTALL)
T = TypeVar("T")


class Address(msgspec.Struct, frozen=True):
    """What an address names."""

    repo: str
    revision: str | None
    path: str
    """A file, a folder or a pattern within the repository; empty for all of it."""


class Listing(msgspec.Struct, frozen=True):
    """A repository at one commit."""

    repo: str
    commit: str
    files: dict[str, int]
    """Path → bytes."""
    cached: dict[str, Path]
    """Path → file in the cache of `huggingface_hub`."""
    offline: bool = False
    """Is the cache all that could be looked at?"""

    def uri(self, path: str) -> str:
        """The address of a file at this commit."""
        return f"{SCHEME}datasets/{self.repo}@{self.commit}/{path}"


def parse_address(text: str, revision: str | None = None) -> Address:
    """Take an address apart; `revision` as given to --revision. Raises UsageError."""
    form = f"{text}: write it as hf://datasets/ORG/NAME[@REVISION][/PATH]"
    kind, _, rest = text.removeprefix(SCHEME).partition("/")
    if kind != "datasets":
        raise UsageError(form)
    org, slash, rest = rest.partition("/")
    name, at, tail = rest.partition("@")
    if at and "/" not in name:
        if special := _SPECIAL.fullmatch(tail):
            found, path = special[1], special[2] or ""
        else:
            found, _, path = tail.partition("/")
            found = unquote(found)
        if not found:
            raise UsageError(form)
    else:
        found = ""
        name, _, path = rest.partition("/")
    if not slash or not org or not name or "@" in org:
        raise UsageError(form)
    if found and revision is not None and found != revision:
        raise UsageError(f"{text}: names the revision {found}, --revision another ({revision})")
    return Address(f"{org}/{name}", found or revision, path.strip("/"))


class Hub:
    """The Hub as this process sees it."""

    def __init__(self) -> None:
        from huggingface_hub import HfApi, HfFileSystem

        endpoint = os.environ.get("HF_ENDPOINT") or None
        self._api = HfApi(endpoint=endpoint)
        self.files = HfFileSystem(endpoint=endpoint, skip_instance_cache=True)

    def listing(self, address: Address, shown: str) -> Listing:
        """The files of a repository. Raises UsageError for what is not there, SourceError for what cannot be read."""
        from huggingface_hub import constants, try_to_load_from_cache

        if constants.HF_HUB_OFFLINE:
            return self._offline(address, shown)
        info = tried(
            lambda: self._api.repo_info(
                address.repo,
                repo_type="dataset",
                revision=address.revision,
                timeout=constants.HF_HUB_ETAG_TIMEOUT,
            ),
            shown,
            address,
        )
        commit = info.sha or ""
        tree = tried(
            lambda: list(
                self._api.list_repo_tree(address.repo, recursive=True, repo_type="dataset", revision=commit)
            ),
            shown,
            address,
            transport=False,
        )
        files = {one.path: int(one.size) for one in tree if hasattr(one, "size") and _is_safe(one.path)}
        cached = {}
        for path in files:
            found = try_to_load_from_cache(address.repo, path, revision=commit, repo_type="dataset")
            if isinstance(found, str):
                cached[path] = Path(found)
        return Listing(address.repo, commit, files, cached)

    def _offline(self, address: Address, shown: str) -> Listing:
        """What the cache holds of a repository; it may be a part."""
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound

        revision = address.revision or "main"
        try:
            repos = [one for one in scan_cache_dir().repos if one.repo_type == "dataset"]
        except (CacheNotFound, OSError):
            repos = []
        for one in [one for repo in repos if repo.repo_id == address.repo for one in repo.revisions]:
            if revision == one.commit_hash or revision in one.refs:
                root = one.snapshot_path
                cached = {
                    path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()
                }
                sizes = {name: path.stat().st_size for name, path in cached.items()}
                return Listing(address.repo, one.commit_hash, sizes, cached, offline=True)
        raise SourceError(f"{shown}: not in the cache, and HF_HUB_OFFLINE is set")

    def fetch(self, listing: Listing, path: str, file: IO[bytes]) -> None:
        """Write a file of a repository. Raises SourceError."""
        uri = listing.uri(path)
        address = Address(listing.repo, listing.commit, path)
        target = f"datasets/{listing.repo}@{quote(listing.commit, safe='')}/{path}"

        def once() -> None:
            file.seek(0)
            file.truncate()
            self.files.get_file(target, outfile=file)

        try:
            tried(once, uri, address, transport=False)
        except UsageError as error:  # it was there when it was listed
            raise SourceError(str(error)) from None
        if (size := listing.files[path]) != file.seek(0, 2):
            raise SourceError(f"{uri}: {file.tell():,} bytes came, {size:,} were promised")


def _is_safe(path: str) -> bool:
    return bool(path) and not any(
        one in ("", ".", "..") or "\0" in one or "\\" in one for one in path.split("/")
    )


def tried(call: Callable[[], T], shown: str, address: Address, *, transport: bool = True) -> T:
    """The result of a call, made again where the failure may pass.

    `transport`: also where there was no answer; not where the library itself asks several times then.
    """
    from huggingface_hub.errors import HfHubHTTPError

    for wait in (*WAITS, None):
        try:
            return call()
        except Exception as error:
            status = _status(error)
            if isinstance(error, HfHubHTTPError):
                passing = status >= 500 or status == 429
            else:
                passing = _on_the_way(error) and (transport or _is_short(error))
            if wait is None or not passing:
                if _is_ours(error):
                    raise
                raise _said(error, shown, address) from None
            time.sleep(wait)
    raise AssertionError


def _status(error: BaseException) -> int:
    return int(getattr(getattr(error, "response", None), "status_code", 0) or 0)


def _on_the_way(error: BaseException) -> bool:
    """Did a request fail without an answer, or with half of one?"""
    return (
        type(error).__module__.split(".")[0].rstrip("2") in ("httpx", "httpcore", "requests")
        or isinstance(error, (ConnectionError, TimeoutError))
        or _is_short(error)
    )


def _is_short(error: BaseException) -> bool:
    """Did less come than was promised?"""
    return "Consistency check failed" in str(error)


def _is_ours(error: Exception) -> bool:
    """Is it no matter of the Hub: a full disk, a run that has ended, a bug?"""
    if isinstance(error, DataauditError) or type(error).__module__.startswith("dataaudit"):
        return True
    hub = type(error).__module__.split(".")[0] == "huggingface_hub" or _status(error) or _on_the_way(error)
    return not hub and (isinstance(error, OSError) and error.errno is not None)


def _said(error: Exception, shown: str, address: Address) -> DataauditError:
    """What to say of an error of the Hub, in one line."""
    from huggingface_hub import errors

    repo, status = address.repo, _status(error)
    if isinstance(error, errors.GatedRepoError):
        text = f"{repo} is gated; ask for access on its page, and give a token of your account as HF_TOKEN"
        return SourceError(f"{shown}: {text}")
    wrong = {
        errors.RepositoryNotFoundError: f"the Hub has no dataset {repo}; if it is private, give a token as HF_TOKEN",
        errors.RevisionNotFoundError: f"{repo} has no revision {address.revision!r}",
        errors.RemoteEntryNotFoundError: "not in the repository",
        errors.HFValidationError: f"{repo!r} is no name of a dataset",
    }
    for kind, text in wrong.items():
        if isinstance(error, kind) and status != 403:
            return UsageError(f"{shown}: {text}")
    return SourceError(f"{shown}: {_failed(error, repo)}")


def _failed(error: Exception, repo: str) -> str:
    """Why the Hub could not be read."""
    status = _status(error)
    if status in (401, 403):
        return f"the Hub refuses access ({status}); is the token in HF_TOKEN valid for {repo}?"
    if status:
        return f"the Hub answers with error {status}"
    text = " ".join(str(error).split())[:160] or type(error).__name__
    if isinstance(error, TimeoutError) or "timeout" in type(error).__name__.lower():
        return "the Hub does not answer in time"
    if "Consistency check failed" in text or "peer closed" in text:
        return "the transfer broke off, and again when it was tried again"
    return f"the Hub cannot be reached: {text}"


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keep `huggingface_hub` from drawing bars and logging retries: what fails is said once, by us.

    Some of its requests have no time limit of their own; here they get one.
    """
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils.logging import get_verbosity, set_verbosity
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    name = "huggingface_hub.http_get"
    level, silent = get_verbosity(), are_progress_bars_disabled(name)
    session: Any = get_session()
    hooks = getattr(session, "event_hooks", None)

    def limited(request: Any) -> None:
        limits = request.extensions.get("timeout") or {}
        if all(one is None for one in limits.values()):
            seconds = constants.HF_HUB_ETAG_TIMEOUT
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)

    set_verbosity(logging.CRITICAL)
    if not silent:
        disable_progress_bars(name)
    if hooks is not None:
        session.event_hooks = {**hooks, "request": [*hooks.get("request", ()), limited]}
    try:
        yield
    finally:
        set_verbosity(level)
        if not silent:
            enable_progress_bars(name)
        if hooks is not None:
            session.event_hooks = hooks
