"""Corpora of documents as JSON Lines, one file each."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path


def write(folder: Path, corpora: Mapping[str, Iterable[str]], long_enough: Callable[[str], bool]) -> None:
    """Write the documents of every corpus that are long enough, each once, and say how many; an empty one is named."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in corpora.items():
        kept = dict.fromkeys(text for text in texts if long_enough(text))
        if not kept:
            print(f"{name}: not to be had", file=sys.stderr)
            continue
        lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in kept)
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
        print(f"{name}: {len(kept):,} documents, {sum(len(text.split()) for text in kept):,} words")
