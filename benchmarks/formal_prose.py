"""Formal prose that people wrote, as JSON Lines, to judge `synthetic-share` on text it was not fitted on.

    python benchmarks/formal_prose.py FOLDER

writes one file per corpus:

- `encyclopedia-articles`, `encyclopedia-sections`: articles of the English Wikipedia from a dump of 2009 to 2012, whole
  and section by section, without templates and references;
- `news`: 350 articles of the Australian Broadcasting Corporation (Lee, Pincombe and Welsh 2005);
- `legal`: the licences and copyright statements of every installed package of Debian, one document each.

The first three are in the wheel of gensim on PyPI, among its test data. A corpus that cannot be had is left out, with a
line that says so.
"""

from __future__ import annotations

import bz2
import html
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from corpora import write

PACKAGE = "gensim==4.4.0"
FOLDER = "gensim/test/test_data/"
DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
NEWS = ("lee_background.cor", "lee.cor")
SHORTEST = 20
"""Words of the shortest document that is kept."""


@cache
def packed() -> dict[str, bytes]:
    """The files wanted, by name; empty where the package cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        if subprocess.run(command, check=False).returncode:
            return {}
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            return {name: wheel.read(FOLDER + name) for name in (DUMP, *NEWS)}


def articles() -> Iterator[str]:
    if DUMP not in packed():
        return
    dump = bz2.decompress(packed()[DUMP]).decode("utf-8")
    for raw in re.findall(r"<text[^>]*>(.*?)</text>", dump, re.DOTALL):
        text = html.unescape(raw)
        if text.lower().startswith("#redirect"):
            continue
        plain = re.sub(r"\{\{.*?\}\}|<ref[^>]*/>|<ref.*?</ref>", "", text, flags=re.DOTALL)
        linked = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", plain)
        yield re.sub(r"'{2,}", "", linked).strip()


def sections() -> Iterator[str]:
    for text in articles():
        yield from re.split(r"\n(?===)", text)


def news() -> Iterator[str]:
    for name in NEWS:
        yield from packed().get(name, b"").decode("utf-8", "replace").splitlines()


def legal() -> Iterator[str]:
    paths = [*Path("/usr/share/common-licenses").glob("*"), *Path("/usr/share/doc").glob("*/copyright")]
    for path in sorted(paths):
        if path.is_file():
            yield path.read_text("utf-8", "replace")


def main(folder: Path) -> None:
    corpora = {
        "encyclopedia-articles": articles(),
        "encyclopedia-sections": sections(),
        "news": news(),
        "legal": legal(),
    }
    write(folder, corpora, lambda text: len(text.split()) >= SHORTEST)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
