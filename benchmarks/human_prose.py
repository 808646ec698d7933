"""Text that people wrote, from packages of Debian, as JSON Lines for `dataaudit rules measure`.

    python benchmarks/human_prose.py FOLDER

writes one file per corpus, each from packages that are installed by name (`apt-get install fortunes bible-kjv
bible-kjv-text python3-doc debian-handbook doc-debian`):

- `fortunes`: the cookies of the package fortunes, one a document;
- `bible`: the King James Bible, one chapter a document;
- `python-docs`: the sources of the documentation of Python, one section a document;
- `handbook-LANG`: The Debian Administrator's Handbook and its translations, one paragraph a document, those that are
  not translated only once;
- `documentation`: README, NEWS, FAQ and .txt files of every installed package, one passage of some 200 words a
  document.

Debian 12 froze in early 2023, and its documentation is older. A corpus whose packages are not installed is left out,
with a line that says so.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path("/usr/share/doc")
PASSAGE = 200
"""Words of a passage."""
SHORTEST = 5
"""Words of the shortest document that is kept."""


def fortunes() -> Iterator[str]:
    folder = Path("/usr/share/games/fortunes")
    for path in sorted(folder.glob("*")):
        if path.suffix != ".dat" and not path.is_symlink() and path.is_file():
            yield from path.read_text("utf-8", "replace").split("\n%\n")


def bible() -> Iterator[str]:
    try:
        done = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return
    chapter, verses = "", []
    for line in done.stdout.splitlines():
        place, _, verse = line.partition(" ")
        if place.partition(":")[0] != chapter and verses:
            yield "\n".join(verses)
            verses = []
        chapter = place.partition(":")[0]
        verses.append(verse)
    if verses:
        yield "\n".join(verses)


def python_docs() -> Iterator[str]:
    for path in sorted(DOCS.glob("python3.*/html/_sources/**/*.rst.txt")):
        text = path.read_text("utf-8", "replace")
        yield from re.split(r"\n(?=[^\n]+\n[=\-~^*]{4,}\n)", text)


def handbook(language: Path) -> Iterator[str]:
    for path in sorted(language.rglob("*.html")):
        text = path.read_text("utf-8", "replace")
        for paragraph in re.findall(r'<div class="para">(.*?)</div>', text, re.DOTALL):
            yield re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", paragraph))).strip()


def documentation() -> Iterator[str]:
    names = re.compile(r"(?:README|NEWS|FAQ|HOWTO|INSTALL|TODO)[^/]*|[^/]*\.(?:txt|md|rst|adoc)(?:\.gz)?")
    seen: set[bytes] = set()
    for path in sorted(DOCS.rglob("*")):
        if not names.fullmatch(path.name) or "_sources" in path.parts or not path.is_file():
            continue
        try:
            raw = path.read_bytes()
            text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
        except (OSError, UnicodeDecodeError, EOFError, gzip.BadGzipFile):
            continue
        if raw not in seen and "\0" not in text and "<html" not in text[:1000].lower():
            seen.add(raw)
            yield from passages(text)


def passages(text: str) -> Iterator[str]:
    """Paragraphs, put together to some `PASSAGE` words."""
    held: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        held.append(paragraph)
        if sum(len(one.split()) for one in held) >= PASSAGE:
            yield "\n\n".join(held)
            held = []
    if held:
        yield "\n\n".join(held)


def _words(text: str) -> int:
    """Words; ten characters count as at least one."""
    return max(len(text.split()), len(text) // 10)


def main(folder: Path) -> None:
    books = sorted(
        DOCS.glob("debian-handbook/html/*")
    )  # English first: what a translation left is not its own
    corpora = {
        "fortunes": fortunes(),
        "bible": bible(),
        "python-docs": python_docs(),
        "documentation": documentation(),
        **{
            f"handbook-{one.name[:2]}": handbook(one)
            for one in sorted(books, key=lambda b: b.name != "en-US")
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    for name, texts in corpora.items():
        kept = {text: None for text in texts if text not in seen and _words(text) >= SHORTEST}
        seen.update(kept)
        if not kept:
            print(f"{name}: not installed", file=sys.stderr)
            continue
        lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in kept)
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
        words = sum(_words(text) for text in kept)
        print(f"{name}: {len(kept):,} documents, {words:,} words")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
