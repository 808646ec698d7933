"""A stand-in for the Hub on 127.0.0.1: the endpoints that listing and fetching a dataset use, with made data.

It answers what it was given and counts what it was asked; faults can be planted per request.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 50
"""Entries per page of a listing, so that pages are followed."""

Fault = Callable[["_Handler", bytes], bool]
"""Called with the request and the body it would get; True where it answered itself."""


class StandIn:
    """Repositories by name: revision → path → bytes."""

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.commits: dict[tuple[str, str], str] = {}
        self.faults: dict[str, list[Fault]] = {}
        """Part of a request's path → faults, used up one by one; the last one stays."""
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()
        self.pieces: list[int] = []
        """Bytes of the answers to requests for a part of a file."""
        self.endpoint = ""

    def add(self, repo: str, files: dict[str, bytes], revision: str = "main") -> str:
        """Put a repository there; returns its commit."""
        commit = hashlib.sha1(repr((repo, revision, sorted(files))).encode()).hexdigest()
        self.repos.setdefault(repo, {})[revision] = files
        self.repos[repo][commit] = files
        self.commits[repo, revision] = self.commits[repo, commit] = commit
        return commit

    def fault(self, part: str, *faults: Fault) -> None:
        """Plant faults."""
        self.faults[part] = list(faults)

    def fetched(self) -> list[str]:
        """Paths of the files that were asked for, in order."""
        return [
            one.split("/resolve/")[1].partition("/")[2]
            for one in self.asked
            if one.startswith("GET /datasets/")
        ]


def status(code: int, error: str = "", body: str = "{}") -> Fault:
    """An answer with this code, and the error code of the Hub."""

    def answer(handler: _Handler, _: bytes) -> bool:
        handler.reply(code, body.encode(), {"X-Error-Code": error} if error else {})
        return True

    return answer


def cut(share: float) -> Fault:
    """A body that ends early, although its length was promised."""

    def answer(handler: _Handler, body: bytes) -> bool:
        handler.reply(200, body[: int(len(body) * share)], {}, length=len(body))
        handler.close_connection = True
        return True

    return answer


def slow(seconds: float) -> Fault:
    """An answer that comes late."""

    def answer(_: _Handler, __: bytes) -> bool:
        threading.Event().wait(seconds)  # tests shorten time.sleep
        return False

    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    hub: StandIn

    def log_message(self, format: str, *args: object) -> None:
        pass

    def reply(self, code: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, sent: bytes) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.asked.append(f"{self.command} {path}")
        self.hub.tokens.add(self.headers.get("Authorization"))
        code, body, headers = self._found(path, parse_qs(address.query), sent)
        for part, faults in self.hub.faults.items():
            if part in f"{self.command} {path}" and faults:
                fault = faults.pop(0) if len(faults) > 1 else faults[0]
                if fault(self, body):
                    return
        wanted = self.headers.get("Range")
        if wanted and code == 200:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1, len(body)) if last else len(body)
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
            code, body = 206, body[start:stop]
            self.hub.pieces.append(stop - start)
        self.reply(code, body, headers)

    def _found(  # noqa: PLR0911
        self, path: str, query: dict[str, list[str]], sent: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        parts = path.strip("/").split("/")
        api = parts[0] == "api"
        parts = parts[1:] if api else parts
        repo = "/".join(parts[1:3])
        if repo not in self.hub.repos:
            return _missing("Repo")
        what = parts[3] if len(parts) > 3 else "revision"
        rest = "/".join(parts[4:])
        revision = next(
            (one for one in self.hub.repos[repo] if rest == one or rest.startswith(f"{one}/")), None
        )
        if not rest:
            revision = "main"
        if revision is None:
            return _missing("Revision")
        files, commit = self.hub.repos[repo][revision], self.hub.commits[repo, revision]
        inner = rest[len(revision) + 1 :]
        if what == "revision":
            return 200, _json({"id": repo, "sha": commit, "siblings": [], "private": False, "tags": []}), {}
        if what == "tree":
            entries = [_entry(name, data) for name, data in files.items() if name.startswith(inner)]
            at = int(query.get("cursor", ["0"])[0])
            headers = {}
            if at + PAGE < len(entries):
                headers["Link"] = f'<{self.hub.endpoint}{path}?recursive=true&cursor={at + PAGE}>; rel="next"'
            return 200, _json(entries[at : at + PAGE]), headers
        if what == "paths-info":
            asked = parse_qs(sent.decode()).get("paths") or json.loads(sent or b"{}").get("paths", [])
            return 200, _json([_entry(name, files[name]) for name in asked if name in files]), {}
        if what == "resolve" and inner in files:
            etag = hashlib.sha1(files[inner]).hexdigest()
            return 200, files[inner], {"X-Repo-Commit": commit, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        return _missing("Entry")


def _missing(what: str) -> tuple[int, bytes, dict[str, str]]:
    return 404, b"{}", {"X-Error-Code": f"{what}NotFound"}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _entry(name: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A running stand-in; it ends with the context, or with the process."""
    hub = StandIn()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign] # who asked has left
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
